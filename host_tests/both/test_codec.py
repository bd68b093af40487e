"""The codec: what comes out is what went in, at the stated steps; what is cut or no record is refused, never raised."""

import json

from store_kit import event_record, fix_image, fix_record, image
from tracker.fix import Fix
from tracker.record import BODY_MAX, FIX, TAIL, Record
from tracker.store.codec import FIX_MAX, RECORD_MAX, Codec

VECTORS = __file__.replace("both/test_codec.py", "vectors/codec.json")


def _encoded(records):
    """One block of copies of what `records` yields: (bytes, images)."""
    codec = Codec()
    buf = bytearray(8000)
    end = 0
    images = []
    for rec in records:
        end = codec.encode(rec, buf, end)
        assert end > 0
        codec.advance(rec)
        images.append(image(rec))
    return bytes(buf[:end]), images


def _decoded(data):
    codec = Codec()
    rec = Record()
    off = 0
    images = []
    while off < len(data):
        off = codec.decode(data, off, len(data), rec)
        assert off > 0
        codec.advance(rec)
        images.append(image(rec))
    return images


def _drive(n):
    rec = Record()
    for i in range(n):
        yield event_record(rec, i) if i % 10 == 7 else fix_record(rec, i)


def test_drive_comes_back():
    data, images = _encoded(_drive(200))
    assert _decoded(data) == images


def test_unknown_stays_unknown_and_zero_stays_zero():
    rec = Record()
    other = Record()
    data, images = _encoded([rec])
    assert _decoded(data) == images and images[0][5] is None
    for name in ("alt_dm", "speed_cms", "course_cdeg", "hdop_x10", "sats"):
        setattr(other.fix, name, 0)
    data, images = _encoded([other, rec, other])
    assert _decoded(data) == images
    assert images[0] != images[1]


def test_fields_are_kept_in_their_steps():
    rec = Record()
    rec.fix.speed_cms = 1234
    rec.fix.course_cdeg = 35950
    rec.fix.alt_dm = -37
    data, _ = _encoded([rec])
    Codec().decode(data, 0, len(data), rec)
    assert (rec.fix.speed_cms, rec.fix.course_cdeg, rec.fix.alt_dm) == (1230, 0, -40)


def test_what_no_record_can_say_is_refused():
    buf = bytearray(64)
    for name, value in (
        ("lat_udeg", 90000001), ("lon_udeg", -180000001), ("sec", -1), ("sec", 1 << 30), ("ms", 1000),
    ):  # fmt: skip
        rec = Record()
        setattr(rec.fix, name, value)
        assert Codec().encode(rec, buf, 0) == -1
    assert Codec().encode(event_record(Record(), 0, 8, BODY_MAX), bytearray(300), 0) == RECORD_MAX
    rec.kind = 8
    rec.n = BODY_MAX + 1
    assert Codec().encode(rec, buf, 0) == -1


def test_longest_fix_fits_what_is_promised():
    rec = Record()
    fix = rec.fix
    fix.sec = (1 << 30) - 1
    fix.ms = 999
    fix.lat_udeg = -90000000
    fix.lon_udeg = -180000000
    fix.alt_dm = fix.speed_cms = fix.hdop_x10 = fix.sats = 1 << 20
    fix.course_cdeg = 35800
    fix.flags = 127
    fix.kind = 6
    buf = bytearray(FIX_MAX)
    end = Codec().encode(rec, buf, 0)
    assert 0 < end <= FIX_MAX
    other = Record()
    assert Codec().decode(buf, 0, end, other) == end
    assert (other.fix.sec, other.fix.ms, other.fix.flags, other.fix.sats) == (fix.sec, 999, 127, 16382)


def test_tail_does_not_move_the_state():
    codec = Codec()
    rec = fix_record(Record(), 5)
    codec.advance(rec)
    buf = bytearray(64)
    before = codec.encode(fix_record(rec, 6), buf, 0), bytes(buf)
    rec.kind = TAIL
    end = codec.encode(rec, buf, 0)
    codec.advance(rec)
    other = Record()
    assert codec.decode(buf, 0, end, other) == end
    assert other.kind == TAIL and fix_image(other.fix) == fix_image(rec.fix)
    rec.kind = FIX
    buf = bytearray(64)
    assert (codec.encode(rec, buf, 0), bytes(buf)) == before


def test_unknown_kind_is_passed_on():
    data, images = _encoded([event_record(Record(), 3, 0x55, 20)])
    assert _decoded(data) == images and images[0][0] == 0x55
    assert data[1] == len(data) - 2


def test_every_cut_is_refused():
    codec = Codec()
    rec = Record()
    for made in (fix_record(Record(), 40), event_record(Record(), 9, 8, 12)):
        data, _ = _encoded([made])
        for end in range(len(data)):
            assert codec.decode(data, 0, end, rec) == -1
        assert codec.decode(data, 0, len(data), rec) == len(data)


def test_refused_fix_changes_nothing():
    codec = Codec()
    rec = fix_record(Record(), 3)
    before = fix_image(rec.fix)
    data, _ = _encoded([fix_record(Record(), 40)])
    codec.decode(data, 0, len(data) - 1, rec)
    assert fix_image(rec.fix) == before


def test_random_bytes_never_raise():
    codec = Codec()
    rec = Record()
    state = 1
    noise = bytearray(4000)
    for i in range(len(noise)):
        state = (state * 1103 + 12345) & 0xFFFFF
        noise[i] = state >> 12
    good = 0
    for off in range(len(noise)):
        end = codec.decode(noise, off, len(noise), rec)
        assert end == -1 or off < end <= len(noise)
        if end > 0:
            codec.advance(rec)
            good += 1
    assert good


def test_erased_flash_is_no_record():
    blank = b"\xff" * 64
    assert Codec().decode(blank, 0, 64, Record()) == -1


def test_vectors():
    with open(VECTORS) as file:
        vectors = json.load(file)
    assert len(vectors) >= 8
    for vector in vectors:
        data = bytes(int(vector["hex"][i : i + 2], 16) for i in range(0, len(vector["hex"]), 2))
        codec = Codec()
        rec = Record()
        buf = bytearray(300)
        off = 0
        for said in vector["records"]:
            start = off
            off = codec.decode(data, off, len(data), rec)
            assert off > 0, vector["name"]
            assert _as_said(rec) == said, vector["name"]
            assert bytes(buf[: codec.encode(rec, buf, 0)]) == data[start:off], vector["name"]
            codec.advance(rec)
        assert off == len(data)


def _as_said(rec):
    if rec.kind == FIX or rec.kind == TAIL:
        said = {name: getattr(rec.fix, name) for name in FIELDS}
        said["kind"] = rec.kind
        said["quality"] = rec.fix.kind
        return said
    return {"kind": rec.kind, "sec": rec.sec, "body": "".join("%02x" % byte for byte in rec.body[: rec.n])}


FIELDS = (
    "sec", "ms", "lat_udeg", "lon_udeg", "alt_dm", "speed_cms", "course_cdeg", "hdop_x10", "sats", "flags",
)  # fmt: skip
assert all(hasattr(Fix(), name) for name in FIELDS)
