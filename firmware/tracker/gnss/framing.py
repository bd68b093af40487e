"""Bytes from a serial line to one checked NMEA sentence at a time, cut into fields.

In: chunks of bytes as the UART hands them over, cut anywhere.
Out: `verdict` after each take(): nothing yet, a good sentence, or why there is none.
Owns: the line buffer. This is the only file that touches every byte.
"""

from micropython import const

NOTHING = const(0)
GOOD = const(1)
BAD_CHECKSUM = const(2)
CUT = const(3)  # ended before its checksum
TOO_LONG = const(4)

RMC = const(0x524D43)  # the three letters of the type as one number
GGA = const(0x474741)
GSV = const(0x475356)

_LINE_MAX = const(120)  # NMEA says 82; receivers with seven decimals and four systems go beyond
_FIELDS_MAX = const(32)


class Framer:
    """Finds `$`, keeps RMC, GGA and GSV of any talker, passes over all else at the speed of find()."""

    def __init__(self):
        self.verdict = NOTHING
        self.kind = 0  # RMC, GGA or GSV
        self.line = bytearray(_LINE_MAX)  # what follows the `$`
        self.ends = bytearray(_FIELDS_MAX)  # ends[f]: offset in line of the comma or `*` behind field f
        self.fields = 0
        self._length = -1  # -1: waiting for `$`
        self._xor = 0

    def take(self, buf, i, n):
        """Read buf[i:n] up to the end of one sentence at most; the offset to go on from."""
        self.verdict = NOTHING
        k = self._length
        if k < 0:
            i = buf.find(b"$", i, n) + 1
            if i == 0:
                return n
            k = self._xor = self.fields = 0
        line = self.line
        xor = self._xor
        stop = i + _LINE_MAX - k
        if stop > n:
            stop = n
        while i < stop:
            c = buf[i]
            if c == 0x2C:
                if not self._comma(k):
                    self._length = -1
                    return i + 1
            elif c < 0x20 or c == 0x24:  # a `$` inside a damaged line begins the next sentence
                self._length = -1
                self._end(k, xor)
                return i
            line[k] = c
            xor ^= c
            k += 1
            i += 1
        if k == _LINE_MAX:
            self.verdict = TOO_LONG
            k = -1
        self._length = k
        self._xor = xor
        return i

    def _comma(self, k):
        """Field ends at k; False when the sentence is none that we read."""
        f = self.fields
        if f == 0:
            line = self.line
            kind = line[2] << 16 | line[3] << 8 | line[4]
            # `P` is proprietary: Garmin's $PGRMC is no RMC
            if k != 5 or line[0] == 0x50 or (kind != RMC and kind != GGA and kind != GSV):
                return False
            self.kind = kind
        elif f == _FIELDS_MAX - 1:
            self.verdict = CUT
            return False
        self.ends[f] = k
        self.fields = f + 1
        return True

    def _end(self, k, xor):
        line = self.line
        if self.fields == 0:
            return
        if k < 9 or line[k - 3] != 0x2A:
            self.verdict = CUT
            return
        high = line[k - 2]
        low = line[k - 1]
        xor ^= 0x2A ^ high ^ low  # the checksum's own three characters went in: take them out again
        if _hex(high) << 4 | _hex(low) != xor:
            self.verdict = BAD_CHECKSUM
            return
        self.ends[self.fields] = k - 3
        self.fields += 1
        self.verdict = GOOD


def _hex(c):
    """Value of a hexadecimal digit; 256 for any other character, which no checksum equals."""
    if 0x30 <= c <= 0x39:
        return c - 0x30
    c |= 0x20
    return c - 0x57 if 0x61 <= c <= 0x66 else 256
