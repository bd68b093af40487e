"""What the tests of gnss and sampling share: sentences, a journal in a list, and the station's rule for a second."""

import math

from tracker.fix import STOPPED, Fix
from tracker.gnss.clock import ClockGate
from tracker.record import FIX, gap_fields
from tracker.sampling.quality import Quality
from tracker.sampling.trail import Trail
from tracker.sampling.window import Window

BUILD_SEC = 200000000
RESET_REASON = 12
SUPPLY_REASON = 9


def sentence(body):
    """`$body*hh\\r\\n` with its checksum."""
    xor = 0
    for c in body.encode():
        xor ^= c
    return ("$%s*%02X\r\n" % (body, xor)).encode()


def copy_of(fix):
    other = Fix()
    other.copy(fix)
    return other


def make_fix(sec, lat_udeg=-6200000, lon_udeg=106600000, speed_cms=1000, ms=0, kind=1, sats=9, hdop_x10=9):
    fix = Fix()
    fix.sec = sec
    fix.ms = ms
    fix.lat_udeg = lat_udeg
    fix.lon_udeg = lon_udeg
    fix.speed_cms = speed_cms
    fix.kind = kind
    fix.sats = sats
    fix.hdop_x10 = hdop_x10
    return fix


class ListJournal:
    """A journal that keeps everything: records as ("fix", Fix) and ("gap", from, to, reason, detail).

    before: (kind, sec, flags of a fix or reason of a gap) of what was in it at boot.
    """

    oldest_seq = 0

    def __init__(self, last_sec=None, tail=None, before=()):
        self.records = []
        self.tails = []
        self.before = list(before) or ([(FIX, last_sec, 0)] if last_sec is not None else [])
        self._tail = tail

    @property
    def next_seq(self):
        return len(self.before) + len(self.records)

    def cursor(self):
        return ListCursor(self.before)

    def append(self, rec):
        if rec.kind == FIX:
            self.records.append(("fix", copy_of(rec.fix)))
        else:
            self.records.append(("gap",) + gap_fields(rec))
        return len(self.records) - 1

    def append_tail(self, fix):
        self.tails.append(copy_of(fix))

    def tail(self):
        return self._tail

    def fixes(self):
        return [record[1] for record in self.records if record[0] == "fix"]

    def gaps(self):
        return [record[1:] for record in self.records if record[0] == "gap"]


class ListCursor:
    def __init__(self, rows):
        self._rows = rows
        self._at = 0

    def seek(self, seq):
        self._at = seq
        return seq < len(self._rows)

    def next(self, rec):
        if self._at >= len(self._rows):
            return False
        rec.kind, rec.sec, more = self._rows[self._at]
        if rec.kind == FIX:
            rec.fix.clear()
            rec.fix.sec = rec.sec
            rec.fix.flags = more
        else:
            rec.body[0] = more
        self._at += 1
        return True


class SpyWindow(Window):
    """Remembers what was offered: the accepted fixes."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.offered = []

    def offer(self, fix, keep):
        self.offered.append(copy_of(fix))
        super().offer(fix, keep)


def make_trail(journal=None, build_sec=BUILD_SEC, reason=RESET_REASON, detail=3, keep_all=False):
    """(trail, journal, quality, window)"""
    journal = journal or ListJournal()
    quality = Quality()
    window = SpyWindow(10, 60, 300, keep_all)
    return Trail(journal, ClockGate(build_sec), quality, window, reason, detail), journal, quality, window


def unexplained(records, start_sec=None):
    """Seconds that no record accounts for: [(from, to)]. Times that run backwards explain nothing and need nothing."""
    holes = []
    covered_to = start_sec
    before = None
    for record in records:
        if record[0] == "gap":
            if covered_to is not None and record[1] <= covered_to < record[2]:
                covered_to = record[2]
            continue
        fix = record[1]
        if covered_to is not None and fix.sec > covered_to:
            bound_s = 0 if before is None else 302 if before.flags & STOPPED else 62
            if before is None or fix.sec - before.sec > bound_s:
                holes.append((covered_to, fix.sec))
        before = fix
        covered_to = fix.sec
    return holes


def _cos(lat_udeg):
    return math.cos(math.radians(lat_udeg / 1000000))


def worst_error_m(accepted, kept):
    """Largest distance of an accepted fix from the chain of kept ones, joined by straight lines in time."""
    worst = 0.0
    i = 0
    for fix in accepted:
        t = fix.sec + fix.ms / 1000
        while i + 1 < len(kept) and kept[i + 1].sec + kept[i + 1].ms / 1000 < t:
            i += 1
        a = kept[i]
        b = kept[min(i + 1, len(kept) - 1)]
        ta = a.sec + a.ms / 1000
        tb = b.sec + b.ms / 1000
        share = 0.0 if tb <= ta else min(max((t - ta) / (tb - ta), 0.0), 1.0)
        north = fix.lat_udeg - a.lat_udeg - (b.lat_udeg - a.lat_udeg) * share
        east = (fix.lon_udeg - a.lon_udeg - (b.lon_udeg - a.lon_udeg) * share) * _cos(fix.lat_udeg)
        worst = max(worst, (north * north + east * east) ** 0.5 * 0.1111949)
    return worst
