"""New settings on trial: what could cut the truck off goes back by itself unless the station confirms data under the new.

In: a SettingsFile, a number in NVS.  Out: settings.json as it was; sentences for the journal.
Owns: settings.old and that number. It outlives power cuts and resets: 0 or None, nothing is on trial; -1, they went back
and the office is still to be told; else steps: 1 at the change, and one more for each start and each minute since. Loaded
only for a change of that kind, and while one is on trial (docs/uplink.md).
"""

import os

from micropython import const

_LINK = ("device_", "wifi", "apn", "sim_pin", "broker_", "dns_server", "keepalive_")
_BEGUN = const(1)
_LAST = const(12)  # the start and its first minute are two steps: ten minutes, if the board runs through
_BACK = const(-1)
_MINUTE_S = const(60)


def is_risky(key):
    """Can a wrong value of this setting cut the truck off?"""
    return any([key.startswith(word) for word in _LINK])


def begin(store, mark):
    """Before a change: keep what the truck reached the office with. May raise OSError; then nothing may be changed."""
    from tracker.system.settings import written

    if (mark.get() or 0) < _BEGUN:
        store.write(store.old, written(store.first()[0]))
    mark.set(_BEGUN)  # of a change on top of another, too: the next start tries both
    if mark.get() != _BEGUN:
        raise OSError("NVS")


def at_start(store, mark):
    """Before the settings are read. Cut anywhere, it is done again."""
    from tracker.system.settings import bytes_of, read

    steps = mark.get()
    if steps == _BACK:
        return
    now, old = store.first()[0], read(bytes_of(store.old))[0]
    back = {key: now[key] for key in now if not is_risky(key)}
    back.update({key: old[key] for key in old if is_risky(key)})
    if not old or back == now:
        mark.set(0)  # the power went before the change
    elif steps < _LAST:
        mark.set(steps + 1)
    else:
        try:
            store.save(back)
            mark.set(_BACK)
        except OSError:
            mark.set(_BEGUN)  # the flash is full: tried again in ten minutes


async def run(clock, mark, confirmed, report, start_anew, beat):
    """A room's task while something is on trial. confirmed(): the database has something that went out since the start."""
    steps = mark.get()
    if not steps:
        return
    if steps == _BACK:
        report("New settings were not confirmed by the station within ten minutes: the truck went back to the old ones.")
        mark.set(0)
        return
    while steps < _LAST:
        steps += 1
        mark.set(steps)
        if steps <= _BEGUN + 2:
            report("New settings are on trial for ten minutes.")  # and the station has something to confirm
        for _ in range(_MINUTE_S):
            if mark.get() != steps:
                return  # they were changed again: the next start tries them
            if confirmed():
                mark.set(0)
                return
            beat()
            await clock.sleep_ms(1000)
    start_anew()
