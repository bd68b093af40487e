"""For the uplink's tests: a clock to turn, a journal in a list, a stream in memory, a broker's
words."""

from hashlib import sha256

from tracker.fix import Fix
from tracker.record import FIX, Record

JOURNAL_ID = b"JOURNAL1"


class Clock:
    """ticks as on the board: they start again after 2**30 ms. A sleep costs no time, it moves the
    clock."""

    PERIOD = 1 << 30

    def __init__(self, ms=0):
        self.ms = ms
        self.sleeps = []

    def ticks_ms(self):
        return self.ms % self.PERIOD

    def ticks_diff(self, end, start):
        half = self.PERIOD // 2
        return (end - start + half) % self.PERIOD - half

    async def sleep_ms(self, ms):
        self.sleeps.append(ms)
        self.ms += ms


class ListJournal:
    """The uplink's side of a Journal, in a list."""

    def __init__(self, n=0):
        self.journal_id = JOURNAL_ID
        self.records = []
        self.acked = set()
        self.oldest_seq = 0
        self.flushes = 0
        for _ in range(n):
            self.append_fix()

    @property
    def next_seq(self):
        return len(self.records)

    @property
    def acked_low(self):
        seq = self.next_unacked(self.oldest_seq)
        return self.next_seq if seq < 0 else seq

    def append_fix(self):
        n = len(self.records)
        fix = Fix()
        fix.sec = 200000000 + 10 * n
        fix.lat_udeg = -6178000 + 37 * n
        fix.lon_udeg = 106630000 + 53 * n + n * n % 7
        fix.speed_cms = 800
        fix.kind = 1
        self.records.append(fix)

    def ack(self, lo, hi):
        for seq in range(lo, hi + 1):
            self.acked.add(seq)

    def flush_acks(self, now_ms):
        self.flushes += 1

    def next_unacked(self, seq):
        seq = max(seq, self.oldest_seq)
        while seq in self.acked:
            seq += 1
        return seq if seq < self.next_seq else -1

    def cursor(self):
        return ListCursor(self)


class ListCursor:
    def __init__(self, journal):
        self._journal = journal
        self._seq = 0

    def seek(self, seq):
        self._seq = max(seq, self._journal.oldest_seq)
        return self._seq == seq < self._journal.next_seq

    def next(self, rec):
        if self._seq >= self._journal.next_seq:
            return False
        rec.kind = FIX
        rec.fix.copy(self._journal.records[self._seq])
        rec.sec = rec.fix.sec
        rec.seq = self._seq
        self._seq += 1
        return True


class Wire:
    """A stream in memory. sent is what the tracker wrote; give() puts bytes before its reader."""

    def __init__(self):
        self.sent = bytearray()
        self.waiting = bytearray()
        self.write_room = 1 << 30  # bytes that one write takes; 0: not now
        self.read_room = 1 << 30
        self.eof = False
        self.error = None
        self.writes = 0
        self.closed = 0

    def give(self, data):
        self.waiting.extend(data)

    def write(self, buf, off, n):
        if self.error:
            raise OSError(self.error)
        n = min(n, self.write_room)
        if n == 0:
            return None
        self.writes += 1
        self.sent.extend(bytes(memoryview(buf)[off : off + n]))
        return n

    def readinto(self, buf):
        if self.error:
            raise OSError(self.error)
        n = min(len(buf), len(self.waiting), self.read_room)
        if n == 0:
            return 0 if self.eof else None
        buf[:n] = self.waiting[:n]
        self.waiting = self.waiting[n:]
        return n

    def close(self):
        self.closed += 1

    def taken(self):
        """The whole packets that were sent, and forget them."""
        found, rest = packets(self.sent)
        self.sent = rest
        return found


class Packet:
    """One MQTT packet as a broker sees it; a PUBLISH in its parts."""

    def __init__(self, op, body):
        self.op = op
        self.type = op >> 4
        self.body = body
        self.pid = 0
        if self.type == 3:
            n = body[0] << 8 | body[1]
            self.topic = bytes(body[2 : 2 + n])
            self.qos = op >> 1 & 3
            self.dup = bool(op & 8)
            self.retain = bool(op & 1)
            at = 2 + n
            if self.qos:
                self.pid = body[at] << 8 | body[at + 1]
                at += 2
            self.payload = bytes(body[at:])
        elif len(body) >= 2:
            self.pid = body[0] << 8 | body[1]


def packets(data):
    """([Packet, ...], the rest that is not whole)."""
    found = []
    while len(data) >= 2:
        n = shift = 0
        at = 1
        while at < len(data):
            n |= (data[at] & 0x7F) << shift
            shift += 7
            at += 1
            if data[at - 1] < 0x80:
                break
        else:
            break
        if len(data) < at + n:
            break
        found.append(Packet(data[0], data[at : at + n]))
        data = data[at + n :]
    return found, data


def puback(pid):
    return bytes((0x40, 2, pid >> 8, pid & 0xFF))


def suback(pid, *codes):
    """A code for each topic that was asked for, 0x80 for one that is refused."""
    return bytes((0x90, 2 + len(codes), pid >> 8, pid & 0xFF)) + bytes(codes)


def publish(topic, payload, qos=1, pid=1):
    body = bytes((len(topic) >> 8, len(topic) & 0xFF)) + topic
    if qos:
        body += bytes((pid >> 8, pid & 0xFF))
    body += payload
    n = len(body)
    head = (
        bytes((0x30 | qos << 1, n))
        if n < 128
        else bytes((0x30 | qos << 1, n & 0x7F | 0x80, n >> 7))
    )
    return head + body


def signed(head, device=b"t", key=bytes(range(32)), use=b"ack"):
    """By the letter of the protocol, not with the firmware's own function; use b"": as a block."""
    if use:
        use += b"\0"
    key = key + bytes(64 - len(key))
    inner = sha256(bytes(b ^ 0x36 for b in key) + device + b"\0" + use + head).digest()
    return head + sha256(bytes(b ^ 0x5C for b in key) + inner).digest()[:8]


def answer(kind, ranges, journal_id=JOURNAL_ID):
    """The station's acknowledgement without its tag; for 0x14 a refusal of the first range."""
    data = bytes((kind,)) + journal_id
    if kind == 0x13:
        data += varint_bytes(len(ranges))
    for lo, hi in ranges:
        data += varint_bytes(lo) + varint_bytes(hi - lo)
    return data + b"\1" if kind == 0x14 else data


def varint_bytes(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def records_of(payload, codec):
    """(first number, [Fix, ...]) of a history block."""
    rec = Record()
    first, at = _varint(payload, 9)
    count, at = _varint(payload, at)
    codec.reset()
    found = []
    for _ in range(count):
        at = codec.decode(payload, at, len(payload) - 8, rec)
        assert at >= 0
        codec.advance(rec)
        fix = Fix()
        fix.copy(rec.fix)
        found.append(fix)
    assert at == len(payload) - 8
    return first, found


def _varint(buf, at):
    value = shift = 0
    while True:
        value |= (buf[at] & 0x7F) << shift
        at += 1
        if buf[at - 1] < 0x80:
            return value, at
        shift += 7


class Link:
    """A bearer: up as it is told, and what the uplink says of it."""

    backlog_ok = True
    live_s_factor = 1

    def __init__(self, up=lambda: True):
        self.up = up
        self.suspects = self.proofs = self.bytes = 0

    def suspect(self):
        self.suspects += 1

    def proven(self):
        self.proofs += 1

    def count(self, n):
        self.bytes += n
