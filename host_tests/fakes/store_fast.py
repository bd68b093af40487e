"""What makes it fast to try each cut: a chip that tears a sector in one go, and pages that are decoded once.

Thousands of torn chips differ from each other in one or two pages. Within `remembered()` a page with the bytes, place,
first number and seed of one that was read before gives that one's records again instead of decoding them. Cursor, ring,
mount and thinning are the firmware's own. CPython only.
"""

import contextlib
import random

from sim.board.nor import PowerCut
from store_kit import SmallNor
from tracker.record import FIX, TAIL
from tracker.store import cursor, journal, page, ring

_MOST = 3000  # pages


class FastChip(SmallNor):
    """A half-erased sector has random bits set, made in one go: half of all cuts are in erases."""

    def _tear_erase(self, off, cut):
        done = min(cut[2], self.sector)
        self._blank_out(off, done)
        if cut[3] == "random":
            rng = random.Random(self._random)
            size = self.sector - done
            left, more, again = self.store.cells[off + done : off + self.sector], rng.randbytes(size), rng.randbytes(size)
            bits = _number(left) | _number(more) & _number(again)
            self.store.cells[off + done : off + self.sector] = bits.to_bytes(size, "little")
        raise PowerCut("erase")


class MemoPage(page.Page):
    """In load(), next() and rewind() like Page. Other ways to its bytes make it one again."""

    memo = {}

    def __init__(self, flash, page_size):
        self._steps = None
        page.Page.__init__(self, flash, page_size)

    def load(self, sector, index, base, seed):
        page.Page.read(self, sector, index)
        key = (index, base, seed, bytes(self.buf))
        known = self.memo.get(key)
        if known is None:
            if len(self.memo) >= _MOST:
                self.memo.clear()
            known = self.memo[key] = self._learn(sector, index, base, seed)
        self._sector = sector
        self._index = index
        self._base = base
        self._seed = seed
        self.buf[:], mended, self._steps, self._begin, self._end_codec = known
        self.mended += mended
        self.rewind()

    def _learn(self, sector, index, base, seed):
        whole = page.Page(self._flash, len(self.buf))
        whole.load(sector, index, base, seed)
        begin = whole.pos, whole.seq, whole.crc
        steps = []
        rec = page.Record()
        while whole.next(rec):
            if rec.kind in (FIX, TAIL):
                said = rec.fix.__dict__.copy()
            else:
                said = bytes(rec.body[: rec.n])
            steps.append((rec.kind, rec.seq, rec.sec, said, whole.pos, whole.seq, whole.crc))
        return bytes(whole.buf), whole.mended, steps, begin, whole.codec

    def next(self, rec):
        steps = self._steps
        if steps is None:
            return page.Page.next(self, rec)
        if self._at == len(steps):
            self.codec.copy(self._end_codec)
            return False
        rec.kind, rec.seq, rec.sec, said, self.pos, self.seq, self.crc = steps[self._at]
        self._at += 1
        if type(said) is dict:
            rec.fix.__dict__.update(said)
        else:
            rec.n = len(said)
            rec.body[: rec.n] = said
        return True

    def rewind(self):
        if self._steps is None:
            page.Page.rewind(self)
        else:
            self._at = 0
            self.pos, self.seq, self.crc = self._begin

    def first(self, base, seed, rec):
        self._steps = None
        return page.Page.first(self, base, seed, rec)

    def read(self, sector, index):
        """The bytes may be others than those that were read so far: what is behind them is decoded."""
        if self._steps is not None:
            self._steps = None
            page.Page.rewind(self)
            rec = page.Record()
            for _ in range(self._at):
                page.Page.next(self, rec)
        page.Page.read(self, sector, index)


def _number(data):
    return int.from_bytes(data, "little")


@contextlib.contextmanager
def remembered():
    """Pages are remembered, and the mount's code is not let go: CPython would compile it again each time."""
    before = ring.Page, cursor.Page, journal.let_go
    MemoPage.memo = {}
    ring.Page = cursor.Page = MemoPage
    journal.let_go = lambda name: None
    try:
        yield
    finally:
        ring.Page, cursor.Page, journal.let_go = before
        MemoPage.memo = {}
