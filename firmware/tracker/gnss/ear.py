"""Which sentences a line carries, whatever their content: counts of those with a right checksum.

In: bytes as they come. Out: heard, valid, rmc, gga, surplus, and whether the expected answer came.
Owns: nothing but its counts. Used while the receiver is looked for; the parser reads what they say.
"""

from micropython import const

_RMC = const(0x524D43)
_GGA = const(0x474741)
_SURPLUS = (0x475356, 0x474C4C, 0x565447, 0x5A4441)  # GSV, GLL, VTG, ZDA
_LINE_MAX = const(120)
_NO_LINE = const(-1)


class Ear:
    def __init__(self):
        self._answer = b""
        self._k = _NO_LINE
        self._xor = self._type = self._sum_at = self._sum = 0
        self.reset()

    def reset(self):
        self.heard = self.valid = self.rmc = self.gga = self.surplus = 0
        self.answered = False
        self._match = 0
        self._answer = b""

    def expect(self, answer):
        """Watch for these bytes from now on."""
        self._answer = answer
        self._match = 0
        self.answered = False

    def hear(self, buf, n):
        self.heard += n
        for i in range(n):
            c = buf[i]
            if self._answer and not self.answered:
                self._await(c)
            if c == 0x24:
                self._k = self._xor = self._type = self._sum_at = self._sum = 0
            elif self._k != _NO_LINE:
                self._take(c)

    def _take(self, c):
        """One byte of a line behind its `$`."""
        k = self._k
        self._k = k + 1
        if self._sum_at:
            digit = c - 0x30 if c < 0x3A else (c | 0x20) - 0x57
            if not 0 <= digit <= 15:
                self._k = _NO_LINE
                return
            self._sum = self._sum << 4 | digit
            self._sum_at += 1
            if self._sum_at == 3:
                self._k = _NO_LINE
                if self._sum == self._xor:
                    self._count()
        elif c == 0x2A:
            self._sum_at = 1
        elif k == _LINE_MAX or not 0x20 <= c < 0x7F:
            self._k = _NO_LINE
        else:
            self._xor ^= c
            if 2 <= k <= 4:
                self._type = self._type << 8 | c

    def _count(self):
        self.valid += 1
        if self._type == _RMC:
            self.rmc += 1
        elif self._type == _GGA:
            self.gga += 1
        elif self._type in _SURPLUS:
            self.surplus += 1

    def _await(self, c):
        answer = self._answer
        self._match = self._match + 1 if c == answer[self._match] else 1 if c == answer[0] else 0
        self.answered = self._match == len(answer)
