"""The journal: numbers, acknowledgements, the full ring, cursors, and no heap on the steady road."""

import gc
import json

from sim.board.nor import NorFlash, PowerCut
from store_kit import JOURNAL_ID, Mark, blank, event_record, fix_image, fix_record, image, mounted, read_all
from tracker.record import ACK, BODY_MAX, DROPPED, FIX, GAP, SKIPPED, THINNED, Record, gap_fields, varint
from tracker.sampling.window import Window
from tracker.store.acks import Acks
from tracker.store.crc import check_fits, crc15, put_check, put_crc32
from tracker.store.journal import Journal
from tracker.store.old import OLD, Bundle
from tracker.store.sector import Header

IMAGE = __file__.replace("both/test_journal.py", "vectors/journal_v1.json")


def _append(journal, first, count, found=None):
    rec = Record()
    for i in range(first, first + count):
        seq = journal.append(fix_record(rec, i))
        if found is not None:
            found[seq] = image(rec)
    return journal.next_seq - 1


def _ack_now(journal, lo, hi):
    journal.ack(lo, hi)
    journal.flush_acks(5)
    journal.flush_acks(60005)


def test_appended_is_read_by_the_same_and_by_the_next_mount():
    flash = blank()
    mark = Mark()
    journal = mounted(flash, mark)
    assert journal.next_seq == 0 and journal.last_sec is None and journal.tail() is None
    assert journal.next_unacked(0) == -1 and read_all(journal) == {}
    rec = Record()
    made = {}
    for i in range(60):
        journal.append(event_record(rec, i) if i % 9 == 4 else fix_record(rec, i))
        made[i] = image(rec)
    assert read_all(journal) == made
    again = mounted(flash, mark)
    assert read_all(again) == made
    assert (again.next_seq, again.last_sec, again.journal_id) == (60, rec.sec, JOURNAL_ID)


def test_clean_end_goes_on_in_the_same_page():
    flash = blank()
    mark = Mark()
    journal = mounted(flash, mark)
    _append(journal, 0, 3)
    before = flash.program_bytes
    _append(journal, 3, 1)
    delta = flash.program_bytes - before
    again = mounted(flash, mark)
    before = flash.program_bytes
    assert _append(again, 4, 1) == 4
    assert flash.program_bytes - before <= delta + 3
    assert len(read_all(again)) == 5 and again.skipped == 0


def test_one_program_per_append_and_an_erase_only_on_entering():
    flash = NorFlash(4 * 4096)
    journal = mounted(flash, Mark(), 256)
    rec = Record()
    for i in range(1200):
        programs = flash.program_calls
        erases = flash.erases
        journal.append(fix_record(rec, i))
        if flash.erases == erases:
            assert flash.program_calls == programs + 1
        else:
            assert flash.erases == erases + 1
            assert flash.program_calls <= programs + 3  # seal of the last page, header, record
    assert flash.erases > 2


def test_sectors_are_entered_in_ring_order():
    flash = blank()
    journal = mounted(flash, Mark())
    for i in range(400):
        seq = _append(journal, i, 1)
        journal.ack(0, seq)
    assert max(flash.wear) - min(flash.wear) <= 1 and min(flash.wear) >= 2
    assert journal.dropped == 0


def test_acks_survive_in_records_and_in_headers():
    flash = blank()
    mark = Mark()
    journal = mounted(flash, mark)
    _append(journal, 0, 40)
    _ack_now(journal, 0, 9)
    _ack_now(journal, 15, 19)
    for again in (journal, mounted(flash, mark)):
        assert again.acked_low == 10
        assert [seq for seq in range(40) if again.is_acked(seq)] == list(range(10)) + list(range(15, 20))
        assert (again.next_unacked(0), again.next_unacked(15), again.next_unacked(39)) == (10, 20, 39)
    entered = journal.entered
    i = 40
    while journal.entered < entered + 1:
        _append(journal, i, 1)
        i += 1
    assert mounted(flash, mark).acked_low == 10
    assert mounted(flash, mark).is_acked(17)


def test_acks_are_gathered():
    """One ACK record for 60 numbers, or 60 s after the first; never a sector for it."""
    flash = blank()
    journal = mounted(flash, Mark())
    _append(journal, 0, 80)
    programs = flash.program_calls
    for i in range(59):
        journal.ack(i, i)
        journal.flush_acks(1000 + i)
    assert flash.program_calls == programs
    journal.ack(59, 59)
    journal.flush_acks(1100)
    assert flash.program_calls == programs + 1 and journal.ack_records == 1
    journal.ack(60, 60)
    journal.flush_acks((1 << 30) - 10)
    journal.flush_acks(59000)
    assert journal.ack_records == 1
    journal.flush_acks(60000)
    assert journal.ack_records == 2
    journal.flush_acks(600000)
    assert journal.ack_records == 2


def test_foreign_acks_are_not_believed():
    journal = mounted(blank(), Mark())
    _append(journal, 0, 10)
    for lo, hi in ((5, 10), (10, 12), (-1, 3), (4, 3), (0, 1 << 29)):
        journal.ack(lo, hi)
    assert journal.stale_acks == 5 and journal.next_unacked(0) == 0


def test_acks_beyond_eight_ranges_are_forgotten_not_invented():
    flash = blank()
    mark = Mark()
    journal = mounted(flash, mark)
    _append(journal, 0, 60)
    asked = set()
    for seq in range(58, 1, -3):
        journal.ack(seq, seq)
        asked.add(seq)
    _ack_now(journal, 1, 1)
    asked.add(1)
    for each in (journal, mounted(flash, mark)):
        acked = {seq for seq in range(60) if each.is_acked(seq)}
        assert acked <= asked and len(acked) == 8
        assert min(acked) == 1  # the low ones let sectors go
    journal.ack(0, 59)
    assert journal.acked_low == 60 and journal.next_unacked(0) == -1


def test_full_ring_drops_the_oldest_and_says_so():
    flash = blank()
    mark = Mark()
    journal = mounted(flash, mark)
    made = {}
    i = 0
    while not journal.dropped:
        _append(journal, i, 1, made)
        i += 1
    found = read_all(journal)
    gaps = [what for what in found.values() if what[0] == GAP]
    assert len(gaps) == 1 and journal.oldest_seq == journal.dropped == journal.acked_low > 0
    rec = Record()
    cursor = journal.cursor()
    while cursor.next(rec) and rec.kind != GAP:
        pass
    assert gap_fields(rec) == (made[0][1], made[journal.oldest_seq - 1][1], DROPPED, journal.dropped)
    assert journal.next_unacked(0) == journal.oldest_seq
    assert all(found[seq] == what for seq, what in made.items() if seq >= journal.oldest_seq)


def test_full_ring_is_looked_at_in_slices():
    """No append reads the 16 pages of the sector that goes: each reads on by two records, entering adds a few pages."""
    flash = blank(4, 4096)
    journal = mounted(flash, Mark(), 256)
    rec = Record()
    most = most_entering = 0
    i = 0
    while journal.entered < 9:
        reads = flash.pages_read
        entered = journal.entered
        journal.append(fix_record(rec, i))
        i += 1
        if journal.entered == entered:
            most = max(most, flash.pages_read - reads)
        elif entered > 4:
            most_entering = max(most_entering, flash.pages_read - reads)
    assert journal.dropped > 1000
    assert 0 < most <= 3 and 0 < most_entering <= 6, (most, most_entering)


def test_acknowledged_while_it_is_looked_at_is_not_counted_as_lost():
    journal = mounted(blank(), Mark())
    made = {}
    while journal.entered < 4 or journal._writer.page < 2:
        _append(journal, journal.next_seq, 1, made)
    journal.ack(0, 11)
    while not journal.dropped:
        _append(journal, journal.next_seq, 1, made)
    assert journal.dropped == journal.oldest_seq - 12
    journal.ack(0, journal.next_seq - 1)
    dropped = journal.dropped
    entered = journal.entered
    while journal.entered < entered + 3:
        _append(journal, journal.next_seq, 1, made)
    assert journal.dropped == dropped


def test_gap_of_a_later_drop_begins_at_the_record_before():
    """No second between the last record that stays explained and the first that is left is without an explanation."""
    journal = mounted(blank(), Mark())
    made = {}
    _append(journal, 0, 20, made)
    journal.ack(0, 11)
    i = 20
    while not journal.dropped:
        _append(journal, i, 1, made)
        i += 1
    rec = Record()
    cursor = journal.cursor()
    while cursor.next(rec) and rec.kind != GAP:
        pass
    assert gap_fields(rec) == (made[11][1], made[journal.oldest_seq - 1][1], DROPPED, journal.oldest_seq - 12)


def test_gap_tells_the_time_of_the_trail_not_of_records_that_look_back():
    """A GAP(DROPPED) or SKIPPED lies in the past: it neither begins nor ends the next loss, and its own hole stays told."""
    journal = mounted(blank(), Mark())
    made = {}
    i = 0
    while journal.entered < 10:
        _append(journal, i, 1, made)
        i += 1
    last_lost = max(what[1] for seq, what in made.items() if seq < journal.oldest_seq)
    rec = Record()
    cursor = journal.cursor()
    gaps = []
    while cursor.next(rec):
        if rec.kind == GAP:
            gaps.append(gap_fields(rec))
    assert len(gaps) >= 3 and journal.last_sec == 217000000 + 2 * (i - 1)
    assert gaps[-1][1] == last_lost and gaps[-1][1] > gaps[-2][1]
    lost = [what[1] for seq, what in made.items() if seq < journal.oldest_seq]
    assert all(any(gap[0] <= sec <= gap[1] for gap in gaps) for sec in lost)


def _first_gap(journal, after=0):
    rec = Record()
    cursor = journal.cursor()
    cursor.seek(after)
    while cursor.next(rec):
        if rec.kind == GAP and gap_fields(rec)[3] > 1:
            return gap_fields(rec)
    return None


def test_loss_lies_between_records_of_the_trail():
    """Records that look back stand in front of it and behind it: they do not move its ends."""
    at_edge = set()
    for start, every in ((0, 2), (1, 2), (0, 3), (1, 3), (0, 5)):
        journal = mounted(blank(), Mark())
        rec = Record()
        fixes = {}
        while not journal.dropped:
            seq = journal.next_seq
            if seq % every == start and seq:
                rec.set_skipped(216000000, 0, 1)
                journal.append(rec)
            else:
                fixes[journal.append(fix_record(rec, seq))] = 217000000 + 2 * seq
            if seq == 12:
                journal.ack(0, 12 - start)  # the first that is lost stands behind a record that looks back
        last = max(seq for seq in fixes if seq < journal.oldest_seq)
        before = max(seq for seq in fixes if seq <= 12 - start)
        assert _first_gap(journal)[:2] == (fixes[before], fixes[last])
        at_edge.add(journal.oldest_seq - last)
    assert at_edge == {1, 2}


def test_loss_ends_with_its_latest_second_though_time_stepped_back():
    first = mounted(blank(), Mark())
    while first.entered < 2:
        _append(first, first.next_seq, 1)
    journal = mounted(blank(), Mark())
    made = {}
    _append(journal, 0, first.next_seq - 4, made)
    newest = made[first.next_seq - 5][1]
    while not journal.dropped:
        _append(journal, journal.next_seq - 30, 1, made)
    assert made[journal.oldest_seq][1] < newest == _first_gap(journal)[1]


def test_second_of_the_trail_is_not_that_of_a_record_that_looks_back():
    """A mount that must enter a sector writes SKIPPED and GAP behind the last fix: the trail still ends at that fix."""
    flash = blank()
    mark = Mark()
    journal = mounted(flash, mark)
    i = 0
    while journal.entered < 4:
        _append(journal, i, 1)
        i += 1
    mark.value += 100
    again = mounted(flash, mark)
    assert [what[0] for _, what in sorted(read_all(again).items())][-2:] == [SKIPPED, GAP]
    assert again.last_sec == mounted(flash, mark).last_sec == 217000000 + 2 * (i - 1)


def test_drop_is_told_once_though_power_went_between_gap_and_erase():
    flash = blank()
    mark = Mark()
    journal = mounted(flash, mark)
    rec = Record()
    i = 0
    while journal.entered < 4 or journal._writer.page < 3:
        journal.append(fix_record(rec, i))
        i += 1
    flash.cut = ("program", flash.program_calls + 2, 0, "prefix")  # the first is the GAP, the second the seal
    try:
        while True:
            journal.append(event_record(rec, i, 8, 30))
            i += 1
            flash.cut = ("program", flash.program_calls + 2, 0, "prefix")
    except PowerCut:
        pass
    flash.cut = None
    journal = mounted(flash, mark)
    assert journal.oldest_seq == 0 and [what[0] for what in read_all(journal).values()].count(GAP) == 1
    while not journal.entered:
        journal.append(event_record(rec, i, 8, 30))
        i += 1
    assert journal.oldest_seq > 0 and [what[0] for what in read_all(journal).values()].count(GAP) == 1


def test_cut_header_is_no_header():
    header = Header()
    header.base = 300
    size = header.put(256, Acks())
    whole = bytes(header.buf[:size])
    for end in range(size):
        assert not Header().get(whole[:end] + b"\xff" * (256 - end), 256)
    other = Header()
    assert other.get(whole + b"\xff" * 256, 256) and other.base == 300


def _thinned(laps, bound_m=20, sector=4096, sectors=4, is_event=lambda i: i % 50 == 7):
    """A journal that has been full of unsent records for some turns of its ring, and all that it was given."""
    flash = blank(sectors, sector)
    mark = Mark()
    journal = mounted(flash, mark, sector // 16 if sector > 512 else 128, Window(bound_m))
    rec = Record()
    made = {}
    while journal.entered < sectors * laps:
        i = journal.next_seq
        seq = journal.append(event_record(rec, i) if is_event(i) else fix_record(rec, i))
        made[seq] = image(rec)
    return journal, made, flash, mark


def test_full_ring_thins_before_it_drops():
    """Old fixes stay so that twice the bound holds, under their numbers; events all; a GAP says which numbers, how many, when."""
    journal, made, flash, mark = _thinned(4)
    whole = journal._ring.bases[journal._ring.oldest()]
    found = read_all(journal)
    again = mounted(flash, mark, 256, Window(20))
    assert read_all(again) == found and again.oldest_seq == journal.oldest_seq < whole
    assert all(found[seq] == what for seq, what in made.items() if seq in found or seq >= whole)
    kept = [seq for seq in sorted(found) if seq < whole]
    assert 10 < len(kept) < (whole - journal.oldest_seq) // 4
    assert all(seq in found for seq, what in made.items() if journal.oldest_seq <= seq and what[0] != FIX)
    fixes = [found[seq] for seq in sorted(found) if found[seq][0] == FIX]
    for seq, what in made.items():
        if what[1] >= fixes[0][1] and seq not in found:
            assert _metres_off(what, fixes) < 20
    _check_thinned_gaps(made, found, whole)


def _check_thinned_gaps(made, found, whole):
    gaps = [(seq, found[seq]) for seq in sorted(found) if seq >= whole]
    gaps = [(seq, what) for seq, what in gaps if what[0] == GAP and what[2][0] == THINNED]
    assert len(gaps) == 3
    for seq, what in gaps[-2:]:
        start, end, count, first, span = _fields(what)[:5]
        gone = [each for each in range(first, first + span) if each in made and each not in found]
        assert count == len(gone) > 100
        assert all(start <= made[each][1] <= end for each in gone)


def _metres_off(what, fixes):
    """From the point where a straight line in time between the kept neighbours passes."""
    i = 0
    while fixes[i + 1][1] < what[1]:
        i += 1
    a, b = fixes[i], fixes[i + 1]
    part = (what[1] - a[1]) / (b[1] - a[1])
    north, east = (what[k] - a[k] - (b[k] - a[k]) * part for k in (3, 4))
    return (north * north + east * east) ** 0.5 / 9


def test_copies_are_read_once_and_only_when_their_source_is_gone():
    """At any moment: every number comes once, in order, from a cursor of its own and from one that follows."""
    journal, made, flash, mark = _thinned(2, sector=512)
    follower = journal.cursor()
    rec = Record()
    while follower.next(rec):
        pass
    for _ in range(150):
        seq = journal.append(fix_record(rec, journal.next_seq))
        found = read_all(journal)
        numbers = sorted(found)
        assert numbers[0] >= journal.oldest_seq
        whole = journal._ring.bases[journal._ring.oldest()]
        assert all(each in found for each in made if each >= whole)  # a copy does not stand in while its source is there
        got = []
        while follower.next(rec):
            got.append(rec.seq)
        assert got and got[-1] == seq
        for back in (numbers[0], numbers[len(numbers) // 3], numbers[-1]):
            cursor = journal.cursor()
            assert cursor.seek(back) and cursor.next(rec) and rec.seq == back
            after = [each for each in numbers if each > back]
            if after:
                assert cursor.next(rec) and rec.seq == after[0]
                cursor.seek(back + 1)
                assert cursor.next(rec) and rec.seq == after[0]
                cursor.seek(back)
                assert cursor.next(rec) and rec.seq == back


def test_at_most_half_of_a_sector_is_copies():
    """Long events between fixes stay all, as far as half of a sector takes them; those behind are dropped and told."""
    journal = mounted(blank(4, 4096), Mark(), 256, Window(20))
    rec = Record()
    made = {}
    while journal.entered < 16:
        i = journal.next_seq
        seq = journal.append(event_record(rec, i, 8, 60) if i % 2 else fix_record(rec, i))
        made[seq] = image(rec)
    page = journal._ring.page
    for sector in range(4):
        size = 0
        for index in range(16):
            page.load(sector, index, journal._ring.bases[sector], journal._ring.seed_of(sector))
            while page.next(rec):
                size += rec.n + 5 if rec.kind == 0x72 else 0
        assert 1200 < size <= 2048 or sector == journal._ring.newest
    found = read_all(journal)
    gaps = [gap for gap in (_fields(what) for what in found.values() if what[0] == GAP and what[2][0] == DROPPED)]
    lost = [what for seq, what in made.items() if seq not in found and what[0] == 8]
    assert lost and all(any(gap[0] <= what[1] <= gap[1] for gap in gaps) for what in lost)


def _fields(what):
    """(from, to, and what else it says) of a GAP."""
    off = 1
    fields = []
    while off < len(what[2]):
        value, off = varint(what[2], off, len(what[2]))
        fields.append(value)
    return [what[1] - fields[0], what[1]] + fields[1:]


def test_thinning_is_left_where_it_gains_nothing():
    """Where more than half of the bytes would stay, the ring keeps new records whole in their stead; events stay."""
    journal = mounted(blank(4, 4096), Mark(), 256, Window(1, 60, 300))
    rec = Record()
    while journal.entered < 12:
        i = journal.next_seq
        if i % 60 == 0:
            journal.append(event_record(rec, i, 2, 1))
        else:
            fix_record(rec, i).fix.lat_udeg += i * i * 7919 % 4000
            journal.append(rec)
    whole = journal._ring.bases[journal._ring.oldest()]
    olds = {what[0] for seq, what in read_all(journal).items() if seq < whole}
    assert journal.thinned == 0 and journal.dropped > 500 and olds and FIX not in olds


class Maker:
    """Of the window that thins; without memory while short."""

    def __init__(self, short=False):
        self.made = 0
        self.short = short

    def __call__(self):
        if self.short:
            raise MemoryError
        self.made += 1
        return Window(20)


def _lap(journal, rec, acked=False):
    """One sector more."""
    entered = journal.entered
    while journal.entered == entered:
        seq = journal.append(fix_record(rec, journal.next_seq))
        if acked:
            journal.ack(0, seq)


def _made_by(maker):
    journal = Journal(blank(4, 4096), lambda n: JOURNAL_ID[:n], Mark(), 4096, 256, window=maker)
    journal.mount()
    return journal


def test_window_is_made_when_something_is_to_be_thinned_and_once():
    maker, rec = Maker(), Record()
    journal = _made_by(maker)
    for _ in range(8):
        _lap(journal, rec, True)
    assert maker.made == 0
    for _ in range(8):
        _lap(journal, rec)
    assert maker.made == 1 and journal.thinned > 500


def test_without_memory_for_the_window_a_sector_is_dropped_and_that_is_said():
    maker, rec = Maker(True), Record()
    journal = _made_by(maker)
    for _ in range(6):
        _lap(journal, rec)
    found = read_all(journal)
    gaps = [_fields(what) for what in found.values() if what[0] == GAP and what[2][0] == DROPPED]
    assert journal.thinned == 0 and journal.dropped == sum(gap[2] for gap in gaps) > 500
    maker.short = False
    for _ in range(2):
        _lap(journal, rec)
    assert maker.made == 1 and journal.thinned > 100


def test_copies_beyond_the_half_reserve_nothing():
    """The page that they turned counts with its empty end. Less than none reserved would let a record turn into the next sector."""
    thinner = _thinned(2)[0]._thinner
    thinner._begin(thinner.base)
    assert thinner.reserved() > 0
    thinner._used = thinner._most + 1
    assert thinner.reserved() == 0


def test_acknowledged_olds_are_over():
    journal, made, flash, mark = _thinned(3, sector=512)
    whole = journal._ring.bases[journal._ring.oldest()]
    numbers = [seq for seq in read_all(journal) if seq < whole]
    assert journal.next_unacked(0) <= numbers[0]
    journal.ack(journal.oldest_seq, numbers[-1])
    assert journal.acked_low == numbers[-1] + 1
    _ack_now(journal, 0, journal.next_seq - 1)
    dropped, thinned, entered = journal.dropped, journal.thinned, journal.entered
    while journal.entered < entered + 6:
        journal.ack(0, _append(journal, journal.next_seq, 1))
    assert (journal.dropped, journal.thinned) == (dropped, thinned)


def test_a_mount_forgets_what_was_looked_at():
    """mount() on a journal in use, with copies half done: it begins anew, copies nothing twice, and its GAPs count right."""
    journal, made, flash, mark = _thinned(2)
    rec = Record()
    for n in range(1500):
        fix_record(rec, journal.next_seq)
        made[journal.append(rec)] = image(rec)
        if n % 60 == 50:
            journal.mount()
    found = read_all(journal)
    assert all(made[seq] == what for seq, what in found.items() if seq in made)
    _check_thinned_gaps(made, found, journal._ring.bases[journal._ring.oldest()])
    page, bundle = journal._ring.page, Bundle()
    for sector in range(4):
        copies = []
        for index in range(16):
            page.load(sector, index, journal._ring.bases[sector], journal._ring.seed_of(sector))
            while page.next(rec):
                if rec.kind == OLD:
                    bundle.open(page, rec.n)
                    while bundle.next(rec):
                        copies.append(rec.seq)
        assert len(copies) == len(set(copies)) and (copies or sector == journal._ring.newest)


def test_acked_sector_is_overwritten_without_a_word():
    journal = mounted(blank(), Mark())
    for i in range(300):
        journal.ack(0, _append(journal, i, 1))
    assert all(what[0] == FIX for what in read_all(journal).values())
    assert journal.dropped == 0 and journal.entered >= 8


def test_acked_sectors_go_after_keep_acked_days_and_unacked_never():
    flash = blank()
    mark = Mark()
    journal = mounted(flash, mark)
    made = {}
    while journal.entered < 4:
        _append(journal, journal.next_seq, 1, made)
    bases = list(journal._ring.bases)
    days_14 = 14 * 86400
    assert not journal.erase_aged(journal.last_sec + days_14 * 9)
    _ack_now(journal, 0, bases[2] - 2)
    assert read_all(journal) == made  # acknowledged, and still there for whoever asks for last week
    newest_of_first = made[bases[1] - 1][1]
    erases = flash.erases
    assert not journal.erase_aged(newest_of_first + days_14)
    assert journal.erase_aged(newest_of_first + days_14 + 1) and flash.erases == erases + 1
    assert journal.oldest_seq == bases[1]
    assert not journal.erase_aged(journal.last_sec + days_14 * 9)  # one record of the next is not acknowledged
    _ack_now(journal, 0, bases[2] - 1)
    again = mounted(flash, mark)
    for each in (journal, again):
        assert read_all(each) == {seq: what for seq, what in made.items() if seq >= bases[1]}
        assert each.next_unacked(0) == bases[2] and each.dropped == each.skipped == 0
    assert journal.erase_aged(journal.last_sec + days_14 * 9)
    for _ in range(3):
        assert not journal.erase_aged(journal.last_sec + days_14 * 9)
    while min(flash.wear) < 3:
        journal.ack(0, _append(journal, journal.next_seq, 1))
        assert max(flash.wear) - min(flash.wear) <= 1  # what is erased early is not erased again on entering
    assert journal.dropped == 0


def test_last_week_is_read_from_any_number_to_any_other():
    """read(from_seq, to_seq): a cursor, for as long as the ring has it."""
    journal = mounted(blank(), Mark())
    made = {}
    for i in range(200):
        journal.ack(0, _append(journal, i, 1, made))
    cursor = journal.cursor()
    rec = Record()
    for first, last in ((journal.oldest_seq, 199), (150, 170), (120, 121), (199, 199)):
        assert cursor.seek(first)
        got = {}
        while cursor.next(rec) and rec.seq <= last:
            got[rec.seq] = image(rec)
        assert got == {seq: made[seq] for seq in range(first, last + 1)}


def test_tail_is_given_back_until_a_fix_supersedes_it():
    flash = blank()
    mark = Mark()
    journal = mounted(flash, mark)
    _append(journal, 0, 5)
    tail = fix_record(Record(), 7).fix
    programs = flash.program_calls
    assert journal.append_tail(tail) and flash.program_calls == programs + 1
    assert journal.next_seq == 5 and journal.tail() is None and len(read_all(journal)) == 5
    again = mounted(flash, mark)
    assert fix_image(again.tail()) == fix_image(tail)
    again.append(event_record(Record(), 8))
    assert fix_image(mounted(flash, mark).tail()) == fix_image(tail)
    again.append(fix_record(Record(), 9))
    assert again.tail() is None and mounted(flash, mark).tail() is None


def test_tail_is_found_in_the_sector_before():
    flash = blank()
    mark = Mark()
    journal = mounted(flash, mark)
    _append(journal, 0, 3)
    tail = fix_record(Record(), 7).fix
    journal.append_tail(tail)
    i = 10
    while journal.entered < 2:
        journal.append(event_record(Record(), i, 8, 20))
        i += 1
    assert fix_image(mounted(flash, mark).tail()) == fix_image(tail)


def test_cursor_follows_the_writer_over_pages_and_sectors():
    journal = mounted(blank(), Mark())
    cursor = journal.cursor()
    rec = Record()
    made = {}
    assert not cursor.next(rec) and not cursor.seek(0)
    for i in range(250):
        journal.ack(0, _append(journal, i, 1, made))
        journal.append_tail(fix_record(rec, i + 1).fix)
        assert cursor.next(rec)
        assert image(rec) == made[rec.seq] and rec.seq == journal.next_seq - 1
        assert not cursor.next(rec)


def test_cursor_seeks_any_number():
    journal = mounted(blank(), Mark())
    made = {}
    _append(journal, 0, 90, made)
    cursor = journal.cursor()
    rec = Record()
    for seq in list(range(0, 90, 7)) + list(range(89, -1, -4)):
        assert cursor.seek(seq)
        assert cursor.next(rec) and rec.seq == seq and image(rec) == made[seq]
    assert not cursor.seek(90)
    assert not cursor.next(rec)
    _append(journal, 90, 1, made)
    assert cursor.next(rec) and rec.seq == 90


def test_cursor_whose_sector_was_overwritten_goes_on_with_the_oldest():
    journal = mounted(blank(), Mark())
    _append(journal, 0, 30)
    cursor = journal.cursor()
    rec = Record()
    assert cursor.next(rec) and rec.seq == 0
    _append(journal, 30, 200)
    assert journal.oldest_seq > 30
    assert cursor.next(rec) and rec.seq == journal.oldest_seq
    assert not cursor.seek(3) and cursor.next(rec) and rec.seq == journal.oldest_seq


def test_long_texts_turn_pages_and_too_long_ones_are_refused():
    flash = NorFlash(4 * 4096)
    mark = Mark()
    journal = mounted(flash, mark, 256)
    rec = Record()
    made = {}
    for i in range(60):
        seq = journal.append(event_record(rec, i, 8, BODY_MAX if i % 2 else i))
        made[seq] = image(rec)
    assert read_all(journal) == made == read_all(mounted(flash, mark, 256))
    small = mounted(blank(), Mark())
    assert small.append(event_record(rec, 0, 8, BODY_MAX)) == -1 and small.refused == 1
    rec.kind = ACK
    assert small.append(rec) == -1 and small.next_seq == 0


def test_mark_beyond_the_newest_sector_is_where_numbers_go_on():
    """Power went after the mark and before the header: what the next sector held is not read, no number comes twice."""
    flash = blank()
    mark = Mark()
    journal = mounted(flash, mark)
    _append(journal, 0, 5)
    mark.value += 100
    again = mounted(flash, mark)
    assert again.next_seq > 200  # the old mark, and one for the record that says so
    found = read_all(again)
    skipped = [what for what in found.values() if what[0] == SKIPPED]
    first, off = varint(skipped[0][2], 0, len(skipped[0][2]))
    count, _ = varint(skipped[0][2], off, len(skipped[0][2]))
    assert (first, first + count) == (5, again.next_seq - 1)
    assert list(found)[:5] == [0, 1, 2, 3, 4]
    assert again.is_acked(6) and not again.is_acked(4)


def test_lost_mark_and_new_chip():
    flash = blank()
    mark = Mark()
    journal = mounted(flash, mark)
    _append(journal, 0, 5)
    assert mounted(flash, Mark()).next_seq == 5
    fresh = mounted(blank(), mark)
    assert fresh.next_seq == 0
    _append(fresh, 0, 1)
    assert mark.value < 120


def test_foreign_bytes_are_no_journal():
    for cells in (b"\x00" * 2048, bytes(range(256)) * 8, b"LKJ\x02" * 512, b"LKJ\x01" * 512):
        flash = blank()
        flash.store.cells[:] = cells
        mark = Mark()
        journal = mounted(flash, mark)
        assert journal.next_seq == 0 and read_all(journal) == {}
        _append(journal, 0, 150)
        assert len(read_all(mounted(flash, mark))) == journal.next_seq - journal.oldest_seq


def test_sectors_of_another_journal_are_not_mixed_in():
    flash = blank()
    mark = Mark()
    _append(mounted(flash, mark), 0, 90)
    other = blank()
    ours = Journal(other, lambda n: b"another!", Mark(), 512, 128)
    ours.mount()
    _append(ours, 0, 150)
    flash.store.cells[512:1024] = other.store.cells[512:1024]
    journal = mounted(flash, mark)
    ids = {JOURNAL_ID: fix_record, b"another!": fix_record}
    assert journal.journal_id in ids
    numbers = list(read_all(journal))
    assert numbers == sorted(set(numbers))


def test_sector_of_an_earlier_turn_is_not_read():
    """Its header is whole and its journal ours; only the generation tells that the ring has gone on."""
    flash = blank()
    mark = Mark()
    journal = mounted(flash, mark)
    while journal.entered < 3:
        journal.ack(0, _append(journal, journal.next_seq, 1))
    old = bytes(flash.store.cells[512:1024])
    while journal.entered < 8:
        journal.ack(0, _append(journal, journal.next_seq, 1))
    found = read_all(journal)
    bases = list(journal._ring.bases)
    flash.store.cells[512:1024] = old
    again = mounted(flash, mark)
    after = read_all(again)
    assert again._ring.bases[1] == -1 and again.oldest_seq == min(base for base in bases if base != bases[1])
    assert after == {seq: what for seq, what in found.items() if not bases[1] <= seq < bases[2]} != found


def test_foreign_sectors_are_entered_before_any_of_ours_is_lost():
    """Noise, zeros, a header of another version with a good check: never records; and ours go only when the ring is full."""
    flash = blank(6)
    mark = Mark()
    journal = mounted(flash, mark)
    made = {}
    while journal.entered < 2:
        _append(journal, journal.next_seq, 1, made)
    older = bytearray(flash.store.cells[:512])
    older[3] = 0
    older[14] = 2  # the generation that its place must have
    put_crc32(older, older[4] - 5)
    for place, cells in ((2, older), (3, bytes(512)), (4, bytes(i * i * 7 + i // 9 & 0xFF for i in range(512)))):
        flash.store.cells[place * 512 : place * 512 + 512] = cells
    journal = mounted(flash, mark)
    assert read_all(journal) == made and journal.next_seq == len(made)
    while journal.entered < 4:
        _append(journal, journal.next_seq, 1, made)
        assert read_all(journal) == made
    assert journal.dropped == 0 and read_all(mounted(flash, mark)) == made


def test_refused_program_uses_no_number_and_no_byte():
    """Program before cursor: what the flash did not take is appended again in the same place."""
    flash = blank()
    mark = Mark()
    journal = mounted(flash, mark)
    made = {}
    _append(journal, 0, 3, made)
    at = journal._writer.at
    write = flash.writeblocks
    flash.writeblocks = _refuse
    for put in (lambda: _append(journal, 3, 1), lambda: journal.append_tail(fix_record(Record(), 3).fix)):
        try:
            put()
            assert False
        except OSError:
            assert (journal.next_seq, journal._writer.at) == (3, at)
    flash.writeblocks = write
    _append(journal, 3, 2, made)
    assert read_all(journal) == made == read_all(mounted(flash, mark))


def _refuse(block, buf, off=None):
    raise OSError(5)


def test_kinds_of_a_later_writer_are_passed_over():
    """A kind without a number that this version does not know: skipped by mount and cursor, with its check."""
    flash = blank()
    mark = Mark()
    journal = mounted(flash, mark)
    made = {}
    rec = Record()
    for i in range(40):
        _append(journal, i, 1, made)
        if i % 7 == 3:
            assert journal._put(event_record(rec, i, 0x72 + i % 5, 9))
    for each in (journal, mounted(flash, mark)):
        assert read_all(each) == made and each.next_seq == 40


def test_committed_image_of_version_1_is_read():
    with open(IMAGE) as file:
        said = json.load(file)
    flash = blank(said["sectors"], said["sector_size"])
    flash.store.cells[:] = bytes(int(said["image"][i : i + 2], 16) for i in range(0, len(said["image"]), 2))
    journal = mounted(flash, Mark(), said["page_size"])
    assert "".join("%02x" % byte for byte in journal.journal_id) == said["journal_id"]
    assert journal.next_seq == said["next_seq"] and journal.tail().sec == said["tail_sec"]
    numbers = range(journal.oldest_seq, journal.next_seq)
    assert [seq for seq in numbers if journal.is_acked(seq)] == said["acked"]
    found = read_all(journal)
    assert [[seq] + _plain(what) for seq, what in sorted(found.items())] == said["records"]


def _plain(what):
    return ["".join("%02x" % byte for byte in part) if isinstance(part, bytes) else part for part in what]


def test_page_of_an_earlier_turn_of_the_ring_is_not_read():
    flash = blank()
    mark = Mark()
    journal = mounted(flash, mark)
    i = 0
    while journal.entered < 2:
        journal.ack(0, _append(journal, i, 1))
        i += 1
    old = bytes(flash.store.cells[128:512])  # sector 0, all pages but the first
    while journal.entered < 5:
        journal.ack(0, _append(journal, i, 1))
        i += 1
    found = read_all(journal)
    flash.store.cells[128:512] = old
    again = mounted(flash, mark)
    after = read_all(again)
    assert all(after[seq] == what for seq, what in found.items() if seq >= again.oldest_seq)
    assert all(what[0] == SKIPPED for seq, what in after.items() if seq not in found)


def test_last_byte_of_a_record_is_never_that_of_erased_flash():
    """So a record that was cut is refused whatever its check is; and the check itself is the catalogue's CRC-15."""
    buf = bytearray(2)
    for crc in range(1 << 15):
        put_check(crc, buf, 0)
        assert buf[1] < 0x80 and check_fits(crc, buf, 0)
    assert crc15(0, b"123456789", 0, 9) == 0x059E
    header = bytearray(b"123456789....")
    put_crc32(header, 9)
    assert bytes(header[9:]) == b"\x26\x39\xf4\xcb"


def test_recovery_reads_one_page_a_sector_and_two_sectors():
    flash = blank(16)
    mark = Mark()
    _append(mounted(flash, mark), 0, 900)
    flash.reads = 0
    mounted(flash, mark)
    assert flash.reads <= 16 + 1 + 2 * 4 + 1


def test_steady_road_allocates_nothing():
    """Also on entering a sector. Only a length that never came before costs a memoryview, once."""
    journal = _heap_of_road(2600, 100, True)
    assert not hasattr(gc, "mem_alloc") or journal.entered >= 5 and journal.ack_records > 30


def test_full_ring_allocates_nothing():
    """But for the cursor that looks at what goes, once."""
    journal = _heap_of_road(2600, 2000, False)
    assert not hasattr(gc, "mem_alloc") or journal.dropped > 500


def test_thinning_allocates_nothing():
    journal = _heap_of_road(3600, 2900, False, Window(20))
    assert not hasattr(gc, "mem_alloc") or journal.thinned > 500


def _heap_of_road(n, first, is_acked, window=None):
    """Nothing may be allocated from record number first on."""
    journal = mounted(QuietNor(4 * 4096), Mark(), 256, window)
    road = Road(journal, is_acked)
    worst = 0
    for i in range(n if hasattr(gc, "mem_alloc") else 0):
        fix_record(road.rec, i)
        if i < first:
            road.go(i)
            continue
        lengths = len(journal._writer._views) + len(journal._ring._views)
        gc.collect()
        gc.disable()
        before = gc.mem_alloc()
        before = gc.mem_alloc()
        road.go(i)
        used = gc.mem_alloc() - before
        gc.enable()
        if lengths == len(journal._writer._views) + len(journal._ring._views):
            worst = max(worst, used)
    assert worst == 0, worst
    return journal


class QuietNor(NorFlash):
    """Erasing the simulated chip costs 16 B of heap; only the journal's own heap is to be seen."""

    def erase(self, index):
        self.erases += 1
        cells = self.store.cells
        for at in range(index * 4096, index * 4096 + 4096):
            cells[at] = 0xFF


class Road:
    def __init__(self, journal, is_acked):
        self.journal = journal
        self.is_acked = is_acked
        self.cursor = journal.cursor()
        self.rec = Record()
        self.read = Record()

    def go(self, i):
        seq = self.journal.append(self.rec)
        if i % 15 == 0:
            self.journal.append_tail(self.rec.fix)
        self.cursor.next(self.read)
        if i % 60 == 59 and self.is_acked:
            self.journal.ack(seq - 59, seq)
            self.journal.flush_acks(i)
