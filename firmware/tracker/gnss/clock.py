"""When to believe the receiver's clock.

In: each fix with the board's uptime.
Out: offer() says whether the fix's second is true; a date that is 1024 weeks behind is repaired in the fix.
Owns: the belief. Receivers start in 1980, 2080 or their firmware's year, and some have lived 1024 weeks behind since
    their week counter wrapped; the uptime tells a clock that runs from one that jumps.
"""

from micropython import const

from tracker.fix import ROLLOVER, UNTIMED

_WINDOW_S = const(473385600)  # 15 years (5,479 days) from the build
_ERA_S = const(619315200)  # 1024 weeks
_UPTIME_MASK = const(0x3FFFFFFF)  # ticks_ms wraps here on the board, every 12.4 days

_FIRST_RUN = const(3)  # fixes in step before the first belief,
_FIRST_SPAN_MS = const(2000)  # and the time they span: three seconds, at 10 Hz too
_AGAIN_RUN = const(10)  # where it contradicts a believed clock, or what is on flash from before the reset, ask for more
_TOLD_SLACK_S = const(3)
_SLACK_CLOSED_MS = const(700)  # poll period, burst length and one 400 ms flash erase
_SLACK_OPEN_MS = const(3000)  # leap seconds learned late move the clock 2 to 3 s
_LEAP_MS = const(0x1FFFFFFF)  # any difference too long to count in ms
_DEAD_RECKONING = const(6)


def since_ms(now_ms, then_ms):
    """Milliseconds from then to now, across the wrap of ticks_ms."""
    return (now_ms - then_ms) & _UPTIME_MASK


class ClockGate:
    def __init__(self, build_sec, told_sec=None):
        """told_sec: a second that was believed before the reset, or None: time does not run back without cause."""
        self.believed = False
        self.out_of_window = 0
        self.rollovers = 0
        self.disputed = 0  # fixes that contradict the uptime of a believed clock
        self._from_sec = build_sec
        self._until_sec = build_sec + _WINDOW_S
        self._told_sec = build_sec if told_sec is None else told_sec - _TOLD_SLACK_S
        self._sec = self._ms = self._uptime_ms = 0  # the last believed fix
        self._run = 0  # fixes in step with each other, not yet believed
        self._run_sec = self._run_ms = self._run_uptime_ms = self._span_ms = 0

    def offer(self, fix, uptime_ms):
        if fix.flags & UNTIMED or not self._in_window(fix):
            return False
        if self.believed:
            advance = _advance_ms(fix, self._sec, self._ms)
            elapsed = since_ms(uptime_ms, self._uptime_ms)
            slack = _SLACK_OPEN_MS + (elapsed >> 10)  # 0.1 % is far beyond the worst crystal
            if 0 < advance and -slack <= advance - elapsed <= slack:
                self._run = 0
                self._believe(fix, uptime_ms)
                return True
            self.disputed += 1
        if fix.kind == _DEAD_RECKONING:
            return False
        self._step(fix, uptime_ms)
        needed = _AGAIN_RUN if self.believed or fix.sec < self._told_sec else _FIRST_RUN
        if self._run < needed or self._span_ms < _FIRST_SPAN_MS:
            return False
        self._run = 0
        self._believe(fix, uptime_ms)
        return True

    def _in_window(self, fix):
        sec = fix.sec
        if self._from_sec <= sec < self._until_sec:
            return True
        if sec < self._from_sec and self._from_sec - _ERA_S <= sec < self._until_sec - _ERA_S:
            fix.sec = sec + _ERA_S
            fix.flags |= ROLLOVER
            self.rollovers += 1
            return True
        self.out_of_window += 1
        return False

    def _believe(self, fix, uptime_ms):
        self.believed = True
        self._sec = fix.sec
        self._ms = fix.ms
        self._uptime_ms = uptime_ms

    def _step(self, fix, uptime_ms):
        """Lengthen the run of fixes in step with the uptime, or begin a new one."""
        advance = _advance_ms(fix, self._run_sec, self._run_ms)
        off = advance - since_ms(uptime_ms, self._run_uptime_ms)
        if self._run and -_SLACK_CLOSED_MS <= off <= _SLACK_CLOSED_MS:
            self._run += 1
            self._span_ms += advance
        else:
            self._run = 1
            self._span_ms = 0
        self._run_sec = fix.sec
        self._run_ms = fix.ms
        self._run_uptime_ms = uptime_ms


def _advance_ms(fix, sec, ms):
    seconds = fix.sec - sec
    if seconds > 500000:
        return _LEAP_MS
    return -1 if seconds < 0 else seconds * 1000 + fix.ms - ms
