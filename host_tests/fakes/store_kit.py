"""What the store's tests share: a chip with small sectors, the mark, records with known content. Runs on CPython and VMs."""

from sim.board.nor import NorFlash
from tracker.record import FIX, TAIL, Record
from tracker.store.journal import Journal

JOURNAL_ID = b"journal!"


class Cells:
    """A store for NorFlash that moves bytes by slices: the exhaustive tests read gigabytes on CPython."""

    def __init__(self, cells):
        self.cells = bytearray(cells)

    def read(self, off, buf, n):
        buf[:n] = self.cells[off : off + n]

    def clear(self, off, buf, n):
        cells = self.cells
        for i in range(n):
            cells[off + i] &= buf[i]

    def put(self, off, buf, n):
        self.cells[off : off + n] = bytes(buf[:n])


class SmallNor(NorFlash):
    """A chip whose sectors may be smaller than the real 4096 bytes, so that a test can go round the ring quickly."""

    def __init__(self, cells, sector=512, seed=1):
        NorFlash.__init__(self, len(cells), sector, Cells(cells), seed)
        self.reads = self.pages_read = 0

    def readblocks(self, block, buf, off=0):
        self.reads += 1
        self.pages_read += len(buf) > 2
        NorFlash.readblocks(self, block, buf, off)

    def ioctl(self, op, arg=0):
        if op == 6:
            self.erase(arg)
            return 0
        return NorFlash.ioctl(self, op, arg)


class Mark:
    def __init__(self, value=None):
        self.value = value

    def get(self):
        return self.value

    def set(self, value):
        self.value = value


def blank(sectors=4, sector=512):
    return SmallNor(b"\xff" * (sectors * sector), sector)


def mounted(flash, mark, page_size=128, window=None):
    journal = Journal(flash, lambda n: JOURNAL_ID[:n], mark, flash.sector, page_size, window=window and (lambda: window))
    journal.mount()
    return journal


def fix_record(rec, i):
    """The i-th fix of a drive on a crooked road; every value is one that the codec keeps exactly."""
    fix = rec.fix
    fix.clear()
    rec.kind = FIX
    fix.sec = rec.sec = 217000000 + 2 * i
    fix.lat_udeg = -6200000 + 70 * i + i * i % 13
    fix.lon_udeg = 106600000 + 90 * i - i * i % 11
    fix.kind = 1
    fix.speed_cms = i * 7 % 200 * 10 if i % 9 else None
    fix.course_cdeg = i * 3 % 180 * 200 if i % 7 else None
    fix.alt_dm = i % 40 * 10
    fix.hdop_x10 = 8 + i % 5
    fix.sats = 9 + i % 3 if i % 31 else None
    fix.flags = 32 if i % 17 == 0 else 0
    return rec


def event_record(rec, i, kind=8, size=None):
    rec.kind = kind
    rec.sec = 217000000 + 2 * i
    rec.n = i % 23 if size is None else size
    for k in range(rec.n):
        rec.body[k] = i * 31 + k & 0xFF
    return rec


def image(rec):
    """Everything that a record says, to compare."""
    if rec.kind == FIX or rec.kind == TAIL:
        return (rec.kind,) + fix_image(rec.fix)
    return (rec.kind, rec.sec, bytes(rec.body[: rec.n]))


def fix_image(fix):
    return (
        fix.sec, fix.ms, fix.lat_udeg, fix.lon_udeg, fix.alt_dm, fix.speed_cms, fix.course_cdeg,
        fix.hdop_x10, fix.sats, fix.kind, fix.flags,
    )  # fmt: skip


def read_all(journal, rec=None, from_seq=0):
    """{number: image} of all that a new cursor reads, having checked that the numbers rise."""
    rec = rec or Record()
    cursor = journal.cursor()
    cursor.seek(from_seq)
    found = {}
    last = -1
    while cursor.next(rec):
        assert rec.seq > last
        last = rec.seq
        found[last] = image(rec)
    return found
