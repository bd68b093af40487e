"""select of the simulated board: asyncio waits here, so here the simulated clock moves on."""

import sim_clock
import uselect
from uselect import POLLERR, POLLHUP, POLLIN, POLLOUT

_NOTHING = ()
_FAR = 0x3FFFFFFF


class _Poll:
    def __init__(self):
        self._real = uselect.poll()
        self._known = []
        self._timed = []  # objects that get ready by time alone: a UART

    def register(self, obj, flags=POLLIN | POLLOUT):
        self._real.register(obj, flags)
        if obj not in self._known:
            self._known.append(obj)
            if hasattr(obj, "next_ms"):
                self._timed.append(obj)

    def modify(self, obj, flags):
        self._real.modify(obj, flags)

    def unregister(self, obj):
        self._real.unregister(obj)
        if obj in self._known:
            self._known.remove(obj)
        if obj in self._timed:
            self._timed.remove(obj)

    def poll(self, timeout=-1):
        self._wait(timeout)
        return self._real.poll(0)

    def ipoll(self, timeout=-1, flags=0):
        if self._known:
            self._wait(timeout)
            return self._real.ipoll(0, flags)
        if timeout > 0:
            sim_clock.wait(timeout)
        return _NOTHING

    def _wait(self, timeout):
        if timeout != 0 and not self._ready():
            sim_clock.wait(timeout if timeout >= 0 else None, self._ready, self._limit)

    def _ready(self):
        for _ in self._real.ipoll(0):
            return True
        return False

    def _limit(self):
        """Real bytes may come unasked: look for them at least once a simulated second."""
        soonest = sim_clock.ms + 1000
        for obj in self._timed:
            due = obj.next_ms()
            if sim_clock.ms < due < soonest:
                soonest = due
        return soonest


def poll():
    return _Poll()
