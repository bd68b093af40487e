"""The journal against a list in memory: hypothesis drives whatever may happen to it, in any order."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test
from sim.board.nor import PowerCut
from store_cuts import WAYS, places
from store_fast import remembered
from store_judge import is_loss, numbers_skipped, untold, whole_from
from store_kit import Mark, blank, event_record, fix_image, fix_record, image, mounted, read_all
from tracker.record import FIX, SKIPPED, Record
from tracker.sampling.window import Window

ANY = st.integers(0, 1 << 20)


class JournalMachine(RuleBasedStateMachine):
    BOUNDS = (None,)  # of the window that thins
    thinned = copies_read = 0  # in all runs

    def __init__(self):
        super().__init__()
        self.flash = blank()
        self.mark = Mark()
        self.thin_m = None
        self.journal = self._mounted()
        self.rec = Record()
        self.list = {}  # number: image, of what must be readable
        self.used = set()  # every number that was ever seen
        self.acked = set()
        self.skipped = set()
        self.tail = None
        self.i = 0
        self.hurt = {}  # (sector, page): the base of the sector when a byte of it was damaged
        self.ms = 0

    # ---- what may happen

    @initialize(which=ANY)
    def begin(self, which):
        self.thin_m = self.BOUNDS[which % len(self.BOUNDS)]
        self.journal = self._mounted()

    @rule(n=st.integers(1, 25), is_event=st.booleans())
    def append(self, n, is_event):
        for _ in range(n):
            self._append(is_event)

    @rule()
    def append_tail(self):
        self.tail = fix_image(fix_record(self.rec, self.i + 1).fix)
        assert self.journal.append_tail(self.rec.fix)
        self._learn()

    @rule(lo=ANY, n=st.integers(1, 60))
    def ack(self, lo, n):
        numbers = self.journal.next_seq
        if numbers:
            lo = self.journal.oldest_seq + lo % max(1, numbers - self.journal.oldest_seq)
            hi = min(lo + n, numbers) - 1
            self.journal.ack(lo, hi)
            self.acked |= set(range(lo, hi + 1))

    @rule(wait_ms=st.sampled_from((0, 60000)))
    def flush_acks(self, wait_ms):
        self.ms += wait_ms
        self.journal.flush_acks(self.ms)

    @rule(seq=ANY, n=st.integers(1, 30))
    def read(self, seq, n):
        journal = self.journal
        seq %= journal.next_seq + 1
        cursor = journal.cursor()
        assert cursor.seek(seq) == (journal.oldest_seq <= seq < journal.next_seq)
        left = [each for each in sorted(self.list) if each >= max(seq, journal.oldest_seq)]
        for each in left[:n]:
            assert cursor.next(self.rec) and self.rec.seq == each and image(self.rec) == self.list[each]

    @rule()
    def remount(self):
        self._mount()

    @rule(days=st.integers(0, 30))
    def erase_aged(self, days):
        oldest = self.journal.oldest_seq
        if self.journal.erase_aged((self.journal.last_sec or 0) + days * 86400):
            assert days > 13
            assert all(seq in self.acked for seq in self.list if oldest <= seq < self.journal.oldest_seq)
            self._forget()

    @rule(op=st.sampled_from(("program", "program", "program", "erase")), at=st.integers(0, 600), way=st.sampled_from(WAYS))
    def cut(self, op, at, way):
        done = self.flash.erases if op == "erase" else self.flash.program_calls
        self.flash.cut = (op, done + 1, at % (512 if op == "erase" else (24, 24, 96)[at % 3]), way[0])
        in_flight = None
        try:
            for _ in range(80):
                in_flight = image(fix_record(self.rec, self.i + 1))
                self._append(False)
        except PowerCut:
            self._mount(in_flight)
        self.flash.cut = None

    @precondition(lambda self: len(self.list) > 5)
    @rule(at=st.integers(0, 2047), change=st.integers(1, 255))
    def damage(self, at, change):
        where = (at // 512, at % 512 // 128)
        ring = self.journal._ring
        base = ring.bases[where[0]]
        if where[0] == ring.newest and where[1] > self.journal._writer.page:
            return  # nothing is there yet
        if base < 0 or self.hurt.get(where) == base:
            return  # one byte a page is the promise
        page = self.flash.store.cells[at // 128 * 128 :][:128]
        if not where[1] and at % 512 < page[4] and page[126] & page[127] == 0xFF:
            return  # a header whose page is not sealed, because a cut ended it or it is still open: that costs the sector
        self.hurt[where] = base
        there = places(bytes(self.flash.store.cells), Mark(self.mark.value))
        self.flash.store.cells[at] ^= change
        for seq, (page, end) in there.items():
            if page == at // 128 and end > at and seq in self.list:
                self.list[seq] = None  # may be lost, or mended
        self.tail = None
        self._mount()

    # ---- what must be true

    @invariant()
    def reads_what_was_appended(self):
        self._compare(read_all(self.journal))

    def _append(self, is_event):
        self.i += 1
        rec = event_record(self.rec, self.i) if is_event else fix_record(self.rec, self.i)
        what = image(rec)
        seq = self.journal.append(rec)
        assert seq >= 0 and seq not in self.used
        self.list[seq] = what
        if rec.kind == FIX:
            self.tail = None
        self._learn()

    def _learn(self):
        """Take over what the journal itself has said on entering a sector, before or behind the record."""
        cursor = self.journal.cursor()
        cursor.seek(max(0, self.journal.next_seq - 4))
        self.used |= set(range(self.journal.next_seq))
        while cursor.next(self.rec):
            what = image(self.rec)
            if self.rec.seq not in self.list and is_loss(what):
                self.list[self.rec.seq] = what
        self._forget()

    def _mount(self, in_flight=None):
        next_seq = self.journal.next_seq
        self.flash.cut = None
        journal = self.journal = self._mounted()
        assert journal.next_seq >= next_seq
        found = read_all(journal)
        for seq, what in found.items():
            if self.list.get(seq) is None and seq in self.list:
                continue
            if seq not in self.list:
                assert what == in_flight or what[0] == SKIPPED or is_loss(what)
                assert seq not in self.used
                self.list[seq] = what
                in_flight = None
        self.used |= set(range(journal.next_seq))
        self.skipped |= numbers_skipped(found)
        for seq in range(journal.oldest_seq, journal.next_seq):
            assert not journal.is_acked(seq) or seq in self.acked or seq in self.skipped
        self._forget()
        tail = journal.tail()
        assert tail is None or self.hurt or fix_image(tail) == self.tail

    def _mounted(self):
        return mounted(self.flash, self.mark, window=self.thin_m and Window(self.thin_m))

    def _forget(self):
        """What is gone below the oldest sector was acknowledged, or the journal tells of its loss."""
        whole = whole_from(self.journal)
        if min(self.list, default=whole) >= whole:
            return
        said = {seq: what for seq, what in self.list.items() if what}
        left = read_all(self.journal) if self.journal.oldest_seq < whole else {}
        gone = {seq: self.list.pop(seq) for seq in list(self.list) if seq < whole and seq not in left}
        if not self.hurt:
            gone = {seq: what for seq, what in gone.items() if what[0] != SKIPPED}
            assert not untold(gone, said, self.acked)
        JournalMachine.thinned += self.journal.thinned
        JournalMachine.copies_read += len(left)

    def _compare(self, found):
        for seq, what in self.list.items():
            assert what is None or found.get(seq) == what
        for seq, what in found.items():
            assert seq in self.list
            if self.list[seq] is None:
                self.list[seq] = what
        for seq in [seq for seq, what in self.list.items() if what is None]:
            del self.list[seq]


class ThinningMachine(JournalMachine):
    BOUNDS = (1, 20)


def run(machine, examples):
    with remembered():
        run_state_machine_as_test(machine, settings=settings(max_examples=examples, stateful_step_count=40, deadline=None))


def test_journal():
    run(JournalMachine, 60)


def test_journal_that_thins():
    run(ThinningMachine, 60)
    assert JournalMachine.thinned > 100 and JournalMachine.copies_read > 100


def _life(mount_each, size_of_event=lambda i: i % 23):
    """Unsent fixes and events by turns round a ring with a window; after each append all that is gone must be told, once it is."""
    flash = blank()
    mark = Mark()
    journal = mounted(flash, mark, window=Window(20))
    rec = Record()
    made, said = {}, {}
    for i in range(1, 260):
        if mount_each and i % mount_each == 0:
            journal = mounted(flash, mark, window=Window(20))
        what = image(event_record(rec, i, 8, size_of_event(i)) if i % 2 == 0 else fix_record(rec, i))
        made[journal.append(rec)] = what
        found = read_all(journal)
        said.update((seq, what) for seq, what in found.items() if is_loss(what))
        assert all(made.get(seq, what) == what for seq, what in found.items())
        made.update(found)
        gone = {seq: what for seq, what in made.items() if seq not in found}
        assert max(gone, default=-1) < whole_from(journal) and not untold(gone, said)
    assert said


def test_copies_that_find_no_room_are_lost_with_their_own_second():
    _life(0)


def test_a_mount_knows_copies_by_what_is_there():
    """Behind an event that found no room a smaller one may have found it: the last copy does not vouch for those before it."""
    for mount_each in (3, 7, 11, 19):
        _life(mount_each, lambda i: (45, 3, 20, 0)[i // 2 % 4])
