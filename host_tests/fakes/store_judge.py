"""The judge of what a cut has left in a journal: nothing is lost, nothing made up, nothing comes twice, and it goes on.

In: the Picture of an operation (store_cuts) and the cells after it. Out: check() raises AssertionError.
"""

from store_kit import fix_image, fix_record, image, read_all
from tracker.record import DROPPED, FIX, GAP, SKIPPED, THINNED, Record, varint


def check(picture, cells, mark):
    """Mount what a cut has left, compare it with what was promised, go on, and mount again."""
    flash = picture.flash(cells)
    journal = picture.drive.mounted(flash, mark)
    appended = picture.appended
    found = read_all(journal)
    whole = whole_from(journal)
    gone = {seq: what for seq, what in appended.items() if seq not in found and seq >= picture.oldest}
    for seq, what in appended.items():
        if seq in found:
            assert found[seq] == what, "number %d is changed" % seq
    for seq in gone:
        assert seq < whole and (seq not in picture.olds or seq < journal.oldest_seq or seq in picture.acked), (
            "number %d is missing" % seq
        )
    check_told({seq: what for seq, what in gone.items() if seq not in picture.acked}, found)
    for seq, what in found.items():
        if seq not in appended:
            ours = what[0] == SKIPPED or is_loss(what)
            assert ours or what == picture.in_flight, "number %d was never appended" % seq
    assert journal.next_seq >= picture.next_seq
    skipped = numbers_skipped(found)
    for seq in range(journal.oldest_seq, journal.next_seq):
        assert seq in picture.acked or seq in skipped or not journal.is_acked(seq)
    _check_tail(picture, journal, found)
    _check_goes_on(picture, journal, found, flash, mark, appended)


def _check_tail(picture, journal, found):
    tail = journal.tail()
    if tail is not None:
        assert fix_image(tail) in picture.tails
    elif picture.tails[0] is not None:
        assert picture.in_flight in found.values() and picture.in_flight[0] == FIX


def _check_goes_on(picture, journal, found, flash, mark, appended):
    more = {}
    rec = Record()
    cells = bytes(flash.store.cells)
    for i in range(9000, 9003):
        what = image(fix_record(rec, i))
        seq = journal.append(rec)
        assert seq not in found and seq not in appended
        more[seq] = what
    again = picture.drive.mounted(flash, mark)
    after = _read_what_may_differ(again, journal, flash, cells, found)
    gone = {seq: what for seq, what in found.items() if after.get(seq) != what}
    assert not gone or max(gone) < whole_from(again)
    check_told({seq: what for seq, what in gone.items() if seq >= again.oldest_seq}, after, picture.acked)
    for seq, what in more.items():
        assert after.get(seq) == what
    assert again.next_seq == journal.next_seq
    assert again.tail() is None


def _read_what_may_differ(again, journal, flash, cells, found):
    """All that `again` reads. Where only the newest sector has changed, what was found in the others is not read once more."""
    old, new = journal._ring, again._ring
    begin = new.newest * flash.sector
    end = begin + flash.sector
    now = flash.store.cells
    if old.bases != new.bases or old.olds != new.olds or now[:begin] + now[end:] != cells[:begin] + cells[end:]:
        return read_all(again)
    base = new.bases[new.newest]
    return {seq: what for seq, what in found.items() if seq < base} | read_all(again, None, base)


def whole_from(journal):
    """The number from which on nothing is thinned: the first of the oldest sector."""
    return journal._ring.bases[journal._ring.oldest()] if journal._ring.newest >= 0 else 0


def check_told(gone, found, acked=()):
    left = untold(gone, found, acked)
    assert not left, "number %d is missing" % min(left)


def untold(gone, found, acked=()):
    """What of all that is gone no record tells of: by its second as dropped, or as one of so many fixes that were thinned out."""
    gaps = [what for what in found.values() if is_dropped(what)]
    left = {seq: what for seq, what in gone.items() if not is_told(what, gaps) and seq not in acked}
    for what in found.values():
        if is_loss(what) and not is_dropped(what):
            _, _, count, first, span = loss_fields(what)
            inside = [seq for seq in left if first <= seq < first + span and left[seq][0] == FIX]
            for seq in inside[:count]:
                del left[seq]
    return left


def loss_fields(what):
    """(from_sec, to_sec, count, first number, numbers) of a GAP that tells of dropped or thinned records; None where unsaid."""
    values = []
    off = 1
    while off < len(what[2]):
        value, off = varint(what[2], off, len(what[2]))
        values.append(value)
    duration_s, count, first, span = (values + [None] * 3)[:4]
    return what[1] - duration_s, what[1], count, first, span


def is_told(what, gaps):
    """Is the second of this record explained by a gap record that says that records were dropped?"""
    return any(gap[1] - varint(gap[2], 1, len(gap[2]))[0] <= what[1] <= gap[1] for gap in gaps)


def is_dropped(what):
    return what[0] == GAP and what[2][0] == DROPPED


def is_loss(what):
    return what[0] == GAP and what[2][0] in (DROPPED, THINNED)


def numbers_skipped(found):
    skipped = set()
    for what in found.values():
        if what[0] == SKIPPED:
            first, off = varint(what[2], 0, len(what[2]))
            count, _ = varint(what[2], off, len(what[2]))
            skipped |= set(range(first, first + count))
    return skipped
