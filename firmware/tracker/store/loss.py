"""What entering the next sector would lose: found out a few records at a time, before it comes to that.

In: the ring, what the database has, a cursor. Out: how many unsent records, and the time that they tell of.
Owns: nothing on flash. It reads on with each append, so that no append has to read a whole sector at once.
"""

from tracker.record import GAP, Record
from tracker.store.reader import Reader
from tracker.store.recovery import looks_back


class Loss:
    def __init__(self, journal, ring, acks):
        self._journal = journal
        self._ring = ring
        self._acks = acks
        self._cursor = None  # made when the ring is full for the first time
        self._rec = Record()
        self._in = Reader()
        self.forget()

    def forget(self):
        """After a mount: nothing has been looked at."""
        self._base = -1  # of the sector that is looked at
        self._end = -1  # the number behind its last
        self._done = True
        self._before = 0  # second of the trail in front of the next record
        self.from_sec = 0
        self.to_sec = 0

    def look(self, n):
        """Look at up to n more records of the sector that will be entered next; True when all have been seen."""
        ring = self._ring
        base = ring.bases[ring.after(ring.newest)] if ring.newest >= 0 else -1
        if base != self._base:
            self._begin(base)
        while n and not self._done:
            n -= 1
            self._done = not self._see()
        return self._done

    def count(self):
        """Look at what is left to see; how many of its numbers the database does not have."""
        while not self.look(64):
            pass
        return self._acks.missing_below(self._end) if self._base >= 0 else 0

    def goes_on_sec(self):
        """Where the trail goes on behind the loss: the second of the first record that is part of it."""
        return self.second_from(self._end, self.to_sec)

    def second_from(self, seq, to_sec):
        rec = self._rec
        cursor = self._at(seq)
        while cursor.next(rec):
            if rec.seq >= seq and not looks_back(rec):
                return max(to_sec, rec.sec)
        return to_sec

    def _begin(self, base):
        """A sector has been entered or emptied: another one is next."""
        ring = self._ring
        self.forget()
        self._base = base
        sector = ring.after(ring.newest)
        heir = ring.follower(sector) if base >= 0 else -1
        if heir < 0 or self._acks.next_missing(base) >= ring.bases[heir]:
            self._end = base  # nothing is there, or the database has it all, and that does not change
            return
        self._end = ring.bases[heir]
        self._before = ring.header.sec if ring.read_header(sector) else 0
        self._done = False
        self._at(base)

    def _at(self, seq):
        self._cursor = self._cursor or self._journal.cursor()
        self._cursor.seek(seq)
        return self._cursor

    def _see(self):
        """The next record; False when there is none any more."""
        rec = self._rec
        if not self._cursor.next(rec) or rec.seq >= self._end:
            return False
        if not self._acks.has(rec.seq):
            if not self.to_sec:
                self.from_sec = self._before or rec.sec
            self.to_sec = max(self.to_sec, rec.sec, 1)
            if rec.kind == GAP:  # its own hole goes on being told
                self._in.begin(rec.body, 1, rec.n)
                self.from_sec = min(self.from_sec, rec.sec - self._in.varint())
        if not looks_back(rec):
            self._before = rec.sec
        return True
