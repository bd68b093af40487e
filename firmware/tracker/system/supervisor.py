"""Supervisor: no room dies or falls silent unseen; the watchdog is fed by progress only.

In: add(), run(), retry(); a room calls its beat() at least once per deadline.  Out: wdt_feed, resets, log.
Owns: every task.

One of five things is true of a room, once a second:
  1 - its task runs and has beaten within the deadline: nothing to do.
  2 - its task runs but is silent: named in the log and in RTC memory, and the watchdog is not fed until it beats.
  3 - its task has ended: back-off, then a new task from the same factory; too many deaths of a room that a
      reset's note can name reset the board, after the trail has been committed.
  4 - it waits for its back-off to pass: nothing to do, the watchdog is fed.
  5 - it is off, because it crashed the board five times in a row (docs/system.md). retry() starts it once more; then the
      first death puts it off again.
"""

import asyncio
from time import ticks_diff

from micropython import const

from tracker.system.reset import ROOM_DIED, ROOMS, UNKNOWN, WATCHDOG

# Name look-up 14 s, TCP connect 19 s, TLS handshake 3 s block the loop; twice that fits.
WDT_MS = const(90_000)
_TICK_MS = const(1000)
_BACKOFF_MAX_MS = const(60_000)
_DEATHS_MAX = const(5)
_DEATHS_IN_MS = const(600_000)
_STEADY_MS = const(600_000)  # ten minutes without a death or a silence: this start was a good one


class Room:
    """One supervised task; counters for the health record."""

    def __init__(self, name, number, factory, deadline_ms, ticks):
        self.name = name
        self.number = number  # in ROOMS; 0: it never resets the board by its deaths
        self.factory = factory
        self.deadline_ms = deadline_ms
        self._ticks = ticks
        self.task = None
        self.off = False  # left out
        self.trial = False  # it was left out, and this is another chance
        self.told = False  # the present task's end has been written to the log
        self.silent = False
        self.beaten_ms = 0  # when it beat last
        self.died_ms = 0
        self.backoff_ms = 0
        self.deaths_ms = []  # at most _DEATHS_MAX, of the last _DEATHS_IN_MS: ticks come round
        self.deaths = 0
        self.silences = 0

    def beat(self):
        """What the room calls while it makes progress; allocates nothing."""
        self.beaten_ms = self._ticks()


class _Steps:
    """A room's coroutine as the loop drives it: who begins a step is known, should the step never end."""

    def __init__(self, coro, enter, number):
        self._send = coro.send
        self._throw = coro.throw
        self._enter = enter
        self._number = number

    def send(self, value):
        self._enter(self._number)
        return self._send(value)

    def throw(self, error):
        self._enter(self._number)
        return self._throw(error)

    def __await__(self):
        """Never called: CPython knows a coroutine by it."""

    def close(self):
        """The same."""


class Supervisor:
    """resets: system/reset.py; commit() puts the open trail on flash before a reset."""

    def __init__(self, wdt_feed, resets, log, ticks, commit=None):
        self._wdt_feed = wdt_feed
        self._resets = resets
        self._log = log
        self._ticks = ticks
        self._commit = commit
        self._checked_ms = 0
        self._uneasy_ms = ticks()  # when a room last died, was silent, or was tried again
        self._suspect = None  # the silent room that is named in RTC memory
        self.rooms = []
        self.worst_block_ms = 0  # longest time that one step kept the loop from this check

    def add(self, name, factory, deadline_ms):
        """factory(beat) gives the room's coroutine, which never ends by itself; the Room."""
        if deadline_ms > WDT_MS:
            raise ValueError("the deadline of %s is longer than the watchdog's" % name)
        number = ROOMS.index(name) if name in ROOMS else 0
        room = Room(name, number, factory, deadline_ms, self._ticks)
        room.off = bool(self._resets.off >> number & 1)
        self.rooms.append(room)
        return room

    async def run(self):
        """Until the board resets or the program is stopped."""
        self.start()
        while True:
            await asyncio.sleep(1)
            self.check()

    def start(self):
        """A task for every room that is not left out."""
        self._checked_ms = self._ticks()
        for room in self.rooms:
            if not room.off:
                self._start(room)

    def check(self):
        """One look at every room; run() does it every second."""
        now_ms = self._ticks()
        late_ms = max(ticks_diff(now_ms, self._checked_ms) - _TICK_MS, 0)
        self._checked_ms = now_ms
        self.worst_block_ms = max(self.worst_block_ms, late_ms)
        silent = None
        off = 0
        for room in self.rooms:
            if room.off:
                off |= 1 << room.number
            elif not self._look_at(room, now_ms, late_ms) and silent is None:
                silent = room
        if silent is not self._suspect:
            self._suspect = silent
            self._resets.note(WATCHDOG if silent else UNKNOWN, silent.number if silent else 0)
        if silent is None:
            self._wdt_feed()
        if self._resets.crashes and ticks_diff(now_ms, self._uneasy_ms) > _STEADY_MS:
            self._resets.steady(off)
            self._uneasy_ms = now_ms
            for room in self.rooms:
                room.trial = False  # it has stood the test

    def retry(self):
        """Another chance for the rooms that are left out."""
        self._uneasy_ms = self._ticks()
        for room in self.rooms:
            if room.off:
                room.off = False
                room.trial = True

    def stop(self):
        """Cancel every task: the technician has the board."""
        for room in self.rooms:
            if room.task is not None:
                room.task.cancel()
                room.task = None

    def _look_at(self, room, now_ms, late_ms):
        """True unless the room is silent."""
        if room.deaths_ms and ticks_diff(now_ms, room.deaths_ms[0]) > _DEATHS_IN_MS:
            room.deaths_ms.pop(0)
        if room.task is None:
            if ticks_diff(now_ms, room.died_ms) >= room.backoff_ms:
                self._start(room)
            return True
        if room.task.done():
            self._uneasy_ms = now_ms
            self._bury(room, now_ms)
            return True
        # While one step blocks the loop nobody can beat: its lateness is not held against a room.
        silent = ticks_diff(now_ms, room.beaten_ms) > room.deadline_ms + late_ms
        if silent:
            self._uneasy_ms = now_ms
        if silent and not room.silent:
            room.silences += 1
            self._log.error(
                "Room %s is silent for more than %d s. The watchdog is not fed until it beats."
                % (room.name, room.deadline_ms // 1000)
            )
        elif room.silent and not silent:
            self._log.info("Room %s is back." % room.name)
        room.silent = silent
        return not silent

    def _start(self, room):
        room.told = room.silent = False
        room.beaten_ms = self._ticks()
        room.task = asyncio.create_task(_Steps(self._guard(room), self._resets.enter, room.number))

    async def _guard(self, room):
        """The room's coroutine; its Exceptions end here. Cancelling and Ctrl-C pass."""
        try:
            await room.factory(room.beat)
        except Exception as error:
            room.told = True
            self._log.exception("Room %s died." % room.name, error)

    def _bury(self, room, now_ms):
        if not room.told:
            self._log.error("Room %s ended. No room ends by itself: it is dead." % room.name)
        room.task = None
        room.deaths += 1
        room.died_ms = now_ms
        if room.trial:
            room.off = True
            room.trial = False
            self._log.error("Room %s died again and stays off." % room.name)
            return
        recent = room.deaths_ms
        if len(recent) == _DEATHS_MAX:
            recent.pop(0)  # a room that doesn't reset the board goes on dying
        recent.append(now_ms)
        if room.number and len(recent) == _DEATHS_MAX:
            self._give_up(room)
        # Once it has lived for ten minutes it starts again at one second.
        room.backoff_ms = min(room.backoff_ms * 2, _BACKOFF_MAX_MS) if len(recent) > 1 else 1000
        self._log.warn("Room %s starts again in %d s." % (room.name, room.backoff_ms // 1000))

    def _give_up(self, room):
        self._log.error(
            "Room %s died %d times in %d minutes. The board resets."
            % (room.name, _DEATHS_MAX, _DEATHS_IN_MS // 60000)
        )
        try:
            if self._commit is not None:
                self._commit()
        except Exception as error:  # a reset that waits for a broken journal never comes
            self._log.exception("The trail can't be committed.", error)
        self._resets.order(ROOM_DIED, room.number)
