"""The fewest fixes from which the drive can be drawn again within a bound.

In: accepted fixes in order.
Out: keep(fix) for each fix that must be stored.
Owns: the open stretch since the last kept fix.

Opening window (Keogh) with time-ratio distance (Meratnia and de By): fixes may be dropped while
each lies within bound_m of the point where a straight line in time between the kept neighbours
passes at its instant. A fix that no line reaches is no end yet: a later one may be reached again.
More in docs/sampling.md.
"""

from array import array

from micropython import const

from tracker.fix import FORCED, STOPPED, Fix
from tracker.sampling.plane import east_scale, short_way, square_udeg

_STRETCH_MAX = const(128)  # two minutes at 1 Hz
_AHEAD_MAX = const(16)  # a power of two; after 14 s a tail is due, and nothing is ahead any more
_SPAN_UDEG_MAX = const(170000)  # times 6,000 cs stays under 2**30
_SPAN_CS_MAX = const(6000)
_OFF_UDEG_MAX = const(20000)  # two squares of this stay under 2**30


class Window:
    def __init__(self, bound_m=10, silence_moving_s=60, silence_parked_s=300, keep_all=False):
        self.keep_all = keep_all
        self.bound_m = bound_m
        self.silence_parked_s = silence_parked_s
        self.held = None  # the newest accepted fix that is not kept yet
        self._silence_cs = min(silence_moving_s * 100, _SPAN_CS_MAX)
        self._bound = square_udeg(bound_m)
        self._anchor = Fix()  # the last kept
        self._open = False
        self._n = 0  # fixes since then
        self._reached = 0  # of them, up to the latest that a line from the anchor reaches
        self._cs = array("i", [0] * _STRETCH_MAX)  # since the anchor, as are the two below
        self._north = array("i", [0] * _STRETCH_MAX)
        self._lon = array("i", [0] * _STRETCH_MAX)
        self._scale = 0
        self._ring = [Fix() for _ in range(_AHEAD_MAX)]  # the latest reached, and those after it
        self._first = 0  # place in the ring of the first fix since the anchor

    def offer(self, fix, keep):
        """Take an accepted fix; one with FORCED or STOPPED is kept at once."""
        if self.keep_all or not self._open:
            self._keep(fix, keep)
            return
        cs = self._cs_since_anchor(fix)
        if cs <= (self._cs[self._n - 1] if self._n else 0):
            # Time stands or runs back: no line in time passes here.
            self.flush(keep)
            self._keep(fix, keep)
            return
        while self._n and (cs > self._silence_cs or self._is_full()):
            if self._reached == self._n:
                self.held.flags |= FORCED
            self._keep_reached(keep)
            cs = self._cs_since_anchor(fix)
        if cs > self._silence_cs:
            self._keep(fix, keep)
            return
        self._push(fix, cs)
        if fix.flags & (FORCED | STOPPED):
            self.flush(keep)

    def settle(self, keep):
        """Keep what must be kept so that a line reaches the newest fix: then it can be a tail."""
        while self._reached < self._n:
            self._keep_reached(keep)

    def flush(self, keep):
        """Keep the held fix, if there is one, and what must be kept for it."""
        self.settle(keep)
        if self._n:
            self._keep_reached(keep)

    def _keep(self, fix, keep):
        self._anchor.copy(fix)
        self._scale = east_scale(fix.lat_udeg)
        self._open = True
        keep(fix)

    def _keep_reached(self, keep):
        """Keep the latest fix that a line reaches; it is the anchor of those behind it."""
        first = self._reached
        self._keep(self._ring[self._first + first - 1 & _AHEAD_MAX - 1], keep)
        all_cs = self._cs
        norths = self._north
        lons = self._lon
        cs = all_cs[first - 1]
        north = norths[first - 1]
        lon = lons[first - 1]
        n = self._n - first
        for i in range(n):
            all_cs[i] = all_cs[first + i] - cs
            norths[i] = norths[first + i] - north
            lons[i] = lons[first + i] - lon
        self._first = self._first + first & _AHEAD_MAX - 1
        self._n = n
        while n > 1 and not self._reaches(n - 1):
            n -= 1
        self._reached = n
        if not n:
            self.held = None

    def _cs_since_anchor(self, fix):
        anchor = self._anchor
        return (fix.sec - anchor.sec) * 100 + fix.ms // 10 - anchor.ms // 10

    def _is_full(self):
        return self._n == _STRETCH_MAX or self._n - self._reached == _AHEAD_MAX - 1

    def _push(self, fix, cs):
        n = self._n
        self._cs[n] = cs
        self._north[n] = fix.lat_udeg - self._anchor.lat_udeg
        self._lon[n] = short_way(fix.lon_udeg - self._anchor.lon_udeg)
        self.held = self._ring[self._first + n & _AHEAD_MAX - 1]
        self.held.copy(fix)
        self._n = n + 1
        if self._reaches(n):
            self._reached = n + 1

    def _reaches(self, last):
        """Whether the line from the anchor to fix number last is near enough to all between."""
        if not last:
            return True
        all_cs = self._cs
        norths = self._north
        lons = self._lon
        cs = all_cs[last]
        half = cs >> 1
        north = norths[last]
        lon = lons[last]
        if not -_SPAN_UDEG_MAX < north < _SPAN_UDEG_MAX:
            return False
        if not -_SPAN_UDEG_MAX < lon < _SPAN_UDEG_MAX:
            return False
        bound = self._bound
        scale = self._scale
        i = last
        while i:
            i -= 1
            t = all_cs[i]
            off_north = norths[i] - (north * t + half) // cs
            off_east = (lons[i] - (lon * t + half) // cs) * scale + 512 >> 10
            if not -_OFF_UDEG_MAX < off_north < _OFF_UDEG_MAX:
                return False
            if not -_OFF_UDEG_MAX < off_east < _OFF_UDEG_MAX:
                return False
            if off_north * off_north + off_east * off_east > bound:
                return False
        return True
