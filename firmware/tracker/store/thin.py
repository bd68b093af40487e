"""What entering the next sector costs: found out, and what can be kept of it copied, a few records with each append.

In: the ring, what the database has, what makes a window with twice the bound. Out: old records (kind 0x72) in the newest sector; how
many records were thinned out, how many are lost, and the time that they tell of.
Owns: the sector that will be entered next. It is read twice: first the window says which fixes stay, then these and the
events are copied. Where more than half of its bytes would stay, no fix does: in the room of the copies the ring holds as
many new ones, whole.
"""

from micropython import const

from tracker.fix import FORCED
from tracker.record import FIX, GAP, put_varint
from tracker.store.old import OLD, Bundle, size_of
from tracker.store.page import looks_back
from tracker.store.reader import Reader

_MARK, _COPY, _DONE = const(0), const(1), const(2)
_FIX = const(13)  # bytes of a fix in a 0x72, as a rule: to foresee what will fit
_EVENT = const(8)  # of an event besides its payload
_FRAME = const(5)  # bytes of a 0x72 besides its payload: tag, length, time, check


class Thinner:
    def __init__(self, ring, acks, writer, make_window, put, slots, sector_size, body_max, rec, out):
        """make_window: called when the first sector is dealt with. rec, out: records that are lent; out takes the copies that are
        not on flash yet, body_max bytes."""
        self._ring = ring
        self._acks = acks
        self._writer = writer
        self._make_window = make_window
        self._window = None  # 3.8 KB, which a ring that never runs full does not need
        self._put = put  # writes a 0x72; False when there is no room
        self._most = sector_size // 2  # bytes of copies, with the page ends that they leave empty
        self._body_max = body_max
        self._pages = sector_size // len(ring.page.buf)
        self._bits = bytearray(slots + 7 >> 3 if make_window else 0)  # 1: this fix stays
        self._rec = rec
        self._out = out
        self._in = Reader()
        self.bundle = Bundle()
        self._keep_fix = self._keep  # made once: each `self._keep` as a value would cost heap
        self.forget()

    def forget(self):
        """Before a mount: nothing has been looked at."""
        self.base = -2
        self._begin(-1)
        self._clear()

    def _clear(self):
        self._last = -1  # number of the last copy in the newest sector
        self._used = self._copies = 0
        for i in range(len(self._bits)):
            self._bits[i] = 0

    def resume(self, rec):
        """A mount reads a 0x72 in the newest sector. What is copied is known from what is there, whatever was acknowledged then."""
        self._used += rec.n + _FRAME
        bundle = self.bundle
        bundle.open(self._ring.page, rec.n)
        base = self._ring.bases[self._ring.after(self._ring.newest)]
        copies = 0
        while bundle.next(rec):
            self._last = rec.seq
            if 0 <= rec.seq - base < len(self._bits) << 3:
                self._keep_at(rec.seq - base)
            self._copies += rec.kind == FIX
            copies += not self._acks.has(rec.seq)
        return copies

    def enter(self):
        """A sector has been entered. If it will take copies, say in its first record from which number on."""
        self._clear()
        ring = self._ring
        self._begin(ring.bases[ring.after(ring.newest)])
        if self._window and self._pass != _DONE:
            rec = self._rec
            rec.kind = OLD
            rec.n = put_varint(rec.body, 0, self.base)
            if self._put(rec, self._first_sec):
                ring.olds[ring.newest] = self.base

    def begins_sec(self, sector):
        """The second from which on a sector tells, its old records included; 0 where it holds nothing."""
        ring = self._ring
        if ring.bases[sector] < 0 or not ring.read_header(sector):
            return 0
        header = ring.header
        if ring.olds[sector] >= 0 and ring.page.first(header.base, ring.seed_of(sector), self._rec):
            return min(self._rec.sec, header.sec)
        return header.sec

    def look(self, n):
        """Look at up to n more records; True when the sector has been dealt with."""
        ring = self._ring
        base = ring.bases[ring.after(ring.newest)] if ring.newest >= 0 else -1
        if base != self.base:
            self._begin(base)
        while n and self._pass != _DONE:
            n -= 1
            self._step()
        return self._pass == _DONE

    def finish(self):
        """Deal with what is left. What the database has by now is neither thinned out nor lost."""
        while not self.look(64):
            pass
        if self.lost or self.thinned:
            gone = self._acks.missing(self.low, self.end)
            self.lost = min(self.lost, gone)
            self.thinned = min(self.thinned, gone)

    def reserved(self):
        """Pages of the newest sector that copies may still need."""
        if self._pass == _DONE or self._ring.olds[self._ring.newest] < 0:
            return 0
        return max(0, self._most - self._used) // len(self._ring.page.buf)  # a page's empty end may lead beyond the half

    # ---- the first reading: which fixes stay

    def _begin(self, base):
        """Another sector is next. It is looked at if the database lacks a number of its own, or of the copies in it."""
        ring = self._ring
        self.base = base
        self._pass = _DONE
        self.lost = self.thinned = 0
        self.from_sec = self.to_sec = self.thin_from_sec = self.thin_to_sec = 0
        self._out.n = self._out.seq = 0
        if base < 0:
            return
        sector = self._sector = ring.after(ring.newest)
        heir = ring.follower(sector)
        self.low = base if ring.olds[sector] < 0 else ring.olds[sector]
        self.end = base if heir < 0 else ring.bases[heir]
        if self._acks.next_missing(self.low) >= self.end:
            return
        self._pass = _MARK
        self._first_sec = ring.header.sec if ring.read_header(sector) else 0
        self._size = self._bytes = self._kept = 0
        if self._window:
            self._window.flush(_drop)
        elif self._make_window:
            try:
                self._window = self._make_window()
            except MemoryError:
                pass  # this sector is dropped whole, and that is said
        self._load(0)

    def _load(self, index):
        ring = self._ring
        self._index = index
        self._before = self._first_sec if not index else self._before
        ring.page.load(self._sector, index, self.base, ring.seed_of(self._sector))

    def _step(self):
        """The next record, or the next page."""
        rec = self._rec
        page = self._ring.page
        pos = page.pos
        if not page.next(rec):
            if self._index < self._pages - 1:
                self._load(self._index + 1)
            else:
                self._turn()
            return
        if rec.kind == OLD:
            if self._pass == _MARK:
                self._lose_old(rec)
            return
        self._size += page.pos - pos
        if rec.seq >= 0:
            if not self._acks.has(rec.seq):
                if self._pass == _MARK:
                    self._mark(rec)
                else:
                    self._sort(rec)
            if not looks_back(rec):
                self._before = rec.sec

    def _turn(self):
        """The sector has been read to its end."""
        if self._pass == _COPY:
            self._flush()
            self._pass = _DONE
            return
        if self._window:
            self._window.flush(self._keep_fix)
        self._pays = 2 * (self._bytes + (self._copies + self._kept) * _FIX) <= self._size
        self._pass = _COPY
        self._load(0)

    def _lose_old(self, rec):
        """Copies are not copied again."""
        bundle = self.bundle
        bundle.open(self._ring.page, rec.n)
        while bundle.next(rec):
            if not self._acks.has(rec.seq):
                self._lose(1, self._begins(rec, rec.sec), rec.sec)

    def _mark(self, rec):
        if rec.kind != FIX:
            self._bytes += rec.n + _EVENT
        elif self._window and rec.seq > self._last:
            rec.fix.sats = rec.seq - self.base  # the window carries what it does not look at
            rec.fix.flags &= ~FORCED
            if not self._kept:
                rec.fix.flags |= FORCED  # what stays depends on this sector alone: after a cut it must come out the same
            self._window.offer(rec.fix, self._keep_fix)

    def _keep(self, fix):
        self._kept += 1
        self._keep_at(fix.sats)

    def _keep_at(self, at):
        self._bits[at >> 3] |= 1 << (at & 7)

    # ---- the second: what becomes of each record

    def _sort(self, rec):
        at = rec.seq - self.base
        is_fix = rec.kind == FIX
        stays = self._bits[at >> 3] >> (at & 7) & 1 if self._bits else 0
        is_new = rec.seq > self._last
        if stays and not is_new:
            return  # copied before a mount
        if not self._window or self._ring.olds[self._ring.newest] < 0 or is_fix and not self._pays:
            self._lose(1, self._begins(rec, self._before), rec.sec)
        elif stays or not is_fix:
            if not is_new or not self._copy(rec):
                self._lose(1, self._begins(rec, self._before), rec.sec)
        else:
            self.thinned += 1
            if not self.thin_to_sec:
                self.thin_from_sec = self._before or rec.sec
            self.thin_to_sec = max(self.thin_to_sec, rec.sec, 1)

    def _copy(self, rec):
        out = self._out
        size = size_of(rec)
        if out.n + size > self._body_max:
            self._flush()
        if size > self._body_max or self._used + out.n + size > self._most:
            return False
        begins = self._begins(rec, self._before)
        if not out.n:
            self._out_from = begins
            self._out_to = 0
        self._out_from = min(self._out_from, begins)
        self._out_to = max(self._out_to, rec.sec)
        self.bundle.add(rec, out)
        out.seq += 1
        room = self._writer.room() - _FRAME - out.n
        if 0 <= room < _FIX:
            self._flush()  # now it fits into the page
        return True

    def _flush(self):
        """Put the copies on flash. Until the source is erased both are there, and only the source is read."""
        out = self._out
        if out.n:
            out.kind = OLD
            at = self._writer.at
            if self._put(out):
                self._used += self._writer.at - at
            else:
                self._lose(out.seq, self._out_from, self._out_to)
            self._last = self.bundle.seq
        out.n = out.seq = 0

    def _begins(self, rec, before):
        """The second from which on nothing is known without rec. A GAP's own hole goes on being told."""
        before = before or rec.sec
        if rec.kind != GAP:
            return before
        self._in.begin(rec.body, 1, rec.n)
        return min(before, rec.sec - self._in.varint())

    def _lose(self, count, from_sec, to_sec):
        self.lost += count
        self.from_sec = min(self.from_sec, from_sec) if self.to_sec else from_sec
        self.to_sec = max(self.to_sec, to_sec, 1)


def _drop(fix):
    """What the window held of another sector is dealt with."""
