"""The ring of sectors: which one is the newest, which numbers each holds, and the entry into the next.

Owns: the headers on flash and their order. A sector counts only where the ring must have it.
"""

from array import array

from micropython import const

from tracker.store.crc import mend
from tracker.store.page import Page
from tracker.store.sector import Header, seed

_COUNT = const(4)  # ioctl of a block device
_ERASE = const(6)


class Ring:
    def __init__(self, flash, page_size):
        self._flash = flash
        self._page_size = page_size
        self.count = flash.ioctl(_COUNT, 0)
        self.bases = array("i", [-1] * self.count)  # first number of each sector, -1: holds nothing of this journal
        self.olds = array("i", [-1] * self.count)  # no old record in it is below this; -1: it has none
        self.blank = bytearray(self.count)  # 1: erased in this run; after a mount no erase is known to have ended
        self.header = Header()
        self._view = memoryview(self.header.buf)
        self._views = {}  # by length: slicing allocates
        self.page = Page(flash, page_size)  # for looking at what is there
        self.newest = -1
        self.generation = -1

    def read_header(self, sector):
        """Read a sector's header into self.header; one damaged byte is put right if its page is sealed."""
        page = self.page
        page.read(sector, 0)
        if self.header.get(page.buf, self._page_size):
            return True
        return page.is_sealed() and mend(page.buf, page.limit) >= 0 and self.header.get(page.buf, self._page_size)

    def erase(self, sector):
        """Empty a sector. One that this run has emptied is not erased again when it is entered: that keeps the wear even."""
        self.bases[sector] = self.olds[sector] = -1
        self._flash.ioctl(_ERASE, sector)
        self.blank[sector] = 1

    def enter(self, base, sec, victim_sec, acks):
        """Erase the next sector and write its header; the header's size. Its records begin there."""
        sector = self.after(self.newest)
        self.bases[sector] = self.olds[sector] = -1
        header = self.header
        header.victim_sec = victim_sec
        if not self.blank[sector]:
            self.erase(sector)
        self.blank[sector] = 0
        header.generation = self.generation + 1
        header.base = base
        header.sec = sec
        size = header.put(self._page_size, acks)
        if size not in self._views:
            self._views[size] = self._view[:size]
        self._flash.writeblocks(sector, self._views[size], 0)
        self.generation += 1
        self.newest = sector
        self.bases[sector] = base
        return size

    def seed_of(self, sector):
        return seed(self.header.journal_id, self.generation - (self.newest - sector) % self.count)

    def after(self, sector):
        return (sector + 1) % self.count

    def follower(self, sector):
        """The next sector, in the order of numbers, that holds something; -1 behind the newest."""
        while sector != self.newest:
            sector = (sector + 1) % self.count
            if self.bases[sector] >= 0:
                return sector
        return -1

    def oldest(self):
        """The sector with the lowest numbers, or -1."""
        sector = self.after(self.newest)
        return sector if self.newest < 0 or self.bases[sector] >= 0 else self.follower(sector)

    def lowest(self):
        """The number below which nothing can be read."""
        sector = self.after_old(self.newest)
        base = self.bases[self.oldest()]
        return base if sector < 0 else min(self.olds[sector], base)

    def after_old(self, sector):
        """The next sector in ring order that may have old records; behind the newest comes the oldest, then -1."""
        for _ in range(self.count):
            sector = self.after(sector)
            if self.olds[sector] >= 0:
                return sector
            if sector == self.newest:
                return -1
        return -1

    def find_old(self, seq):
        """The sector where the old record seq must be: the last that says so, else the first with any; -1: none has."""
        found = sector = self.after_old(self.newest)
        while sector >= 0 and self.olds[sector] <= seq:
            found = sector
            sector = self.after_old(sector) if sector != self.newest else -1
        return found

    def find(self, seq):
        """The sector where seq must be: the last that begins at or below it, else the oldest; -1 when all is empty."""
        if self.newest < 0:
            return -1
        found = sector = self.oldest()
        while sector >= 0 and self.bases[sector] <= seq:
            found = sector
            sector = self.follower(sector)
        return found
