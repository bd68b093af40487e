"""make bench B=codec: bytes per fix in blocks of 60, beside Codec 8 and JSON; heap on 32 bits.

Fixes are counted without the head and the tag of their block and without the gap records that
are between them; with these they stand beside.
"""

import tempfile
from pathlib import Path

from bench import drives, peers, report, vm
from bench.drives import DAY, LOGS, PETERSBURG, RENO, SHORT
from tracker.record import FIX, Record
from tracker.store.codec import RECORD_MAX, Codec
from tracker.uplink.block import BLOCK_MAX, RECORDS_MAX, BlockWriter

HEADS = ("drive", "fixes", "B/fix", "with gaps", "on the wire", "Codec 8", "JSON")


def record_sizes(records, block=RECORDS_MAX):
    """[(kind, bytes)] of records in blocks, each from an empty state."""
    codec, buf, sizes = Codec(), bytearray(RECORD_MAX), []
    for i, rec in enumerate(records):
        if i % block == 0:
            codec.reset()
        sizes.append((rec.kind, codec.encode(rec, buf, 0)))
        codec.advance(rec)
    return sizes


def wire_blocks(records):
    """The history blocks that the truck would send."""
    writer = BlockWriter(Codec(), b"lacak-1", bytes(32))
    cursor = Cursor(records)
    buf = bytearray(BLOCK_MAX)
    blocks, first = [], 0
    while (end := writer.history(buf, 0, bytes(8), cursor, first, RECORDS_MAX)) > 0:
        blocks.append(bytes(buf[:end]))
        first += writer.count
    return blocks


class Cursor:
    """A journal's cursor over a list."""

    def __init__(self, records):
        self._records = records
        self._at = 0

    def seek(self, seq):
        self._at = seq
        return seq < len(self._records)

    def next(self, rec):
        if self._at >= len(self._records):
            return False
        said = self._records[self._at]
        rec.kind, rec.seq, rec.sec, rec.n = said.kind, self._at, said.sec, said.n
        rec.fix.copy(said.fix)
        rec.body[:] = said.body
        self._at += 1
        return True


def measure(records):
    """One drive's row as a dict. Everything is per fix, the gaps too."""
    fixes = [rec.fix for rec in records if rec.kind == FIX]
    sizes = record_sizes(records)
    n = len(fixes)
    return {
        "fixes": n,
        "bytes_per_fix": sum(size for kind, size in sizes if kind == FIX) / n,
        "with_gaps": sum(size for _, size in sizes) / n,
        "on_the_wire": sum(map(len, wire_blocks(records))) / n,
        "codec8": sum(map(len, peers.codec8(fixes))) / n,
        "json": sum(map(len, peers.owntracks(fixes))) / n,
    }


def streams(found):
    """{row: records}"""
    return {
        PETERSBURG: found[PETERSBURG].whole,
        RENO: found[RENO].whole,
        "Reno, 10 s": found[RENO].whole[::5],
        DAY: found[DAY].whole,
        SHORT: found[SHORT].whole,
        **{kept(name): drive.kept for name, drive in found.items()},
    }


def kept(name):
    return name.split(",")[0] + (", 2 h" if name == SHORT else "") + ", kept at 10 m / 60 s"


def heap_on_vm(found):
    """(heap bytes of all fixes, their number) on the 32-bit VM. Its bytes must be CPython's."""
    heap = count = 0
    with tempfile.TemporaryDirectory(prefix="lacak-bench-") as folder:
        path = Path(folder) / "fixes"
        for drive in found.values():
            for records in (drive.whole[:5000], drive.kept):
                records = [rec for rec in records if rec.kind == FIX]
                vm.write_fixes(path, [rec.fix for rec in records])
                n, size, used, wrong = map(int, vm.run(32, "vm_codec.py", path)[0])
                if wrong or size != sum(size for _, size in record_sizes(records)):
                    raise SystemExit("the codec on the VM writes other bytes than on CPython")
                heap += used
                count += n
    return heap, count


def run():
    found, absent = drives.load()
    rows = {name: measure(records) for name, records in streams(found).items()}
    labelled = drives.labelled(rows, absent)
    table = [(name, *row.values()) for name, row in labelled.items()]
    report.table("Bytes per fix, blocks of 60", HEADS, table)
    logs = [rows[PETERSBURG], rows[RENO]]
    fixes = sum(row["fixes"] for row in logs)
    heap, tried = heap_on_vm(found)
    figures = {
        "bytes_per_fix_1hz": rows[PETERSBURG]["bytes_per_fix"],
        "bytes_per_fix_2s": rows[RENO]["bytes_per_fix"],
        "bytes_per_fix_10s": rows["Reno, 10 s"]["bytes_per_fix"],
        "bytes_per_fix_kept": max(rows[kept(name)]["bytes_per_fix"] for name in LOGS),
        "codec8_same_track": sum(row["codec8"] * row["fixes"] for row in logs) / fixes,
        "json_same_track": sum(row["json"] * row["fixes"] for row in logs) / fixes,
        "heap_bytes_per_fix_32bit": heap / tried,
    }
    figures = {key: round(value, 2) for key, value in figures.items()}
    report.table("The codec in figures (%d fixes on the VM)" % tried, ("", ""), figures.items())
    return {**figures, "rounds_stand_in_for": absent, "drives": labelled}
