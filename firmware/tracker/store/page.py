"""One page of the flash in RAM, read record by record.

In: a flash and where the page is. Out: its records, in order, each behind a check; nothing that is not whole.
"""

from micropython import const

from tracker.fix import UNTIMED
from tracker.record import ACK, DROPPED, FIX, GAP, SKIPPED, THINNED, Record
from tracker.store.codec import Codec
from tracker.store.crc import check_fits, crc15, mend, parity
from tracker.store.sector import Header

SEAL = const(2)  # bytes P and Q at the end of a full page
FIRST = const(2)  # bytes at the beginning of a page: the offset of its first number from the sector's base
CHECK = const(2)  # bytes behind a record


def looks_back(rec):
    """Does the record tell of what is gone, or not know its second? Then that says nothing about the trail's end."""
    kind = rec.kind
    if kind == FIX:
        return rec.fix.flags & UNTIMED != 0
    return rec.sec == 0 or kind == SKIPPED or kind == GAP and (rec.body[0] == DROPPED or rec.body[0] == THINNED)


class Page:
    def __init__(self, flash, page_size):
        self._flash = flash
        self._probe = None  # a Record, needed only where there is damage
        self.buf = bytearray(page_size)
        self.limit = page_size - SEAL
        self.codec = Codec()
        self.mended = 0
        self.pos = 0
        self.seq = 0
        self.crc = 0
        self._sector = 0
        self._index = 0
        self._base = 0
        self._seed = 0

    def read(self, sector, index):
        """Fetch the page's bytes, as they are."""
        self._sector = sector
        self._index = index
        self._flash.readblocks(sector, self.buf, index * len(self.buf))

    def load(self, sector, index, base, seed):
        """Fetch a page, put one damaged byte right if it is sealed, and stand before its first record."""
        self._base = base
        self._seed = seed
        self.read(sector, index)
        buf = self.buf
        limit = self.limit
        if self.is_sealed():
            before = buf[limit] ^ parity(0, buf, 0, limit) & 0xFF
            at = mend(buf, limit)
            if at >= 0:
                if self._whole():
                    self.mended += 1
                else:
                    buf[at] ^= before
        self.rewind()

    def _whole(self):
        """True when every byte of the page belongs to a good header, to a good record or to the padding."""
        if self._probe is None:
            self._probe = Record()
            self._header = Header()
        if not self._index and not self._header.get(self.buf, len(self.buf)):
            return False  # a cut left P or Q torn, and they point into the header: its size is where the records begin
        self.rewind()
        while self.next(self._probe):
            pass
        return self.used() == self.pos

    def rewind(self):
        """Stand before the first record again."""
        buf = self.buf
        self.codec.reset()
        if self._index:
            self.pos = FIRST
            self.seq = self._base + (buf[0] | buf[1] << 8)
            self.crc = crc15(self._seed, buf, 0, FIRST)
        else:
            self.pos = min(buf[4], self.limit)
            self.seq = self._base
            self.crc = self._seed

    def first(self, base, seed, rec):
        """The first record of a sector whose first page has just been fetched; False without one."""
        self._base = base
        self._seed = seed
        self._index = 0
        self.rewind()
        return self.next(rec)

    def next(self, rec):
        """Read one record; False at the end of what is good. rec.seq is -1 for one without a number."""
        pos = self.pos
        end = self.codec.decode(self.buf, pos, self.limit - CHECK, rec)
        if end < 0:
            return False
        crc = crc15(self.crc, self.buf, pos, end)
        if not check_fits(crc, self.buf, end):
            return False
        self.crc = crc
        self.pos = end + CHECK
        if rec.kind >= ACK:
            rec.seq = -1
        else:
            rec.seq = self.seq
            self.seq += 1
            self.codec.advance(rec)
        return True

    def used(self):
        """Where the erased rest of the data begins: equal to pos where everything was read."""
        buf = self.buf
        end = self.limit
        while end > self.pos and buf[end - 1] == 0xFF:
            end -= 1
        return end

    def is_erased(self):
        for byte in self.buf:
            if byte != 0xFF:
                return False
        return True

    def is_sealed(self):
        return self.buf[self.limit] & self.buf[self.limit + 1] != 0xFF
