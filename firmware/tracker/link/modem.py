"""Cellular: a modem from any state to a PPP link, and back from what goes wrong. Nothing here blocks.

In: step() ten times a second; suspect(), proven() from the uplink; hold().
Out: up(); trouble in words; what the modem said of itself; counters.
Owns: the modem's UART and pins, the one PPP object, the ladder. How a modem is found, set up and dialled is in attach.py, which is
    loaded for it and let go while the link is up.

States
  OFF    held: the modem is switched off, or is being (off tells)
  REST   between two attempts
  BUSY   a script runs, one piece a step: an attempt (attach.py), a hang-up, a switching off
  UP     PPP is connected; whether anything gets through, only the uplink can tell
The ladder: each attempt that fails, and each suspicion of the uplink's, makes the next one begin a rung higher: hang up and dial,
radio off and on, reset, power off and on; then from the bottom again.
"""

from time import ticks_diff

from micropython import const

from tracker.letgo import let_go

_SOFT = const(0)  # the rungs: attach.py
_RUNGS = const(4)

_OFF = const(0)
_REST = const(1)
_BUSY = const(2)
_UP = const(3)

_ATTEMPT_MS = const(140_000)  # four of them, their rests and an attach are 10 minutes
_REST_MS = const(5_000)  # the rest grows by this with each rung
_CLOSE_MS = const(10_000)  # for PPP to end by itself
_OFF_MS = const(5_000)  # a modem needs so long to leave the network
_STEADY_MS = const(600_000)  # up for so long: the ladder begins at the bottom again
_SUSPECT_MS = const(60_000)  # the first suspicion is believed when the link is a minute old; the time doubles,
_SUSPECT_MAX = const(5)  # up to 32 minutes: the broker may be the one that is ill
_SAY_MS = const(3_600_000)  # until the same words are said again; the log's ring has room for some ten lines,
_SAY_MAX = const(4)  # or until others were said
_CONNECTING = const(3)  # PPP.status(), from MicroPython 1.26 on; 4 is connected


class Modem:
    """port: uart, set_baud(baud), and key, power, reset, dtr: functions of a level, or None where the board has none.
    make_ppp(uart) is called once. pin_mark: a number in NVS. offer_time(time tuple, quarters of an hour ahead of UTC)."""

    def __init__(self, port, profile, make_ppp, settings, pin_mark, log, ticks, offer_time, ask_reset):
        self.port = port
        self.profile = profile
        self.settings = settings
        self.pin_mark = pin_mark
        self.log = log
        self.ticks = ticks
        self.offer_time = offer_time
        self._make_ppp = make_ppp
        self._ask_reset = ask_reset
        self._ppp = None  # once made it is kept: a dropped one takes lwIP with it (MicroPython 8c47ff7153)
        self._script = None
        self._state = _OFF
        self._since_ms = ticks()
        self._rest_ms = 0
        self._holding = False
        self._rung = self._next = _SOFT  # of the last attempt, of the next one
        self._suspect_ms = None
        self._suspicions = 0  # in a row
        self._said_ms = ticks()
        self._said = []
        self.off = True
        self.answers = False  # it has answered since it was last switched off: the key would switch it off
        self.baud = 115_200
        self.trouble = ""  # in words, while there is no link
        self.signal = None  # +CSQ: 0 to 31
        self.operator = self.iccid = ""
        self.attaches = self.losses = self.suspects = self.failures = self.driver_errors = 0
        self.radio_cycles = self.resets = self.power_cycles = self.restarts = self.dips = 0

    def up(self):
        return self._state == _UP

    def busy(self):
        """Is there something to do ten times a second?"""
        return self._state == _BUSY

    def hold(self, on):
        """Off until hold(False). The modem leaves the network and is switched off; `off` tells when."""
        if on == (self._state == _OFF or (self._state == _BUSY and self._holding)):
            return
        self._holding = on
        if on:
            self._run(self._switch_off())
        else:
            self.off = False
            self._next = _SOFT
            self._rest(0)

    def suspect(self):
        """Nothing gets through, by the uplink's deadlines, whatever the driver says."""
        wait_ms = _SUSPECT_MS << min(self._suspicions, _SUSPECT_MAX)
        if self._state != _UP or self._passed_ms() < _SUSPECT_MS:
            return
        if self._suspect_ms is not None and 0 <= ticks_diff(self.ticks(), self._suspect_ms) < wait_ms:
            return
        self._suspect_ms = self.ticks()
        self._suspicions += 1
        self.suspects += 1
        self._fail("connected, but nothing gets through")

    def proven(self):
        """The office has answered."""
        self._next = _SOFT
        self._suspicions = 0

    def step(self):
        """One look, one piece of the script: 100 ms apart while busy, else a second."""
        if self._state == _BUSY:
            self._go_on()
        elif self._state == _REST:
            if self._passed_ms() >= self._rest_ms:
                from tracker.link.attach import Attach

                self._rung = self._next
                self._next = (self._next + 1) % _RUNGS
                self._run(Attach(self).run(self._rung))
        elif self._state == _UP:
            if hasattr(self._ppp, "poll"):
                self._ppp.poll()  # its interrupt is dropped when the scheduler's queue is full
            if not self._ppp.isconnected():
                self.losses += 1
                self._fail("the call has ended", 0)
            elif self._passed_ms() >= _STEADY_MS and not self._suspicions:
                self._next = _SOFT

    def _go_on(self):
        try:
            next(self._script)
            if self._passed_ms() >= _ATTEMPT_MS:
                raise OSError("an attempt took too long")
        except StopIteration:
            if self._state == _BUSY:  # it has not said what comes next: the room died in it, and was started anew
                self._fail("an attempt broke off")
        except (OSError, RuntimeError) as error:  # ours in words, and perhaps with the rest after it; a driver's by number
            self.failures += 1
            words = error.args[0]
            if isinstance(words, str):
                self._fail(*error.args)
            else:
                self._fail("driver error %s" % words)

    def _fail(self, words, rest_ms=None):
        """Hang up, rest, try again a rung higher."""
        self.trouble = words
        self.say(words)
        if rest_ms is None:
            rest_ms = _REST_MS * (1 + self._rung)
        self._run(self._hang_up(rest_ms))

    # --- scripts: each yield gives the loop to the others for one step ----------------------------

    def _hang_up(self, rest_ms):
        try:
            yield from self._close()
        except OSError:
            self.driver_errors += 1
        self._rest(rest_ms)

    def _close(self):
        """PPP ends, by itself if it can."""
        ppp = self._ppp
        if ppp is None:
            return
        if not hasattr(ppp, "disconnect"):  # 1.25; it waits in C, 8 s at most
            ppp.active(False)
            return
        ppp.disconnect()
        begun_ms = self.ticks()
        while ppp.status() >= _CONNECTING:
            if ticks_diff(self.ticks(), begun_ms) >= _CLOSE_MS:
                ppp.active(False)
                if ppp.status() >= _CONNECTING:
                    self._ask_reset("PPP does not end")
                return
            ppp.poll()
            yield

    def _switch_off(self):
        try:
            yield from self._close()
        except OSError:
            self.driver_errors += 1
        key, power = self.port.key, self.port.power
        if key:
            key(1 if self.answers else 0)
            yield from self._wait(self.profile["off_ms"])
            key(0)
            yield from self._wait(_OFF_MS)
        if power:
            power(0)
        self.answers = False
        self.off = True
        self._enter(_OFF)

    def _wait(self, wait_ms):
        begun_ms = self.ticks()
        while ticks_diff(self.ticks(), begun_ms) < wait_ms:
            yield

    def dial_ppp(self):
        """From the modem's CONNECT on. attach.py waits for ppp_up()."""
        ppp = self._ppp
        if ppp is None:
            ppp = self._ppp = self._make_ppp(self.port.uart)
        user, key = self.settings.apn_user, self.settings.apn_password
        if hasattr(ppp, "disconnect"):
            if user:
                ppp.connect(security=ppp.SEC_PAP, user=user, key=key)
            else:
                ppp.connect()
        else:
            ppp.active(True)
            if user:
                ppp.connect(authmode=ppp.AUTH_PAP, username=user, password=key)
            else:
                ppp.connect()

    def ppp_up(self):
        """True: connected. False: not yet. A number: it has failed, by lwIP's number."""
        ppp = self._ppp
        if ppp.isconnected():
            return True
        if hasattr(ppp, "disconnect"):
            ppp.poll()
            return -ppp.status() if ppp.status() < 0 else False
        return False

    def attached(self, roaming):
        self.attaches += 1
        self.trouble = ""
        self.say("connected by '%s'%s" % (self.operator, ", roaming" if roaming else ""))
        self._enter(_UP)
        self._let_go()

    # ----------------------------------------------------------------------------------------------

    def say(self, words):
        """Once an hour: a truck out of cover must not push all else out of the log."""
        now = self.ticks()
        if len(self._said) >= _SAY_MAX or ticks_diff(now, self._said_ms) >= _SAY_MS:
            self._said.clear()
            self._said_ms = now
        if words not in self._said:
            self._said.append(words)
            self.log.info("Modem: %s." % words)

    def _run(self, script):
        self._script = script
        self._enter(_BUSY)

    def _rest(self, rest_ms):
        self._rest_ms = rest_ms
        self._enter(_REST)
        self._let_go()

    def _let_go(self):
        self._script = None
        let_go("link.attach", "link.at", "link.rouse", "link.sim_card", "link.cellular")  # 10 KB on the board

    def _enter(self, state):
        self._state = state
        self._since_ms = self.ticks()

    def _passed_ms(self):
        return ticks_diff(self.ticks(), self._since_ms)
