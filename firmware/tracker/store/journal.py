"""The journal: a ring of flash sectors in which a record, once appended, survives any power cut.

In: records, acknowledged ranges. Out: numbers, and cursors that read. Design: docs/store.md, bytes: docs/protocol.md.
Owns: the flash partition, the sequence numbers and the journal id.
"""

from micropython import const

from tracker.letgo import let_go
from tracker.record import ACK, DROPPED, FIX, TAIL, THINNED, Record, put_varint
from tracker.store.acks import Acks
from tracker.store.cursor import Cursor
from tracker.store.page import CHECK, FIRST, SEAL, looks_back
from tracker.store.ring import Ring
from tracker.store.thin import Thinner
from tracker.store.writer import NO_ROOM, WRITTEN, Writer

_GAP_MAX = const(20)  # bytes of a gap's payload: reason, up to four varints
_SMALLEST = const(5)  # bytes of the shortest record with its check: bounds the numbers that a sector can hold
_GAP_ROOM = const(43)  # bytes kept free at a sector's end for the GAP records of what entering the next one drops and thins
_SPARE = const(67)  # and besides for one ACK record, with up to four ranges: no append may come for hours
_EVENT = const(7)  # bytes of a record besides its payload, at most: tag, length, time
_ACK_COUNT = const(60)  # an ACK record is due after so many newly acknowledged numbers ...
_ACK_MS = const(60000)  # ... or so long after the first of them
_LOOK = const(5)  # records of the next sector are looked at with each append, twice: done when this one is half full
_TICKS = const(0x3FFFFFFF)


class Journal:
    def __init__(self, flash, urandom, mark, sector_size=4096, page_size=256, keep_acked_days=14, window=None):
        self._flash = flash
        self._urandom = urandom
        self._mark = mark
        self._page_size = page_size
        self._pages = sector_size // page_size
        self._slots = self._pages * (page_size // _SMALLEST + 1)
        self._body_max = page_size - FIRST - SEAL - CHECK - _GAP_ROOM - _EVENT
        self._sector_size = sector_size
        self._keep_acked_s = keep_acked_days * 86400
        self._ring = Ring(flash, page_size)
        self._writer = Writer(flash, sector_size, page_size)
        self._acks = Acks()
        self._rec = Record()
        self._gap = Record(self._body_max if window else _GAP_MAX)  # copies are gathered in it, and at an entry it is free
        self._tail_rec = Record(0)  # only its fix is used
        self._thinner = Thinner(
            self._ring, self._acks, self._writer, window, self._put_old, self._slots, sector_size, self._body_max,
            self._rec, self._gap,
        )  # fmt: skip
        self.appended = self.tails = self.ack_records = self.entered = self.aged = 0
        self.refused = self.dropped = self.thinned = self.stale_acks = self.skipped = 0
        self._forget()

    def _forget(self):
        self.journal_id = b""
        self.next_seq = 0
        self.oldest_seq = 0
        self.last_sec = None  # second of the newest numbered record that does not look back
        self._has_tail = False
        self._gap_due = None
        self._dropped_said = self._thinned_said = False  # in the newest sector's last page, of the next entry
        self._pending = 0  # acknowledged numbers that are not on flash as such
        self._pending_ms = -1
        self._acks.clear(0)
        self._thinner.forget()

    @property
    def acked_low(self):
        """The lowest number that the database is not known to have."""
        return self._acks.low

    @property
    def generation(self):
        """Sectors entered in the journal's life: divided by their number, the erases of each."""
        return self._ring.generation

    # ---- mount

    def mount(self):
        """Find out what the flash holds and where to go on. Reads each sector's header and at most two sectors."""
        from tracker.store.recovery import Recovery

        self._forget()
        found = Recovery(self._ring, self._writer, self._acks, self._thinner, self._rec, self._tail_rec.fix)
        if found.scan():
            found.run()
            self.journal_id = bytes(self._ring.header.journal_id)
            self.next_seq = found.next_seq
            self.last_sec = found.last_sec
            self._has_tail = found.has_tail
            self._dropped_said = found.dropped_said
            self._thinned_said = found.due >= 0
            lost = found.finish_entry(self, self._mark.get(), self._slots)
            self._settle()
            found.say(self, lost)
        else:
            self.journal_id = bytes(self._urandom(8))
            self._ring.header.journal_id[:] = self.journal_id
            self._writer.close(-1, self._sector_size)
        let_go("store.recovery")

    def _settle(self):
        """What is below the lowest number that can be read is gone; its acknowledgement is of no use any more."""
        self.oldest_seq = self._ring.lowest()
        self._acks.raise_low(self.oldest_seq)

    # ---- append

    def append(self, rec):
        """Put a fix or an event on flash; its number, or -1 when it holds what no record can say."""
        if rec.kind >= ACK or not self._put(rec):
            self.refused += 1
            return -1
        if rec.kind == FIX:
            self._has_tail = False
        seq = self._count(rec)
        gap = self._gap_due
        if gap:
            self._gap_due = None
            self.append(gap)
        self._thinner.look(_LOOK)
        return seq

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
        self._thinner.look(_LOOK)
        return True

    def tail(self):
        """The provisional fix that mount() found behind the last appended one, or None."""
        return self._tail_rec.fix if self._has_tail else None

    def _count(self, rec):
        seq = self.next_seq
        self._writer.codec.advance(rec)
        if not looks_back(rec):
            self.last_sec = rec.fix.sec if rec.kind == FIX else rec.sec
        self.next_seq = seq + 1
        self.appended += 1
        return seq

    def _put(self, rec):
        if rec.kind != FIX and rec.kind != TAIL and rec.n > self._body_max:
            return False
        done = self._put_here(rec, _SPARE, self._thinner.reserved())
        if done == NO_ROOM and self._thinner.reserved():
            self._thinner.finish()
            done = self._put_here(rec, _SPARE)
        if done == NO_ROOM:
            self._enter(rec.fix.sec if rec.kind == FIX or rec.kind == TAIL else rec.sec)
            done = self._put_here(rec, _SPARE)
        return done == WRITTEN

    def _put_here(self, rec, spare, pages=0):
        ring = self._ring
        return self._writer.put(rec, self.next_seq - ring.bases[ring.newest], spare, pages)

    def _put_old(self, rec, sec=None):
        rec.sec = self._writer.codec.sec if sec is None else sec
        return self._put_here(rec, _GAP_ROOM) == WRITTEN

    # ---- entering a sector

    def _enter(self, sec):
        """On to the next sector. The mark goes first: after a cut it tells that this was begun."""
        ring = self._ring
        target = ring.after(ring.newest)
        self._lose()
        self._writer.seal()
        self._mark.set(self.next_seq + self._slots)
        ring.bases[target] = -1
        victim_sec = self._thinner.begins_sec(ring.after(target))
        size = ring.enter(self.next_seq, sec if self.last_sec is None else self.last_sec, victim_sec, self._acks)
        self._writer.open(ring.newest, ring.seed_of(ring.newest), ring.header.buf, size)
        self._settle()
        self._pending = 0
        self._pending_ms = -1
        self._dropped_said = self._thinned_said = False
        self.entered += 1
        self._thinner.enter()

    def _lose(self):
        """Account for unacknowledged records in the sector that is about to be erased.

        The GAP records are written before the erase, into the room kept for them, so that no cut can separate the loss
        from its explanation. Only behind a torn page there is no such room: then one is due after the entry.
        """
        thinner = self._thinner
        thinner.finish()
        gap = self._gap
        lost = thinner.lost
        from_sec = thinner.from_sec
        to_sec = thinner.to_sec
        self.dropped += lost
        self.thinned += thinner.thinned
        if thinner.thinned and not self._thinned_said:
            self._set_gap(thinner.thin_from_sec, thinner.thin_to_sec, THINNED, thinner.thinned)
            gap.n = put_varint(gap.body, put_varint(gap.body, gap.n, thinner.base), thinner.end - thinner.base)
            if lost:
                gap.n = put_varint(gap.body, gap.n, lost)  # a DROPPED follows; a mount that finds none says this
            if not self._say(gap):
                from_sec = thinner.thin_from_sec if not lost else min(from_sec, thinner.thin_from_sec)
                to_sec = max(to_sec, thinner.thin_to_sec)
                lost += thinner.thinned
        if lost and not self._dropped_said:
            self._set_gap(from_sec, to_sec, DROPPED, lost)
            if not self._say(gap):
                self._gap_due = Record(_GAP_MAX)
                self._gap_due.set_gap(min(from_sec, to_sec), to_sec, DROPPED, lost)

    def _say(self, gap):
        if self._put_here(gap, 0) != WRITTEN:
            return False
        self._count(gap)
        return True

    def _set_gap(self, from_sec, to_sec, reason, count):
        self._gap.set_gap(min(from_sec, to_sec), to_sec, reason, count)

    # ---- acknowledgements

    def ack(self, lo, hi):
        """The database has the numbers lo..hi. What this journal never gave out is not believed."""
        if not 0 <= lo <= hi < self.next_seq:
            self.stale_acks += 1
            return
        self._pending += self._acks.add(lo, hi + 1)

    def flush_acks(self, now_ms, at_once=False):
        """Write one ACK record if it is due, or at once. Never enters a sector for it: the next header says it too."""
        if not self._pending:
            return
        if self._pending_ms < 0:
            self._pending_ms = now_ms
        if not at_once and self._pending < _ACK_COUNT and (now_ms - self._pending_ms) & _TICKS < _ACK_MS:
            return
        rec = self._rec
        rec.kind = ACK
        rec.sec = self._writer.codec.sec
        rec.n = self._acks.put(rec.body, 0, self.next_seq)
        if self._put_here(rec, _GAP_ROOM) == WRITTEN:
            self._pending = 0
            self._pending_ms = -1
            self.ack_records += 1

    def erase_aged(self, now_sec):
        """Erase the oldest sector if the database has all of it and its newest record is older than keep_acked_days.

        True if so. For a slow tick: one erase a call, because it stops the processor for 45 to 400 ms.
        """
        ring = self._ring
        sector = ring.oldest()
        heir = ring.follower(sector) if ring.newest >= 0 else -1
        if heir < 0 or self._acks.next_missing(self.oldest_seq) < ring.bases[heir] or not ring.read_header(heir):
            return False
        if now_sec - ring.header.sec <= self._keep_acked_s:
            return False
        ring.erase(sector)
        self._settle()
        self.aged += 1
        return True

    def is_acked(self, seq):
        return self._acks.has(seq)

    def next_unacked(self, from_seq):
        """The lowest number >= from_seq that is neither acknowledged nor gone, or -1."""
        seq = self._acks.next_missing(from_seq)
        return seq if seq < self.next_seq else -1

    # ---- reading

    def cursor(self):
        return Cursor(self, self._ring, self._writer, self._flash, self._page_size)
