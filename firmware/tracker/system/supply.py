"""The vehicle's supply: what it is, how low it was, and when it is too low for a radio.

In: offer(mv, now_ms), once a second or more often.  Out: mv, min_mv, low; True when the tail is due.
"""

from micropython import const

_UNWIRED_MV = const(6000)  # the converter gives up at 9 V: the board lives from a cable, and the pin says nothing
_TRUCK_MV = const(16_500)  # no 12 V vehicle charges so high, no 24 V one starts so low
_LOW_MV = const(21_000)  # of 24 V, half of it of 12 V: below it the engine may not start again
_LOW_MS = const(3000)  # a starter draws it down for a second or two
_BACK_MS = const(10_000)
_DIP_MS = const(10_000)  # a supply that flutters about the limit is not a record a second
_UPTIME_MASK = const(0x3FFFFFFF)


class Supply:
    def __init__(self, low_mv=0):
        """low_mv: 0 goes by what the vehicle has, 12 or 24 V."""
        self.mv = self.min_mv = None  # the minimum since boot, or since who tells the office took it
        self.max_mv = 0
        self.low = False
        self.dips = 0  # how often it fell below the limit, once in ten seconds at most
        self.lows = 0  # how often it stayed there
        self._low_mv = low_mv
        self._under = False
        self._since_ms = 0  # of the last reading that agreed with low
        self._dip_ms = -_DIP_MS

    def low_mv(self):
        return self._low_mv or (_LOW_MV if self.max_mv > _TRUCK_MV else _LOW_MV // 2)

    def offer(self, mv, now_ms):
        """True at the first reading of a dip: nobody knows yet how long it will last."""
        self.mv = mv
        self.max_mv = max(self.max_mv, mv)
        if self.max_mv < _UNWIRED_MV:
            return False
        if self.min_mv is None or mv < self.min_mv:
            self.min_mv = mv
        limit_mv = self.low_mv()
        if self.low:
            limit_mv += limit_mv >> 5  # 3 %, that the radio's own current doesn't switch it on and off
        under = mv < limit_mv
        dip = under and not self._under and (now_ms - self._dip_ms) & _UPTIME_MASK >= _DIP_MS
        if dip:
            self.dips += 1
            self._dip_ms = now_ms
        self._under = under
        if under == self.low:
            self._since_ms = now_ms
        elif (now_ms - self._since_ms) & _UPTIME_MASK >= (_LOW_MS if under else _BACK_MS):
            self.low = under
            self.lows += under
        return dip

    def charging(self, was):
        """Does the engine run? For a board without an ignition input. was: the last answer."""
        limit_mv = self.low_mv() * 5 >> 2  # 26.25 V of 24
        return self.mv is not None and self.mv >= limit_mv - (limit_mv >> 6 if was else 0)
