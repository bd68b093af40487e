"""The writer: puts records behind each other into the pages of one sector, each by one program operation.

Owns: where the next byte goes, and the running checks of the open page. After an OSError of the flash on turning a page
the journal must be mounted again.
"""

from micropython import const

from tracker.store.codec import Codec
from tracker.store.crc import crc15, parity, put_check
from tracker.store.page import CHECK, FIRST, SEAL

WRITTEN = const(1)
NO_ROOM = const(0)
_EXACT = const(32)  # bytes: longer writes are rounded up, each length needs a view of its own that stays
_ROUND = const(16)
NO_RECORD = const(-1)  # it holds what no record can say


class Writer:
    def __init__(self, flash, sector_size, page_size):
        self._flash = flash
        self._sector_size = sector_size
        self._page_size = page_size
        self.pages = sector_size // page_size
        self._scratch = bytearray(2 * page_size)
        self._view = memoryview(self._scratch)
        self._views = {}  # by length: slicing a memoryview allocates
        self.codec = Codec()
        self.close(-1, sector_size)

    def close(self, sector, at):
        """Stand at the beginning of an erased page, or at the sector's end, with no page open."""
        self.sector = sector
        self.at = at  # where the next byte goes
        self.page = at // self._page_size - 1  # the last page with something in it
        self._open = False
        self._seed = 0

    def open(self, sector, seed, header, size):
        """A new sector, its header just written."""
        self.sector = sector
        self.at = size
        self.page = 0
        self._open = True
        self._seed = self._crc = seed
        self._parity = parity(0, header, 0, size)
        self.codec.reset()

    def resume(self, sector, seed, index, page):
        """Go on in a sector whose last used page has been read to its end: in that page, or in the next if it is torn."""
        has_begun = index == 0 or page.pos > FIRST  # without a record the page's own first bytes may be torn
        clean = has_begun and page.used() == page.pos and not page.is_sealed()
        self.close(sector, index * self._page_size + (page.pos if clean else self._page_size))
        self.page = index
        self._seed = seed
        self._open = clean
        self._crc = page.crc
        self._parity = parity(0, page.buf, 0, page.pos)
        self.codec.copy(page.codec)

    def put(self, rec, offset, spare, pages=0):
        """Program rec, the next number being `offset` from the sector's base; leave so many bytes and pages at the sector's end."""
        scratch = self._scratch
        end = self.codec.encode(rec, scratch, 0)
        if end < 0:
            return NO_RECORD
        is_last = (self.page + 1 + pages) * self._page_size >= self._sector_size
        limit = self._data_end() - (spare if is_last else 0)
        if self._open and self.at + end + CHECK <= limit:
            self._program(0, end, self.at)
        elif is_last:
            return NO_ROOM
        else:
            start = self.at
            off = self._turn_page(offset)
            self._program(off, self.codec.encode(rec, scratch, off), start)
        return WRITTEN

    def seal(self):
        """Write P and Q of the last page before the sector is left."""
        if self._open:
            scratch = self._scratch
            end = self._pad()
            scratch[0] = scratch[end - 2]
            scratch[1] = scratch[end - 1]
            self._flash.writeblocks(self.sector, self._part(SEAL), self._data_end())
        self._open = False

    def room(self):
        """Bytes that the open page still takes."""
        return self._data_end() - self.at

    def _data_end(self):
        return (self.page + 1) * self._page_size - SEAL

    def _pad(self):
        """Fill the scratch with what the open page lacks: erased bytes and its seal. Their number."""
        scratch = self._scratch
        end = self._data_end() - self.at
        for i in range(end):
            scratch[i] = 0xFF
        pq = parity(self._parity, scratch, 0, end)
        scratch[end] = pq & 0xFF
        scratch[end + 1] = pq >> 8
        return end + SEAL

    def _turn_page(self, offset):
        """Put the rest of the open page and the beginning of the next into the scratch; where the record goes."""
        off = self._pad() if self._open else 0
        scratch = self._scratch
        scratch[off] = offset & 0xFF
        scratch[off + 1] = offset >> 8
        end = off + FIRST
        self.page += 1
        self._open = True
        self._crc = crc15(self._seed, scratch, off, end)
        self._parity = parity(0, scratch, off, end)
        self.codec.reset()
        return end

    def _program(self, off, end, start):
        """Add the check of the record in scratch[off:end] and program everything up to it at `start`.

        Program before cursor: what the flash refuses leaves no hole, behind which nothing could be read.
        """
        scratch = self._scratch
        crc = crc15(self._crc, scratch, off, end)
        end = put_check(crc, scratch, end)
        size = end
        while size > _EXACT and size % _ROUND and start + size < self._sector_size:
            scratch[size] = 0xFF  # programs nothing
            size += 1
        self._flash.writeblocks(self.sector, self._part(size), start)
        self._crc = crc
        self._parity = parity(self._parity, scratch, off, end)
        self.at = start + end

    def _part(self, size):
        if size not in self._views:
            self._views[size] = self._view[:size]
        return self._views[size]
