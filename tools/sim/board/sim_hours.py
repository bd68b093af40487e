"""The soak's and the chaos's eyes and hands: a look each hour at what must not grow; ordered resets; what else happens around the truck.

In: the keys hours, look_s, calm_s, orders and events of the script (docs/simulator.md).
Out: hours.log, a line a look; the end of the world in its drain, once all has been answered. A look is boot, world ms, live heap bytes, open sockets, tasks, next number, lowest number without an answer,
    journal sectors entered; orders_done in the state; on the console EVENT lines, each awaited until its file is there.
"""

import asyncio
import os

import sim_clock
import sim_heap
import sim_world
import socket
from utime import sleep_ms

_HOUR_MS = 3_600_000
_look_ms = _HOUR_MS
_CALM_S = 1500  # after the duration: from here on the world may end; the script's calm_s
_PATIENCE = 6000  # times 5 ms of real time for whoever runs the board to do it
_TECHNICIAN = 255  # tracker.system.reset.HANDS

_space = {}
_log = None
_sockets = 0
_tasks = 0
_ordered = False


def install(space):
    """space: the names of main.py, where the firmware's App will be."""
    global _space, _log, _look_ms
    _space = space
    script = sim_world.script
    if script.get("hours"):
        _log = open(sim_world.path("hours.log"), "ab", buffering=0)
        _look_ms = script.get("look_s", 3600) * 1000
        _count_sockets()
        _count_tasks()
        sim_clock.at((sim_clock.ms // _look_ms + 1) * _look_ms, _look)
        sim_world.saved.append(_look)
        sim_clock.at(max(int((script["duration_s"] + script.get("calm_s", _CALM_S)) * 1000), sim_clock.ms + 1000), _end_when_answered)
    for t_s, what in script.get("orders", ()):
        if t_s * 1000 > sim_clock.ms:
            sim_clock.at(t_s * 1000, lambda what=what: _order(what))
    for n, event in enumerate(script.get("events", ())):
        if n >= sim_world.state.get("events", 0):  # what fell into a time without power is made up for now
            sim_clock.at(max(event[0] * 1000, sim_clock.ms), lambda n=n: _tell(n))


def _look():
    app = _space.get("app")
    journal = app and app.journal
    numbers = (journal.next_seq, journal.acked_low, journal.generation) if journal else (-1, -1, -1)
    line = "%d %d %d %d %d %d %d %d\n" % (
        (sim_world.state["boots"], sim_clock.ms, sim_heap.look(), _sockets, _tasks) + numbers
    )
    _log.write(line.encode())
    return (sim_clock.ms // _look_ms + 1) * _look_ms


def _end_when_answered():
    """Something is appended every hour; a world that ends right behind it would leave it without its answer."""
    journal = _space["app"].journal
    if journal and journal.acked_low == journal.next_seq:
        sim_world.end()
    return sim_clock.ms + 1000


def _order(what):
    """died: an error ends the road; technician: a reset by hand; button: the chip alone."""
    global _ordered
    if _ordered:  # the flash erases on the way to the reset, and time goes on
        return sim_clock.ms + _HOUR_MS
    _ordered = True
    app = _space.get("app")
    reset = sim_world.reset

    def counted(cause):  # not where a cut comes first
        sim_world.state["orders_done"] = sim_world.state.get("orders_done", 0) + 1
        reset(cause)

    sim_world.reset = counted
    if what == "button" or app is None:
        sim_world.reset(sim_world.HARD)
    elif what == "technician":
        app.resets.order(_TECHNICIAN)
    else:
        raise RuntimeError("by order of the soak")  # out of asyncio's wait: nothing of the firmware catches it but main.py


def _tell(n):
    sim_world.state["events"] = n + 1
    print("EVENT %d" % n)
    for _ in range(_PATIENCE):
        try:
            os.stat(sim_world.path("event.%d" % n))
            return
        except OSError:
            sleep_ms(5)
    raise RuntimeError("nobody did what event %d says" % n)


def _count_sockets():
    make = socket.socket
    kinds = []

    def counted(*more):
        global _sockets
        made = make(*more)
        made.counted = True
        _sockets += 1
        if type(made) not in kinds:
            kinds.append(type(made))
            _count_closed(type(made))
        return made

    socket.socket = counted


def _count_closed(kind):
    close = kind.close

    def counted(self):
        global _sockets
        _sockets -= self.counted
        self.counted = False
        close(self)

    kind.close = counted


def _count_tasks():
    create = asyncio.create_task

    def create_task(coro):
        global _tasks
        _tasks += 1
        return create(_Counted(coro))

    asyncio.create_task = create_task


class _Counted:
    """A coroutine that tells when it is through."""

    def __init__(self, coro):
        self._coro = coro

    def send(self, value):
        return self._step(self._coro.send, value)

    def throw(self, error):
        return self._step(self._coro.throw, error)

    def close(self):
        self._coro.close()

    def _step(self, call, value):
        global _tasks
        try:
            return call(value)
        except BaseException:  # StopIteration, too
            _tasks -= 1
            raise
