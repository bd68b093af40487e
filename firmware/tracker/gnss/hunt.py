"""Finding the receiver's baud rate, and telling the receiver what to send.

In: what the line says (hear), the uptime (step, a few times a second).
Out: step() is True when it is over: baud; told, and the dialect that was taken, or None.
Owns: the order of rates and dialects. Whether a receiver has obeyed is judged by what it sends afterwards, never by what
    it answers: many answer nothing, some answer and ignore. Loaded when needed and let go (receiver.py).
"""

from micropython import const

from tracker.gnss.clock import since_ms
from tracker.gnss.dialects import DIALECTS, GREETING, GREETING_ANSWER, MODEMS
from tracker.gnss.ear import Ear

BAUDS = (9600, 115200, 38400, 57600, 4800)  # by how often they are met

_FIND_MS = const(2200)  # two bursts at 1 Hz
_FIND_VALID = const(3)
_SETTLE_MS = const(1100)  # what was on its way when it was told
_JUDGE_MS = const(5500)  # MediaTek's own settings say GSV every 5 s
_SECONDS_MIN = const(3)  # RMC and GGA each, in _JUDGE_MS at 1 Hz: 5 or 6
_SECONDS_MAX = const(8)

_FIND = const(0)
_TELL = const(1)
_SETTLE = const(2)
_JUDGE = const(3)
_OVER = const(4)


class Hunt:
    def __init__(self, write, set_baud, baud, dialect=None, modem=None):
        """dialect: the one that was taken before, tried first. modem: the receiver is inside that modem."""
        self.baud = baud
        self.told = False
        self.dialect = dialect
        self._write = write
        self._set_baud = set_baud
        self._bauds = [baud] + [other for other in BAUDS if other != baud]
        self._turn = 0
        self._modem = modem
        known = DIALECTS if modem is None else MODEMS
        names = [name for name, _ in known] if modem is None else [modem]
        if dialect in names:
            names.remove(dialect)
            names.insert(0, dialect)
        self._known = dict(known)
        self._names = names
        self._next = 0
        self._messages = ()
        self._at = 0
        self._wait_ms = 0
        self._ear = Ear()
        self._state = _FIND
        self._since_ms = 0

    def begin(self, uptime_ms, found):
        """found: at this baud rate sentences come."""
        self._enter(_JUDGE if found else _FIND, uptime_ms)
        if not found:
            self._greet()

    def hear(self, buf, n):
        self._ear.hear(buf, n)

    def step(self, uptime_ms):
        state = self._state
        elapsed = since_ms(uptime_ms, self._since_ms)
        if state == _FIND:
            self._find(elapsed, uptime_ms)
        elif state == _TELL:
            self._tell(elapsed, uptime_ms)
        elif state == _SETTLE:
            if elapsed >= _SETTLE_MS:
                self._enter(_JUDGE, uptime_ms)
        elif state == _JUDGE:
            self._judge(elapsed, uptime_ms)
        return self._state == _OVER

    def _enter(self, state, uptime_ms):
        self._state = state
        self._since_ms = uptime_ms
        self._ear.reset()

    def _find(self, elapsed, uptime_ms):
        ear = self._ear
        if ear.valid >= _FIND_VALID:
            self._enter(_JUDGE, uptime_ms)
        elif ear.answered:
            self._begin_telling(uptime_ms)
        elif not ear.heard and self._modem is None:
            self._since_ms = uptime_ms  # a silent line says nothing about its rate
        elif elapsed >= _FIND_MS:
            self._turn = (self._turn + 1) % len(self._bauds)
            self.baud = self._bauds[self._turn]
            self._set_baud(self.baud)
            self._enter(_FIND, uptime_ms)
            self._greet()

    def _greet(self):
        """A modem's receiver is switched off until it is told: only the modem can be found."""
        if self._modem is not None:
            self._ear.expect(GREETING_ANSWER)
            self._write(GREETING)

    def _judge(self, elapsed, uptime_ms):
        ear = self._ear
        if elapsed >= _JUDGE_MS:
            if not ear.valid:
                self._enter(_FIND, uptime_ms)
                self._greet()
            elif ear.surplus or not _SECONDS_MIN <= ear.rmc <= _SECONDS_MAX or ear.gga < _SECONDS_MIN:
                self._begin_telling(uptime_ms)
            else:
                self._state = _OVER
        elif ear.surplus or ear.rmc > _SECONDS_MAX:
            self._begin_telling(uptime_ms)

    def _begin_telling(self, uptime_ms):
        """The next dialect, if there is one left."""
        if self._next == len(self._names):
            self.dialect = None
            self._state = _OVER
            return
        self.told = True
        self.dialect = self._names[self._next]
        self._messages = self._known[self.dialect]
        self._next += 1
        self._at = self._wait_ms = 0
        self._enter(_TELL, uptime_ms)

    def _tell(self, elapsed, uptime_ms):
        """One message a step, so that the UART's 256 bytes of room are never full and write() never waits."""
        if elapsed < self._wait_ms and not self._ear.answered:
            return
        if self._at == len(self._messages):
            self._enter(_SETTLE, uptime_ms)
            return
        message = self._messages[self._at]
        self._at += 1
        self._enter(_TELL, uptime_ms)
        self._wait_ms = 0
        if not isinstance(message, bytes):
            message, answer, self._wait_ms = message
            self._ear.expect(answer)
        self._write(message)
