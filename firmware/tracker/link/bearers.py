"""Which bearer is up: a known Wi-Fi before cellular, one at a time; and what cellular may be used for.

In: Wifi, Modem; settings; bytes by count(); suspect(), proven(), hold() as they have them.
Out: up(); backlog_ok, live_s_factor for the uplink's lanes; sentences for the office.
Owns: the choice; the month's bytes over cellular. Loaded only on a board with a modem.

States
  WIFI   Wi-Fi is up: the modem is off
  LOOK   Wi-Fi's radio is on for half a minute a network. Where cellular was up it stays so until Wi-Fi is
  CELL   Wi-Fi's radio is off: the modem's time, until it is time to look again
"""

import asyncio
from time import ticks_diff

from micropython import const

_WIFI = const(0)
_LOOK = const(1)
_CELL = const(2)
_HELD = const(3)

_LOOK_MS = const(30_000)
_AGAIN_MS = const(300_000)  # a truck that comes home waits so long for its Wi-Fi
_LOST_MS = const(20_000)  # the driver brings a lost network back by itself, or not
_MINUTE_MS = const(60_000)
_BUSY_MS = const(100)
_IDLE_MS = const(1000)
_OVERHEAD = const(80)  # bytes of a message beside its own: TLS 29, TCP and IP 40, PPP 8, and its share of acknowledgements
_KEEP_KB = const(64)  # so often the month's bytes go to NVS: 16 times for a MB
_THIN_PERCENT = const(80)
_THIN = const(4)  # the live lane speaks so much less from there on,
_THINNER = const(10)  # and when all is spent
_MONTH_BIT = const(22)  # of the number in NVS: months since 2020 above, kB below


class Bearers:
    """month() -> months since 2020, or None while nobody knows. spent: a number in NVS. report(text): to the office."""

    def __init__(self, wifi, modem, networks, settings, spent, month, report, ticks):
        self._wifi = wifi
        self._modem = modem
        self._look_ms = _LOOK_MS * networks
        self._limit_kb = settings.cellular_mb_month * 1024
        self._wait_min = settings.backlog_wait_min
        self._spent = spent
        self._month = month
        self._report = report
        self._ticks = ticks
        self._since_ms = self._minute_ms = ticks()
        self._lost_ms = None
        self._away_min = 0  # since Wi-Fi was last up, or since the start
        kept = spent.get() or 0
        self._of_month = kept >> _MONTH_BIT
        self.cell_kb = self._kept_kb = kept & ((1 << _MONTH_BIT) - 1)
        self._bytes = 0  # not yet a kB
        self._told = 0  # percent that the office has been told of
        self.down_s = 0  # without a link, since the start
        self._enter(_LOOK if networks else _CELL)

    def up(self):
        """One at a time: a connection by the modem ends before Wi-Fi counts as up."""
        if self._state == _WIFI:
            return self._wifi.up() and self._modem.off
        return self._state != _HELD and self._modem.up()

    async def run(self, beat):
        """For ever."""
        while True:
            self.step()
            beat()
            await asyncio.sleep_ms(_BUSY_MS if self._modem.busy() else _IDLE_MS)

    def step(self):
        now = self._ticks()
        if ticks_diff(now, self._minute_ms) >= _MINUTE_MS:
            self._minute_ms = now
            self._each_minute()
        self._modem.step()
        if self._state != _CELL and ticks_diff(now, self._wifi_ms) >= _IDLE_MS:
            self._wifi_ms = now
            self._wifi.step()
        if self._state == _WIFI:
            self._watch_wifi(now)
        elif self._state == _LOOK:
            if self._wifi.up():
                self._enter(_WIFI)
            elif ticks_diff(now, self._since_ms) >= self._look_ms:
                self._enter(_CELL)
        elif self._state == _CELL and self._look_ms and ticks_diff(now, self._since_ms) >= _AGAIN_MS:
            self._enter(_LOOK)

    def _watch_wifi(self, now):
        if self._wifi.up():
            self._lost_ms = None
        elif self._lost_ms is None:
            self._lost_ms = now
        elif ticks_diff(now, self._lost_ms) >= _LOST_MS:
            self._enter(_CELL)

    def _enter(self, state):
        self._state = state
        self._since_ms = self._wifi_ms = self._ticks()
        self._lost_ms = None
        self._wifi.hold(state == _CELL or state == _HELD)
        if state != _LOOK:  # a look leaves the modem as it is
            self._modem.hold(state != _CELL)
        if state == _WIFI:
            self._away_min = 0
        self._judge()

    def hold(self, on):
        """Both off until hold(False): the supply is low, or the board is about to sleep."""
        if on != (self._state == _HELD):
            self._enter(_HELD if on else _LOOK if self._look_ms else _CELL)

    def suspect(self):
        """Nothing gets through, by the uplink's deadlines."""
        (self._wifi if self._wifi.up() else self._modem).suspect()

    def proven(self):
        self._wifi.proven()
        self._modem.proven()

    # --- what cellular may be used for -------------------------------------------------------------

    def count(self, n):
        """The uplink has sent or received a message of n bytes."""
        if not n or self._wifi.up():
            return
        self._bytes += n + _OVERHEAD
        if self._bytes >= 1024:
            self.cell_kb += self._bytes >> 10
            self._bytes &= 1023
            if self.cell_kb - self._kept_kb >= _KEEP_KB:
                self._keep()
            self._judge()

    def _keep(self):
        self._kept_kb = self.cell_kb
        self._spent.set(self._of_month << _MONTH_BIT | self.cell_kb)

    def _each_minute(self):
        if not self._wifi.up():
            self._away_min += 1
            if not self._modem.up():
                self.down_s += 60
        month = self._month()
        if month is not None and month != self._of_month:
            self._of_month = month
            self.cell_kb = self._told = 0
            self._keep()
        self._judge()
        self._tell(self._percent())

    def _percent(self):
        return 100 * self.cell_kb // self._limit_kb if self._limit_kb else 0

    def _judge(self):
        """The live lane first speaks less, then the backlog waits for Wi-Fi; over Wi-Fi everything goes."""
        percent = self._percent()
        on_wifi = self._state == _WIFI
        self.backlog_ok = on_wifi or (percent < 100 and self._away_min >= self._wait_min)
        self.live_s_factor = 1 if on_wifi or percent < _THIN_PERCENT else _THIN if percent < 100 else _THINNER

    def _tell(self, percent):
        step = 100 if percent >= 100 else _THIN_PERCENT if percent >= _THIN_PERCENT else 0
        if step > self._told:
            self._told = step
            self._report(
                "Cellular: %d of %d MB of this month are used. %s." % (
                    self.cell_kb >> 10, self._limit_kb >> 10,
                    "The map is told less" if step < 100 else "History waits for Wi-Fi, the map is told little",
                )
            )  # fmt: skip
