"""The header of a sector: whose journal, which turn of the ring, which numbers, what the database has.

Owns: the header's bytes, docs/protocol.md "Flash". No flash access here.
"""

from micropython import const

from tracker.store.crc import crc15, put_crc32

HEADER_MAX = const(120)  # bytes, with eight ranges
_MAGIC = b"LKJ\x01"  # the last byte is the version of the format
_ACKS = const(30)  # offset of the checkpoint
_END_MARK = const(0x4C)  # last byte, so that a cut header cannot look whole whatever its check is


class Header:
    """One header, reused."""

    def __init__(self):
        self.buf = bytearray(HEADER_MAX + 4)
        self.journal_id = bytearray(8)
        self.generation = 0  # counts sectors entered since the journal was born
        self.base = 0  # number of the first record of this sector
        self.sec = 0  # second of the last record before it; in the journal's first sector, of its first record
        self.victim_sec = 0  # the same of the sector that is to be entered next, 0 when that is empty
        self._size = 0

    def put(self, page_size, acks):
        """Write the header into self.buf; its size."""
        buf = self.buf
        for i in range(4):
            buf[i] = _MAGIC[i]
        buf[5] = page_size >> 7
        for i in range(8):
            buf[6 + i] = self.journal_id[i]
        _put32(buf, 14, self.generation)
        _put32(buf, 18, self.base)
        _put32(buf, 22, self.sec)
        _put32(buf, 26, self.victim_sec)
        end = acks.put(buf, _ACKS, self.base)
        buf[4] = end + 5
        put_crc32(buf, end)
        buf[end + 4] = _END_MARK
        return end + 5

    def get(self, buf, page_size):
        """Read the header at the beginning of buf; False when it is not a whole header of this format."""
        size = buf[4]
        for i in range(4):
            if buf[i] != _MAGIC[i]:
                return False
        if not _ACKS + 6 <= size <= HEADER_MAX or buf[size - 1] != _END_MARK or buf[5] != page_size >> 7:
            return False
        mine = self.buf
        for i in range(size - 5):
            mine[i] = buf[i]
        put_crc32(mine, size - 5)
        for i in range(size - 5, size - 1):
            if mine[i] != buf[i]:
                return False
        for i in range(8):
            self.journal_id[i] = buf[6 + i]
        self.generation = _get32(buf, 14)
        self.base = _get32(buf, 18)
        self.sec = _get32(buf, 22)
        self.victim_sec = _get32(buf, 26)
        self._size = size
        return True

    def get_acks(self, acks):
        """The checkpoint of the header that get() read last."""
        return acks.get(self.buf, _ACKS, self._size - 5, self.base)


def seed(journal_id, generation):
    """What the checks of a sector's pages start from: a page of another turn of the ring never fits."""
    return (crc15(0, journal_id, 0, 8) ^ generation) & 0x7FFF


def _put32(buf, off, value):
    for i in range(4):
        buf[off + i] = value & 0xFF
        value >>= 8


def _get32(buf, off):
    return buf[off] | buf[off + 1] << 8 | buf[off + 2] << 16 | (buf[off + 3] & 0x3F) << 24
