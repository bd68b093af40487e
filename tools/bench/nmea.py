"""make bench B=nmea: what the parser costs, what it accepts of whole logs, what it refuses of damaged ones.

Instructions are counted by valgrind on the 64-bit VM: three passes over the same bytes less one pass. Heap on the 32-bit
VM. Damage and noise on the 64-bit VM too, so that it is the machine code that is tried.
"""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from bench import damage, report
from setup import libs
from setup.place import ROOT, Missing
from setup.vm import vm_command
from sim import feed
from sim.receiver import make_round

SEED = 3
LOGS = ("car_stpetersburg_dashcam_1hz", "car_reno_garmin_2s", "car_hangzhou_gps_bds_1hz", "gpsd_ublox-neo-m9n-nmea",
        "gpsd_quectel-eg25-g", "gpsd_gpsdf", "gpsd_firefly-II")
DAMAGED_TOO = 3  # of the logs: the drives
COUNTS = {**dict.fromkeys(damage.CLASSES, 2500), "double_flip": 6000}
COUNTED_EPOCHS = 60
HEAP = "128k"  # for the count: more costs micropyGPS more, its strings are looked for room in all of it
FUZZ_BYTES = 1_000_000
HEAP_LONGITUDES = (b"10636.00000", b"10737.41823", b"11957.46578", b"17959.99999")


def on_vm(bits, *words, under=(), heap="16m"):
    path = ":".join([str(ROOT / "firmware"), str(ROOT / "firmware/lib"), ".frozen"])
    command = [*under, *vm_command(bits), "-X", "heapsize=" + heap, str(ROOT / "tools/bench/nmea_vm.py"), *map(str, words)]
    done = subprocess.run(command, env={**os.environ, "MICROPYPATH": path}, capture_output=True, text=True, timeout=300)
    if done.returncode:
        raise SystemExit("nmea_vm.py ended with code %d:\n%s%s" % (done.returncode, done.stdout[-500:], done.stderr[-2000:]))
    return done


def sources(folder):
    """(name, bytes) of our own round and of the logs that are here."""
    script = make_round(SEED, str(folder / "round"), 1.0)
    yield "round", b"".join(data for _, data in feed.read(script["feed"]))
    logs = Path(os.environ.get("LACAK_LOGS") or ROOT / ".cache" / "logs")
    for name in LOGS:
        if (logs / (name + ".nmea")).is_file():
            yield name, (logs / (name + ".nmea")).read_bytes()
        else:
            print("  %s: no log; make logs fetches it" % name)


def instructions(path, name):
    """Of three passes over the file less one."""
    under = ["valgrind", "--tool=callgrind", "--trace-children=yes", "--callgrind-out-file=/dev/null"]
    counts = []
    for passes in (1, 3):
        said = on_vm(64, "passes", path, name, passes, under=under, heap=HEAP).stderr
        counts.append(int(re.findall(r"Collected : (\d+)", said)[-1]))
    return counts[1] - counts[0]


def cost(folder, data):
    """Ours and micropyGPS's instructions per sentence."""
    epochs = damage.epochs_of(data)[:COUNTED_EPOCHS]
    path = folder / "counted.nmea"
    path.write_bytes(b"".join(map(b"".join, epochs)))
    return [instructions(path, name) / (4 * len(epochs)) for name in ("ours", "micropygps")]


def write_frames(path, pieces):
    path.write_bytes(b"".join(len(piece).to_bytes(2, "little") + piece for piece in pieces))


def fixes_of(folder, pieces):
    """What a new parser says of each piece: lists of tuples of text."""
    path = folder / "tries.bin"
    write_frames(path, pieces)
    lines = on_vm(64, "tries", path).stdout.split("\n")[:-1]
    return [[tuple(fix.split(",")) for fix in line.split(";") if fix] for line in lines]


def damaged(folder, data, rmc_only=False, counts=COUNTS):
    epochs = damage.epochs_of(data)
    size = 300  # epochs in a piece: a frame's length is 16 bits
    whole = fixes_of(folder, [b"".join(map(b"".join, epochs[i : i + size])) for i in range(0, len(epochs), size)])
    verdict = damage.Verdict([fix for fixes in whole for fix in fixes])
    tries = list(damage.tries(epochs, SEED, counts, rmc_only))
    for (name, _), fixes in zip(tries, fixes_of(folder, [data for _, data in tries]), strict=True):
        verdict.judge(name, fixes)
    return verdict


def accepted(folder, data):
    """(whole RMC and GGA, of them counted as good by the parser and in no refusal)."""
    from tracker.fix import Fix
    from tracker.gnss.nmea import NmeaParser

    whole = [text for _, text in damage.valid_sentences(data)]
    parser = NmeaParser(Fix(), lambda fix: None)
    buf = bytearray(b"".join(whole))
    parser.feed(buf, len(buf))
    parser.flush()
    refused = parser.malformed + 2 * parser.mixed_epochs + parser.lone_rmc + 2 * parser.date_jumps
    return len(whole), parser.sentences - refused


def heap(folder, data):
    """(bytes, sentences) on the 32-bit VM, with longitudes whose 1e-7 degrees are no small integers."""
    path = folder / "heap.nmea"
    lines = []
    for i, epoch in enumerate(damage.epochs_of(data)[:40]):
        lines += [moved(text, HEAP_LONGITUDES[i % len(HEAP_LONGITUDES)]) for text in epoch]
    path.write_bytes(b"".join(lines))
    sentences, used = map(int, on_vm(32, "heap", path).stdout.split())
    return used, sentences


def moved(text, lon):
    fields = text[1 : text.index(b"*")].split(b",")
    fields[5 if fields[0].endswith(b"RMC") else 4] = lon
    body = b",".join(fields)
    xor = 0
    for c in body:
        xor ^= c
    return b"$%s*%02X\r\n" % (body, xor)


def fuzz(folder, data):
    path = folder / "fuzz.bin"
    write_frames(path, (piece for pair in damage.fuzz_blocks(damage.epochs_of(data), SEED, FUZZ_BYTES) for piece in pair))
    return map(int, on_vm(64, "fuzz", path).stdout.split())


def needs():
    for bits in (64, 32):
        try:
            vm_command(bits)
        except Missing as why:
            raise SystemExit("bench nmea needs both VMs: %s" % why) from why
    if not shutil.which("valgrind"):
        raise SystemExit("bench nmea counts instructions with valgrind, which is not here: apt-get install valgrind")
    if libs.missing():
        raise SystemExit("bench nmea compares with micropyGPS: run make libs")


def run():
    needs()
    folder = Path(tempfile.mkdtemp(prefix="lacak-nmea-"))
    try:
        return measure(folder, dict(sources(folder)))
    finally:
        shutil.rmtree(folder)


def measure(folder, data):
    costs = {name: cost(folder, data[name]) for name in list(data)[:2]}
    report.table("Instructions per RMC or GGA, 64-bit VM", ("bytes", "ours", "micropyGPS", "times fewer"),
                 [(name, round(a), round(b), b / a) for name, (a, b) in costs.items()])
    used, sentences = heap(folder, data["round"])
    wholes = {name: accepted(folder, text) for name, text in data.items()}
    report.table("Undamaged RMC and GGA", ("source", "there", "accepted"), [(name, *pair) for name, pair in wholes.items()])
    drives = list(data)[: 1 + DAMAGED_TOO]
    both = {name: damaged(folder, data[name]) for name in drives}
    alone = {name: damaged(folder, data[name], rmc_only=True) for name in drives}
    per_class = [classes_row(name, both.values(), alone.values()) for name in damage.CLASSES]
    report.table("Damaged epochs, all sources", ("class", "tried", "accepted", "one sentence's value", "RMC only: tried", "accepted",
                                                 "value"), per_class)
    for name, fix in [example for verdict in both.values() for example in verdict.examples][:5]:
        print("  accepted: %s %s" % (name, ",".join(fix)))
    fuzz_bytes, exceptions, missed = fuzz(folder, data["round"])
    ours, theirs = min(costs.values(), key=lambda pair: pair[1] / pair[0])
    rmc_tried = sum(row[4] for row in per_class)
    figures = {
        "instr_per_sentence": round(ours),
        "instr_ratio_vs_micropygps": round(theirs / ours, 1),
        "heap_bytes_per_sentence_32bit": used / sentences,
        "valid_sentences": sum(there for there, _ in wholes.values()),
        "valid_accepted_pct": 100 * sum(good for _, good in wholes.values()) / sum(there for there, _ in wholes.values()),
        "damaged_tried": sum(row[1] for row in per_class),
        "damaged_double_flip_tried": sum(verdict.tried["double_flip"] for verdict in both.values()),
        "damaged_accepted": sum(row[2] for row in per_class),
        "damaged_one_sentence_value_accepted": sum(row[3] for row in per_class),
        "rmc_only_accepted_ppm": round(1e6 * sum(row[5] for row in per_class) / rmc_tried, 1),
        "fuzz_bytes": fuzz_bytes,
        "fuzz_exceptions": exceptions,
        "fuzz_epochs_missed": missed,
    }
    report.table("The parser in figures", ("", ""), list(figures.items()))
    for name, tried, took, once, _, alone_took, alone_once in per_class:
        figures["damage_" + name] = {"tried": tried, "accepted": took, "one_sentence_value": once,
                                     "rmc_only_accepted": alone_took, "rmc_only_value": alone_once}
    figures["instructions"] = {name: {"ours": round(a), "micropygps": round(b)} for name, (a, b) in costs.items()}
    return figures


def classes_row(name, both, alone):
    def total(verdicts, what):
        return sum(getattr(verdict, what)[name] for verdict in verdicts)

    return (name, total(both, "tried"), total(both, "accepted"), total(both, "said_once"),
            total(alone, "tried"), total(alone, "accepted"), total(alone, "said_once"))
