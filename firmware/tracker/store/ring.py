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
        self._blank = bytearray(self.count)  # 1: erased in this run; after a mount no erase is known to have ended
        self.header = Header()
        self._view = memoryview(self.header.buf)
        self._views = {}  # by length: slicing allocates
        self.page = Page(flash, page_size)  # for looking at what is there
        self.newest = -1
        self.generation = -1

    def scan(self):
        """Read every sector's header once; find the newest and those that its ring still holds."""
        header = self.header
        self.newest = self.generation = -1
        generations = array("i", [-1] * self.count)
        ids = {}
        for sector in range(self.count):
            self.bases[sector] = -1
            self._blank[sector] = 0
            if self.read_header(sector):
                generations[sector] = header.generation
                self.bases[sector] = header.base
                ids[sector] = bytes(header.journal_id)
                if header.generation > self.generation:
                    self.generation = header.generation
                    self.newest = sector
        for sector in ids:
            age = (self.newest - sector) % self.count
            if ids[sector] != ids[self.newest] or generations[sector] != self.generation - age:
                self.bases[sector] = -1
        if self.newest >= 0:
            header.journal_id[:] = ids[self.newest]
        return self.newest >= 0

    def read_header(self, sector):
        """Read a sector's header into self.header; one damaged byte is put right if its page is sealed."""
        page = self.page
        page.read(sector, 0)
        if self.header.get(page.buf, self._page_size):
            return True
        return page.is_sealed() and mend(page.buf, page.limit) >= 0 and self.header.get(page.buf, self._page_size)

    def erase(self, sector):
        """Empty a sector. One that this run has emptied is not erased again when it is entered: that keeps the wear even."""
        self.bases[sector] = -1
        self._flash.ioctl(_ERASE, sector)
        self._blank[sector] = 1

    def enter(self, base, sec, acks):
        """Erase the next sector and write its header; the header's size. Its records begin there."""
        sector = self.after(self.newest)
        self.bases[sector] = -1
        header = self.header
        victim = self.after(sector)
        header.victim_sec = header.sec if self.bases[victim] >= 0 and self.read_header(victim) else 0
        if not self._blank[sector]:
            self.erase(sector)
        self._blank[sector] = 0
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

    def find(self, seq):
        """The sector where seq must be: the last that begins at or below it, else the oldest; -1 when all is empty."""
        if self.newest < 0:
            return -1
        found = sector = self.oldest()
        while sector >= 0 and self.bases[sector] <= seq:
            found = sector
            sector = self.follower(sector)
        return found
