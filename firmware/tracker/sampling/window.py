"""The fewest fixes from which the drive can be drawn again within a bound.

In: accepted fixes in order.
Out: keep(fix) for each fix that must be stored.
Owns: the open stretch since the last kept fix. Opening window with time-ratio distance (Keogh's opening window,
    Meratnia and de By's synchronised distance): a fix may be dropped while every dropped one lies within bound_m of
    the point where a straight line in time between the kept neighbours passes at its instant.
"""

from array import array

from micropython import const

from tracker.fix import FORCED, STOPPED, Fix
from tracker.sampling.plane import east, east_scale, square_udeg

_STRETCH_MAX = const(128)  # two minutes at 1 Hz
_SPAN_UDEG_MAX = const(170000)  # times 6,000 cs stays under 2**30
_SPAN_CS_MAX = const(6000)


class Window:
    def __init__(self, bound_m=10, silence_moving_s=60, silence_parked_s=300, keep_all=False):
        self.keep_all = keep_all
        self.silence_parked_s = silence_parked_s
        self._silence_cs = min(silence_moving_s * 100, _SPAN_CS_MAX)
        self._bound = square_udeg(bound_m)
        self._anchor = Fix()  # the last kept
        self._open = False
        self._newest = Fix()
        self.held = None  # the newest accepted fix that is not kept yet
        self._n = 0
        self._cs = array("i", [0] * _STRETCH_MAX)  # since the anchor, as are the two below
        self._north = array("i", [0] * _STRETCH_MAX)
        self._east = array("i", [0] * _STRETCH_MAX)
        self._scale = 0

    def offer(self, fix, keep):
        """Take an accepted fix; one with FORCED or STOPPED is kept at once, behind the one that was held."""
        if not self._open or self.keep_all or fix.flags & (FORCED | STOPPED):
            self.flush(keep)
            self._keep(fix, keep)
            return
        cs = self._cs_since_anchor(fix)
        if cs <= 0:  # time stands or runs backwards: no line in time passes here
            self.flush(keep)
            self._keep(fix, keep)
            return
        if self.held is not None and not self._fits(fix, cs):
            self.flush(keep)
            cs = self._cs_since_anchor(fix)
        if cs > _SPAN_CS_MAX:
            self._keep(fix, keep)
        else:
            self._push(fix, cs)

    def flush(self, keep):
        """Keep the held fix, if there is one."""
        if self.held is not None:
            self._keep(self._newest, keep)

    def _keep(self, fix, keep):
        self._anchor.copy(fix)
        self._scale = east_scale(fix.lat_udeg)
        self._open = True
        self.held = None
        self._n = 0
        keep(fix)

    def _cs_since_anchor(self, fix):
        anchor = self._anchor
        return (fix.sec - anchor.sec) * 100 + (fix.ms - anchor.ms) // 10

    def _push(self, fix, cs):
        n = self._n
        self._cs[n] = cs
        self._north[n] = fix.lat_udeg - self._anchor.lat_udeg
        self._east[n] = east(fix.lon_udeg - self._anchor.lon_udeg, self._scale)
        self._n = n + 1
        self._newest.copy(fix)
        self.held = self._newest

    def _fits(self, fix, cs):
        """Whether the line from the anchor to fix passes every fix between them within the bound."""
        if cs > self._silence_cs or self._n == _STRETCH_MAX:
            self._newest.flags |= FORCED
            return False
        north = fix.lat_udeg - self._anchor.lat_udeg
        across = east(fix.lon_udeg - self._anchor.lon_udeg, self._scale)
        if not -_SPAN_UDEG_MAX < north < _SPAN_UDEG_MAX:
            return False
        if not -_SPAN_UDEG_MAX < across < _SPAN_UDEG_MAX:
            return False
        bound = self._bound
        all_cs = self._cs
        norths = self._north
        easts = self._east
        i = self._n
        while i:
            i -= 1
            t = all_cs[i]
            off_north = norths[i] - north * t // cs
            off_east = easts[i] - across * t // cs
            if not (-1000 < off_north < 1000 and -1000 < off_east < 1000):
                return False
            if off_north * off_north + off_east * off_east > bound:
                return False
        return True
