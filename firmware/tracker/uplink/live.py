"""The newest fix on a lane of its own, and whether the truck is parked: then little is said.

In: the trail's newest accepted fix. Out: publishes on the session; parked.
Owns: when a fix is news for the map.
"""

from micropython import const

from tracker.fix import STOPPED

_STANDING_MS = const(60_000)  # between live fixes of a truck that stands
_STANDING_CMS = const(50)
_PARKED_MS = const(300_000)  # without a fix that moves; a stop for bins or a red light is shorter


class LiveLane:
    """The newest accepted fix: retained, QoS 0, no number. It moves the map, never the history."""

    def __init__(self, trail, writer, topic, settings, ticks_diff):
        self.trail = trail
        self._writer = writer
        self._topic = topic
        self._settings = settings  # live_s is looked up each time: a change takes effect at once
        self._late = ticks_diff
        self._seen_ms = self._moved_ms = None
        self._is_moving = self._was_moving = False
        self._shown_ms = None  # newest_ms of the fix that went out last on this connection
        self._sent_ms = 0
        self._cleared = False
        self.parked = False
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
        moving = self._is_moving
        if self._shown_ms is not None:
            # A truck that has just stopped is shown at its stop as soon as a moving one would be.
            soon = moving or self._was_moving
            wait_ms = self._settings.live_s * 1000 if soon else _STANDING_MS
            if self.parked or self._late(now, self._sent_ms) < wait_ms:
                return
        at = session.begin(self._topic, 0, 0)
        if at < 0:
            return
        end = self._writer.live(session.tx, at, trail.newest)
        if end >= 0:
            session.send(end, True, now)
            self.sent += 1
        self._was_moving = moving
        self._shown_ms = trail.newest_ms
        self._sent_ms = now

    def _look(self, fix, newest_ms, now):
        """Once parked a truck stays so until a fix moves: the ticks do not reach over a week."""
        if fix is not None and newest_ms != self._seen_ms:
            self._seen_ms = newest_ms
            self._is_moving = not fix.flags & STOPPED and (
                fix.speed_cms is None or fix.speed_cms >= _STANDING_CMS
            )
            if self._is_moving:
                self._moved_ms = now
                self.parked = False
        if self._moved_ms is None:
            self._moved_ms = now
        elif self._late(now, self._moved_ms) >= _PARKED_MS:
            self.parked = True
