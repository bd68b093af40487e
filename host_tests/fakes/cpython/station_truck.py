"""A truck for the station's tests: messages made by the firmware's own writer, out of a list."""

from tracker.fix import Fix
from tracker.record import FIX, HEALTH, Record, put_varint
from tracker.store.codec import Codec
from tracker.uplink.block import BLOCK_MAX, BlockWriter

START = 199999999
JOURNAL = bytes.fromhex("0123456789abcdef")
KEY = b"a truck's key, 32 bytes of it..."


def fix(sec, lat=-6_200_000, lon=106_640_000, flags=0, speed_cms=800):
    rec = Record()
    rec.kind, rec.sec, out = FIX, sec, rec.fix
    out.sec, out.lat_udeg, out.lon_udeg, out.flags, out.kind = sec, lat, lon, flags, 1
    out.speed_cms, out.course_cdeg, out.sats, out.hdop_x10 = speed_cms, 9000, 9, 11
    return rec


def gap(from_sec, to_sec, reason, detail=0):
    rec = Record()
    rec.set_gap(from_sec, to_sec, reason, detail)
    return rec


def anchor(sec, boot, uptime_ms):
    rec = Record()
    rec.set_anchor(sec, boot, uptime_ms)
    return rec


def health(sec, fields):
    """A HEALTH record of {field: value}."""
    rec = Record()
    rec.kind, rec.sec, rec.n = HEALTH, sec, 0
    for field, value in sorted(fields.items()):
        at = put_varint(rec.body, rec.n, field)
        rec.n = put_varint(rec.body, at, 2 * value if value >= 0 else -2 * value - 1)
    return rec


def skipped(sec, first, count):
    rec = Record()
    rec.set_skipped(sec, first, count)
    return rec


def drive(count, step_s=10, start=START):
    """So many fixes on a straight road, one every step_s seconds."""
    return [
        fix(start + i * step_s, -6_200_000 + 600 * i, 106_640_000 + 300 * i) for i in range(count)
    ]


class _Cursor:
    def __init__(self, records, first):
        self._records, self._first, self._next = records, first, 0

    def seek(self, seq):
        self._next = seq - self._first
        return 0 <= self._next < len(self._records)

    def next(self, rec):
        if self._next >= len(self._records):
            return False
        source = self._records[self._next]
        rec.kind, rec.sec, rec.n, rec.seq = (
            source.kind,
            source.sec,
            source.n,
            self._first + self._next,
        )
        rec.body[:] = source.body
        rec.fix.copy(source.fix)
        self._next += 1
        return True


class Truck:
    def __init__(self, device="truck-17", key=KEY, journal=JOURNAL):
        self.device, self.key, self.journal = device, key, journal
        self._writer = BlockWriter(Codec(), device.encode(), key)

    def block(self, first, records):
        """One history message with all the records, numbered from first."""
        buf = bytearray(BLOCK_MAX)
        end = self._writer.history(buf, 0, self.journal, _Cursor(records, first), first, 60)
        assert self._writer.count == len(records), "too many records for one block"
        return bytes(buf[:end])

    def blocks(self, records, first=0, size=40):
        return [self.block(first + i, records[i : i + size]) for i in range(0, len(records), size)]

    def live(self, rec):
        buf = bytearray(64)
        newest = Fix()
        newest.copy(rec.fix)
        return bytes(buf[: self._writer.live(buf, 0, newest)])

    def topic(self, lane):
        return "lacak/%s/%s" % (self.device, lane)
