"""Log: lines for the console, the newest of them in RAM, in a ring that never grows or raises.

In: info, warn, error, exception.  Out: lines(), print.  Owns: one bytearray.
"""

import io
import sys

from micropython import const

DEBUG = const(0)
INFO = const(1)
WARN = const(2)
ERROR = const(3)
_LETTERS = "DIWE"
_LINE_MAX = const(160)  # bytes kept of one line
_END = const(10)  # a line's last byte in the ring


class Log:
    """A level below `level` is neither printed nor kept. `dropped` counts lines pushed out."""

    def __init__(self, ticks, size=2048, out=print, level=INFO):
        self._ticks = ticks
        self._out = out
        self._ring = bytearray(size)
        self._first = 0  # the oldest line's first byte
        self._used = 0
        self.level = level
        self.dropped = 0
        self.cut = 0  # lines longer than _LINE_MAX
        self.unprinted = 0  # nobody listens: the console refused

    def debug(self, text):
        self._say(DEBUG, text)

    def info(self, text):
        self._say(INFO, text)

    def warn(self, text):
        self._say(WARN, text)

    def error(self, text):
        self._say(ERROR, text)

    def exception(self, text, error):
        """The text, then the traceback line by line."""
        self._say(ERROR, text)
        for line in traceback_lines(error):
            self._say(ERROR, line)

    def lines(self):
        """What the ring holds, oldest first."""
        end = self._first + self._used
        data = bytes(self._ring[self._first : end] + self._ring[: max(end - len(self._ring), 0)])
        return [str(line, "utf-8") for line in data.split(b"\n")[:-1]]

    def _say(self, level, text):
        if level < self.level:
            return
        for line in str(text).split("\n"):
            line = "%d %s %s" % (self._ticks(), _LETTERS[level], line)
            self._keep(line.encode())
            try:
                self._out(line)
            except OSError:
                self.unprinted += 1

    def _keep(self, data):
        count = min(len(data), _LINE_MAX, len(self._ring) - 1)
        if count < len(data):
            self.cut += 1
            while data[count] & 0xC0 == 0x80:  # not in the middle of a character
                count -= 1
        while self._used + count + 1 > len(self._ring):
            self._forget_oldest()
        for i in range(count):
            self._put(data[i])
        self._put(_END)

    def _put(self, byte):
        self._ring[(self._first + self._used) % len(self._ring)] = byte
        self._used += 1

    def _forget_oldest(self):
        byte = -1
        while byte != _END:
            byte = self._ring[self._first]
            self._first = (self._first + 1) % len(self._ring)
            self._used -= 1
        self.dropped += 1


def traceback_lines(error):
    """The traceback as a list of lines, on both Pythons; the bare type when memory is short."""
    try:
        text = io.StringIO()
        if hasattr(sys, "print_exception"):
            sys.print_exception(error, text)
        else:
            import traceback

            traceback.print_exception(error, file=text)
        return text.getvalue().strip().split("\n")
    except MemoryError:
        return [type(error).__name__]
