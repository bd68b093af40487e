"""The one clock: jumps to the next timer, or runs at real speed while an answer is awaited.

In: wait() from time and select; at() from whoever wants to be called at a moment of the world.
Out: ms (world time), ticks_ms() in the port's range, ticks_us().
Owns: the passing of time. Nothing else moves `ms`.

asyncio's C part stamps a task that is woken by an Event with the VM's own tick. So the simulated
tick never falls behind that one; it starts _LEAD_MS ahead, so that a woken task always sorts
before sleeping ones, however busy the host is: one seed, one order.
"""

import utime
from utime import ticks_add, ticks_diff

_LEAD_MS = 60_000
_FAR = 0x3FFFFFFF  # no event; also the largest small integer of a 32-bit VM
_HELD_STEP_MS = 20
_TICKS_MAX = ticks_add(0, -1)
_PATIENCE = 2000  # questions for the time without a wait, then a busy loop gets milliseconds

ms = 0
rtc_lead_s = 0  # the board's clock minus world seconds; it counts from 2000-01-01
hold = None  # sim_hold.Hold, once a socket exists
_base = ticks_add(utime.ticks_ms(), _LEAD_MS)
_events = []  # [due, call]: call() -> its next due or None
_due = _FAR
_asked = 0


def start(world_ms):
    """Boot at this moment of the world."""
    global ms, _base
    ms = world_ms
    _base = ticks_add(utime.ticks_ms(), _LEAD_MS - world_ms)
    at(world_ms + 1000, _keep_lead)


def at(due, call):
    """Call call() when the world gets to due; it returns the next due or None."""
    _events.append([due, call])
    _find_due()


def ticks_ms():
    global _asked
    _asked += 1
    if _asked > _PATIENCE:
        wait(1)
        _asked = _PATIENCE
    return ticks_add(_base, ms)


def ticks_us():
    ticks_ms()  # counts as a question
    return ms * 1000 & _TICKS_MAX


def rtc_s():
    return ms // 1000 + rtc_lead_s


def wait(timeout, ready=None, limit=None):
    """Let timeout ms pass (None: without end), or less if ready() says so.

    limit() -> the next world ms at which ready() can change.
    """
    global ms, _asked
    _asked = 0
    target = _FAR if timeout is None else ms + timeout
    if ready is None and not (hold and hold.open) and target < _due:
        ms = target  # the road of every sleeping task: no call, no allocation
        return
    while ms < target:
        if hold and hold.open and hold.waiting():
            _advance(min(target, ms + hold.sleep(min(_HELD_STEP_MS, target - ms))))
        else:
            _advance(min(target, limit() if limit else target, _due))
        if ready is not None and ready():
            return


def _advance(target):
    global ms
    while _due <= target:
        if _due > ms:
            ms = _due
        for event in _events[:]:
            if event[0] <= ms:
                event[0] = event[1]()
                if event[0] is None:
                    _events.remove(event)
        _find_due()
    if target > ms:
        ms = target


def _find_due():
    global _due
    _due = _FAR
    for event in _events:
        if event[0] < _due:
            _due = event[0]


def _keep_lead():
    """A host slower than the world it simulates must not let the real tick overtake."""
    global ms
    behind = ticks_diff(utime.ticks_ms(), ticks_add(_base, ms))
    if behind > 0:
        ms += behind
    return ms + 1000
