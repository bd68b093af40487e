"""Power cuts at every byte of every flash operation, and damage of any byte: nothing is lost, nothing is made up.

Drives go round a ring of 4 x 512 bytes twice, and one of 4 x 4,096. Each operation is then torn at each byte in several
ways, and the journal is mounted on what is left; then each operation of that mount is torn. LACAK_CUT_STRIDE=1
(`make soak`) tries them all; the default takes a sample that moves through operations, bytes and ways.
"""

import os
import random

import pytest
from sim.board.nor import PowerCut
from store_cuts import DRIVES, WAYS, Drive, check_cut, check_recovery, cuts, places
from store_fast import remembered
from store_judge import is_dropped, is_told
from store_kit import Mark, SmallNor, fix_image, fix_record, image, mounted, read_all
from tracker.record import SKIPPED, Record
from tracker.store import cursor, ring
from tracker.store.page import Page

STRIDE = int(os.environ.get("LACAK_CUT_STRIDE", "97"))
SOAK = STRIDE == 1
BIG_STRIDE = 1 if SOAK else 31  # of (byte, way): three ways, so each of them comes at every 31st byte


@pytest.fixture(scope="module", autouse=True)
def pages():
    with remembered():
        yield


@pytest.fixture(scope="module")
def drives(pages):
    return [Drive(**drive) for drive in DRIVES]


def test_drives_are_what_these_tests_need(drives):
    for drive in drives:
        ops = [picture.op for picture in drive.pictures]
        assert ops.count("erase") == drive.journal.entered >= 9
        assert drive.journal.ack_records > 1 and drive.journal.tails > 20
    assert drives[0].journal.dropped == 0
    assert drives[1].journal.dropped > 0 and drives[1].journal.thinned == 0
    assert min(drive.journal.thinned for drive in drives[2:]) > 50
    assert min(len(drive.olds) for drive in drives[2:]) > 8
    assert sum(1 for drive in drives for _ in cuts(drive.pictures, 1)) > 50000


def test_what_makes_these_tests_fast_changes_nothing(drives, monkeypatch):
    """A page that is remembered gives what decoding gives, and leaves the same behind."""
    chosen = [cut for drive in drives for cut in cuts(drive.pictures, 997)]
    fast = [lives_on(*cut) for cut in chosen]
    for module in (ring, cursor):
        monkeypatch.setattr(module, "Page", Page)
    assert [lives_on(*cut) for cut in chosen] == fast


def lives_on(nth, picture, at, way):
    flash = picture.flash(picture.torn(at, way, nth))
    journal = picture.drive.mounted(flash, Mark(picture.mark))
    found = read_all(journal)
    reader = journal.cursor()
    rec = Record()
    for i in range(7000, 7080):
        journal.append(fix_record(rec, i))
        while reader.next(rec):
            found[rec.seq] = image(rec)
    tail = journal.tail() and fix_image(journal.tail())
    return found, tail, journal.next_seq, journal.acked_low, journal.thinned, bytes(flash.store.cells)


@pytest.mark.parametrize("which", range(len(DRIVES)))
def test_cut_anywhere_loses_at_most_the_record_in_flight(drives, which):
    tried = 0
    for cut in cuts(drives[which].pictures, STRIDE):
        check_cut(*cut)
        tried += 1
    assert tried > 100


@pytest.mark.parametrize("which", range(len(DRIVES)))
def test_cut_while_recovering_from_a_cut(drives, which):
    """Power goes again while mount() writes what it has to: nothing is lost by that either."""
    tried = 0
    for cut in cuts(drives[which].pictures, STRIDE * (7 if SOAK else 13)):
        tried += check_recovery(*cut)
    assert tried > 30


@pytest.mark.parametrize("thin_m", (None, 20))
def test_cut_anywhere_in_a_ring_of_the_real_sector_size(thin_m):
    tried = 0
    for cut in cuts(Drive(60, 4096, 256, 9 if SOAK else 5, thin_m).pictures, BIG_STRIDE):
        check_cut(*cut)
        tried += 1
    assert tried > 3000


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
    for at in list(range(len(picture.cells))) * 8 if SOAK else range(len(picture.cells)):
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
    reader = journal.cursor()
    numbers = sorted(found)
    for seq in reversed(numbers):
        reader.seek(seq)
        assert reader.next(rec) and rec.seq == seq and image(rec) == found[seq]


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


def test_torn_seal_never_points_into_a_header(pages):
    """P torn in any way over a first page: mending by it must not move the place where the records begin."""
    picture = next(p for p in Drive(10000).pictures if p.op == "program" and p.off % 512 < 126 < p.off % 512 + len(p.data))
    begin = picture.off // 512 * 512
    whole = read_all(mounted(SmallNor(picture.cells), Mark(picture.mark)))
    for p in range(255):
        cells = bytearray(picture.cells)
        cells[begin + 126] = p
        found = read_all(mounted(SmallNor(cells), Mark(picture.mark)))
        assert all(found.get(seq) == what for seq, what in whole.items())


def test_drop_beside_a_thinning_is_told_whatever_two_cuts_leave(drives):
    """The THINNED record is whole, the DROPPED one behind it torn, then the entry that follows: it says what was to come."""
    drive = drives[3]
    tried = 0
    for i, picture in enumerate(drive.pictures):
        if picture.data[:1] == b"\x86" and drive.pictures[i - 1].data[:1] == b"\x86":
            for at in range(1, len(picture.data), 2):
                tried += check_recovery(i, picture, at, "prefix")
    assert tried > 100


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
            flash.cut = (op, n, at, WAYS[at % 3][0])
            with pytest.raises(PowerCut):
                journal.append(fix_record(rec, 500))
            flash.cut = None
            journal = mounted(flash, mark)
            found = read_all(journal)
            gaps = [what for what in found.values() if is_dropped(what)]
            assert journal.oldest_seq > 0
            for seq, sec in made.items():
                assert seq in found or is_told((0, sec), gaps), "%s %d at %d: %d" % (op, n, at, seq)
