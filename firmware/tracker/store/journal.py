"""The journal: a ring of flash sectors in which a record, once appended, survives any power cut.

In: records, acknowledged ranges. Out: numbers, and cursors that read. Design: docs/store.md, bytes: docs/protocol.md.
Owns: the flash partition, the sequence numbers and the journal id.
"""

from micropython import const

from tracker.record import ACK, DROPPED, FIX, TAIL, Record
from tracker.store.acks import Acks
from tracker.store.cursor import Cursor
from tracker.store.page import CHECK, FIRST, SEAL
from tracker.store.recovery import Recovery
from tracker.store.ring import Ring
from tracker.store.writer import NO_ROOM, WRITTEN, Writer

_SMALLEST = const(5)  # bytes of the shortest record with its check: bounds the numbers that a sector can hold
_GAP_ROOM = const(18)  # bytes kept free at a sector's end for the GAP record that says what entering the next one drops
_SPARE = const(42)  # and besides for one ACK record, with up to four ranges: no append may come for hours
_EVENT = const(7)  # bytes of a record besides its payload, at most: tag, length, time
_ACK_COUNT = const(60)  # an ACK record is due after so many newly acknowledged numbers ...
_ACK_MS = const(60000)  # ... or so long after the first of them
_TICKS = const(0x3FFFFFFF)


class Journal:
    def __init__(self, flash, urandom, mark, sector_size=4096, page_size=256):
        self._flash = flash
        self._urandom = urandom
        self._mark = mark
        self._page_size = page_size
        self._pages = sector_size // page_size
        self._slots = self._pages * (page_size // _SMALLEST + 1)
        self._body_max = page_size - FIRST - SEAL - CHECK - _SPARE - _EVENT
        self._sector_size = sector_size
        self._ring = Ring(flash, page_size)
        self._writer = Writer(flash, sector_size, page_size)
        self._acks = Acks()
        self._rec = Record()
        self._gap = Record()
        self._tail_rec = Record()
        self._look = None  # a cursor, made when the ring is full for the first time
        self.appended = self.tails = self.ack_records = self.entered = 0
        self.refused = self.dropped = self.stale_acks = self.skipped = 0
        self._forget()

    def _forget(self):
        self.journal_id = b""
        self.next_seq = 0
        self.oldest_seq = 0
        self.last_sec = None  # second of the newest numbered record
        self._has_tail = False
        self._gap_said = False  # the newest sector's last page already tells what the next entry drops
        self._pending = 0  # acknowledged numbers that are not on flash as such
        self._pending_ms = -1
        self._acks.clear(0)

    @property
    def acked_low(self):
        """The lowest number that the database is not known to have."""
        return self._acks.low

    # ---- mount

    def mount(self):
        """Find out what the flash holds and where to go on. Reads each sector's header and at most two sectors."""
        self._forget()
        ring = self._ring
        if not ring.scan():
            self.journal_id = bytes(self._urandom(8))
            ring.header.journal_id[:] = self.journal_id
            self._writer.close(-1, self._sector_size)
            return
        self.journal_id = bytes(ring.header.journal_id)
        found = Recovery(ring, self._writer, self._acks, self._rec, self._tail_rec.fix)
        found.run()
        self.next_seq = found.next_seq
        self.last_sec = found.last_sec
        self._has_tail = found.has_tail
        self._gap_said = found.gap_said
        self._finish_entry()
        self._settle()
        if self.next_seq > found.known:
            self._skip(found.known)

    def _finish_entry(self):
        """A mark beyond the newest sector: power went while the next one was entered. What it held is half erased."""
        ring = self._ring
        mark = self._mark.get()
        if mark is not None and mark > ring.bases[ring.newest] + self._slots:
            ring.bases[ring.after(ring.newest)] = -1
            self._writer.close(ring.newest, self._sector_size)
            self.next_seq = max(self.next_seq, mark)

    def _skip(self, first):
        """Numbers from first on may have been used, by records that cannot be read: they are never used again."""
        count = self.next_seq - first
        self.skipped += count
        self._acks.add(first, self.next_seq)
        self._rec.set_skipped(self.last_sec or 0, first, count)
        self.append(self._rec)

    def _settle(self):
        """What lies before the oldest sector is gone; its acknowledgement is of no use any more."""
        self.oldest_seq = self._ring.bases[self._ring.oldest()]
        self._acks.raise_low(self.oldest_seq)

    # ---- append

    def append(self, rec):
        """Put a fix or an event on flash; its number, or -1 when it holds what no record can say."""
        if rec.kind >= ACK or not self._put(rec):
            self.refused += 1
            return -1
        if rec.kind == FIX:
            self._has_tail = False
        return self._count(rec)

    def append_tail(self, fix):
        """Put the provisional end of the trail on flash: without a number, void as soon as a fix is appended."""
        rec = self._tail_rec
        rec.kind = TAIL
        rec.fix.copy(fix)
        if not self._put(rec):
            self.refused += 1
            return False
        self._has_tail = False
        self.tails += 1
        return True

    def tail(self):
        """The provisional fix that mount() found behind the last appended one, or None."""
        return self._tail_rec.fix if self._has_tail else None

    def _count(self, rec):
        seq = self.next_seq
        self._writer.codec.advance(rec)
        self.last_sec = rec.fix.sec if rec.kind == FIX else rec.sec
        self.next_seq = seq + 1
        self.appended += 1
        return seq

    def _put(self, rec):
        if rec.kind != FIX and rec.kind != TAIL and rec.n > self._body_max:
            return False
        done = self._put_here(rec, _SPARE)
        if done == NO_ROOM:
            self._enter()
            done = self._put_here(rec, _SPARE)
        return done == WRITTEN

    def _put_here(self, rec, spare):
        ring = self._ring
        return self._writer.put(rec, self.next_seq - ring.bases[ring.newest], spare)

    # ---- entering a sector

    def _enter(self):
        """On to the next sector. The mark goes first: after a cut it tells that this was begun."""
        ring = self._ring
        target = ring.after(ring.newest)
        gap_due = self._lose(target)
        self._writer.seal()
        self._mark.set(self.next_seq + self._slots)
        ring.bases[target] = -1
        self._acks.raise_low(ring.bases[ring.oldest()] if ring.newest >= 0 else self.next_seq)
        size = ring.enter(self.next_seq, self.last_sec or 0, self._acks)
        self._writer.open(ring.newest, ring.seed_of(ring.newest), ring.header.buf, size)
        self._settle()
        self._pending = 0
        self._pending_ms = -1
        self._gap_said = False
        self.entered += 1
        if gap_due and self._put_here(self._gap, 0) == WRITTEN:
            self._count(self._gap)

    def _lose(self, target):
        """Account for unacknowledged records in the sector that is about to be erased.

        The GAP record is written before the erase, into the room kept for it, so that no cut can separate the loss
        from its explanation. True: there was no page to write it to, it is due after the entry.
        """
        ring = self._ring
        heir = ring.follower(target) if ring.newest >= 0 and ring.bases[target] >= 0 else -1
        if heir < 0 or self._acks.next_missing(ring.bases[target]) >= ring.bases[heir]:
            return False
        ring.read_header(target)
        lost = 0
        from_sec = before = ring.header.sec
        rec = self._gap
        cursor = self._look = self._look or self.cursor()
        cursor.seek(ring.bases[target])
        while cursor.next(rec) and rec.seq < ring.bases[heir]:
            if not self._acks.has(rec.seq):
                if not lost:
                    from_sec = before or rec.sec
                lost += 1
            before = rec.sec
        if not lost:
            return False
        self.dropped += lost
        if self._gap_said:
            return False
        to_sec = rec.sec  # of the first record that stays
        self._gap.set_gap(min(from_sec, to_sec), to_sec, DROPPED, lost)
        if self._put_here(self._gap, 0) != WRITTEN:
            return True
        self._count(self._gap)
        return False

    # ---- acknowledgements

    def ack(self, lo, hi):
        """The database has the numbers lo..hi. What this journal never gave out is not believed."""
        if not 0 <= lo <= hi < self.next_seq:
            self.stale_acks += 1
            return
        self._pending += self._acks.add(lo, hi + 1)

    def flush_acks(self, now_ms):
        """Write one ACK record if it is due. Never enters a sector for it: the next header says it too."""
        if not self._pending:
            return
        if self._pending_ms < 0:
            self._pending_ms = now_ms
        if self._pending < _ACK_COUNT and (now_ms - self._pending_ms) & _TICKS < _ACK_MS:
            return
        rec = self._rec
        rec.kind = ACK
        rec.sec = self._writer.codec.sec
        rec.n = self._acks.put(rec.body, 0, self.next_seq)
        if self._put_here(rec, _GAP_ROOM) == WRITTEN:
            self._pending = 0
            self._pending_ms = -1
            self.ack_records += 1

    def is_acked(self, seq):
        return self._acks.has(seq)

    def next_unacked(self, from_seq):
        """The lowest number >= from_seq that is neither acknowledged nor gone, or -1."""
        seq = self._acks.next_missing(from_seq)
        return seq if seq < self.next_seq else -1

    # ---- reading

    def cursor(self):
        return Cursor(self, self._ring, self._writer, self._flash, self._page_size)
