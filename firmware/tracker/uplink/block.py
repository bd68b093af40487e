"""Messages between truck and station (docs/protocol.md): history block, live fix, answers.

In: records of the journal, the newest fix. Out: bytes in a buffer of the caller's.
Owns: the layout of the messages and the tags that say who wrote them: truck or office, the key is theirs alone.
"""

from hashlib import sha256

from micropython import const

from tracker.record import FIX, Record, put_varint, varint
from tracker.store.codec import RECORD_MAX

HISTORY = const(0x11)
LIVE = const(0x12)
ACK = const(0x13)
REFUSED = const(0x14)
LACKS = const(0x15)
ID_SIZE = const(8)
TAG_SIZE = const(8)
RECORDS_MAX = const(60)  # below 128, so that the count is one byte and can be filled in last
BLOCK_MAX = const(1024)  # bytes; 60 fixes take 400 to 700

_NUMBER_MAX = const((1 << 30) - 1)
_HASH_BLOCK = const(64)


class Tagger:
    """HMAC-SHA-256 with the truck's key; MicroPython has no hmac, and no copy() of a hash."""

    def __init__(self, device, key):
        if len(key) > _HASH_BLOCK:
            key = sha256(key).digest()
        key = key + bytes(_HASH_BLOCK - len(key))
        self._inner = bytes(byte ^ 0x36 for byte in key) + device + b"\0"
        self._outer = bytes(byte ^ 0x5C for byte in key)

    def digest(self, message, use=b""):
        """use: "cmd", "ans" or "ack" and a zero byte, so that none of them can pass for another; b"": a block."""
        inner = sha256(self._inner)
        inner.update(use)
        inner.update(message)
        outer = sha256(self._outer)
        outer.update(inner.digest())
        return outer.digest()

    def is_right(self, use, buf, at, end):
        """Are the last 8 bytes of the message at buf[at:end] its tag?"""
        end -= TAG_SIZE
        return end > at and self.digest(memoryview(buf)[at:end], use)[:TAG_SIZE] == buf[end : end + TAG_SIZE]


class BlockWriter:
    """Builds messages in a buffer; first and count say what the last history block holds."""

    def __init__(self, codec, device, key):
        self._codec = codec
        self._rec = Record()
        self.tagger = Tagger(device, key)
        self.first = 0
        self.count = 0
        self.unsendable = 0

    def live(self, buf, off, fix):
        """One fix by itself; the offset behind it, or -1 when it is none that can be said."""
        rec = self._rec
        rec.kind = FIX
        rec.fix.copy(fix)
        rec.sec = fix.sec
        buf[off] = LIVE
        self._codec.reset()
        return self._codec.encode(rec, buf, off + 1)

    def history(self, buf, off, journal_id, cursor, first, most):
        """At most `most` records in a row from number first, or from the next that exists; the
        offset behind the tag, or -1 where the journal has none. Needs BLOCK_MAX bytes of room."""
        if not cursor.seek(first):
            return -1
        codec = self._codec
        rec = self._rec
        limit = off + BLOCK_MAX - TAG_SIZE - RECORD_MAX
        at = count_at = count = 0
        codec.reset()
        while count < most and at <= limit and cursor.next(rec):
            if not count:
                self.first = rec.seq
                count_at = put_varint(buf, _put_head(buf, off, HISTORY, journal_id), rec.seq)
                at = count_at + 1
            elif rec.seq != self.first + count:
                break
            end = codec.encode(rec, buf, at)
            if end >= 0:
                codec.advance(rec)
                at = end
                count += 1
            elif count:
                break
            else:
                self.unsendable += 1  # a fault of its writer; those behind it must not wait
        if not count:
            return -1
        buf[count_at] = self.count = count
        tag = self.tagger.digest(memoryview(buf)[off:at])
        for i in range(TAG_SIZE):
            buf[at + i] = tag[i]
        return at + TAG_SIZE


def _put_head(buf, off, kind, journal_id):
    buf[off] = kind
    for i in range(ID_SIZE):
        buf[off + 1 + i] = journal_id[i]
    return off + 1 + ID_SIZE


def is_about(buf, at, end, journal_id):
    """Does the message at buf[at:end] speak of this journal? None when it is too short to say."""
    if end - at < 1 + ID_SIZE:
        return None
    for i in range(ID_SIZE):
        if buf[at + 1 + i] != journal_id[i]:
            return False
    return True


def ack_ranges(buf, at, end):
    """[(lo, hi), ...] of the acknowledgement at buf[at:end], or None when it is malformed. The same of what the station says
    that it lacks; the last range is then all from the number on that is above what it has."""
    lacks = buf[at] == LACKS
    at += 1 + ID_SIZE
    found = []
    if lacks:
        behind, at = varint(buf, at, end)
    n, at = varint(buf, at, end) if at >= 0 else (0, -1)
    while at >= 0 and len(found) < n:
        lo, hi, at = _range(buf, at, end)
        found.append((lo, hi))
    if lacks:
        found.append((behind, _NUMBER_MAX))
    return found if at == end else None


def refused_range(buf, at, end):
    """(lo, hi) of the refusal at buf[at:end], (0, -1) when malformed; the last byte says why."""
    lo, hi, at = _range(buf, at + 1 + ID_SIZE, end)
    return (lo, hi) if at == end - 1 else (0, -1)


def _range(buf, at, end):
    """(lo, hi, new offset) of one range of numbers; the offset is -1 when it is cut."""
    lo, at = varint(buf, at, end)
    if at < 0:
        return 0, 0, -1
    more, at = varint(buf, at, end)
    return lo, lo + more, at
