"""What a mount finds in the newest sector: how far the numbers went, what the database has, the provisional fix.

In: the ring, scanned. Out: attributes of Recovery; the writer stands where it may go on.
"""

from micropython import const

from tracker.fix import UNTIMED
from tracker.record import ACK, DROPPED, FIX, GAP, SKIPPED, TAIL, THINNED, varint

_YOUNG = const(5)  # numbers: fewer in the newest sector, and the records that belong at its beginning may be missing
_SMALLEST = const(5)  # bytes of the shortest record with its check: bounds the numbers that damaged bytes can have used


def looks_back(rec):
    """Does the record tell of what is gone, or not know its second? Then that says nothing about the trail's end."""
    kind = rec.kind
    if kind == FIX:
        return rec.fix.flags & UNTIMED != 0
    return rec.sec == 0 or kind == SKIPPED or kind == GAP and (rec.body[0] == DROPPED or rec.body[0] == THINNED)


class Recovery:
    """A mount writes SKIPPED and DROPPED records, and power may go between them: what the sector before tells is
    compared with the first records of the newest one."""

    def __init__(self, ring, writer, acks, rec, tail):
        self._ring = ring
        self._writer = writer
        self._acks = acks
        self._rec = rec
        self._tail = tail
        self.known = 0  # the number behind the last record that can be read
        self.next_seq = 0  # the first number that surely was not used
        self.hole = 0  # numbers from here to the newest sector's base were skipped and nobody said so
        self.last_sec = None
        self.has_tail = False
        self.gap_said = False  # the last page of the newest sector tells what the next entry drops
        self.lost_sec = None  # the newest sector's entry dropped what began here, if anything, and nobody said so
        self.victim_sec = 0  # what the next entry drops begins here
        self._has_fix = False
        self._dropped = self._skipped = False
        self._numbered = 0

    def run(self):
        ring = self._ring
        sector = ring.newest
        base = ring.bases[sector]
        page = ring.page
        ring.read_header(sector)
        ring.header.get_acks(self._acks)
        self.last_sec = ring.header.sec if base else None  # in the first sector it is that of the first record
        self.victim_sec = ring.header.victim_sec
        self.known = self.next_seq = self.hole = base
        last = 0
        for index in range(self._writer.pages):
            self._load(sector, index)
            if index and page.is_erased():
                break
            last = index
            self.gap_said = False
            self._read_page()
        self.gap_said = self.gap_said and last == self._writer.pages - 1
        self._load(sector, last)
        while page.next(self._rec):
            pass
        self._writer.resume(sector, ring.seed_of(sector), last, page)
        is_young = self._numbered < _YOUNG
        if is_young or not self._has_fix:
            self._look_back((sector - 1) % ring.count, is_young)

    def _load(self, sector, index):
        ring = self._ring
        ring.page.load(sector, index, ring.bases[sector], ring.seed_of(sector))

    def _read_page(self):
        page = self._ring.page
        rec = self._rec
        begins = page.pos
        while page.next(rec):
            self._see(rec, page.seq)
        if page.pos > begins:
            self.known = self.next_seq = page.seq
        self.next_seq += (page.used() - page.pos + _SMALLEST - 1) // _SMALLEST

    def _see(self, rec, next_seq):
        kind = rec.kind
        if kind == ACK:
            self._acks.get(rec.body, 0, rec.n, next_seq)
            return
        self._see_tail(rec)
        if kind == TAIL:
            return
        self._numbered += 1
        if not looks_back(rec):
            self.last_sec = rec.sec
        if kind == SKIPPED:
            self._skipped = True
            first, off = varint(rec.body, 0, rec.n)
            count, off = varint(rec.body, off, rec.n) if off >= 0 else (0, -1)
            if off >= 0 and first + count <= next_seq:
                self._acks.add(first, first + count)
        elif kind == GAP and rec.body[0] == DROPPED:
            self.gap_said = self._dropped = True

    def _see_tail(self, rec):
        if rec.kind == TAIL:
            self._tail.copy(rec.fix)
        if rec.kind == TAIL or rec.kind == FIX:
            self._has_fix = True
            self.has_tail = rec.kind == TAIL

    def _look_back(self, sector, is_young):
        """Read the sector before for the end of the trail, and for what the newest one should have begun with."""
        ring = self._ring
        if ring.bases[sector] < 0 or sector == ring.newest:
            return
        rec = self._rec
        wants_tail = not self._has_fix
        end = ring.bases[sector]
        said = False
        for index in range(self._writer.pages):
            self._load(sector, index)
            while ring.page.next(rec):
                end = ring.page.seq
                if wants_tail:
                    self._see_tail(rec)
                if rec.kind == GAP and rec.body[0] == DROPPED and index == self._writer.pages - 1:
                    said = True
        if is_young and not self._skipped:
            self.hole = min(end, self.hole)
        if is_young and not self._dropped and not said and ring.read_header(sector):
            self.lost_sec = ring.header.victim_sec
