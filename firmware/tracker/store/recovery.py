"""Mounting: which sectors hold this journal, what its newest one holds, and what a cut has left unsaid.

In: a journal that knows nothing. Out: the journal, ready to go on. Needed once: Journal.mount() lets this module go.
A mount writes SKIPPED and DROPPED records, and power may go between them: what the sector before tells is compared with
the first records of the newest one.
"""

from array import array

from micropython import const

from tracker.record import ACK, DROPPED, FIX, GAP, SKIPPED, TAIL, THINNED, Record, varint
from tracker.store.old import OLD
from tracker.store.page import looks_back
from tracker.store.sector import seed

_SAID_MAX = const(20)  # bytes of the payload of what a mount writes
_YOUNG = const(5)  # numbers: fewer in the newest sector, and the records that belong at its beginning may be missing
_SMALLEST = const(5)  # bytes of the shortest record with its check: bounds the numbers that damaged bytes can have used


class Recovery:
    def __init__(self, ring, writer, acks, thinner, rec, tail):
        self._ring = ring
        self._writer = writer
        self._acks = acks
        self._thinner = thinner
        self._rec = rec
        self._tail = tail
        self.known = 0  # the number behind the last record that can be read
        self.next_seq = 0  # the first number that surely was not used
        self.hole = 0  # numbers from here to the newest sector's base were skipped and nobody said so
        self.last_sec = None
        self.has_tail = False
        self.dropped_said = False  # the last page of the newest sector tells what the next entry drops
        self.due = self._due_before = -1  # it tells what is thinned out, and that so many are dropped besides; of the last entry
        self.lost_sec = None  # the newest sector's entry dropped what began here, if anything, and nobody said so
        self.victim_sec = 0  # what the next entry drops begins here
        self.copies = self.copies_before = 0  # unacknowledged old records in the newest sector, and in the one before
        self._has_fix = False
        self._dropped = self._skipped = False
        self._numbered = 0

    def scan(self):
        """Read every sector's header once; find the newest and those that its ring still holds."""
        ring = self._ring
        header = ring.header
        ring.newest = ring.generation = -1
        generations = array("i", [-1] * ring.count)
        ids = {}
        for sector in range(ring.count):
            ring.bases[sector] = ring.olds[sector] = -1
            ring.blank[sector] = 0
            if ring.read_header(sector):
                generations[sector] = header.generation
                ring.bases[sector] = header.base
                ring.olds[sector] = self._old_of()
                ids[sector] = bytes(header.journal_id)
                if header.generation > ring.generation:
                    ring.generation = header.generation
                    ring.newest = sector
        for sector in ids:
            age = (ring.newest - sector) % ring.count
            if ids[sector] != ids[ring.newest] or generations[sector] != ring.generation - age:
                ring.bases[sector] = ring.olds[sector] = -1
        if ring.newest >= 0:
            header.journal_id[:] = ids[ring.newest]
        return ring.newest >= 0

    def _old_of(self):
        """The number that the sector's first record says to be below all its old records, or -1."""
        header = self._ring.header
        rec = self._rec
        if not self._ring.page.first(header.base, seed(header.journal_id, header.generation), rec) or rec.kind != OLD:
            return -1
        return varint(rec.body, 0, rec.n)[0]

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
            self.dropped_said = False
            self.due = -1
            self._read_page()
        if last < self._writer.pages - 1:
            self.dropped_said = False
            self.due = -1
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
        if kind == OLD:
            self.copies += self._thinner.resume(rec)
            return
        self._see_tail(rec)
        if kind >= ACK:
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
            self.dropped_said = self._dropped = True
        elif kind == GAP and rec.body[0] == THINNED:
            self.due = _dropped_besides(rec)

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
        bundle = self._thinner.bundle
        wants_tail = not self._has_fix
        end = ring.bases[sector]
        said = False
        for index in range(self._writer.pages):
            self._load(sector, index)
            while ring.page.next(rec):
                end = ring.page.seq
                if wants_tail:
                    self._see_tail(rec)
                if rec.kind == OLD:
                    bundle.open(ring.page, rec.n)
                    while bundle.next(rec):
                        self.copies_before += not self._acks.has(rec.seq)
                elif index == self._writer.pages - 1 and rec.kind == GAP:
                    said = said or rec.body[0] == DROPPED
                    if rec.body[0] == THINNED:
                        self._due_before = _dropped_besides(rec)
        if is_young and not self._skipped:
            self.hole = min(end, self.hole)
        if is_young and not self._dropped and not said and ring.read_header(sector):
            self.lost_sec = ring.header.victim_sec

    # ---- what the mount has to say and do

    def finish_entry(self, journal, mark, slots):
        """A mark beyond the newest sector: power went while the next one was entered. What it held is half erased.

        How many records this, or the last entry, dropped without a word, from second lost_sec on.
        """
        ring = self._ring
        told_in = (ring.newest - 1) % ring.count
        if mark is not None and mark > ring.bases[ring.newest] + slots:
            told_in = ring.newest
            victim = ring.after(ring.newest)
            ring.bases[victim] = ring.olds[victim] = -1
            self._writer.close(ring.newest, self._writer.pages * len(ring.page.buf))
            journal.next_seq = self.next_seq = max(self.next_seq, mark)
            self.lost_sec = None if self.dropped_said else self.victim_sec
            self._due_before = self.due
            self.copies_before = self.copies
        if self.lost_sec is None:
            return 0
        if self._due_before >= 0:
            return self._due_before
        return self._acks.missing(max(ring.olds[told_in], 0), ring.bases[ring.oldest()]) - self.copies_before

    def say(self, journal, lost):
        ring = self._ring
        base = ring.bases[ring.newest]
        if self.known == base:
            self._say_skipped(journal, self.hole, journal.next_seq)
        else:
            self._say_skipped(journal, self.hole, base)
            self._say_skipped(journal, self.known, self.next_seq)
        if lost > 0:
            to_sec = ring.header.sec if ring.read_header(ring.oldest()) else 0
            rec = Record(_SAID_MAX)
            rec.set_gap(min(self.lost_sec, to_sec), to_sec, DROPPED, lost)
            journal.append(rec)

    def _say_skipped(self, journal, first, end):
        """Numbers from first to before end may have been used by records that cannot be read: never again."""
        if first < end:
            journal.skipped += end - first
            self._acks.add(first, end)
            rec = Record(_SAID_MAX)
            rec.set_skipped(journal.last_sec or 0, first, end - first)
            journal.append(rec)


def _dropped_besides(rec):
    """What a THINNED record says last: how many the DROPPED record behind it tells of, 0 without one."""
    off = 1
    for _ in range(4):
        off = varint(rec.body, off, rec.n)[1] if off >= 0 else -1
    return varint(rec.body, off, rec.n)[0] if off >= 0 else 0
