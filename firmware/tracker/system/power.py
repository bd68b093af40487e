"""Power: awake, parked, asleep; and what is switched off when the supply is low: the radio first, the journal never.

In: the ignition, the supply, the newest position; readings and time as arguments of step().
Out: state; commits of the trail; hold(bool) for the radio; sleep(minutes), which does not come back.
Owns: the decision. How the chip is put to sleep is in sleep.py, which is loaded for it.
"""

import asyncio

from micropython import const

AWAKE = const(0)  # the ignition is on, or the truck moves
PARKED = const(1)  # the trail's end is on flash, everything goes on
ASLEEP = const(2)

_LOOK_MS = const(500)
_WALK_CMS = const(300)  # noise of a receiver at a stop seldom looks faster
_FRESH_MS = const(10_000)
_BRIEF_MS = const(180_000)  # a heartbeat: 30 s for a fix, 60 s for a batch, and a link that has to come up
_TELL_MS = const(60_000)
_GOODBYE_MS = const(2000)  # for the uplink to say goodbye
_UPTIME_MASK = const(0x3FFFFFFF)


class Power:
    """ignition() -> level, None on a board without one; read_mv() -> millivolts or None; by_timer: a heartbeat woke us."""

    def __init__(self, log, trail, journal, supply, hold, uptime, sleep, ignition, read_mv, sleep_after_min, heartbeat_min, by_timer):
        self.state = PARKED
        self.supply = supply
        self.held = False  # the radio is off because the supply is low
        self.goodbye = None  # (minutes until a heartbeat, or None: after all it does not sleep) -> the uplink tells the office
        self._log = log
        self._trail = trail
        self._journal = journal
        self._hold = hold
        self._uptime = uptime
        self._sleep = sleep  # None: nothing would wake us
        self._ignition = ignition
        self._read_mv = read_mv
        self._sleep_ms = sleep_after_min * 60_000
        self._heartbeat_min = heartbeat_min
        self._brief = by_timer
        self._told = False
        self._charging = False
        self._parked_ms = uptime()

    async def run(self, beat):
        """For ever, or until the board sleeps."""
        while True:
            if self.step(self._uptime()) == ASLEEP:
                await self._fall_asleep(beat)
            beat()
            await asyncio.sleep_ms(_LOOK_MS)

    def step(self, now_ms):
        """One look; the new state."""
        self._watch_supply(now_ms)
        if self._is_on(now_ms):
            self.state = AWAKE
            self._brief = False
        elif self.state == AWAKE:
            self.state = PARKED
            self._parked_ms = now_ms
            self._trail.close(now_ms)
        elif self._sleep is not None:
            self._consider(now_ms, (now_ms - self._parked_ms) & _UPTIME_MASK)
        return self.state

    def _consider(self, now_ms, parked_ms):
        """To sleep or not to sleep."""
        if self._brief:
            if not self._told and parked_ms >= _TELL_MS:
                self._told = True
                self._trail.close(now_ms)  # early enough to be sent now, not at the next heartbeat
            if parked_ms >= _BRIEF_MS or (self._told and self._journal.acked_low >= self._journal.next_seq):
                self.state = ASLEEP
        elif self._sleep_ms and parked_ms >= self._sleep_ms:
            self.state = ASLEEP

    def _is_on(self, now_ms):
        if self._ignition is not None:
            if self._ignition():
                return True
        else:
            self._charging = self.supply.charging(self._charging)
            if self._charging:
                return True
        fix = self._trail.newest
        if fix is None or fix.speed_cms is None or fix.speed_cms < _WALK_CMS:
            return False
        return (now_ms - self._trail.newest_ms) & _UPTIME_MASK < _FRESH_MS

    def _watch_supply(self, now_ms):
        if self._read_mv is None:
            return
        supply = self.supply
        if supply.offer(self._read_mv(), now_ms):
            self._trail.close(now_ms)
        if supply.low != self.held:
            self.held = supply.low
            self._hold(self.held)
            if self.held:
                self._log.warn("The supply is at %d mV: too low. The radio is off until it recovers; the trail goes to flash as ever. "
                               "Look at the battery and its wires." % supply.mv)
            else:
                self._log.info("The supply is at %d mV again. The radio is on." % supply.mv)

    async def _fall_asleep(self, beat):
        self._trail.close(self._uptime())
        if self.goodbye:
            self.goodbye(self._heartbeat_min)
        beat()
        await asyncio.sleep_ms(_GOODBYE_MS)
        self._hold(True)
        self._journal.flush_acks(self._uptime(), True)
        if self._is_on(self._uptime()):
            self._hold(self.held)
            if self.goodbye:
                self.goodbye(None)
        else:
            self._log.info("The board sleeps: the ignition wakes it, or the next heartbeat (in %d min, 0 is never)." % self._heartbeat_min)
            self._sleep(self._heartbeat_min)
