"""The wire from the modem: what it says comes byte after byte at the line's speed, into the driver's ring.

In: a SimModem, the world's time.
Out: the same calls as sim_line.Line, for machine.UART. What does not fit the ring is counted.
"""

_FAR = 0x3FFFFFFF


class Wire:
    def __init__(self, modem):
        self.modem = modem
        self.room = 256
        self.dropped = self.arrived = self.written = 0
        self._ring = bytearray()
        self._data = b""  # what is on the wire now
        self._start_ms = self._pos = 0
        self._noise = 1

    @property
    def baud(self):
        return self.modem.baud

    @property
    def count(self):
        return len(self._ring)

    @property
    def next_ms(self):
        if self._pos < len(self._data):
            return self._start_ms + ((self._pos + 1) * 10_000 + self.baud - 1) // self.baud
        return self.modem.next_ms

    def flush(self, now_ms, rxbuf):
        """The driver is installed again: what was said until now is gone, and was no overflow."""
        dropped = self.dropped
        self.pull(now_ms, True)
        self.dropped = dropped
        self.room = rxbuf
        self._ring = bytearray()

    def hear(self, data, ms, baud):
        self.pull(ms, True)
        self.written += len(data)
        self.modem.hear(data, ms, baud)

    def pull(self, now_ms, good):
        """Move what has arrived into the ring; as garbage if not good (another baud rate)."""
        self.modem.run(now_ms)
        said = self.modem.said
        while True:
            if self._pos < len(self._data):
                upto = min(len(self._data), max(0, now_ms - self._start_ms) * self.baud // 10_000)
                if upto > self._pos:
                    self._store(self._data[self._pos : upto], good)
                    self._pos = upto
                if self._pos < len(self._data):
                    return
            if not said or said[0][0] > now_ms:
                return
            free_ms = self._start_ms + len(self._data) * 10_000 // self.baud
            at_ms, self._data = said.pop(0)
            self._start_ms = max(at_ms, free_ms)
            self._pos = 0

    def take(self, buf, n):
        n = min(n, len(self._ring))
        buf[:n] = self._ring[:n]
        self._ring = self._ring[n:]
        return n

    def _store(self, data, good):
        self.arrived += len(data)
        fits = min(len(data), self.room - len(self._ring))
        self.dropped += len(data) - fits
        self._ring += (data if good else self._garbled(data))[:fits]

    def _garbled(self, data):
        out = bytearray(data)
        for i in range(len(out)):
            self._noise = (self._noise * 75 + 74) % 65537
            out[i] ^= self._noise & 0xFF | 0x80
        return bytes(out)
