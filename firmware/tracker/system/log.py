"""Log: lines for the console; the newest in a ring, which lies in the image of RTC memory and so outlives a reset.

In: info, warn, error, exception; save() once a minute.  Out: lines(), piece(), print.
Owns: bytes 64 to 1023 of the image.
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
# In the image: place of the oldest line and bytes in use, two bytes each; the ring; two bytes of check.
_AT = const(64)
_RING_AT = const(68)
_RING_SIZE = const(954)
_STOP = const(1024)
_SECRET_MIN = const(4)  # shorter ones would turn half of the words into stars


class Log:
    """A level below `level` is neither printed nor kept. `dropped` counts lines pushed out.

    Without `retained` the ring has `size` bytes of its own, and a reset loses it."""

    def __init__(self, ticks, size=_RING_SIZE, out=print, level=INFO, retained=None):
        self._ticks = ticks
        self._out = out
        self._ring = bytearray(size) if retained is None else retained.buf
        self._base = 0 if retained is None else _RING_AT
        self._size = size
        self._first = 0  # the oldest line's first byte
        self._used = 0
        self._kept = retained
        self._unsaved = False
        self._secrets = []
        self.level = level
        self.dropped = 0
        self.cut = 0  # lines longer than _LINE_MAX
        self.unprinted = 0  # nobody listens: the console refused
        if retained is not None:
            retained.before_save = self._close
            if retained.whole(_AT, _STOP):
                self._open()
        self._put_n = self._used  # bytes ever put; the ring has the last _used of them
        self._told_n = 0  # and piece() has given these

    def debug(self, text):
        self._say(DEBUG, text)

    def info(self, text):
        self._say(INFO, text)

    def warn(self, text):
        self._say(WARN, text)

    def error(self, text):
        self._say(ERROR, text)
        self.save()

    def exception(self, text, error):
        """The text, then the traceback line by line."""
        self._say(ERROR, text)
        for line in traceback_lines(error):
            self._say(ERROR, line)
        self.save()

    def hide(self, secret):
        """Stars instead of this text from here on, whoever says it."""
        if len(secret) >= _SECRET_MIN:
            self._secrets.append(secret)

    def lines(self):
        """What the ring holds, oldest first; at a start the lines of the run before the reset."""
        data = bytearray(self._used)
        for i in range(self._used):
            data[i] = self._byte(i)
        return [str(line, "utf-8") for line in data.split(b"\n")[:-1]]

    def save(self):
        """To RTC memory, if there is news. The check takes some 20 ms: at errors and once a minute, not for every line."""
        if self._unsaved and self._kept is not None:
            self._kept.save()

    def rewind(self):
        """piece() begins again with the oldest line."""
        self._told_n = 0

    def piece(self, buf, at, room):
        """Copy the next whole lines, as many as fit, to buf[at:]; the offset behind them, `at` when all is told."""
        i = max(self._told_n - self._put_n + self._used, 0)  # what was pushed out meanwhile is lost
        end = at
        n = min(self._used - i, room)
        for k in range(n):
            byte = buf[at + k] = self._byte(i + k)
            if byte == _END:
                end = at + k + 1
        self._told_n = self._put_n - self._used + i + end - at
        return end

    def _say(self, level, text):
        if level < self.level:
            return
        for line in str(text).split("\n"):
            for secret in self._secrets:
                line = line.replace(secret, "***")
            line = "%d %s %s" % (self._ticks(), _LETTERS[level], line)
            self._keep(line.encode())
            try:
                self._out(line)
            except OSError:
                self.unprinted += 1

    def _keep(self, data):
        count = min(len(data), _LINE_MAX, self._size - 1)
        if count < len(data):
            self.cut += 1
            while data[count] & 0xC0 == 0x80:  # not in the middle of a character
                count -= 1
        while self._used + count + 1 > self._size:
            self._forget_oldest()
        for i in range(count):
            self._put(data[i])
        self._put(_END)
        self._unsaved = True

    def _byte(self, i):
        return self._ring[self._base + (self._first + i) % self._size]

    def _put(self, byte):
        self._ring[self._base + (self._first + self._used) % self._size] = byte
        self._used += 1
        self._put_n += 1

    def _forget_oldest(self):
        byte = -1
        while byte != _END:
            byte = self._byte(0)
            self._first = (self._first + 1) % self._size
            self._used -= 1
        self.dropped += 1

    def _open(self):
        """The lines of the run before. Sixteen bits of check alone let one rubbish in 65,536 pass."""
        ring = self._ring
        self._first = ring[_AT] | ring[_AT + 1] << 8
        used = ring[_AT + 2] | ring[_AT + 3] << 8
        if 0 < used <= self._size and self._byte(used - 1) == _END:
            self._used = used

    def _close(self):
        """Whoever saves the image: this part of it is whole."""
        if self._unsaved:
            ring = self._ring
            ring[_AT] = self._first & 0xFF
            ring[_AT + 1] = self._first >> 8
            ring[_AT + 2] = self._used & 0xFF
            ring[_AT + 3] = self._used >> 8
            self._kept.seal(_AT, _STOP)
            self._unsaved = False


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
