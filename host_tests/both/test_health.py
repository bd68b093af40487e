"""Health: an hourly record, one more within a minute of trouble; every field is where docs/protocol.md says."""

import json

from sim.board.nor import NorFlash
from store_kit import Mark, mounted, read_all
from tracker.record import HEALTH, Record, varint
from tracker.store.codec import Codec
from tracker.system.health import TABLE, Health

VECTORS = __file__.replace("both/test_health.py", "vectors/health.json")
SEC = 217_000_000
WRAP = 0x3FFFFFFF


def rows():
    """The table as (number of the first field, whose, attributes)."""
    found = []
    for word in TABLE:
        if isinstance(word, int):
            found.append([word])
        else:
            found[-1].append(word)
    return [(row[0], row[1], row[2:]) for row in found]


class Owner:
    """Has whatever it was given."""

    def __init__(self, **values):
        for name in values:
            setattr(self, name, values[name])


class Gc:
    def __init__(self):
        self.collected = 0
        self.free = 40 * 1024

    def collect(self):
        self.collected += 1

    def mem_free(self):
        return self.free


class Paper:
    """A journal that keeps what it is given as dicts."""

    def __init__(self):
        self.records = []
        self.next_seq = 10
        self.acked_low = 4
        self.dropped = self.refused = self.skipped = self.thinned = 0
        self.appended = self.tails = self.generation = self.aged = self.stale_acks = 0

    def append(self, rec):
        assert rec.kind == HEALTH and rec.n <= 190
        self.records.append((rec.sec, fields(rec.body, rec.n)))
        return len(self.records)


def idf(capabilities):
    assert capabilities == 4
    return [(100_000, 50_000, 30_000, 20_000), (60_000, 40_960, 35_000, 10_000)]


def fields(body, n):
    """[(number, value)], in the order in which they stand."""
    found = []
    at = 0
    while at < n:
        number, at = varint(body, at, n)
        value, at = varint(body, at, n)
        assert at >= 0
        found.append((number, value >> 1 ^ -(value & 1)))
    return found


def make(journal=None):
    gc = Gc()
    journal = journal or Paper()
    return Health(journal, 7, 12, 3, gc, idf), journal, gc


def minutes(health, count, first=1, now_sec=SEC):
    for i in range(first, first + count):
        health.look(i * 60_000 & WRAP, None if now_sec is None else now_sec + i * 60)


def test_one_record_an_hour_and_only_what_is_not_zero():
    health, journal, _ = make()
    health.watched["parser"] = Owner(sentences=7000, bad_checksum=37, malformed=0)
    health.watched["supply"] = Owner(mv=None, min_mv=-3)
    minutes(health, 61)
    assert [sec for sec, _ in journal.records] == [SEC + 60, SEC + 61 * 60]
    assert journal.records[1][1] == [
        (1, 7), (2, 3660), (3, 12), (4, 3), (40, 7000), (41, 37), (105, -3),
        (108, 40), (109, 88), (110, 34), (111, 6), (112, 3600),
    ]  # fmt: skip


def test_trouble_is_told_within_a_minute_and_once():
    health, journal, _ = make()
    room = Owner(deaths=0, silences=0)
    health.watched["gnss"] = room
    parser = Owner(bad_checksum=0)
    health.watched["parser"] = parser
    minutes(health, 5)
    assert len(journal.records) == 1
    room.deaths = 1
    parser.bad_checksum = 9
    minutes(health, 1, 6)
    assert len(journal.records) == 2 and (22, 1) in journal.records[1][1] and (41, 9) in journal.records[1][1]
    parser.bad_checksum = 900  # noise on the line is no such trouble
    minutes(health, 59, 7)
    assert len(journal.records) == 2
    minutes(health, 1, 66)
    assert len(journal.records) == 3  # an hour after the last


def test_every_trouble_is_watched():
    """Rooms' deaths, resets, settings, the ring's losses, quarantine: whatever stands below number 40."""
    for first, name, names in rows():
        if not 10 <= first < 40:
            continue
        for attribute in names:
            health, journal, _ = make()
            owner = journal if name == "journal" else Owner()
            if name != "journal":
                health.watched[name] = owner
            minutes(health, 2)
            setattr(owner, attribute, 3)
            minutes(health, 2, 3)
            assert len(journal.records) == 2 and journal.records[1][1][4] == (first + names.index(attribute), 3)


def test_without_a_clock_it_waits_ten_minutes_and_then_says_so():
    health, journal, _ = make()
    minutes(health, 9, now_sec=None)
    assert journal.records == []
    minutes(health, 1, 10, None)
    assert journal.records[0][0] == 0 and journal.records[0][1][:2] == [(1, 7), (2, 600)]
    minutes(health, 51, 11, None)
    assert len(journal.records) == 1
    health, journal, _ = make()
    minutes(health, 3, now_sec=None)
    minutes(health, 1, 4)
    assert journal.records[0][0] == SEC + 240


def test_the_uptime_outlives_the_ticks():
    health, journal, _ = make()
    for i in range(1, 18_001):  # 12.5 days, and ticks come round after 12.4
        health.look(i * 60_010 & WRAP, SEC)
    assert health.uptime_s == 18_000 * 60_010 // 1000
    assert len(journal.records) == 300


def test_low_water_mark_and_the_wait_of_what_waits():
    health, journal, gc = make()
    for free, low in ((50, 50), (30, 30), (44, 30)):
        gc.free = free * 1024 + 100
        minutes(health, 1, gc.collected + 1)
        assert health.heap_low_kb == low
    assert gc.collected == 3
    journal.acked_low = 8
    minutes(health, 1, 4)
    assert (health.backlog, health.backlog_s) == (2, 0)
    minutes(health, 2, 5)
    assert (health.backlog, health.backlog_s) == (2, 120)
    journal.acked_low = 10
    minutes(health, 2, 7)
    assert (health.backlog, health.backlog_s) == (0, 0)


def test_what_has_no_room_comes_in_the_next_record():
    health, journal, _ = make()
    owners = {"journal": journal}
    numbers_due = []
    for first, name, names in rows():
        if name != "board":
            owner = owners.setdefault(name, Owner())
            for i in range(len(names)):
                setattr(owner, names[i], (1 << 29) - 1 if i % 3 else -1 - i - first)
                numbers_due.append(first + i)
    for name in owners:
        health.watched[name] = owners[name]
    minutes(health, 4)
    records = [pairs for _, pairs in journal.records]
    assert len(records) >= 2
    heads = [pairs[0] for pairs in records]
    assert heads == [(1, 7)] * len(records)
    assert [pairs[-1] == (126, 1) for pairs in records] == [True] * (len(records) - 1) + [False]
    whole = []
    for k in range(len(records)):
        whole += [pair for pair in records[k] if pair != (126, 1) and (k == 0 or pair[0] > 2)]
    numbers = [number for number, _ in whole]
    assert numbers == sorted(numbers) and len(set(numbers)) == len(numbers)
    assert [number for number in numbers if 4 < number < 108] == numbers_due
    minutes(health, 50, 5)
    assert len(journal.records) == len(records)


def test_numbers_ascend_and_no_room_lacks_its_place():
    last = 0
    for first, _, names in rows():
        assert first > last
        last = first + len(names) - 1
    assert last < 126


def test_the_vector_of_the_document():
    with open(VECTORS) as file:
        vector = json.load(file)
    health, journal, _ = make()
    owners = {}
    for first, name, names in rows():
        for i in range(len(names)):
            value = vector["fields"].get(str(first + i))
            if value is not None and name not in ("board", "journal"):
                setattr(owners.setdefault(name, Owner()), names[i], value)
            elif value is not None:
                setattr(health if name == "board" else journal, names[i], value)
    for name in owners:
        health.watched[name] = owners[name]
    health._write(0)
    health.sec = vector["sec"]
    buf = bytearray(256)
    codec = Codec()
    codec.reset()
    end = codec.encode(health, buf, 0)
    assert "".join(["%02x" % byte for byte in buf[:end]]) == vector["bytes"].replace(" ", "")


def test_it_is_a_record_of_the_journal_like_any_other():
    flash = NorFlash(8 * 4096)
    mark = Mark()
    journal = mounted(flash, mark, 256)
    health, _, _ = make(journal)
    minutes(health, 10, now_sec=None)
    assert journal.last_sec is None  # nobody knows the second: the trail's end is not moved
    minutes(health, 60, 11)
    again = mounted(flash, mark, 256)
    assert again.next_seq == 2 and again.last_sec == SEC + 70 * 60 and again.next_unacked(0) == 0
    rec = Record()
    cursor = again.cursor()
    assert cursor.seek(1) and cursor.next(rec) and rec.kind == HEALTH and rec.sec == SEC + 70 * 60
    assert (71, 1) in fields(rec.body, rec.n)
    minutes(health, 60, 71)
    untold = mounted(flash, mark, 256)
    assert untold.next_seq == 3 and len(read_all(untold)) == 3


def test_looking_and_writing_leave_nothing_on_the_heap():
    try:
        from micropython import heap_lock, heap_unlock
    except ImportError:
        return  # CPython

    class Sink(Paper):
        def append(self, rec):
            return 0

    regions = idf(4)
    health = Health(Sink(), 7, 12, 3, Gc(), lambda capabilities: regions)
    owner = Owner()
    for _, name, names in rows():
        if name not in ("board", "journal", "power"):
            health.watched[name] = owner
            for attribute in names:
                setattr(owner, attribute, 300)
    look = health.look
    look(60_000, SEC)
    look(120_000, SEC)
    look(180_000, SEC)
    said = health.n
    heap_lock()
    try:
        look(240_000, SEC)  # nothing is due
        owner.deaths = 5
        look(300_000, SEC)  # a record
    finally:
        heap_unlock()
    assert health.n != 0 and said
