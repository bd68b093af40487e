"""Safe mode: what crashed the board five times in a row stays off, the rest tracks; the office hears of it, and it is tried again.

In: the supervisor's rooms, the ignition.  Out: retry(), tell(), lines in the log.
Owns: when the full road is tried again: after 10 minutes, after another hour, then at each ignition. Loaded only
    where something is missing (docs/system.md).
"""

import asyncio
from time import ticks_diff

from micropython import const

_FIRST_MS = const(600_000)
_SECOND_MS = const(3_600_000)
_TELL_AGAIN_MS = const(600_000)  # after an attempt that failed: each may hold up the loop for seconds


class SafeMode:
    """ignition() -> level, or None on a board without one; missing() -> words; tell(words, beat) -> did it go out; None: not tried."""

    def __init__(self, supervisor, resets, log, ticks, ignition, missing, tell):
        self._supervisor = supervisor
        self._resets = resets
        self._log = log
        self._ticks = ticks
        self._ignition = ignition
        self._missing = missing
        self._tell = tell
        self._since_ms = ticks()  # since when something has been off, or the last attempt
        self._was_on = True

    async def run(self, beat):
        """For ever."""
        said = told = tried_ms = None
        while True:
            now_ms = self._ticks()
            words = self._missing()
            if words != said:
                said, tried_ms = words, None
                self._log.error("Safe mode: the board runs%s." % words if words else "Safe mode is over: everything runs.")
            if self._due(now_ms):
                self._since_ms = now_ms
                self._resets.tried()
                self._log.warn("Safe mode: attempt %d at the full road." % self._resets.tries)
                self._supervisor.retry()
            elif words != told and (tried_ms is None or ticks_diff(now_ms, tried_ms) > _TELL_AGAIN_MS):
                sent = await self._tell(words, beat)
                if sent:
                    told = words
                if sent is not None:
                    tried_ms = now_ms
            beat()
            await asyncio.sleep(1)

    def _due(self, now_ms):
        """Shall what is off be tried now?"""
        off = any([room.off for room in self._supervisor.rooms])
        on = self._ignition is not None and bool(self._ignition())
        edge = on and not self._was_on
        self._was_on = on
        if not off:
            self._since_ms = now_ms
            return False
        tries = self._resets.tries
        if tries >= 2 and self._ignition is not None:
            return edge
        return ticks_diff(now_ms, self._since_ms) > (_FIRST_MS if tries == 0 else _SECOND_MS)
