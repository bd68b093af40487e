"""Fixes before the clock is believed: kept with the uptime for their second; an ANCHOR tells later what second that was.

In: good fixes that the clock gate did not believe, and the first one that it did.
Out: FIX records flagged UNTIMED between two ANCHOR records: the first, with second 0, names the boot; the second gives the
    UTC second of an uptime of that boot. docs/protocol.md says how a reader stamps them.
    Imported by the trail where it is needed: most starts believe the clock before the first good fix.
Owns: where the untimed fixes have holes.
"""

from micropython import const

from tracker.fix import FORCED, HELD, Fix
from tracker.record import CLOCK, NO_FIX, Record
from tracker.sampling.quality import OK

_COMMIT_MS = const(14_000)  # there is no provisional tail for a fix without a time; a cut costs no more than 15 s
_PARKED_MS = const(60_000)  # the longest silence that needs no gap
_HOLES_MAX = const(8)  # the last one grows, where there would be more
_UPTIME_MASK = const(0x3FFFFFFF)


class Untimed:
    def __init__(self, journal, window, keep, boot, gap_after_s=5):
        """window, keep: the trail's own, which nothing else uses before the clock is believed."""
        self.taken = 0
        self.begun_ms = 0  # uptime of the first one
        self.holes = []  # [from, to] in ms of uptime: no position
        self._journal = journal
        self._window = window
        self._keep = keep
        self._boot = boot
        self._gap_after_ms = gap_after_s * 1000
        self._place = Fix()
        self._last_ms = self._kept_ms = 0

    def offer(self, fix, code, uptime_ms):
        """A good fix with the uptime for its time; code: OK, or DRIFT where the truck stands."""
        if not self.taken:
            self._say(0, uptime_ms)
            self.begun_ms = self._kept_ms = uptime_ms
        else:
            self._look_back(uptime_ms)
        self.taken += 1
        self._last_ms = uptime_ms
        if code == OK or self._window.keep_all:
            self._place.copy(fix)
            self._window.offer(fix, self._keep)
            if _since(uptime_ms, self._kept_ms) >= _COMMIT_MS:
                self._keep_open(uptime_ms)
        elif _since(uptime_ms, self._kept_ms) >= _PARKED_MS - 1000:
            self._keep_open(uptime_ms)
            self._place.sec = fix.sec
            self._place.ms = fix.ms
            self._place.flags |= HELD | FORCED
            self._window.offer(self._place, self._keep)

    def anchor(self, fix, uptime_ms):
        """The clock is believed: fix tells the second."""
        self._window.flush(self._keep)
        self._say(fix.sec, uptime_ms - fix.ms)

    def explain(self, gap, sec, uptime_ms, first_fix_sec):
        """The gaps up to second sec, that of uptime_ms, as gap(from, to, reason, detail)."""
        self._look_back(uptime_ms)
        gap(first_fix_sec, _sec_at(self.begun_ms, sec, uptime_ms), CLOCK, 0)
        for from_ms, to_ms in self.holes:
            gap(_sec_at(from_ms, sec, uptime_ms), _sec_at(to_ms, sec, uptime_ms), NO_FIX, 0)

    def _look_back(self, uptime_ms):
        if _since(uptime_ms, self._last_ms) <= self._gap_after_ms:
            return
        self._keep_open(uptime_ms)
        if len(self.holes) < _HOLES_MAX:
            self.holes.append([self._last_ms, uptime_ms])
        self.holes[-1][1] = uptime_ms

    def _keep_open(self, uptime_ms):
        self._window.flush(self._keep)
        self._kept_ms = uptime_ms

    def _say(self, sec, uptime_ms):
        record = Record()
        record.set_anchor(sec, self._boot, max(0, uptime_ms))
        self._journal.append(record)


def _sec_at(then_ms, sec, uptime_ms):
    """The second of an uptime; both uptimes were read up to a poll late."""
    return sec - (_since(uptime_ms, then_ms) + 500) // 1000


def _since(now_ms, then_ms):
    return (now_ms - then_ms) & _UPTIME_MASK
