"""The codec against anything: every fix and event comes back at its precision; bytes of any kind are read or refused."""

from hypothesis import given, settings
from hypothesis import strategies as st
from store_kit import image
from tracker.record import ACK, BODY_MAX, FIX, TAIL, Record
from tracker.store.acks import Acks
from tracker.store.codec import FIX_MAX, RECORD_MAX, Codec

SECS = st.integers(0, (1 << 30) - 1)


def maybe(values):
    return st.none() | values


@st.composite
def records(draw):
    rec = Record()
    rec.kind = draw(st.sampled_from((FIX, FIX, FIX, TAIL)) | st.integers(1, ACK - 1))
    if rec.kind not in (FIX, TAIL):
        body = draw(st.binary(max_size=BODY_MAX))
        rec.body[: len(body)] = body
        rec.n = len(body)
        rec.sec = draw(SECS)
        return rec
    fix = rec.fix
    fix.sec = rec.sec = draw(SECS | st.integers(217000000, 217000400))
    fix.ms = draw(st.just(0) | st.integers(0, 999))
    fix.lat_udeg = draw(st.integers(-90000000, 90000000) | st.integers(-6200000, -6199000))
    fix.lon_udeg = draw(st.integers(-180000000, 180000000) | st.integers(106600000, 106601000))
    fix.alt_dm = draw(maybe(st.integers(-10000, 90000)))
    fix.speed_cms = draw(maybe(st.integers(0, 60000)))
    fix.course_cdeg = draw(maybe(st.integers(0, 35999)))
    fix.hdop_x10 = draw(maybe(st.integers(0, 9999)))
    fix.sats = draw(maybe(st.integers(0, 99)))
    fix.kind = draw(st.integers(0, 8))
    fix.flags = draw(st.integers(0, 127))
    return rec


def rounded(rec):
    """What a record says once its fields are in the steps of the format."""
    if rec.kind not in (FIX, TAIL):
        return image(rec)
    kind, sec, ms, lat, lon, alt, speed, course, *rest = image(rec)
    alt = None if alt is None else (alt + 5) // 10 * 10
    speed = None if speed is None else (speed + 5) // 10 * 10
    course = None if course is None else (course + 100) // 200 * 200 % 36000
    return (kind, sec, ms, lat, lon, alt, speed, course, *rest)


@settings(max_examples=400, deadline=None)
@given(st.lists(records(), max_size=12))
def test_any_records_come_back(given_records):
    codec = Codec()
    buf = bytearray(12 * RECORD_MAX)
    end = 0
    for rec in given_records:
        start = end
        end = codec.encode(rec, buf, start)
        assert 0 < end - start <= (FIX_MAX + 2 if rec.kind in (FIX, TAIL) else RECORD_MAX)
        codec.advance(rec)
    reader = Codec()
    read = Record()
    off = 0
    for rec in given_records:
        off = reader.decode(buf, off, end, read)
        assert image(read) == rounded(rec) and read.sec == rec.sec
        reader.advance(read)
    assert off == end
    assert {**vars(codec), "_in": 0} == {**vars(reader), "_in": 0}


@settings(max_examples=600, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data):
    codec = Codec()
    rec = Record()
    off = 0
    while True:
        at = codec.decode(data, off, len(data), rec)
        if at < 0:
            break
        assert off < at <= len(data)
        # whatever was taken for a record is one that can be written
        buf = bytearray(RECORD_MAX)
        assert codec.encode(rec, buf, 0) > 0
        codec.advance(rec)
        off = at


@settings(max_examples=300, deadline=None)
@given(st.lists(records(), min_size=1, max_size=6), st.data())
def test_cut_block_gives_its_beginning_only(given_records, data):
    codec = Codec()
    buf = bytearray(6 * RECORD_MAX)
    ends = [0]
    for rec in given_records:
        ends.append(codec.encode(rec, buf, ends[-1]))
        codec.advance(rec)
    cut = data.draw(st.integers(0, ends[-1]))
    reader = Codec()
    read = Record()
    off = whole = 0
    while True:
        at = reader.decode(buf, off, cut, read)
        if at < 0:
            break
        assert image(read) == rounded(given_records[whole])
        reader.advance(read)
        whole += 1
        off = at
    assert whole == sum(end <= cut for end in ends[1:])


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 200), st.integers(1, 40)), max_size=40), st.integers(0, 60))
def test_acks_are_a_part_of_what_was_said(ranges, low):
    """Against a set: never more than said, exactly that while eight ranges suffice, and the same after a round trip."""
    acks = Acks()
    acks.raise_low(low)
    said = set(range(low))
    for start, count in ranges:
        before = {seq for seq in range(300) if acks.has(seq)}
        news = acks.add(start, start + count)
        said |= set(range(start, start + count))
        known = {seq for seq in range(300) if acks.has(seq)}
        assert known <= said
        assert news == len(set(range(start, start + count)) - before)
        if not acks.forgotten:
            assert known == said
    assert acks.n <= 8 and acks.next_missing(0) == acks.low
    buf = bytearray(100)
    end = acks.put(buf, 0, 300)
    other = Acks()
    assert other.get(buf, 0, end, 300)
    assert {seq for seq in range(300) if other.has(seq)} == {seq for seq in range(300) if acks.has(seq)}
    for cut in range(end):
        if other.get(buf, 0, cut, 300):
            assert {seq for seq in range(300) if other.has(seq)} <= known if ranges else True
