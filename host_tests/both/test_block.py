"""Messages of the uplink: what a block holds, who wrote it, and answers that are malformed."""

from binascii import unhexlify
from hashlib import sha256

from tracker.fix import Fix
from tracker.record import FIX, Record
from tracker.store.codec import Codec
from tracker.uplink.block import ACK, BLOCK_MAX, HISTORY, LIVE, REFUSED, BlockWriter, Tagger
from tracker.uplink.block import ack_ranges, is_about, refused_range
from uplink_fakes import JOURNAL_ID, ListJournal, answer, records_of

KEY = bytes(range(32))


def _history(journal, first, most=60, off=0):
    writer = BlockWriter(Codec(), b"truck-1", KEY)
    buf = bytearray(off + BLOCK_MAX)
    end = writer.history(buf, off, JOURNAL_ID, journal.cursor(), first, most)
    return writer, bytes(buf[off:end]) if end >= 0 else None


def test_hmac_is_the_standards():
    """RFC 4231, test cases 1, 2 and 6: a short key, a shorter one, and one longer than a hash
    block."""
    cases = (
        (b"\x0b" * 20, b"Hi There", "b0344c61d8db3853"),
        (b"Jefe", b"what do ya want for nothing?", "5bdcc146bf60754e"),
        (
            b"\xaa" * 131,
            b"Test Using Larger Than Block-Size Key - Hash Key First",
            "60e431591ee0b67f",
        ),
    )
    for key, message, first_bytes in cases:
        tagger = Tagger(b"", key)
        tagger._inner = tagger._inner[:64]  # without the device that every tag of ours begins with
        assert tagger.digest(message)[:8].hex() == first_bytes


def test_block_holds_records_in_a_row():
    journal = ListJournal(200)
    writer, block = _history(journal, 70)
    assert block[0] == HISTORY and block[1:9] == JOURNAL_ID
    assert (writer.first, writer.count) == (70, 60)
    first, fixes = records_of(block, Codec())
    assert first == 70
    assert [fix.sec for fix in fixes] == [journal.records[seq].sec for seq in range(70, 130)]
    assert fixes[59].lon_udeg == journal.records[129].lon_udeg
    assert len(block) < 60 * 10


def test_block_ends_with_the_journal_and_is_the_same_wherever_it_is_built():
    journal = ListJournal(75)
    writer, block = _history(journal, 70)
    assert writer.count == 5
    assert _history(journal, 70, 60, 33)[1] == block
    assert _history(journal, 75)[1] is None


def test_tag_is_of_device_key_and_every_byte():
    block = _history(ListJournal(20), 0)[1]
    inner = sha256(bytes(b ^ 0x36 for b in KEY + bytes(32)) + b"truck-1\0" + block[:-8]).digest()
    assert block[-8:] == sha256(bytes(b ^ 0x5C for b in KEY + bytes(32)) + inner).digest()[:8]


def test_tag_of_what_the_station_says_is_the_documents():
    tagger = Tagger(b"truck-7", KEY)
    for data in (
        "130123456789abcdef02e80702f2070048ade7a9992f6235",
        "150123456789abcdeff30701eb0706853bef7008906a68",
        "140123456789abcdefe8070202449e617c6257aba2",
    ):
        message = bytearray(b"before" + unhexlify(data) + b"behind")
        end = len(message) - 6
        assert tagger.is_right(b"ack\0", message, 6, end)
        assert not tagger.is_right(b"ans\0", message, 6, end)
        assert not tagger.is_right(b"ack\0", message, 6, end - 1)
        assert not Tagger(b"truck-8", KEY).is_right(b"ack\0", message, 6, end)
        for n in range(10):
            assert not tagger.is_right(b"ack\0", message, end - n, end)


def test_block_stops_at_a_hole_in_the_numbers():
    journal = ListJournal(10)

    class Holed:
        def __init__(self):
            self._cursor = journal.cursor()
            self.seek = self._cursor.seek

        def next(self, rec):
            while self._cursor.next(rec):
                if rec.seq not in (4, 5):
                    return True
            return False

    writer = BlockWriter(Codec(), b"truck-1", KEY)
    buf = bytearray(BLOCK_MAX)
    assert writer.history(buf, 0, JOURNAL_ID, Holed(), 0, 60) > 0
    assert (writer.first, writer.count) == (0, 4)
    assert writer.history(buf, 0, JOURNAL_ID, Holed(), 4, 60) > 0
    assert (writer.first, writer.count) == (6, 4)


def test_block_of_the_longest_records_stays_within_its_room():
    class Texts:
        def seek(self, seq):
            self.seq = seq
            return True

        def next(self, rec):
            rec.kind = 8
            rec.n = 200
            rec.sec = 200000000
            rec.seq = self.seq
            self.seq += 1
            return True

    writer = BlockWriter(Codec(), b"truck-1", KEY)
    buf = bytearray(BLOCK_MAX + 8)
    end = writer.history(buf, 0, JOURNAL_ID, Texts(), 1000000000, 60)
    assert BLOCK_MAX - 300 < end <= BLOCK_MAX and writer.count == 4
    assert buf[BLOCK_MAX:] == bytes(8)


def test_record_that_cannot_be_said_does_not_stop_the_rest():
    journal = ListJournal(10)
    journal.records[3].lat_udeg = journal.records[4].lat_udeg = 91000000
    writer = BlockWriter(Codec(), b"truck-1", KEY)
    buf = bytearray(BLOCK_MAX)
    writer.history(buf, 0, JOURNAL_ID, journal.cursor(), 0, 60)
    assert (writer.first, writer.count, writer.unsendable) == (0, 3, 0)
    end = writer.history(buf, 0, JOURNAL_ID, journal.cursor(), 3, 60)
    assert (writer.first, writer.count, writer.unsendable) == (5, 5, 2)
    assert records_of(buf[:end], Codec())[0] == 5
    assert _history(ListJournal(0), 0)[1] is None


def test_live_fix_stands_alone():
    fix = Fix()
    fix.sec, fix.lat_udeg, fix.lon_udeg, fix.speed_cms, fix.kind = (
        200000000,
        -6178123,
        106630456,
        1230,
        1,
    )
    writer = BlockWriter(Codec(), b"truck-1", KEY)
    buf = bytearray(BLOCK_MAX)
    # leaves the codec in another state
    writer.history(buf, 0, JOURNAL_ID, ListJournal(9).cursor(), 0, 60)
    ends = [writer.live(buf, 3, fix), writer.live(buf, 3, fix)]
    assert ends[0] == ends[1] < 3 + 25
    assert buf[3] == LIVE
    rec = Record()
    codec = Codec()
    codec.reset()
    assert codec.decode(buf, 4, ends[0], rec) == ends[0]
    assert rec.kind == FIX
    assert (rec.fix.sec, rec.fix.lat_udeg, rec.fix.lon_udeg) == (200000000, -6178123, 106630456)


def test_answers_are_read():
    ack = answer(ACK, [(0, 0), (5, 300), (1 << 29, (1 << 29) + 7)])
    assert ack_ranges(ack, 0, len(ack)) == [(0, 0), (5, 300), (1 << 29, (1 << 29) + 7)]
    no = answer(REFUSED, [(60, 119)])
    assert refused_range(no, 0, len(no)) == (60, 119)
    assert ack_ranges(answer(ACK, []), 0, 10) == []


def test_answers_cut_or_too_long_are_none():
    ack = answer(ACK, [(5, 300), (1000, 2000)])
    no = answer(REFUSED, [(600, 819)])
    for n in range(9, len(ack)):
        assert ack_ranges(ack, 0, n) is None, n
    for n in range(9, len(no)):
        assert refused_range(no, 0, n) == (0, -1), n
    assert ack_ranges(ack + b"\0", 0, len(ack) + 1) is None
    assert refused_range(no + b"\0", 0, len(no) + 1) == (0, -1)
    assert ack_ranges(b"\x13JOURNAL1" + b"\xff" * 40, 0, 49) is None


def test_answers_for_another_journal_are_told_apart():
    ack = answer(ACK, [])
    assert is_about(ack, 0, len(ack), JOURNAL_ID) is True
    assert is_about(ack, 0, len(ack), b"JOURNAL2") is False
    assert is_about(ack, 0, 8, JOURNAL_ID) is None
