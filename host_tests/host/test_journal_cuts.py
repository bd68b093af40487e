"""Power cuts at every byte of every flash operation, and damage of any byte: nothing is lost, nothing is made up.

A drive goes round a ring of 4 x 512 bytes twice. Each operation is then torn at each byte in several ways, and the
journal is mounted on what is left. LACAK_CUT_STRIDE=1 tries them all (minutes); the default takes a sample that
moves through bytes and ways.
"""

import os
import random

import pytest
from sim.board.nor import PowerCut
from store_kit import Mark, SmallNor, event_record, fix_image, fix_record, image, mounted, read_all
from tracker.record import DROPPED, FIX, GAP, SKIPPED, Record, varint

STRIDE = int(os.environ.get("LACAK_CUT_STRIDE", "29"))


class Watched(SmallNor):
    """A chip that keeps a picture of itself before every operation, and of what its journal had promised until then."""

    def __init__(self, drive, size):
        SmallNor.__init__(self, b"\xff" * size)
        self.drive = drive
        self.pictures = []

    def program(self, off, buf, n=None):
        self._take("program", off, bytes(buf))
        SmallNor.program(self, off, buf, n)

    def erase(self, index):
        self._take("erase", index * self.sector, bytes(self.sector))
        SmallNor.erase(self, index)

    def _take(self, op, off, data):
        self.pictures.append(Picture(op, off, data, bytes(self.store.cells), self.drive))


class Picture:
    def __init__(self, op, off, data, cells, drive):
        self.op = op
        self.off = off
        self.data = data
        self.cells = cells
        self.mark = drive.mark.value
        self.appended = dict(drive.appended)
        self.in_flight = drive.in_flight
        self.next_seq = drive.journal.next_seq
        self.acked = set(drive.acked)
        self.tails = (drive.tail, drive.tail_in_flight)
        # a sector that is being entered has left the ring before its erase begins
        self.oldest = min([base for base in drive.journal._ring.bases if base >= 0], default=0)

    def torn(self, at, way, seed):
        """The cells when power goes after `at` bytes of this operation."""
        flash = SmallNor(self.cells, seed=seed)
        flash.cut = (self.op, 1, at, way)
        with pytest.raises(PowerCut):
            if self.op == "program":
                flash.program(self.off, self.data)
            else:
                flash.erase(self.off // flash.sector)
        return bytes(flash.store.cells)


class Drive:
    """Two rounds of the ring: fixes, events, tails, acknowledgements in pieces, and a stretch without any."""

    def __init__(self, offline):
        self.mark = Mark()
        self.appended = {}
        self.in_flight = None
        self.acked = set()
        self.tail = self.tail_in_flight = None
        flash = Watched(self, 4 * 512)
        self.journal = journal = mounted(flash, self.mark)
        rec = Record()
        i = 0
        while journal.entered < 9:
            i += 1
            fix_record(rec, i) if i % 11 else event_record(rec, i)
            self._append(rec)
            if i % 5 == 0:
                self.tail_in_flight = fix_image(fix_record(rec, i + 1).fix)
                journal.append_tail(rec.fix)
                self.tail = self.tail_in_flight
                self.tail_in_flight = None
            if i % 20 == 0 and not offline < i < offline + 120:
                self._ack(i)
        self.pictures = flash.pictures

    def _append(self, rec):
        self.in_flight = image(rec)
        seq = self.journal.append(rec)
        assert seq == self.journal.next_seq - 1
        self.appended[seq] = self.in_flight
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


def check(picture, flash, mark):
    """Mount what a cut has left, compare it with what was promised, go on, and mount again."""
    journal = mounted(flash, mark)
    found = read_all(journal)
    gaps = [what for what in found.values() if is_dropped(what)]
    for seq, what in picture.appended.items():
        # what mount() itself overwrote, entering a sector to say which numbers it skips, was acknowledged or is told of
        gone = seq < picture.oldest or seq < journal.oldest_seq and (seq in picture.acked or is_told(what, gaps))
        assert gone or found.get(seq) == what, "number %d is missing or changed" % seq
    for seq, what in found.items():
        if seq not in picture.appended:
            ours = what[0] == SKIPPED or is_dropped(what)
            assert ours or what == picture.in_flight, "number %d was never appended" % seq
    assert journal.next_seq >= picture.next_seq
    skipped = numbers_skipped(found)
    for seq in range(journal.oldest_seq, journal.next_seq):
        assert seq in picture.acked or seq in skipped or not journal.is_acked(seq)
    check_tail(picture, journal, found)
    check_goes_on(picture, journal, found, flash, mark)


def check_tail(picture, journal, found):
    tail = journal.tail()
    if tail is not None:
        assert fix_image(tail) in picture.tails
    elif picture.tails[0] is not None:
        assert picture.in_flight in found.values() and picture.in_flight[0] == FIX


def check_goes_on(picture, journal, found, flash, mark):
    more = {}
    rec = Record()
    for i in range(9000, 9003):
        what = image(fix_record(rec, i))
        seq = journal.append(rec)
        assert seq not in found and seq not in picture.appended
        more[seq] = what
    again = mounted(flash, mark)
    after = read_all(again)
    for seq, what in found.items():
        assert seq < again.oldest_seq or after.get(seq) == what
    for seq, what in more.items():
        assert after.get(seq) == what
    assert again.next_seq == journal.next_seq
    assert again.tail() is None


def is_told(what, gaps):
    """Is the second of this record explained by a gap record that says that records were dropped?"""
    return any(gap[1] - varint(gap[2], 1, len(gap[2]))[0] <= what[1] <= gap[1] for gap in gaps)


def is_dropped(what):
    return what[0] == GAP and what[2][0] == DROPPED


def numbers_skipped(found):
    skipped = set()
    for what in found.values():
        if what[0] == SKIPPED:
            first, off = varint(what[2], 0, len(what[2]))
            count, _ = varint(what[2], off, len(what[2]))
            skipped |= set(range(first, first + count))
    return skipped


WAYS = ("prefix", "random")


@pytest.fixture(scope="module")
def drives():
    return Drive(offline=10000), Drive(offline=60)


def cuts(pictures, stride):
    """Every stride-th of all (operation, byte, way), so that the sample moves through all three."""
    nth = 0
    for picture in pictures:
        for at in range(len(picture.data) + 1):
            for way in WAYS:
                if nth % stride == 0:
                    yield nth, picture, at, way
                nth += 1


def test_drives_are_what_these_tests_need(drives):
    for drive in drives:
        ops = [picture.op for picture in drive.pictures]
        assert ops.count("erase") == 9
        assert drive.journal.ack_records > 2 and drive.journal.tails > 20
    assert drives[0].journal.dropped == 0
    assert drives[1].journal.dropped > 0


@pytest.mark.parametrize("which", (0, 1))
def test_cut_anywhere_loses_at_most_the_record_in_flight(drives, which):
    tried = 0
    for nth, picture, at, way in cuts(drives[which].pictures, STRIDE):
        flash = SmallNor(picture.torn(at, way, nth))
        try:
            check(picture, flash, Mark(picture.mark))
        except Exception as error:
            raise AssertionError("cut %d: %s at byte %d, %s" % (nth, picture.op, at, way)) from error
        tried += 1
    assert tried > 300


@pytest.mark.parametrize("which", (0, 1))
def test_cut_while_recovering_from_a_cut(drives, which):
    """Power goes again while mount() writes what it has to: nothing is lost by that either."""
    tried = 0
    for nth, picture, at, way in cuts(drives[which].pictures, STRIDE * 6):
        cells = picture.torn(at, way, nth)
        ops = recovery_ops(picture, cells)
        for op, count in ops:
            for again_at in (0, 1, 2, 5, 30, 200):
                flash = SmallNor(cells, seed=nth)
                flash.cut = (op, count, again_at, way)
                mark = Mark(picture.mark)
                with pytest.raises(PowerCut):
                    mounted(flash, mark)
                check(picture, SmallNor(flash.store.cells), mark)
                tried += 1
    assert tried > 100


def recovery_ops(picture, cells):
    flash = SmallNor(cells)
    mounted(flash, Mark(picture.mark))
    return [("program", n + 1) for n in range(flash.program_calls)] + [("erase", n + 1) for n in range(flash.erases)]


def places(cells, mark):
    """{number: (page, where its bytes end)} of an undamaged ring."""
    flash = SmallNor(cells)
    ring = mounted(flash, mark)._ring
    found = {}
    rec = Record()
    for sector in range(ring.count):
        for index in range(4):
            if ring.bases[sector] >= 0:
                ring.page.load(sector, index, ring.bases[sector], ring.seed_of(sector))
                while ring.page.next(rec):
                    if rec.seq >= 0:
                        found[rec.seq] = (sector * 4 + index, index * 128 + sector * 512 + ring.page.pos)
    return found


def test_one_damaged_byte_costs_at_most_the_rest_of_its_page(drives):
    """Any one byte of the ring: all other pages are read in full, so is what precedes it; nothing wrong is read."""
    drive = drives[0]
    picture = drive.pictures[-20]
    intact = read_all(mounted(SmallNor(picture.cells), Mark(picture.mark)))
    where = places(picture.cells, Mark(picture.mark))
    assert set(where) == set(intact)
    rng = random.Random(5)
    lost_in_sealed = 0
    newest_pages = {page for seq, (page, _) in where.items() if seq > max(where) - 2}
    for at in range(len(picture.cells)):
        cells = bytearray(picture.cells)
        # a page's first byte becomes 0 and points too low, which is what could mislead a cursor
        cells[at] = 0 if at % 128 == 0 and cells[at] else cells[at] ^ rng.randrange(1, 256)
        journal = mounted(SmallNor(cells), Mark(picture.mark))
        found = read_all(journal)
        for seq, what in found.items():
            assert intact.get(seq) == what or what[0] == SKIPPED and seq > max(intact), "byte %d" % at
        for seq, (page, end) in where.items():
            if seq not in found:
                assert page == at // 128 and end > at, "byte %d: number %d" % (at, seq)
                lost_in_sealed += page not in newest_pages
        assert journal.next_seq > max(intact)
        if at % 128 < 2:
            check_seeks(journal, found)
    assert lost_in_sealed == 0  # P and Q give a sealed page its byte back


def check_seeks(journal, found):
    """From any number on, a cursor gives the first that can be read, also where a page's own number is damaged."""
    rec = Record()
    cursor = journal.cursor()
    numbers = sorted(found)
    for seq in reversed(numbers):
        cursor.seek(seq)
        assert cursor.next(rec) and rec.seq == seq and image(rec) == found[seq]


def test_heavy_damage_is_never_read_as_records(drives):
    """Pages full of noise, zeros, or another page's bytes."""
    picture = drives[0].pictures[-20]
    intact = read_all(mounted(SmallNor(picture.cells), Mark(picture.mark)))
    rng = random.Random(6)
    for n in range(700):
        cells = bytearray(picture.cells)
        start = rng.randrange(len(cells) - 20)
        size = rng.randrange(2, 300)
        noise = rng.choice((bytes(size), rng.randbytes(size), bytes(cells[rng.randrange(1500) :][:size])))
        cells[start : start + len(noise)] = noise
        del cells[len(picture.cells) :]
        journal = mounted(SmallNor(cells), Mark(picture.mark))
        for seq, what in read_all(journal).items():
            assert intact.get(seq) == what or what[0] == SKIPPED
        assert journal.next_seq > max(intact)


def test_gap_that_had_no_room_is_said_after_a_cut():
    """Behind a torn last page the GAP can only come after the entry. Cut at every byte from there on: still no loss is silent."""
    flash = SmallNor(b"\xff" * 2048)
    mark = Mark()
    journal = mounted(flash, mark)
    rec = Record()
    made = {}
    i = 0
    while journal.entered < 4 or journal._writer.page < 3:
        seq = journal.append(fix_record(rec, i))
        made[seq] = rec.sec
        i += 1
    cells = bytes(flash.store.cells)
    before = mark.value
    for op, n, size in (("erase", 1, 512), ("program", 1, 50), ("program", 2, 50), ("program", 3, 50)):
        for at in range(0, size, 1 if op == "program" else 31):
            flash = SmallNor(cells, seed=at)
            mark = Mark(before)
            journal = mounted(flash, mark)
            journal._writer.close(journal._ring.newest, 512)
            flash.cut = (op, n, at, WAYS[at % 2])
            with pytest.raises(PowerCut):
                journal.append(fix_record(rec, 500))
            flash.cut = None
            journal = mounted(flash, mark)
            found = read_all(journal)
            gaps = [what for what in found.values() if is_dropped(what)]
            assert journal.oldest_seq > 0
            for seq, sec in made.items():
                assert seq in found or is_told((0, sec), gaps), "%s %d at %d: %d" % (op, n, at, seq)
