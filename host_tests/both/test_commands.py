"""Commands: obeyed once, in order, answered; what is replayed, cut or strange does nothing."""

from command_kit import Office, frame, numbers, told
from sim.board.nor import NorFlash
from store_kit import Mark as SeqMark
from tracker.fix import UNTIMED
from tracker.record import FIX, HEALTH, Record
from tracker.store.journal import Journal
from uplink_fakes import ListJournal

STATUS, SET, RESEND, REBOOT, LOG = 1, 2, 3, 4, 5
DONE, REFUSED, REPEATED = 0, 1, 2


def test_a_command_is_obeyed_and_answered():
    office = Office()
    assert told(office.obey(frame(7, SET, b"live_s=5"))) == (7, DONE, "done \u00e9")
    assert told(office.obey(frame(8, 9))) == (8, REFUSED, "done \u00e9")
    assert told(office.obey(frame(200000000, LOG)))[:2] == (200000000, DONE)
    assert office.done == [(SET, "live_s=5", 7), (9, "", 8), "log"]  # the counter was kept before
    assert (office.obeyed, office.refused) == (3, 0)


def test_a_replay_is_refused_also_after_a_power_cut():
    office = Office()
    first, second = frame(7, STATUS), frame(9, STATUS)
    office.obey(first)
    office.obey(second)
    again = Office()  # all that is left is what NVS has
    again.mark.value = office.mark.value
    for old in (first, frame(8, STATUS), frame(0, STATUS)):
        assert again.obey(old) is None
    assert told(again.obey(second))[:2] == (9, REPEATED)
    assert again.done == [] and (again.obeyed, again.refused) == (0, 4)
    assert told(again.obey(frame(10, STATUS)))[:2] == (10, DONE)


def test_without_a_kept_counter_nothing_is_done():
    office = Office()
    office.mark.works = False
    counter, result, text = told(office.obey(frame(7, SET, b"live_s=5")))
    assert (counter, result) == (7, REFUSED) and "NVS" in text and office.done == []


def test_frames_that_are_no_command_do_nothing():
    """Signed, so by our own office: yet malformed, or from a version to come."""
    office = Office()
    for head in (b"", b"\x20", b"\x20\x07", b"\x20\x87", b"\x20\x80\x80\x80\x80\x04\x01", b"\x20\xff\xff\xff\xff\xff\xff\x01"):
        assert office.obey(head + bytes(8)) is None, head
    assert office.done == [] and office.mark.sets == [] and office.refused == 6


def test_a_text_that_is_none_and_too_little_memory_are_said():
    office = Office()
    assert "no text" in told(office.obey(frame(1, SET, b"live_s=\xff\xfe")))[2]
    office.error = MemoryError()
    assert "memory" in told(office.obey(frame(2, SET, b"live_s=5")))[2]
    assert office.mark.value == 2


def test_a_long_answer_fits_a_message():
    office = Office()
    office.order = lambda code, text: (True, "x" * 5000)
    assert len(office.obey(frame((1 << 30) - 1, STATUS))) <= 512


# --- resend ----------------------------------------------------------------------------------------


def test_a_range_of_numbers_is_asked_for_again():
    office = Office(ListJournal(500))
    assert told(office.obey(frame(1, RESEND, numbers(100, 200)))) == (1, DONE, "Up to 5 records are sent again.")
    office.count = -1
    assert "later" in told(office.obey(frame(2, RESEND, numbers(0, 0))))[2]
    office.count = 0
    assert told(office.obey(frame(3, RESEND, numbers(900, 901))))[1] == REFUSED
    assert office.done == [("again", 100, 200), ("again", 0, 0), ("again", 900, 901)]


def test_what_is_no_range_is_refused():
    office = Office(ListJournal(500))
    good = numbers(100, 200)
    for n, body in enumerate((b"", b"\0", b"\0\x64", good[:-1] + b"\x80", good + b"\0", b"\2" + good[1:], b"\0\xff\xff\xff\xff\xff\x01")):
        assert told(office.obey(frame(n + 1, RESEND, body)))[1] == REFUSED, body
    assert office.done == []


def _journal(records):
    """A real one of (kind, sec, flags)."""
    journal = Journal(NorFlash(8 * 4096), lambda size: bytes(range(size)), SeqMark())
    journal.mount()
    rec = Record()
    for kind, sec, flags in records:
        rec.kind, rec.sec, rec.n = kind, sec, 0
        rec.fix.sec, rec.fix.flags, rec.fix.lat_udeg = sec, flags, sec % 9999
        rec.fix.kind = 1
        journal.append(rec)
    return journal


def test_a_range_of_time_becomes_one_of_numbers():
    start = 217000000
    journal = _journal([(FIX, start + 10 * n, 0) for n in range(900)])
    for lo, hi in ((0, 899), (1, 1), (100, 200), (899, 899), (450, 451)):
        office = Office(journal)
        office.obey(frame(1, RESEND, numbers(start + 10 * lo - 5, start + 10 * hi, 1)))
        assert office.done == [("again", lo, hi)]
    office = Office(journal)
    office.obey(frame(1, RESEND, numbers(0, start - 1, 1)))
    office.obey(frame(2, RESEND, numbers(start + 9000, start + 9999, 1)))
    office.obey(frame(3, RESEND, numbers(0, (1 << 30) - 1, 1)))
    assert office.done == [("again", 0, -1), ("again", 900, 899), ("again", 0, 899)]


def test_records_that_do_not_know_their_time_are_no_hindrance():
    start = 217000000
    records = [(FIX, start + 10 * n, 0) for n in range(100)]
    records += [(FIX, 30 + n, UNTIMED) for n in range(300)] + [(HEALTH, 0, 0)] * 3
    records += [(FIX, start + 5000 + 10 * n, 0) for n in range(100)]
    office = Office(_journal(records))
    office.obey(frame(1, RESEND, numbers(start + 500, start + 5100, 1)))
    office.obey(frame(2, RESEND, numbers(start + 5000, start + 5100, 1)))
    assert office.done[0] == ("again", 50, 413)
    assert office.done[1][2] == 413 and 100 <= office.done[1][1] <= 403


def test_an_empty_journal_has_nothing_to_send_again():
    office = Office(_journal([]))
    office.obey(frame(1, RESEND, numbers(0, 1 << 29, 1)))
    assert office.done == [("again", 0, -1)]
