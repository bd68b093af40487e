"""make demo: a truck's round in Tangerang through the whole road, on this machine, with what may go wrong on the way.

Environment: NMEA=file plays a recorded log; SAMPLE=all keeps every fix; PORT=8080 is the page's.
Exit code 0 only if nothing appended is missing, nothing is there twice and no second is unexplained.
"""

import asyncio
import datetime
import os
import sys
import tempfile
import time
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]
for _folder in ("tools", "host_tests/fakes/cpython", "firmware"):
    sys.path.insert(0, str(_ROOT / _folder))

import audit  # noqa: E402
from bench.report import table  # noqa: E402
from reasons import REASON_NAMES  # noqa: E402
from road import DEVICE, Road, world_of  # noqa: E402
from setup.place import Missing  # noqa: E402
from setup.vm import vm_command  # noqa: E402
from sim.receiver import make_round  # noqa: E402
from sim.replay import make_replay  # noqa: E402
from station.app import PortTaken  # noqa: E402

SEED = 448
WIB = datetime.timezone(datetime.timedelta(hours=7), "WIB")
EPOCH_S = 1577836800  # 2020-01-01 in Unix seconds
CUT = {"op": "program", "nth": 900, "byte": 5, "off_s": 45, "torn": "random"}
HOUR_AWAY = (9000, 12600)  # an hour without coverage, from 2 h 30 min into the round
TICK_S = 2.0


def clock(sec):
    return datetime.datetime.fromtimestamp(sec + EPOCH_S, WIB).strftime("%H:%M")


def scripted(folder, log):
    """(script, world) of the round, or of a recorded log without mishaps."""
    if log:
        script = make_replay(log, str(folder))
        return script, world_of(script, SEED)
    script = make_round(SEED, str(folder))
    return script, world_of(script, SEED, [*script["tunnels"], HOUR_AWAY], [CUT])


class Progress:
    """One line every two seconds: where the world stands, what was kept, what has arrived."""

    def __init__(self, road, began):
        self.road = road
        self.began = began
        self.first_point_s = None

    async def run(self):
        told = 0.0
        while True:
            await asyncio.sleep(0.1)
            stored = self.road.station.stats()["db_records"]
            now = time.monotonic()
            if stored and self.first_point_s is None:
                self.first_point_s = now - self.began
            if now - told >= TICK_S:
                told = now
                self._tell(stored)

    def _tell(self, stored):
        kept, sec = self._witness()
        if sec is None:
            print("  the receiver is starting", flush=True)
            return
        at_s = sec - self.road.world["start_sec"]
        away = any(start <= at_s < end for start, end in self.road.world["outages"])
        done = 100 * at_s // self.road.world["duration_s"]
        print("  %s WIB  %3d %% driven, %4d records on flash, %4d in the database%s"
              % (clock(sec), done, kept, stored, "  (no link)" if away else ""), flush=True)

    def _witness(self):
        """(records appended, second of the newest accepted fix) so far."""
        try:
            text = self.road.witness_log.read_text()
        except OSError:
            return 0, None
        lines = text.splitlines()
        fixes = [line for line in lines[-400:] if line.startswith("F ") and line.count(" ") == 3]
        return sum(line.startswith("A ") for line in lines), int(fixes[-1].split()[1]) if fixes else None


def tell_world(world, script):
    print("  %d h %02d min of a truck's day, %s" % (
        world["duration_s"] // 3600, world["duration_s"] // 60 % 60,
        "%.0f km, from depot to TPA and back" % script["distance_km"] if "distance_km" in script else "from a recorded log"))
    for start, end in world["outages"]:
        print("  no link from %s to %s WIB" % (clock(world["start_sec"] + start), clock(world["start_sec"] + end)))
    for cut in world["cuts"]:
        print("  the power goes at byte %d of flash %s number %d, for %d s" % (cut["byte"], cut["op"], cut["nth"], cut["off_s"]))


def tell(figures, first_point_s, demo_s):
    rows = [
        ("fixes read from the receiver", figures["fixes_read"]),
        ("  accepted while moving, the rest is standing or refused", figures["fixes_accepted"]),
        ("kept", figures["fixes_kept"]),
        ("appended to flash", figures["fixes_appended"]),
        ("stored in the database", figures["fixes_stored"]),
        ("lost", figures["fixes_lost"]),
        ("twice", figures["duplicates"]),
        ("unexplained seconds", figures["unexplained_s"]),
        ("worst distance of an accepted fix from the trail, m", figures["bound_error_m_max"]),
    ]
    if "truth" in figures:
        truth = figures["truth"]
        rows.append(("worst distance from the noise-free route, m", truth["max"]))
        rows.append(("  99 % of all seconds within, m", truth["p99"]))
    rows += [
        ("bytes on the wire per fix, both ways", figures["wire_bytes_per_fix"]),
        ("peak heap of the firmware, KB (%d-bit VM)" % figures["bits"], figures["peak_heap_kb"]),
        ("power cuts, boots", "%d, %d" % (figures["cuts"], figures["boots"])),
        ("first point on the map after, s", "-" if first_point_s is None else first_point_s),
        ("whole demo, s", demo_s),
    ]
    table("What went in, and what came out of the database", ("", "this run"), rows)
    if not figures["fixes_read"]:
        print("\nThe receiver's bytes hold no position: is this file an NMEA log with RMC sentences?")
    gaps = [(clock(gap.from_sec), clock(gap.to_sec), gap.to_sec - gap.from_sec, REASON_NAMES[gap.reason]) for gap in figures["gaps"]]
    table("Every gap, and why", ("from", "to", "s", "reason"), gaps)


async def show(folder, log):
    began = time.monotonic()
    print("The world is made.", flush=True)
    script, world = scripted(folder, log)
    tell_world(world, script)
    settings = {"sample": os.environ["SAMPLE"]} if os.environ.get("SAMPLE") else {}
    port = int(os.environ.get("PORT") or 8080)
    async with Road(folder, script, world, settings, bits=best_vm(), http_port=port) as road:
        print("The page: %s" % road.station.url, flush=True)
        progress = Progress(road, began)
        ticker = asyncio.create_task(progress.run())
        try:
            await road.run()
        finally:
            ticker.cancel()
        figures = road.audit()
        tell(figures, progress.first_point_s, time.monotonic() - began)
        good = audit.complete(figures)
        print("\n%s" % ("Whole: everything appended is in the database once, every second is explained."
                        if good else "NOT WHOLE: see the table."), flush=True)
        if sys.stdin.isatty() and sys.stdout.isatty():
            print("The page stays up: %s   Ctrl-C ends." % road.station.url, flush=True)
            await asyncio.Event().wait()
    return 0 if good else 1


def best_vm():
    """The 32-bit VM has the ESP32's object sizes; the 64-bit one runs everywhere."""
    try:
        vm_command(32)
        return 32
    except Missing:
        return 64


def main():
    log = os.environ.get("NMEA")
    if log and not Path(log).is_file():
        print("NMEA=%s: there is no such file." % log, file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="lacak-demo-") as folder:
        try:
            return asyncio.run(show(Path(folder), log))
        except KeyboardInterrupt:
            return 130
        except PortTaken as problem:
            print("demo: %s For example: make demo PORT=8081" % problem, file=sys.stderr)
        except Missing as problem:
            print("demo: %s" % problem, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
