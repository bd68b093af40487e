"""Wi-Fi: joins the first known network that is in reach, and says in words how it goes.

In: run(beat) or step(); suspect() when the uplink's deadlines say that the link is dead, proven(); hold().  Out: up().
Owns: the WLAN object.

States, one step a second:
  OFF      no network name is set, or the radio is held off
  REST     waiting for `_rest_ms` to pass, then connect() once
  JOINING  connect() was called, or the driver brings a lost network back; until up or the deadline
  UP       connected, as far as the driver knows
Only isconnected() and the deadline decide. status() passes through "idle" while connecting; it
only finds words for a failure. A connect() on top of a running one raises "Wifi Internal Error"
(micropython issues 7139, 15563, 17661).
The driver looks for a network itself when it is told to join it, and nothing waits for that; a scan would hold the board for 2.5 s. So
several networks are tried one after the other, the first of the list first.
"""

import asyncio
from time import ticks_diff

from micropython import const

_OFF = const(0)
_REST = const(1)
_JOINING = const(2)
_UP = const(3)

_JOIN_MS = const(20_000)
_ABSENT_MS = const(8_000)  # the driver has looked on every channel, and says that the network is not there
_REST_ERROR_MS = const(1000)  # after an error of the driver, and before the next network of the list
_REST_MS = const(5000)  # after a missed deadline, times the failures in a row
_REST_MAX_MS = const(30_000)
_CYCLE_AFTER = const(5)  # failures in a row until the radio is switched off and on
_BOARD_MS = const(900_000)  # of nothing but errors of the driver: only a reset of the board helps
_SUSPECT_MS = const(300_000)  # between two suspicions that are believed: the broker may be the one that is ill

_NO_ANSWER = "no answer in 20 s"
_ABSENT = const(201)
_WORDS = {  # network.STAT_* on the ESP32
    200: "the access point fell silent",
    201: "no such network in reach",
    202: "wrong password",
    203: "the access point refused",
    204: "the handshake was not answered, often a wrong password",
    210: "no such network with a security that fits",
    211: "the network's security is too weak",
    212: "the signal is too weak",
}


class Wifi:
    """networks: (name, password) pairs, the dearest first. ask_reset(words): for a driver that only errs."""

    backlog_ok = True  # what the lanes ask of a link (bearers.py)
    live_s_factor = 1

    def __init__(self, wlan, networks, log, ticks, ask_reset=None):
        self._wlan = wlan
        self._networks = [pair for pair in networks if pair[0]]
        self._at = 0  # the network that is tried, or joined
        self._log = log
        self._ticks = ticks
        self._ask_reset = ask_reset
        self._state = _REST if self._networks else _OFF
        self._since_ms = ticks()  # when the present state began
        self._rest_ms = 0
        self._failures = 0  # in a row
        self._errs_ms = None  # since when the driver has done nothing but err
        self._suspect_ms = None
        self.joins = 0
        self.losses = 0
        self.driver_errors = 0
        self.power_cycles = 0
        self.suspects = 0

    def up(self):
        """Connected at the last step. Whether anything gets through, only the uplink can tell."""
        return self._state == _UP

    async def run(self, beat):
        """For ever."""
        if not self._networks:
            self._log.warn("No 'wifi_ssid' is set. Wi-Fi stays off.")
        while True:
            self.step()
            beat()
            await asyncio.sleep(1)

    def suspect(self):
        """Nothing gets through, whatever the driver says: radio off and on, then join anew."""
        now = self._ticks()
        if self._state != _UP or (self._suspect_ms is not None and 0 <= ticks_diff(now, self._suspect_ms) < _SUSPECT_MS):
            return
        self._suspect_ms = now
        self.suspects += 1
        self._log.warn("Wi-Fi is started anew: nothing gets through.")
        self._power_off()
        self._rest(_REST_ERROR_MS)

    def proven(self):
        """The office has answered."""
        self._suspect_ms = None

    def count(self, n):
        """Bytes cost nothing here."""

    def hold(self, on):
        """Radio off until hold(False): the supply is low, or the board is about to sleep. The uplink sees a lost link."""
        if not self._networks or on == (self._state == _OFF):
            return
        if on:
            self._power_off()
            self._enter(_OFF)
        else:
            self._at = self._failures = 0
            self._rest(0)

    def step(self):
        """One look; run() does it every second."""
        if self._state == _REST:
            if self._passed_ms() >= self._rest_ms:
                self._join()
        elif self._state == _JOINING:
            status = self._wlan.status()
            if self._wlan.isconnected():
                self._joined()
            elif self._passed_ms() >= (_ABSENT_MS if status == _ABSENT and len(self._networks) > 1 else _JOIN_MS):
                self._failed(_WORDS.get(status, _NO_ANSWER))
        elif self._state == _UP and not self._wlan.isconnected():
            self.losses += 1
            self._log.info("Wi-Fi '%s' is lost." % self._networks[self._at][0])
            self._enter(_JOINING)  # the driver tries by itself, a connect() would disturb it

    def _join(self):
        name, password = self._networks[self._at]
        try:
            if not self._wlan.active():
                self._wlan.active(True)
            self._wlan.connect(name, password or None)  # None: an open network
        except OSError as error:
            self.driver_errors += 1
            self._errs()
            self._failed("driver error %s" % error, _REST_ERROR_MS)
            return
        self._errs_ms = None
        self._enter(_JOINING)

    def _errs(self):
        if self._errs_ms is None:
            self._errs_ms = self._ticks()
        elif self._ask_reset and ticks_diff(self._ticks(), self._errs_ms) >= _BOARD_MS:
            self._errs_ms = None
            self._ask_reset("Wi-Fi's driver has done nothing but err for 15 minutes")

    def _joined(self):
        self.joins += 1
        self._failures = 0
        self._log.info("Wi-Fi '%s' is up." % self._networks[self._at][0])
        self._enter(_UP)

    def _failed(self, words, rest_ms=None):
        self._failures += 1
        cycle = self._failures % _CYCLE_AFTER == 0
        if cycle or self._failures == 1:  # a truck on the road fails all day long
            self._log.info("Wi-Fi not joined, %d in a row: %s." % (self._failures, words))
        if cycle:
            self._power_off()
        else:
            self._quietly(self._wlan.disconnect)
        self._at = (self._at + 1) % len(self._networks)
        if self._at:
            rest_ms = _REST_ERROR_MS  # the next of the list at once
        self._rest(rest_ms or min(_REST_MS * self._failures, _REST_MAX_MS))

    def _power_off(self):
        self.power_cycles += 1
        self._quietly(self._wlan.disconnect)
        self._quietly(self._wlan.active, False)

    def _quietly(self, call, *arguments):
        """The driver may refuse to stop what it has not begun."""
        try:
            call(*arguments)
        except OSError:
            self.driver_errors += 1

    def _rest(self, rest_ms):
        self._rest_ms = rest_ms
        self._enter(_REST)

    def _enter(self, state):
        self._state = state
        self._since_ms = self._ticks()

    def _passed_ms(self):
        return ticks_diff(self._ticks(), self._since_ms)
