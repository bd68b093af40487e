"""The records of the office's stream: their kinds, the closed list of gap reasons, and small integers as bytes.

Owns: the numbers that docs/protocol.md gives to kinds and reasons. Known to every room.
"""

from micropython import const

from tracker.fix import Fix

FIX = const(0)
ANCHOR = const(1)  # boot, uptime and UTC of one moment: stamps the untimed
INPUT = const(2)
CREW = const(3)
PLACE = const(4)
TAMPER = const(5)
GAP = const(6)
HEALTH = const(7)
TEXT = const(8)
SKIPPED = const(9)  # numbers that were never given to a record
ACK = const(0x70)  # flash only, without a number: what the database has
TAIL = const(0x71)  # flash only, without a number: the provisional end of the trail

THINNED = const(1)
DROPPED = const(2)
NO_FIX = const(3)  # detail: satellites seen
SILENT = const(4)  # the receiver said nothing
ANTENNA = const(5)
CLOCK = const(6)  # fixes came, their time was not believed yet
ASLEEP = const(7)
OFF_DUTY = const(8)
SUPPLY = const(9)
SAFE_MODE = const(10)
TECHNICIAN = const(11)
RESET = const(12)  # detail: reset cause

BODY_MAX = const(200)  # bytes of payload; with tag, length and time it still fits a 256-byte page


class Record:
    """One record, reused. kind FIX and TAIL use fix; every other kind uses sec and body[:n]."""

    def __init__(self, body_max=BODY_MAX):
        self.kind = FIX
        self.seq = -1
        self.sec = 0
        self.fix = Fix()
        self.body = bytearray(body_max)
        self.n = 0

    def set_gap(self, from_sec, to_sec, reason, detail):
        """A hole in the trail; the record's own second is the end of the hole."""
        self.kind = GAP
        self.sec = to_sec
        self.body[0] = reason
        self.n = put_varint(self.body, put_varint(self.body, 1, to_sec - from_sec), detail)

    def set_anchor(self, sec, boot, uptime_ms):
        """At this uptime of this boot it was second sec; sec 0: not known yet, what follows untimed is of this boot."""
        self.kind = ANCHOR
        self.sec = sec
        self.n = put_varint(self.body, put_varint(self.body, 0, boot), uptime_ms)

    def set_skipped(self, sec, first_seq, count):
        """Numbers first_seq .. first_seq + count - 1 were never given to a record."""
        self.kind = SKIPPED
        self.sec = sec
        self.n = put_varint(self.body, put_varint(self.body, 0, first_seq), count)


def put_varint(buf, off, value):
    """Write value >= 0, seven bits a byte, lowest first, top bit set on all but the last; the new offset."""
    while value > 0x7F:
        buf[off] = value & 0x7F | 0x80
        value >>= 7
        off += 1
    buf[off] = value
    return off + 1


def varint(buf, off, end):
    """(value, new offset), or (0, -1) where it is cut or longer than five bytes. Allocates a pair: not for the steady road."""
    value = shift = 0
    while off < end and shift < 35:
        byte = buf[off]
        off += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, off
        shift += 7
    return 0, -1


def gap_fields(rec):
    """(from_sec, to_sec, reason, detail) of a GAP record, or None when its payload is cut."""
    duration_s, off = varint(rec.body, 1, rec.n)
    if off < 0:
        return None
    detail, off = varint(rec.body, off, rec.n)
    return None if off < 0 else (rec.sec - duration_s, rec.sec, rec.body[0], detail)
