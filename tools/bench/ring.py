"""Drives through a journal of 64 sectors of 4 KB on a simulated chip that counts."""

from bench.drives import copy_of, second_of
from store_judge import is_loss, untold
from store_kit import Mark, SmallNor, image, read_all
from tracker.record import FIX, TAIL, Record
from tracker.sampling.window import Window
from tracker.store.codec import RECORD_MAX, Codec
from tracker.store.journal import Journal

SECTORS = 64
SECTOR = 4096
BOUND_M = 10
_ACK_FIXES = 60
_LAP_PAUSE_S = 2


class Chip(SmallNor):
    """It counts what is read, too."""

    read_bytes = 0

    def readblocks(self, block, buf, off=0):
        self.read_bytes += len(buf)
        SmallNor.readblocks(self, block, buf, off)


class Ring:
    """A journal on a new chip, and what it was given."""

    def __init__(self):
        self.chip = Chip(b"\xff" * (SECTORS * SECTOR), SECTOR)
        self.mark = Mark()
        self.journal = self.mounted()
        self.fixes = self.tails = 0
        self.seq = -1  # of the last numbered record

    def mounted(self):
        journal = Journal(self.chip, lambda n: b"journal!"[:n], self.mark, window=lambda: Window(2 * BOUND_M))
        journal.mount()
        return journal

    def put(self, rec, acked):
        """One record, and after each 60th fix the database's answer, if there is one."""
        journal = self.journal
        if rec.kind == TAIL:
            journal.append_tail(rec.fix)
            self.tails += 1
            return
        self.seq = journal.append(rec)
        if rec.kind == FIX:
            self.fixes += 1
            if acked and self.fixes % _ACK_FIXES == 0:
                journal.ack(journal.oldest_seq, journal.next_seq - 1)
                journal.flush_acks(0)

    def count(self):
        return self.chip.program_bytes, self.chip.erases, self.fixes, self.tails


def laps(records):
    """The drive again and again, later each time; the gaps before its first fix only once."""
    start = next(i for i, rec in enumerate(records) if rec.kind == FIX)
    lap_s = second_of(records[-1]) - second_of(records[start]) + _LAP_PAUSE_S
    yield from map(copy_of, records[:start])
    later_s = 0
    while True:
        for rec in records[start:]:
            yield copy_of(rec, later_s)
        later_s += lap_s


def cost(records, acked=True, turns=1):
    """The dearest of so many turns of the ring, after a first that fills it; all per fix."""
    ring = Ring()
    marks = []
    for rec in laps(records):
        ring.put(rec, acked)
        if ring.journal.entered > SECTORS * (len(marks) + 1):
            marks.append(ring.count())
            if len(marks) > turns:
                break
    return max((_per_fix(a, b) for a, b in zip(marks, marks[1:])), key=lambda turn: turn["bytes"])


def _per_fix(begin, end):
    size, erases, fixes, tails = (b - a for a, b in zip(begin, end))
    erases_per_1000 = 1000 * erases / fixes
    return {"bytes": size / fixes, "erases_per_1000": erases_per_1000, "tails": tails / fixes}


def capacity(records):
    """How many fixes the ring takes, the database never answering, before the first one goes."""
    ring = Ring()
    for rec in laps(records):
        ring.put(rec, acked=False)
        if ring.journal.entered > SECTORS:
            return ring.fixes - 1


def spans(records, turns=4):
    """(fixes whose time a ring spans that has been full for long, those at its end that are whole)."""
    ring = Ring()
    numbers = []
    for rec in laps(records):
        if rec.kind == FIX:
            numbers.append(ring.journal.next_seq)
        ring.put(rec, acked=False)
        if ring.journal.entered > turns * SECTORS:
            journal = ring.journal
            first = first_fix(journal)
            whole = journal._ring.bases[journal._ring.oldest()]
            return sum(seq >= first for seq in numbers), sum(seq >= whole for seq in numbers)


def account(records, turns=3):
    """(numbers neither read nor told of, records read that are not what was put in) of a ring that has been full for long.

    Two ways to know that all is told: the losses that the journal counted are as many as the numbers that are gone, and each
    record that is gone lies within what a record says to be dropped, or thinned out.
    """
    ring = Ring()
    journal = ring.journal
    given = {}
    codec, buf, said = Codec(), bytearray(RECORD_MAX), Record()
    for rec in laps(records):
        ring.put(rec, acked=False)
        if rec.kind != TAIL:
            codec.encode(rec, buf, 0)
            codec.decode(buf, 0, len(buf), said)
            given[ring.seq] = image(said)
        if journal.entered > turns * SECTORS:
            break
    found = read_all(journal)
    gone = {seq: what for seq, what in given.items() if seq not in found}
    uncounted = journal.next_seq - len(found) - journal.dropped - journal.thinned
    wrong = sum(what != given[seq] if seq in given else not is_loss(what) for seq, what in found.items())
    return max(abs(uncounted), len(untold(gone, found))), wrong


def first_fix(journal):
    cursor = journal.cursor()
    rec = Record()
    while cursor.next(rec):
        if rec.kind == FIX:
            return rec.seq


def wear_spread(records, appends):
    """The difference between the most and the least erased sector."""
    ring = Ring()
    for rec in laps(records):
        ring.put(rec, acked=True)
        if ring.journal.appended >= appends:
            return max(ring.chip.wear) - min(ring.chip.wear)


def recovery_reads(records):
    """(reads, bytes) of the dearest mount of a full ring, as its newest sector fills up."""
    ring = Ring()
    reads = []
    for i, rec in enumerate(laps(records)):
        ring.put(rec, acked=True)
        if ring.journal.entered > SECTORS and i % 16 == 0:
            before = ring.chip.reads, ring.chip.read_bytes
            ring.mounted()
            reads.append((ring.chip.reads - before[0], ring.chip.read_bytes - before[1]))
        if ring.journal.entered > SECTORS + 1:
            return max(reads)
