"""The truck's lanes and the station's ingest, face to face: whatever is lost between them, every record is stored once
and nothing is freed that the database lacks."""

import random

import pytest
from lane_kit import DEVICE, KEY, Rig, spans
from station import wire
from station.db import Database
from station.ingest import Ingest
from tracker.uplink import block
from uplink_fakes import JOURNAL_ID, puback

NAME = DEVICE.decode()


class Office:
    """A station on a database; a new one on the same database is the station after a restart."""

    def __init__(self, db=None):
        self.db = db or Database(":memory:")
        self.ingest = Ingest(self.db, {NAME: KEY})

    def takes(self, lane, payload, kept=False):
        """What it answers, as payloads."""
        answers, _ = self.ingest.commit([("lacak/%s/%s" % (NAME, lane), payload, kept)])
        assert all(topic == "lacak/%s/ack" % NAME for topic, _ in answers)
        return [answer for _, answer in answers]

    def stored(self):
        return {row.seq for row in self.db.rows(NAME, JOURNAL_ID)}


def birth(rig, word="online"):
    journal = rig.journal
    numbers = (journal.journal_id.hex(), journal.oldest_seq, journal.acked_low, journal.next_seq)
    return ("%s 0.1.0 %s %d %d %d 7 60" % (word, *numbers)).encode()


def test_blocks_that_a_dead_station_missed_go_again_when_it_starts():
    rig, office = Rig(60 * 5), Office()
    kept = birth(rig)
    for first, _, packet in rig.drain():
        if first not in (60, 240):  # published while nobody listened: the broker's PUBACK is all there is
            office.takes("hist", packet.payload)  # and these answers are lost
    rig.pump(30)
    (said,) = Office(office.db).takes("state", kept, kept=True)
    assert said[:-8] == wire.lacks(JOURNAL_ID, 240, [(60, 119)])
    rig.station(said)
    again = rig.drain()
    assert spans(again) == [(60, 119), (240, 299)]
    for _, _, packet in again:
        for answer in office.takes("hist", packet.payload):
            rig.station(answer)
    rig.pump()
    assert rig.history.ahead() == 0 and rig.journal.acked == office.stored() == set(range(300))
    assert office.db.counts()["records"] == 300 and office.ingest.counters["repeated"] == 0


def test_a_birth_of_a_truck_that_waits_for_nothing_is_not_answered():
    rig, office = Rig(60), Office()
    (block_,) = rig.drain()
    for answer in office.takes("hist", block_[2].payload):
        rig.station(answer)
    rig.pump()
    assert office.takes("state", birth(rig)) == [] and office.takes("state", b"offline") == []
    assert office.takes("state", b"gliding 0.9 " + birth(rig)[13:]) == [] and office.db.counts()["quarantine"] == 0


def test_of_many_holes_the_last_ones_become_one():
    rig, office = Rig(60 * 30), Office()
    for first, _, packet in rig.drain():
        if first % 120:
            office.takes("hist", packet.payload)
    rig.pump(30)
    (said,) = office.takes("state", birth(rig))
    behind, ranges = 1800, block.ack_ranges(said, 0, len(said) - 8)
    assert len(ranges) == 9 and ranges[6] == (720, 779) and ranges[7] == (840, 1739) and ranges[8][0] == behind
    rig.station(said)
    again = spans(rig.drain())
    assert again[:8] == [(n, n + 59) for n in range(0, 960, 120)] and again[-1] == (1680, 1739) and len(again) == 22
    assert rig.journal.acked == office.stored() - set(range(840, 1740))


def test_answers_about_another_journal_change_nothing():
    rig, office = Rig(60), Office()
    rig.drain()
    rig.pump(30)
    for answer in (wire.lacks(b"JOURNAL2", 0, []), wire.ack(b"JOURNAL2", [(0, 59)]), wire.refused(b"JOURNAL2", 0, 60, 1)):
        rig.station(wire.signed(NAME, KEY, b"ack", answer))
    assert rig.blocks() == [] and rig.journal.acked == set() and rig.history.foreign == 3
    assert rig.history.ahead() == 1 and office.stored() == set()


def test_a_newer_truck_and_an_older_station_lose_nothing(monkeypatch):
    rig, office = Rig(120), Office()
    with monkeypatch.context() as newer:
        newer.setattr(block, "HISTORY", 0x21)
        blocks = rig.drain()
        assert {packet.payload[0] for _, _, packet in blocks} == {0x21}
        for _, _, packet in blocks:
            (answer,) = office.takes("hist", packet.payload)
            assert answer[0] == wire.REFUSED and answer[-9] == wire.BAD_VERSION
            rig.station(answer)
        assert rig.blocks(100_000) == [], "kept, not sent again in this run"
        assert rig.history.refused == 2 and rig.journal.acked == set()
        assert {row["payload"] for row in office.db.quarantine()} == {packet.payload for _, _, packet in blocks}
        assert office.takes("live", b"\x22 a newer live fix") == [] and office.takes("state", b"gliding 0.9 to Mars") == []
        assert office.db.devices()[0]["state"] == "gliding 0.9 to Mars"
        newer.setattr(wire, "HISTORY", 0x21)  # the station is brought up to date, the truck starts anew
        rig.boot()
        for _, _, packet in rig.drain():
            for answer in office.takes("hist", packet.payload):
                rig.station(answer)
        rig.pump()
    assert rig.journal.acked == office.stored() == set(range(120))


def test_an_older_truck_and_a_newer_station_lose_nothing():
    rig, office = Rig(120), Office()
    blocks = rig.drain()
    for kind in (0x16, 0x1F, 0x23, 0x24, 0x25, 0x95):  # newer versions of what a station says
        rig.station(wire.signed(NAME, KEY, b"ack", bytes((kind,)) + wire.ack(JOURNAL_ID, [(0, 119)])[1:]))
    rig.pump()
    assert rig.session.reason is None and rig.history.malformed == 6
    assert rig.journal.acked == set() and rig.history.ahead() == 2
    for _, _, packet in blocks:
        for answer in office.takes("hist", packet.payload):
            rig.station(answer)
    rig.pump()
    assert rig.journal.acked == office.stored() == set(range(120))


@pytest.mark.parametrize("seed", range(12))
def test_whatever_is_lost_repeated_or_reordered_each_record_is_stored_once(seed):
    dice = random.Random(seed)
    rig, office = Rig(900), Office()
    late = []  # answers under way
    kept = b""
    for step in range(4000):
        if step == 3000:  # from here on nothing is lost any more
            dice.random = lambda: 1.0
        if dice.random() < 0.03 or rig.session.reason:
            rig.cut()
            rig.connect(dice.random() < 0.5)
            kept = birth(rig)
            late += office.takes("state", kept) if dice.random() < 0.8 else []
        if dice.random() < 0.02:
            office = Office(office.db)
            late += office.takes("state", kept, kept=True)
        if dice.random() < 0.02:
            rig.boot()
        for _, _, packet in rig.blocks(30):
            if dice.random() > 0.1:
                rig.wire.give(puback(packet.pid))
            for _ in range(1 + (dice.random() < 0.1) - (dice.random() < 0.3)):
                late += office.takes("hist", packet.payload)
        dice.shuffle(late)
        while late and dice.random() > 0.3:
            answer = late.pop()
            if dice.random() > 0.2:
                rig.station(answer)
                if dice.random() < 0.1:
                    late.append(answer)
        assert rig.journal.acked <= office.stored() or step % 50
        if len(rig.journal.acked) == 900:
            break
    assert rig.journal.acked == office.stored() == set(range(900)), seed
    assert office.db.counts()["conflicts"] == office.db.counts()["quarantine"] == 0
    rig.pump()
    assert rig.history.ahead() == 0


def test_the_broker_keeps_what_the_truck_said_and_that_is_no_word_of_it():
    rig, office = Rig(60), Office()
    office.ingest.commit([("lacak/t/state", birth(rig))], 1000)
    office.ingest.commit([("lacak/t/state", birth(rig), True), ("lacak/t/state", b"offline")], 5000)
    assert office.db.devices()[0]["last_heard"] == 1000 and office.db.devices()[0]["state"] == "offline"


def test_a_silent_truck_leaves_the_map_when_its_word_is_long_overdue_and_once():
    from tracker.fix import Fix

    rig, office = Rig(), Office()
    rig.trail.newest, rig.trail.newest_ms = Fix(), 1
    rig.trail.newest.sec, rig.trail.newest.lat_udeg, rig.trail.newest.lon_udeg, rig.trail.newest.kind = 200000000, 1, 1, 1
    (live,) = rig.pump()
    start = 200000000 + 1577836800
    office.ingest.commit([("lacak/t/live", live.payload), ("lacak/t/state", birth(rig, "parked")[:-2] + b"900")], start)
    silent = office.ingest.silent
    assert silent(1800, start + 2699) == []
    assert silent(1800, start + 2701) == [("lacak/t/live", b"")]
    assert silent(1800, start + 9000) == []
    office.ingest.commit([("lacak/t/live", b"")], start + 2702)  # what it cleared comes back to it
    assert silent(1800, start + 9000) == []
    office.ingest.commit([("lacak/t/state", birth(rig))], start + 9100)
    assert silent(1800, start + 9100 + 1861) == [("lacak/t/live", b"")]
