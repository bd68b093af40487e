"""From silence to a modem that takes commands: it may be ready, in data mode, at another rate, off, or hung.

In: Attach, the rung of the ladder.  Out: Modem.answers and baud, or OSError(words).
Owns: the order in which things are tried, the harmless ones first. The power key toggles: it is pressed only when all else was silent, and
    first so briefly that nothing which runs goes off.
"""

from time import ticks_diff

from micropython import const

from tracker.link.at import OK

_RADIO = const(1)  # the rungs; 0 only finds the modem
_RESET = const(2)
_POWER = const(3)
_BAUD = const(115_200)
_BAUDS = (115_200, 9600, 57_600, 38_400, 19_200, 230_400, 460_800, 921_600)
_AT_MS = const(300)
_ASK_MS = const(3_000)
_CFUN_MS = const(10_000)
_GUARD_MS = const(1_100)  # of silence, before and after "+++" (SIM7000 AT manual, 2.2.8)
_BOOT_S = const(20)  # where board.json does not say
_RESET_MS = const(2_600)  # the same; A7670: 2.5 s at least
_DOWN_MS = const(5_500)  # to leave the network and go off
_EMPTY_MS = const(3_000)  # the capacitors

# What every attempt sets; a modem that does not know a word says ERROR. DTR hangs up; the network's time is taken.
_SET_UP = (b"ATE0", b"AT+CMEE=1", b"AT&D2", b"AT+CTZU=1", b"AT+CLTS=1")


class Rouse:
    def __init__(self, attach):
        self._a = attach
        self._m = attach.m
        self._at = attach.at
        self._port = attach.m.port

    def run(self, rung):
        m, port, ask = self._m, self._port, self._a.ask
        if port.key:
            port.key(0)  # a script that was broken off may have left it pressed
        if port.dtr:
            port.dtr(0)
        if rung == _POWER:
            yield from self._cut()
        elif port.power:
            port.power(1)
        yield from self._rouse()
        if rung == _RADIO:
            m.radio_cycles += 1
            yield from ask(b"AT+CFUN=0", _CFUN_MS)
            yield from ask(b"AT+CFUN=1", _CFUN_MS)
        elif rung == _RESET:
            m.resets += 1
            if port.reset:
                yield from self._pulse(port.reset, "reset_ms")
            else:
                yield from ask(b"AT+CFUN=1,1", _ASK_MS)
                yield from self._a.wait(2 * _GUARD_MS)  # until it is deaf
            if not (yield from self._boot()):
                yield from self._rouse()
        self._at.restarts = 0  # from here on it is not of our making
        for command in _SET_UP:
            yield from ask(command, _ASK_MS)

    def _rouse(self):
        m, port = self._m, self._port
        found = (yield from self._find((m.baud,), 3)) or (yield from self._leave_data_mode())
        if not found and port.dtr:
            yield from self._hang_up_by_dtr()
            found = yield from self._find((m.baud,), 2)
        found = found or (yield from self._find(_BAUDS, 2))
        if not found and port.key:
            yield from self._pulse(port.key, "on_ms")
            found = yield from self._boot()
        m.answers = found or (yield from self._cut())
        if not m.answers:
            raise OSError("the modem does not answer: look at its supply, its wires and board.json")
        if m.baud != _BAUD:
            yield from self._a.ask(b"AT+IPR=115200;&W", _ASK_MS)
            if not (yield from self._find((_BAUD, m.baud), 3)):
                raise OSError("the modem was lost when its rate was changed")

    def _find(self, bauds, tries):
        """True and m.baud, if it answers at one of them."""
        for baud in bauds:
            self._port.set_baud(baud)
            for _ in range(tries):
                self._at.restarts = self._a.late = 0
                if (yield from self._a.ask(b"AT", _AT_MS)) == OK:
                    self._m.baud = baud
                    yield from self._a.wait(_AT_MS)
                    return True
        return False

    def _leave_data_mode(self):
        write = self._port.uart.write
        self._port.set_baud(self._m.baud)
        write(b"\x1b")  # ends the text of a message
        yield from self._a.wait(_GUARD_MS)
        write(b"+++")
        yield from self._a.wait(_GUARD_MS)
        self._at.restarts = self._a.late = 0
        yield from self._a.ask(b"ATH", _GUARD_MS)
        return (yield from self._find((self._m.baud,), 2))

    def _hang_up_by_dtr(self):
        self._port.dtr(1)
        yield from self._a.wait(_AT_MS)
        self._port.dtr(0)

    def _cut(self):
        """Off for certain, and on again; does it answer?"""
        m, port, wait = self._m, self._port, self._a.wait
        m.power_cycles += 1
        m.say("switched off and on, because " + (m.trouble or "it does not answer"))
        if port.key:
            yield from self._pulse(port.key, "off_ms")
            yield from wait(_DOWN_MS)
        if port.power:
            port.power(0)
            yield from wait(_EMPTY_MS)
            port.power(1)
            yield from wait(_GUARD_MS)
        if port.key:
            yield from self._pulse(port.key, "on_ms")
        elif port.reset and not port.power:
            yield from self._pulse(port.reset, "reset_ms")
        return (yield from self._boot())

    def _pulse(self, pin, name):
        pin(1)
        yield from self._a.wait(self._m.profile.get(name, _RESET_MS))
        pin(0)

    def _boot(self):
        """It starts: does it answer, and at which rate?"""
        m = self._m
        begun_ms = m.ticks()
        while ticks_diff(m.ticks(), begun_ms) < m.profile.get("boot_s", _BOOT_S) * 1000:
            if (yield from self._find((m.baud,), 2)):
                return True
        return (yield from self._find(_BAUDS, 2))
