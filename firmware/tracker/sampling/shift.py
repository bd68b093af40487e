"""The shift: outside of it the truck is a private car, and nothing of where it goes is kept.

In: the minutes of the local day between which the crew is on duty.  Out: off(sec); a trail that keeps to it.
    Loaded only where a shift is set.
Owns: OFF_DUTY. It is a matter of the clock alone, so it is right across sleep, resets and midnight too.
"""

from micropython import const

from tracker.record import OFF_DUTY
from tracker.sampling.trail import Trail

_DAY_S = const(86400)
_SHOWN_S = const(1800)  # the last place on duty stays on the map so long
_PIECES_S = const(31 * 86400)  # a longer gap is told in one piece: two records a day would fill the ring


class Shift:
    def __init__(self, from_min, to_min, utc_offset_min):
        """From minute from_min to minute to_min of the local day, across midnight where from_min is the later one."""
        self._start_s = (from_min - utc_offset_min) * 60
        self._length_s = (to_min - from_min) * 60 % _DAY_S

    def off(self, sec):
        return (sec - self._start_s) % _DAY_S >= self._length_s

    def next_edge(self, sec):
        """The first second behind sec at which the shift begins or ends."""
        into_s = (sec - self._start_s) % _DAY_S
        return sec - into_s + (_DAY_S if into_s >= self._length_s else self._length_s)


class ShiftTrail(Trail):
    """A trail that is blind off duty: fixes only set the clock, and every gap is told by duty and rest."""

    shift = None  # to be set before the first epoch
    private = 0  # epochs that were looked at for their time only

    def on_epoch(self, fix, uptime_ms):
        # The day's second is right even where the date is 1024 weeks old: those are whole days.
        if fix.kind and self.shift.off(fix.sec):
            self._look_away(fix, uptime_ms)
        else:
            super().on_epoch(fix, uptime_ms)

    def _look_away(self, fix, uptime_ms):
        self.epochs += 1
        self.private += 1
        self._hear(uptime_ms)
        if self._first_fix_ms is None:
            self._first_fix_ms = uptime_ms
        if not self._gate.offer(fix, uptime_ms):
            return
        if self._believed_ms is None:
            self._believe(fix, True, uptime_ms)
        self._quality.offer(fix)  # where the truck is when duty begins is no jump
        if self._started and not self._paused:
            self._paused = True
            self.commit()
        self._standing = False  # the stop it stood at is of the shift before

    def tick(self, uptime_ms):
        super().tick(uptime_ms)
        sec = self.now_sec(uptime_ms)
        if sec is not None:
            begun = sec - _SHOWN_S
            self.hidden = self.shift.off(begun) and self.shift.next_edge(begun) > sec

    def _gap(self, from_sec, to_sec, reason, detail):
        shift = self.shift
        while from_sec < to_sec:
            off = shift.off(from_sec)
            upto = shift.next_edge(from_sec)
            if not off and upto - from_sec <= self._gap_after_s and upto < to_sec:
                off = True  # the last fix on duty is a second or two before its end
                upto = shift.next_edge(upto)
            if upto > to_sec or to_sec - from_sec > _PIECES_S:
                upto = to_sec
            super()._gap(from_sec, upto, OFF_DUTY if off else reason, 0 if off else detail)
            from_sec = upto
