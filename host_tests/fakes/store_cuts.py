"""Power cuts in the journal's operations: drives that are watched, and each of their operations torn.

In: Drive, a journal's life on a small chip, with a Picture before each flash operation. Out: cuts(), and check_cut()
and check_recovery(), which raise AssertionError where store_judge finds fault. CPython only; also for benchmarks.
"""

from sim.board.nor import PowerCut
from store_fast import FastChip
from store_judge import check, whole_from
from store_kit import Mark, SmallNor, event_record, fix_image, fix_record, image, mounted, read_all
from tracker.record import FIX, Record
from tracker.sampling.window import Window
from tracker.store.old import OLD, Bundle

DRIVES = (  # that stays online; that goes offline for a while; for ever, with a window that thins much, and one that thins little
    {"offline": 10000},
    {"offline": 60},
    {"offline": 60, "thin_m": 20, "entries": 12},
    {"offline": 60, "thin_m": 1, "entries": 12},
)
WAYS = (("prefix", 0), ("random", 1), ("random", 2))  # how the byte in flight, or the half-erased sector, is left; a seed


class Watched(FastChip):
    """A chip that keeps a picture of itself before every operation, and of what its journal had promised until then."""

    def __init__(self, drive, size, sector):
        FastChip.__init__(self, b"\xff" * size, sector)
        self.drive = drive
        self.pictures = []

    def program(self, off, buf, n=None):
        self._take("program", off, bytes(buf))
        FastChip.program(self, off, buf, n)

    def erase(self, index):
        self._take("erase", index * self.sector, bytes(self.sector))
        FastChip.erase(self, index)

    def _take(self, op, off, data):
        self.pictures.append(Picture(op, off, data, bytes(self.store.cells), self.drive))


class Picture:
    """One operation, the chip before it, and the promises."""

    def __init__(self, op, off, data, cells, drive):
        self.op = op
        self.off = off
        self.data = data
        self.cells = cells
        self.drive = drive
        self.mark = drive.mark.value
        self._appended = len(drive.appended)
        self.in_flight = drive.in_flight
        self.next_seq = drive.journal.next_seq
        self.acked = frozenset(drive.acked)
        self.tails = (drive.tail, drive.tail_in_flight)
        self.oldest = drive.journal.oldest_seq
        self.olds = drive.olds

    @property
    def appended(self):
        return dict(self.drive.appended[: self._appended])

    def flash(self, cells, seed=1):
        return FastChip(cells, self.drive.sector, seed)

    def torn(self, at, way, seed):
        """The cells when power goes after `at` bytes of this operation."""
        flash = self.flash(self.cells, seed)
        flash.cut = (self.op, 1, at, way)
        try:
            if self.op == "program":
                flash.program(self.off, self.data)
            else:
                flash.erase(self.off // flash.sector)
        except PowerCut:
            return bytes(flash.store.cells)
        raise AssertionError("the chip did not cut")


class Drive:
    """Rounds of the ring: fixes, events, tails, acknowledgements in pieces, and perhaps a stretch without any.

    thin_m: with a window of that bound, and without any acknowledgement from record `offline` on.
    """

    def __init__(self, offline, sector=512, page=128, entries=9, thin_m=None):
        self.sector = sector
        self.page = page
        self.thin_m = thin_m
        self.olds = frozenset()  # old numbers that could be read after the last entry
        self.mark = Mark()
        self.appended = []  # (number, image), in order
        self.in_flight = None
        self.acked = set()
        self.tail = self.tail_in_flight = None
        flash = Watched(self, 4 * sector, sector)
        self.journal = journal = self.mounted(flash, self.mark)
        rec = Record()
        i = 0
        while journal.entered < entries:
            i += 1
            fix_record(rec, i) if i % 11 else event_record(rec, i)
            self._append(rec)
            if i % 5 == 0:
                self.tail_in_flight = fix_image(fix_record(rec, i + 1).fix)
                journal.append_tail(rec.fix)
                self.tail = self.tail_in_flight
                self.tail_in_flight = None
            if i % 20 == 0 and not offline < i < (offline + sector // 3 if thin_m is None else 1 << 30):
                self._ack(i)
        self.pictures = flash.pictures

    def mounted(self, flash, mark):
        return mounted(flash, mark, self.page, self.thin_m and Window(self.thin_m))

    def _append(self, rec):
        self.in_flight = image(rec)
        entered = self.journal.entered
        seq = self.journal.append(rec)
        if self.thin_m and self.journal.entered > entered:
            whole = whole_from(self.journal)
            self.olds = frozenset(seq for seq in read_all(self.journal) if seq < whole)
        assert seq == self.journal.next_seq - 1
        self.appended.append((seq, self.in_flight))
        self.in_flight = None
        if rec.kind == FIX:
            self.tail = None

    def _ack(self, i):
        newest = self.journal.next_seq - 1
        lo = max(0, newest - 60)
        if i % 40:
            lo += 25  # a hole that the next one closes
        self.acked |= set(range(lo, newest - 5))
        self.journal.ack(lo, newest - 6)
        self.journal.flush_acks(0)
        self.journal.flush_acks(60000)


def cuts(pictures, stride, first=0):
    """Every stride-th of all (operation, byte, way), so that the sample moves through all three."""
    nth = first
    for picture in pictures:
        for at in range(len(picture.data) + 1):
            for way, seed in WAYS:
                if nth % stride == 0:
                    yield nth + seed, picture, at, way
                nth += 1


def check_cut(nth, picture, at, way):
    """Tear one operation and check what is left."""
    try:
        check(picture, picture.torn(at, way, nth), Mark(picture.mark))
    except Exception as error:
        raise AssertionError("cut %d: %s at byte %d, %s" % (nth, picture.op, at, way)) from error


def check_recovery(nth, picture, at, way):
    """Tear one operation, then each operation of the mount that follows; how many cuts that were."""
    cells = picture.torn(at, way, nth)
    tried = 0
    for op, count in recovery_ops(picture, cells):
        for again_at in (0, 1, 2, 5, 30, 200):
            flash = picture.flash(cells, nth)
            flash.cut = (op, count, again_at, way)
            mark = Mark(picture.mark)
            try:
                picture.drive.mounted(flash, mark)
            except PowerCut:
                check(picture, flash.store.cells, mark)
                tried += 1
            else:
                raise AssertionError("the chip did not cut")
    return tried


def recovery_ops(picture, cells):
    flash = picture.flash(cells)
    picture.drive.mounted(flash, Mark(picture.mark))
    return [("program", n + 1) for n in range(flash.program_calls)] + [("erase", n + 1) for n in range(flash.erases)]


def places(cells, mark):
    """{number: (page, where its bytes end)} of an undamaged ring; of a copy only where its source is gone."""
    flash = SmallNor(cells)
    ring = mounted(flash, mark)._ring
    found = {}
    rec = Record()
    bundle = Bundle()
    for sector in range(ring.count):
        for index in range(4):
            if ring.bases[sector] >= 0:
                ring.page.load(sector, index, ring.bases[sector], ring.seed_of(sector))
                while ring.page.next(rec):
                    where = (sector * 4 + index, index * 128 + sector * 512 + ring.page.pos)
                    if rec.seq >= 0:
                        found[rec.seq] = where
                    elif rec.kind == OLD:
                        bundle.open(ring.page, rec.n)
                        while bundle.next(rec):
                            found.setdefault(rec.seq, where)
    return found
