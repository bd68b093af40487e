"""Varints and gaps, on CPython and on both VMs."""

from reasons import REASON_NAMES
from tracker import record
from tracker.record import ANCHOR, Record, gap_fields, put_varint, varint

SMALL_INT_MAX = (1 << 30) - 1  # the largest integer that is no heap object on an ESP32


def test_varint_comes_back():
    buf = bytearray(8)
    for value in (0, 1, 127, 128, 16383, 16384, 199999999, SMALL_INT_MAX):
        end = put_varint(buf, 1, value)
        assert varint(buf, 1, end) == (value, end), value


def test_varint_takes_seven_bits_a_byte():
    buf = bytearray(8)
    lengths = [put_varint(buf, 0, value) for value in (127, 128, 16383, 16384, SMALL_INT_MAX)]
    assert lengths == [1, 2, 2, 3, 5], lengths


def test_cut_varint_is_refused():
    buf = bytearray(8)
    end = put_varint(buf, 0, SMALL_INT_MAX)
    for cut in range(end):
        assert varint(buf, 0, cut) == (0, -1), cut


def test_endless_varint_is_refused():
    assert varint(b"\x80" * 4 + b"\x01", 0, 5) == (1 << 28, 5)
    assert varint(b"\x80" * 5 + b"\x01", 0, 6) == (0, -1)


def test_gap_says_from_to_reason_detail():
    rec = Record()
    rec.set_gap(200000000, 200003600, record.NO_FIX, 3)
    assert rec.kind == record.GAP
    assert gap_fields(rec) == (200000000, 200003600, record.NO_FIX, 3)


def test_cut_gap_is_refused():
    rec = Record()
    rec.set_gap(0, 3600, record.RESET, 300)
    whole = rec.n
    for n in range(1, whole):
        rec.n = n
        assert gap_fields(rec) is None, n


def test_every_reason_has_a_name():
    assert sorted(REASON_NAMES) == list(range(record.THINNED, record.RESET + 1))


def test_an_anchor_is_boot_and_uptime():
    rec = Record()
    rec.set_anchor(217000000, 7, 60150)
    assert (rec.kind, rec.sec, bytes(rec.body[: rec.n])) == (ANCHOR, 217000000, b"\x07\xf6\xd5\x03")
