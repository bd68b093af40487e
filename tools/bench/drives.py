"""The drives of the store's benchmarks: logs of real receivers, and our own seeded rounds.

Out: Drive: `whole`, every fix of the receiver, and `tape`, what the trail makes of them.
"""

import os
import tempfile
from pathlib import Path

from setup.place import ROOT
from sim import feed
from sim.receiver import START_SEC, make_round
from sim.replay import make_replay
from tracker.fix import Fix
from tracker.gnss.clock import ClockGate
from tracker.gnss.nmea import NmeaParser
from tracker.record import FIX, RESET, TAIL, Record
from tracker.sampling.quality import Quality
from tracker.sampling.trail import Trail
from tracker.sampling.window import Window

PETERSBURG, RENO = "St Petersburg, 1 Hz", "Reno, 2 s"
DAY, SHORT = "round, 57 km, 1 Hz", "round, 2 h, 1 Hz"
LOGS = {PETERSBURG: "car_stpetersburg_dashcam_1hz.nmea", RENO: "car_reno_garmin_2s.nmea"}
ROUNDS = {DAY: (372, 6.0), SHORT: (1855, 2.0)}  # a truck of the fleet drives 57 km a day
STAND_IN = {PETERSBURG: 1, RENO: 2}  # every so many-th second of a round, without the log
_BUILD_SEC = START_SEC - 30 * 86400
_TICK_MS = 1000


class Drive:
    def __init__(self, feed_path, every=1):
        """every: only so many-th burst of the receiver is heard."""
        self.whole = []
        self.tape = []  # what the trail said, in order: fixes, gaps, provisional tails
        self._play(feed_path, every)

    @property
    def kept(self):
        """The numbered records of the tape."""
        return [rec for rec in self.tape if rec.kind != TAIL]

    def _play(self, path, every):
        """As on the board: bytes to the parser, epochs to the trail, a commit at the end."""
        gate, window = ClockGate(_BUILD_SEC), Window(bound_m=10, silence_moving_s=60)
        trail = Trail(Tape(self.tape), gate, Quality(), window, RESET, 0)
        now_ms = 0

        def on_epoch(fix):
            if fix.kind:
                self.whole.append(fix_record(fix))
            trail.on_epoch(fix, now_ms)

        parser = NmeaParser(Fix(), on_epoch)
        for i, (t_ms, data) in enumerate(feed.read(path)):
            if i % every == 0:
                while now_ms + _TICK_MS < t_ms:
                    now_ms += _TICK_MS
                    trail.tick(now_ms)
                now_ms = t_ms
                parser.feed(bytearray(data), len(data))
                parser.flush()
        trail.commit()


class Tape:
    """Stands where the journal stands, new and empty, and keeps a copy of all that it is told."""

    next_seq = oldest_seq = 0
    last_sec = None

    def __init__(self, records):
        self._records = records

    def append(self, rec):
        self._records.append(copy_of(rec))
        return len(self._records) - 1

    def append_tail(self, fix):
        self._records.append(fix_record(fix, TAIL))

    def tail(self):
        return None


def fix_record(fix, kind=FIX):
    rec = Record()
    rec.kind = kind
    rec.fix.copy(fix)
    rec.sec = fix.sec
    return rec


def copy_of(rec, later_s=0):
    """A record of its own, so many seconds later. A gap says its length: it moves too."""
    other = fix_record(rec.fix, rec.kind)
    other.fix.sec += later_s
    other.sec = second_of(rec) + later_s
    other.n = rec.n
    other.body[:] = rec.body
    return other


def second_of(rec):
    return rec.fix.sec if rec.kind in (FIX, TAIL) else rec.sec


def labelled(rows, absent):
    """Rows of figures under names that say where a round stands in."""
    cities = [name.split(",")[0] for name in absent]
    stands_in = {name: name.split(",")[0] in cities for name in rows}
    return {name + (" (here: a round)" if stands_in[name] else ""): rows[name] for name in rows}


def load():
    """({name: Drive}, names of logs that are not here and under which a round stands)."""
    folder = Path(os.environ.get("LACAK_LOGS") or ROOT / ".cache" / "logs")
    found, absent = {}, []
    with tempfile.TemporaryDirectory(prefix="lacak-bench-") as out:
        for name, file in LOGS.items():
            if (folder / file).is_file():
                found[name] = Drive(make_replay(folder / file, out)["feed"])
            else:
                print("  %s: no log (make logs fetches it); a round stands in for it" % name)
                found[name] = Drive(make_round(1855, out, 2.0)["feed"], STAND_IN[name])
                absent.append(name)
        for name, (seed, hours) in ROUNDS.items():
            found[name] = Drive(make_round(seed, out, hours)["feed"])
    return found, absent
