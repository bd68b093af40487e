"""What a message says, and what the station answers. Records are read by the firmware's own codec.

In: topic, payload, the truck's key. Out: Block, Row or Bad, never an exception; answers as bytes, which signed() ends.
Owns: the frame of the messages (docs/protocol.md) on the office's side.
"""

import hashlib
import hmac
import re
from typing import NamedTuple, Optional

from tracker.record import ACK as UNNUMBERED  # kinds from here on live in flash only
from tracker.record import FIX, Record, put_varint, varint
from tracker.store.codec import Codec
from tracker.uplink.block import ACK, HISTORY, ID_SIZE, LACKS, LIVE, REFUSED

TAG_BYTES = 8
LETTERS = 0x60  # first bytes from here on are no message's: a tag's use begins with one (cmd, ans, ack)
SEQ_LIMIT = 1 << 30  # the tracker's small integers end there
PAYLOAD_MAX = 4096  # four times the longest block of today's firmware

# Why a block was refused: last byte of the answer.
BAD_VERSION, BAD_RECORD, BAD_SIZE = 1, 2, 3

LACKS_MAX = 8  # ranges in one message

_BIRTH = re.compile(r"(online|parked|asleep) \S+ ([0-9a-f]{16}) \d{1,10} (\d{1,10}) (\d{1,10}) \d{1,10}"
                    r"(?: (\d{1,6}))?(?: without \S+)?")
TOPIC = re.compile(r"lacak/([A-Za-z0-9_-]{1,32})/(hist|live|state|log)")


class Row(NamedTuple):
    """One record as it is stored."""

    seq: int
    kind: int
    sec: int
    ms: int = 0
    lat_udeg: Optional[int] = None
    lon_udeg: Optional[int] = None
    alt_dm: Optional[int] = None
    speed_cms: Optional[int] = None
    course_cdeg: Optional[int] = None
    hdop_x10: Optional[int] = None
    sats: Optional[int] = None
    quality: Optional[int] = None
    flags: int = 0
    body: Optional[bytes] = None


class Block(NamedTuple):
    device: str
    journal: bytes
    first: int
    rows: list
    raw: bytes  # the message as it came: only this can be checked again

    @property
    def last(self):
        return self.first + len(self.rows) - 1


class Birth(NamedTuple):
    """What a truck says of itself at a new session. every_s: how often it speaks, None where it does not say so."""

    word: str
    journal: bytes
    low: int
    next_seq: int
    every_s: Optional[int]


class Bad(NamedTuple):
    """Not to be stored. answer: the message that tells the truck so, unsigned; or None: nobody is told."""

    reason: str
    answer: Optional[bytes] = None


def block_tag(device, key, head):
    return hmac.new(key, device.encode() + b"\0" + head, hashlib.sha256).digest()[:TAG_BYTES]


def tag(device, key, use, head):
    """Of what is no block. use: cmd, ans or ack, so that none of them can pass for another."""
    return block_tag(device, key, use + b"\0" + head)


def signed(device, key, use, head):
    return head + tag(device, key, use, head)


def parse_block(device, payload, key):
    """A history message; key None: this office has no keys, tags are kept but not checked.

    A wrong tag is never answered: whoever lacks the key could talk a truck out of sending.
    Journal, first number, count and tag have one place in all versions, so newer can be refused.
    """
    if len(payload) < 1 + ID_SIZE + 2 + TAG_BYTES:
        return Bad("too short for a block")
    end = len(payload) - TAG_BYTES
    if payload[0] >= LETTERS:
        return Bad("no version of a block")
    if key is not None and not hmac.compare_digest(payload[end:], block_tag(device, key, payload[:end])):
        return Bad("the tag does not fit topic, key and content")
    journal = payload[1:1 + ID_SIZE]
    first, off = varint(payload, 1 + ID_SIZE, end)
    if off >= 0:
        count, off = varint(payload, off, end)
    if off < 0:
        return Bad("its numbers are cut short")
    if not count or first + count > SEQ_LIMIT:
        return Bad("numbers out of range")

    def refuse(reason, code):
        return Bad(reason, refused(journal, first, count, code))

    if len(payload) > PAYLOAD_MAX:
        return refuse("longer than any block (%d bytes)" % len(payload), BAD_SIZE)
    if payload[0] != HISTORY:
        return refuse("unknown version 0x%02x" % payload[0], BAD_VERSION)
    if count > end - off:  # every record is at least one byte
        return refuse("says %d records and has %d bytes" % (count, end - off), BAD_SIZE)
    codec, rec, rows = Codec(), Record(), []
    codec.reset()
    for seq in range(first, first + count):
        off = codec.decode(payload, off, end, rec)
        if off < 0 or rec.kind >= UNNUMBERED:
            return refuse("record %d cannot be read" % seq, BAD_RECORD)
        codec.advance(rec)
        rows.append(row_of(seq, rec))
    if off != end:
        return refuse("%d bytes left over" % (end - off), BAD_SIZE)
    return Block(device, journal, first, rows, bytes(payload))


def parse_live(payload):
    """The newest fix, on the live lane: a Row without a number, or Bad."""
    if payload[:1] != bytes([LIVE]):
        return Bad("not a live fix")
    codec, rec = Codec(), Record()
    codec.reset()
    if codec.decode(payload, 1, len(payload), rec) != len(payload) or rec.kind != FIX:
        return Bad("the live fix cannot be read")
    return row_of(-1, rec)


def row_of(seq, rec):
    if rec.kind != FIX:
        return Row(seq, rec.kind, rec.sec, body=bytes(rec.body[:rec.n]))
    fix = rec.fix
    return Row(seq, FIX, fix.sec, fix.ms, fix.lat_udeg, fix.lon_udeg, fix.alt_dm, fix.speed_cms,
               fix.course_cdeg, fix.hdop_x10, fix.sats, fix.kind, fix.flags)


def content(row):
    """What a record says beside its number, readable: only the fields that are given."""
    pairs = zip(Row._fields[1:], row[1:])
    return " ".join("%s=%s" % (name, value.hex() if isinstance(value, bytes) else value)
                    for name, value in pairs if value is not None)


def ack(journal, ranges):
    """The database has these inclusive ranges of a journal."""
    buf = bytearray(1 + ID_SIZE + 5 + 10 * len(ranges))
    buf[0] = ACK
    buf[1:1 + ID_SIZE] = journal
    off = put_varint(buf, 1 + ID_SIZE, len(ranges))
    for lo, hi in ranges:
        off = put_varint(buf, put_varint(buf, off, lo), hi - lo)
    return bytes(buf[:off])


def lacks(journal, behind, ranges):
    """The database has every number below `behind` but those in ranges. Of too many the last ones become one: what is sent again
    without need is only stored once."""
    if len(ranges) > LACKS_MAX:
        ranges = [*ranges[:LACKS_MAX - 1], (ranges[LACKS_MAX - 1][0], ranges[-1][1])]
    buf = bytearray(1 + ID_SIZE + 10 + 10 * len(ranges))
    buf[0] = LACKS
    buf[1:1 + ID_SIZE] = journal
    off = put_varint(buf, put_varint(buf, 1 + ID_SIZE, behind), len(ranges))
    for lo, hi in ranges:
        off = put_varint(buf, put_varint(buf, off, lo), hi - lo)
    return bytes(buf[:off])


def parse_state(text):
    """A Birth, or None: "offline", or a state that this version does not know."""
    match = _BIRTH.fullmatch(text or "")
    if not match:
        return None
    word, journal, low, next_seq, every_s = match.groups()
    return Birth(word, bytes.fromhex(journal), int(low), int(next_seq), every_s and int(every_s))


def refused(journal, first, count, code):
    buf = bytearray(1 + ID_SIZE + 11)
    buf[0] = REFUSED
    buf[1:1 + ID_SIZE] = journal
    off = put_varint(buf, put_varint(buf, 1 + ID_SIZE, first), count - 1)
    buf[off] = code
    return bytes(buf[:off + 1])
