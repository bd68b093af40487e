"""make bench B=journal: what a fix costs on flash, power cuts, a full ring, RAM, wear; littlefs.

Each drive goes round a ring of 64 sectors of 4 KB until it is full, then once more: that turn is
counted, with everything that is programmed. One acknowledgement per 60 fixes.
"""

import tempfile
from pathlib import Path

from bench import cuts, drives, report, ring, vm
from bench.drives import DAY, LOGS, RENO
from tracker.record import FIX

WEAR_APPENDS = 1_000_000
RAM_SECTORS = (64, 512)
HEADS = ("drive", "B/fix", "erases/1,000", "full: times", "tails/fix", "B with them", "erases", "full: times")


def costs(found):
    """{row: figures} of each drive, whole and kept."""
    rows = {}
    for name, drive in found.items():
        rows[name] = stream_cost(drive.whole)
        rows[name + ", kept"] = stream_cost(drive.kept, drive.tape)
    rows["Reno, 10 s"] = stream_cost(found[RENO].whole[::5])
    return rows


def stream_cost(records, with_tails=None):
    """Normal, with provisional tails, and with a ring full of unsent records."""
    normal = ring.cost(records)
    full = ring.cost(records, acked=False, turns=2)
    row = {
        "bytes": normal["bytes"],
        "erases_per_1000": normal["erases_per_1000"],
        "full_factor": dearer(full, normal),
    }
    if with_tails:
        tails = ring.cost(with_tails)
        row["tails_per_fix"] = tails["tails"]
        row["bytes_with_tails"] = tails["bytes"]
        row["erases_with_tails"] = tails["erases_per_1000"]
        row["full_factor_with_tails"] = dearer(ring.cost(with_tails, acked=False, turns=2), tails)
    return row


def dearer(full, normal):
    """How many times the bytes or the erases, whichever is more."""
    return max(full[key] / normal[key] for key in ("bytes", "erases_per_1000"))


def littlefs(found):
    """{drive: (bytes per fix, erases per 1,000)} of a file that is flushed after each fix."""
    rows = {}
    with tempfile.TemporaryDirectory(prefix="lacak-bench-") as folder:
        path = Path(folder) / "fixes"
        for name in LOGS:
            vm.write_fixes(path, [rec.fix for rec in found[name].whole])
            said = vm.run(64, "vm_littlefs.py", path, heap="32m")[0]
            fixes, size, erases = map(int, said)
            rows[name] = {"bytes": size / fixes, "erases_per_1000": 1000 * erases / fixes}
    return rows


def days_offline(drive):
    """(kept fixes of a day of 57 km, days that 256 KB hold before anything goes, without and with provisional tails; full for
    long: days that they span then, and how many of those are whole)."""
    a_day = sum(rec.kind == FIX for rec in drive.kept)
    spanned, whole = ring.spans(drive.tape)
    days = [ring.capacity(drive.kept), ring.capacity(drive.tape), spanned, whole]
    return a_day, *(fixes / a_day for fixes in days)


def ram_32bit():
    """{sectors: [journal, a cursor, the window that thins, what a mount allocates and lets go]} in bytes."""
    return {n: [int(word) for word in vm.run(32, "vm_journal.py", n)[0]] for n in RAM_SECTORS}


def table_of(rows, width=7):
    return [(name, *row.values(), *["-"] * (width - len(row))) for name, row in rows.items()]


def worst(rows, key, suffix=""):
    return max(rows[name + suffix][key] for name in LOGS)


def run():
    found, absent = drives.load()
    rows = costs(found)
    report.table("On flash, everything counted", HEADS, table_of(drives.labelled(rows, absent)))
    beside = littlefs(found)
    title = "The same drives on littlefs, 32 bytes and a flush per fix"
    report.table(title, HEADS[:3], table_of(drives.labelled(beside, absent), 2))
    ram = ram_32bit()
    heads = ("sectors", "journal", "a cursor", "window", "passing, in a mount")
    report.table("RAM on the 32-bit VM, bytes", heads, [(n, *sizes) for n, sizes in ram.items()])
    a_day, days, days_with_tails, spanned, spanned_whole = days_offline(found[DAY])
    reads, read_bytes = ring.recovery_reads(found[RENO].whole)
    print("\n  power cuts ...", flush=True)
    cut = cuts.count()
    accounts = [ring.account(records) for name in LOGS for records in (found[name].whole, found[name].tape)]
    figures = {
        "programmed_bytes_per_fix_raw": worst(rows, "bytes"),
        "erases_per_1000_raw": worst(rows, "erases_per_1000"),
        "programmed_bytes_per_fix_kept": worst(rows, "bytes", ", kept"),
        "erases_per_1000_kept": worst(rows, "erases_per_1000", ", kept"),
        "full_factor": max(row[key] for row in rows.values() for key in row if key.startswith("full_factor")),
        "littlefs_bytes_per_fix": worst(beside, "bytes"),
        "littlefs_erases_per_1000": worst(beside, "erases_per_1000"),
        "cuts_tried": cut["cuts"] + cut["recovery_cuts"],
        "cuts_in_recovery": cut["recovery_cuts"],
        "fixes_lost": cut["lost"] + sum(lost for lost, _ in accounts),
        "wrong_records": cut["wrong"] + sum(wrong for _, wrong in accounts),
        "recovery_reads": reads,
        "recovery_read_bytes": read_bytes,
        "ram_bytes_32bit": ram[64][0],
        "ram_bytes_32bit_512_sectors": ram[512][0],
        "ram_bytes_32bit_window": ram[64][2],
        "wear_spread": ring.wear_spread(found[RENO].whole, WEAR_APPENDS),
        "wear_appends": WEAR_APPENDS,
        "kept_fixes_per_day": a_day,
        "days_offline_capacity": days_with_tails,
        "days_offline_without_tails": days,
        "days_offline_when_full": spanned,
        "days_of_these_whole": spanned_whole,
    }
    figures = {key: round(value, 2) for key, value in figures.items()}
    report.table("The journal in figures", ("", ""), figures.items())
    tables = {"drives": drives.labelled(rows, absent), "littlefs": beside, "ram": ram}
    return {**figures, "rounds_stand_in_for": absent, **tables}
