"""The wire from the receiver: bytes of the feed arrive one after the other at the line's speed.

In: the feed (tools/sim/feed.py has the format), the world's time, and a receiver (sim_receiver.py) where the script has
    one that can be talked to: it decides what of a burst is said, and at what speed.
Out: bytes into the UART's ring; what does not fit is counted.
"""

import struct

_FAR = 0x3FFFFFFF
_ANSWER_MS = 30
_LARGEST = 8192  # rxbuf of the firmware's hungriest driver, for PPP


class Line:
    def __init__(self, path, baud, silent_until_ms, seed=1, receiver=None):
        """Bursts that begin before silent_until_ms are never sent: no power, or starting."""
        self.receiver = receiver
        self.baud = receiver.baud if receiver else baud
        self.ring = bytearray(_LARGEST)
        self.room = 256  # the driver's rxbuf: so much of the ring is used
        self.count = 0  # bytes waiting in the ring
        self.dropped = 0
        self.arrived = 0
        self.written = 0  # by the board
        self.next_ms = 0  # when the next byte is there
        self._tail = 0
        self._file = open(path, "rb")
        self._head = bytearray(6)
        self._data = bytearray(1024)
        self._start_ms = 0
        self._n = 0
        self._pos = 0
        self._begun = False  # the receiver was asked what it says of this frame
        self._noise = seed & 0xFFFF
        self._open_frame(silent_until_ms)

    def flush(self, now_ms, rxbuf):
        """The driver is installed again: what was said until now is gone, and was no overflow."""
        dropped, arrived = self.dropped, self.arrived
        self.pull(now_ms, True)
        self.dropped, self.arrived = dropped, arrived
        self.room = min(rxbuf, _LARGEST)
        self.count = self._tail = 0

    def pull(self, now_ms, good):
        """Move what has arrived into the ring; as garbage if not good (another baud rate)."""
        while now_ms >= self.next_ms:
            if self.receiver and not self._begun and not self._begin(now_ms, good):
                continue
            upto = self._n
            if now_ms - self._start_ms < self._n * 10_000 // self.baud + 1:
                upto = min(upto, (now_ms - self._start_ms) * self.baud // 10_000)
            self.arrived += upto - self._pos
            self._store(upto, good)
            if self._pos == self._n:
                self._open_frame(0)
            else:
                self.next_ms = self._when(self._pos + 1)

    def hear(self, data, now_ms, baud):
        """What the board writes. At another rate the receiver hears nothing that it knows."""
        self.written += len(data)
        receiver = self.receiver
        if receiver is None:
            return
        if now_ms >= self.next_ms:
            self.pull(now_ms, baud == self.baud)
        if baud == receiver.baud:
            receiver.hear(data, now_ms)
        if receiver.said and not self._pos:
            self.next_ms = min(self.next_ms, now_ms + _ANSWER_MS)

    def _begin(self, now_ms, good):
        """Between two frames: answers go first; then what the receiver says of the next. False: look again."""
        receiver = self.receiver
        if receiver.said:
            self._answer(good)
        self.next_ms = self._when(1) if self._n else _FAR
        if now_ms < self.next_ms:
            return False
        self._n = receiver.shape(self._data, self._n, self._start_ms)
        self.baud = receiver.baud
        self._begun = self._n > 0
        if not self._begun:
            self._open_frame(0)
        return self._begun

    def _answer(self, good):
        """At once: their few bytes are not worth a clock of their own."""
        said, self.receiver.said = self.receiver.said, bytearray()
        data, n, self._data, self._pos = self._data, self._n, said, 0
        self.arrived += len(said)
        self._store(len(said), good)
        self._data, self._n, self._pos = data, n, 0

    def take(self, buf, n):
        """Hand over up to n bytes; returns how many."""
        n = min(n, self.count)
        ring, size, tail = self.ring, self.room, self._tail
        first = min(n, size - tail)
        view = memoryview(ring)
        out = memoryview(buf)
        out[:first] = view[tail : tail + first]
        if n > first:
            out[first:n] = view[: n - first]
        self._tail = (tail + n) % size
        self.count -= n
        return n

    def _store(self, upto, good):
        size = self.room
        fits = min(upto - self._pos, size - self.count)
        self.dropped += upto - self._pos - fits
        if not good:
            self._garble(self._pos, upto)
        at = (self._tail + self.count) % size
        first = min(fits, size - at)
        data = memoryview(self._data)
        ring = memoryview(self.ring)
        ring[at : at + first] = data[self._pos : self._pos + first]
        if fits > first:
            ring[: fits - first] = data[self._pos + first : self._pos + fits]
        self.count += fits
        self._pos = upto

    def _garble(self, start, end):
        for i in range(start, end):
            self._noise = (self._noise * 75 + 74) % 65537
            self._data[i] = self._data[i] ^ self._noise & 0xFF | 0x80

    def _when(self, nth):
        """The millisecond in which the nth byte of the frame is complete."""
        return self._start_ms + (nth * 10_000 + self.baud - 1) // self.baud

    def _open_frame(self, from_ms):
        free_ms = self._when(self._n) if self._n else 0
        while True:
            if self._file.readinto(self._head) != 6:
                self._n = self._pos = 0
                self.next_ms = _FAR
                return
            self._begun = False
            t_ms, self._n = struct.unpack("<IH", self._head)
            if t_ms >= from_ms and self._n:
                break
            self._file.seek(self._n, 1)
        if self._n > len(self._data):
            self._data = bytearray(self._n)
        self._file.readinto(memoryview(self._data)[: self._n])
        self._start_ms = max(t_ms, free_ms)
        self._pos = 0
        self.next_ms = self._when(1)
