"""AT commands on a serial line: one at a time, each with a deadline, and what the modem says unasked kept apart.

In: a UART; commands; the time as an argument.  Out: a result a command, the lines of its answer.
Owns: the line that is being read. A line that comes takes no heap; whatever comes, nothing is raised and nothing grows.
"""

from time import ticks_diff

from micropython import const

OK = const(1)
CONNECT = const(2)
PROMPT = const(3)
ERROR = const(4)  # the line itself is in the answer: "+CME ERROR: 10"
HUNG_UP = const(5)
LATE = const(6)  # the deadline came first

_LINE_MAX = const(128)
_ANSWER_MAX = const(160)
_READ_MAX = const(64)
_READS = const(8)  # a poll is bounded even when the line never rests: a modem in data mode may talk on
_CR = const(13)
_LF = const(10)

# Whole lines, the beginnings of lines; those of a call end no command but the one that dials.
_WHOLE = ((b"OK", OK), (b"ERROR", ERROR))
_BEGIN = ((b"+CME ERROR", ERROR), (b"+CMS ERROR", ERROR))
_CALL = (
    (b"CONNECT", CONNECT), (b"NO CARRIER", HUNG_UP), (b"BUSY", HUNG_UP), (b"NO DIALTONE", HUNG_UP), (b"NO ANSWER", HUNG_UP),
)  # fmt: skip
_READY = (b"RDY", b"*ATREADY: 1")
_VOLTAGE = b"VOLTAGE"  # UNDER-VOLTAGE WARNNING, and the like


class At:
    def __init__(self, uart):
        self._readinto = uart.readinto
        self._write = uart.write
        self._buf = bytearray(_READ_MAX)
        self._line = bytearray(_LINE_MAX)
        self._n = 0
        self._answer = bytearray(_ANSWER_MAX)
        self._answer_n = 0
        self._command = b""
        self._wanted = b""
        self._dials = False
        self._begun_ms = 0
        self._deadline_ms = 0
        self.result = LATE  # None: a command is under way
        self.restarts = 0  # the modem said that it has started, whoever told it to
        self.dips = 0  # it said that its supply is low
        self.unasked = self.cut = 0  # lines that were no answer; bytes of a line, of an answer that had no room

    def send(self, command, now, deadline_ms, wanted=b""):
        """wanted: how the lines of the answer begin; b"" keeps every line that comes until the result."""
        self._command = command
        self._wanted = wanted
        self._dials = command.find(b"ATD") == 0 or command.find(b"CGDATA") > 0
        self._answer_n = 0
        self._begun_ms = now
        self._deadline_ms = deadline_ms
        self.result = None
        self._write(command)
        self._write(b"\r")

    def poll(self, now):
        """The result, or None while there is none."""
        for _ in range(_READS):
            n = self._readinto(self._buf)
            if not n:
                break
            self.feed(self._buf, n)
            if self.result == CONNECT:
                break  # what follows belongs to PPP
        if self.result is None and not 0 <= ticks_diff(now, self._begun_ms) < self._deadline_ms:
            self.result = LATE
        return self.result

    def answer(self):
        return str(bytes(self._answer[: self._answer_n]), "ascii")

    def feed(self, buf, n):
        line = self._line
        for i in range(n):
            c = buf[i]
            if c == _CR or c == _LF:
                if self._n:
                    self._end_line()
                self._n = 0
            elif c < 32 or c > 126:
                pass  # noise of a modem that is being switched on
            elif self._n < _LINE_MAX:
                line[self._n] = c
                self._n += 1
            else:
                self.cut += 1
        if self._n == 2 and line[0] == 62 and line[1] == 32 and self.result is None:  # "> " has no end of line
            self._n = 0
            self.result = PROMPT

    def _end_line(self):
        line, n = self._line, self._n
        if self._is(_READY[0]) and n == 3 or self._is(_READY[1]):
            self.restarts += 1
        elif line.find(_VOLTAGE, 0, n) >= 0:
            self.dips += 1
        elif self.result is not None:
            self.unasked += 1
        elif n == len(self._command) and self._is(self._command):
            pass  # the echo
        else:
            self._take()

    def _take(self):
        """A line while a command is under way: its end, a part of its answer, or something unasked."""
        result = None
        for word, means in _WHOLE:
            if self._n == len(word) and self._is(word):
                result = means
        for word, means in _BEGIN:
            if self._is(word):
                result = means
        for word, means in _CALL:
            if self._dials and self._is(word):
                result = means
        if result == ERROR or (result is None and self._is(self._wanted)):
            self._keep()
        elif result is None:
            self.unasked += 1
        self.result = result

    def _is(self, word):
        n = len(word)
        return n <= self._n and self._line.find(word, 0, n) == 0

    def _keep(self):
        at = self._answer_n
        if at + self._n >= _ANSWER_MAX:
            self.cut += self._n
            return
        for i in range(self._n):
            self._answer[at + i] = self._line[i]
        self._answer[at + self._n] = _LF
        self._answer_n = at + self._n + 1
