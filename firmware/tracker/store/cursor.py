"""A reader of the journal: record after record, from any number on, while the journal grows.

Out: numbered records; first the old ones whose sector is gone, then all others. What is damaged is passed over and shows
as a hole in the numbers.
"""

from tracker.store.old import OLD, Bundle
from tracker.store.page import FIRST, Page


class Cursor:
    """Made by Journal.cursor(). Holds one page in RAM; reading on allocates nothing."""

    def __init__(self, journal, ring, writer, flash, page_size):
        self._journal = journal
        self._ring = ring
        self._writer = writer
        self._flash = flash
        self._last_page = writer.pages - 1
        self._page = Page(flash, page_size)
        self._bundle = None  # made when there are old records for the first time
        self._first = bytearray(FIRST)
        self._want = 0  # the lowest number that next() may give
        self._gave = self._before = -1  # the two that it gave last
        self._sector = -1  # -1: stands nowhere yet
        self._is_old = False
        self._index = 0
        self._base = 0
        self._seen = 0  # where the journal stood when the page was fetched
        self.damaged_pages = 0

    def seek(self, seq):
        """Stand before number seq, or before the oldest there is; False when seq is not in the journal (yet)."""
        if seq != self._want:
            if self._sector >= 0 and self._before < seq <= self._gave:
                self._page.rewind()  # the one given last is wanted again: a block ended before it
                if self._bundle:
                    self._bundle.close()
            else:
                self._sector = -1
            self._want = seq
            self._gave = self._before = seq - 1
        return self._journal.oldest_seq <= seq < self._journal.next_seq

    def next(self, rec):
        """The next record, its number in rec.seq; False when there is none yet."""
        while self._stand():
            if self._is_old:
                if self._next_old(rec):
                    return self._give(rec)
                self._want = max(self._want, self._ring.bases[self._ring.oldest()])
                self._sector = -1
            else:
                return self._next_whole(rec) and self._give(rec)
        return False

    def _give(self, rec):
        self._before = self._gave
        self._gave = rec.seq
        self._want = rec.seq + 1
        return True

    def _next_whole(self, rec):
        page = self._page
        writer = self._writer
        while True:
            while page.next(rec):
                if rec.seq >= self._want:
                    return True
            if self._seen != writer.at:
                # The journal has grown since, perhaps in this page before it went on to another.
                self._seen = writer.at
                page.read(self._sector, self._index)
            elif self._sector == self._ring.newest and self._index == writer.page:
                return False
            elif not self._turn():
                return False

    def _next_old(self, rec):
        """Copies whose source is still there are at or above the base of the oldest sector: those do not count."""
        page = self._page
        bundle = self._bundle
        end = self._ring.bases[self._ring.oldest()]
        while True:
            while bundle.next(rec):
                if self._want <= rec.seq < end:
                    return True
            if not page.next(rec):
                if not self._turn():
                    return False
            elif rec.kind == OLD:
                bundle.open(page, rec.n)

    def _stand(self):
        """Be in a page: where it left off, or where the wanted number must be. False: nothing is there."""
        ring = self._ring
        if self._sector >= 0 and ring.bases[self._sector] == self._base:
            return True
        sector = ring.find(self._want)
        if sector < 0:
            return False
        old = ring.find_old(self._want) if self._want < ring.bases[sector] else -1
        self._is_old = old >= 0
        self._sector = old if self._is_old else sector
        self._base = ring.bases[self._sector]
        if self._is_old:
            self._bundle = self._bundle or Bundle()
        self._load(0 if self._is_old else self._find_page())
        return True

    def _find_page(self):
        """The page before the last one that begins at or below the wanted number.

        One back, because the two bytes that are compared are not checked: a damaged pair misleads by one page only.
        """
        index = 0
        while index < self._end():
            self._flash.readblocks(self._sector, self._first, (index + 1) * len(self._page.buf))
            if self._base + (self._first[0] | self._first[1] << 8) > self._want:
                break
            index += 1
        return max(index - 1, 0)

    def _end(self):
        """The last page of this sector that has something in it."""
        return self._writer.page if self._sector == self._ring.newest else self._last_page

    def _turn(self):
        """On to the next page, or to the next sector. False where the journal, or what is old in it, ends."""
        if self._page.used() != self._page.pos:
            self.damaged_pages += 1
        if self._index < self._end():
            self._load(self._index + 1)
            return True
        ring = self._ring
        if not self._is_old:
            sector = ring.follower(self._sector)
        else:
            sector = ring.after_old(self._sector) if self._sector != ring.newest else -1
        if sector < 0:
            return False
        self._sector = sector
        self._base = ring.bases[sector]
        self._load(0)
        return True

    def _load(self, index):
        self._index = index
        self._seen = self._writer.at
        self._page.load(self._sector, index, self._base, self._ring.seed_of(self._sector))
        self._before = self._gave  # what was given last is not in this page
        if self._bundle:
            self._bundle.close()
