"""Which numbers the database has: everything below `low`, and up to eight ranges above it.

Owns: the bound. What does not fit is forgotten, so it is sent again; nothing is ever invented.
"""

from array import array

from micropython import const

from tracker.record import put_varint
from tracker.store.reader import Reader

RANGES = const(8)


class Acks:
    def __init__(self):
        self._from = array("i", [0] * RANGES)
        self._to = array("i", [0] * RANGES)  # the first number behind the range
        self._in = Reader()
        self.clear(0)

    def clear(self, low):
        self.low = low
        self.n = 0
        self.forgotten = 0

    def has(self, seq):
        return self.next_missing(seq) != seq

    def next_missing(self, seq):
        """The lowest number >= seq that the database is not known to have."""
        if seq < self.low:
            seq = self.low
        for i in range(self.n):
            if self._from[i] <= seq < self._to[i]:
                seq = self._to[i]
        return seq

    def missing(self, start, stop):
        """How many numbers from start to before stop the database is not known to have."""
        start = max(start, self.low)
        count = max(stop - start, 0)
        for i in range(self.n):
            count -= max(0, min(self._to[i], stop) - max(self._from[i], start))
        return count

    def add(self, start, stop):
        """The database has start <= number < stop. The count of numbers that are news."""
        if start < self.low:
            start = self.low
        if start >= stop:
            return 0
        news = stop - start
        # Ranges that touch the new one are taken into it; those left stay in order.
        at = kept = 0
        for i in range(self.n):
            lo = self._from[i]
            hi = self._to[i]
            if hi < start or lo > stop:
                if hi < start:
                    at = kept + 1
                self._from[kept] = lo
                self._to[kept] = hi
                kept += 1
            else:
                news -= max(0, min(hi, stop) - max(lo, start))
                start = min(start, lo)
                stop = max(stop, hi)
        self.n = kept
        if start <= self.low:
            self.low = stop
        else:
            self._insert(at, start, stop)
        return news

    def _insert(self, at, start, stop):
        if self.n == RANGES:
            # The highest range goes: the lowest is the one that lets sectors go first.
            self.forgotten += 1
            if at == RANGES:
                return
            self.n -= 1
        for i in range(self.n, at, -1):
            self._from[i] = self._from[i - 1]
            self._to[i] = self._to[i - 1]
        self._from[at] = start
        self._to[at] = stop
        self.n += 1

    def raise_low(self, low):
        """Numbers below low are gone from the flash: nobody needs an answer about them."""
        if low > self.low:
            self.add(self.low, low)

    # ---- as bytes: next_seq - low, then for each range its distance from what is before it and its length - 1

    def put(self, buf, off, next_seq):
        off = put_varint(buf, off, next_seq - self.low)
        behind = self.low
        for i in range(self.n):
            off = put_varint(buf, off, self._from[i] - behind)
            off = put_varint(buf, off, self._to[i] - self._from[i] - 1)
            behind = self._to[i]
        return off

    def get(self, buf, off, end, next_seq):
        """Take over what put wrote; False, and nothing is known any more, when it is not that."""
        data = self._in
        data.begin(buf, off, end)
        low = next_seq - data.varint()
        self.clear(max(low, 0))
        good = low >= 0
        behind = self.low
        while good and 0 <= data.at < end:
            start = behind + data.varint()
            behind = start + data.varint() + 1
            good = self.n < RANGES and behind <= next_seq
            if good:
                self._insert(self.n, start, behind)
        if not good or data.at < 0:
            self.clear(0)
            return False
        return True
