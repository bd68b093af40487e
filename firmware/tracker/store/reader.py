"""Reads bytes and varints out of a buffer that may be cut anywhere; allocates nothing."""


class Reader:
    """`at` is the reading position. Once something was cut it is -1, and everything then reads as 0."""

    def __init__(self):
        self.at = 0
        self._buf = b""
        self._end = 0

    def begin(self, buf, at, end):
        self._buf = buf
        self.at = at
        self._end = end

    def byte(self):
        at = self.at
        if not 0 <= at < self._end:
            self.at = -1
            return 0
        self.at = at + 1
        return self._buf[at]

    def varint(self):
        """Seven bits a byte, lowest first; at most five bytes."""
        buf = self._buf
        end = self._end
        at = self.at
        value = shift = 0
        while 0 <= at < end and shift < 35:
            byte = buf[at]
            at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                self.at = at
                return value
            shift += 7
        self.at = -1
        return 0

    def signed(self):
        """A zigzag varint: 0, -1, 1, -2 ... as 0, 1, 2, 3 ..."""
        return unzigzag(self.varint())


def zigzag(value):
    return value << 1 if value >= 0 else ~(value << 1)


def unzigzag(value):
    return ~(value >> 1) if value & 1 else value >> 1
