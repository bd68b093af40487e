"""The newest fix on a lane of its own, and whether the truck is parked: then little is said.

In: the trail's newest accepted fix. Out: publishes on the session; parked.
Owns: when a fix is news for the map.
"""

from micropython import const

from tracker.fix import STOPPED, Fix

_LEAST_MS = const(2_000)  # between two live fixes, whatever the receiver says
_STANDING_MS = const(60_000)  # between live fixes of a truck that stands
_STANDING_CMS = const(50)
_PARKED_MS = const(300_000)  # without a fix that moves
_STOOD_MS = const(120_000)  # the same, when the last one stood; a red light is shorter, and a queue creeps


class LiveLane:
    """The newest accepted fix: retained, no number. It moves the map, never the history."""

    def __init__(self, trail, writer, topic, settings, ticks_diff):
        self.trail = trail
        self._writer = writer
        self._topic = topic
        self._settings = settings  # live_s and live_m are looked up each time: a change takes effect at once
        self._late = ticks_diff
        self._seen_ms = self._moved_ms = None
        self._is_moving = self._was_moving = self._is_off = False
        self._said = Fix()  # what went out last, from which the map reckons on
        self._shown_ms = None  # newest_ms of the fix that went out last on this connection
        self._sent_ms = 0
        self._cleared = False
        self.parked = False
        self.factor = 1  # how many times rarer a fix goes: the month's bytes run out
        self.sent = 0

    def connected(self):
        self._shown_ms = None
        self._cleared = False

    def pump(self, session, now):
        trail = self.trail
        self._look(trail.newest, trail.newest_ms, now)
        if trail.hidden:  # the shift is long over: nobody need know where the truck is
            if not self._cleared and session.idle():
                session.send(session.begin(self._topic, 0, 0), True, now)
                self._cleared = True
            self._shown_ms = trail.newest_ms
            return
        self._cleared = False
        if trail.newest is None or trail.newest_ms == self._shown_ms:
            return
        if self._shown_ms is not None and not self._is_news(self._late(now, self._sent_ms)):
            return
        at = session.begin(self._topic, session.doubt(now), 0)
        if at < 0:
            return
        end = self._writer.live(session.tx, at, trail.newest)
        if end >= 0:
            session.send(end, True, now)
            self.sent += 1
        self._said.copy(trail.newest)
        self._was_moving = self._is_moving
        self._is_off = False
        self._shown_ms = trail.newest_ms
        self._sent_ms = now

    def _is_news(self, late_ms):
        """The truck is not where the map has it, or it is time to say that it is."""
        late_ms //= self.factor
        if self.parked or late_ms < _LEAST_MS:
            return False
        # A truck that has just stopped is shown at its stop as soon as a moving one would be.
        soon = self._is_moving or self._was_moving
        return self._is_off or late_ms >= (self._settings.live_s * 1000 if soon else _STANDING_MS)

    def _look(self, fix, newest_ms, now):
        """Once parked a truck stays so until a fix moves: the ticks do not reach over a week."""
        if fix is not None and newest_ms != self._seen_ms:
            self._seen_ms = newest_ms
            self._is_moving = not fix.flags & STOPPED and (
                fix.speed_cms is None or fix.speed_cms >= _STANDING_CMS
            )
            self._is_off = self.trail.is_off(self._said, self._settings.live_m)
            if self._is_moving:
                self._moved_ms = now
                self.parked = False
        if self._moved_ms is None:
            self._moved_ms = now
        elif self._late(now, self._moved_ms) >= (_PARKED_MS if self._is_moving or fix is None else _STOOD_MS):
            self.parked = True
