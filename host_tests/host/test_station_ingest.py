"""What a message does: stored and answered, or quarantined with its reason; never a crash."""

import hashlib
import hmac
import sqlite3
import time

import pytest
import station_truck as st_truck
from hypothesis import given, settings
from hypothesis import strategies as st
from station import wire
from station.db import Database
from station.ingest import Ingest
from station_truck import Truck
from tracker.uplink.block import ack_ranges

TRUCK, OTHER = Truck(), Truck("truck-18", b"another key")
KEYS = {"truck-17": TRUCK.key, "truck-18": OTHER.key}


@pytest.fixture
def ingest():
    db = Database(":memory:")
    yield Ingest(db, dict(KEYS))
    db.close()


def ranges_of(payload):
    assert payload[0] == wire.ACK and payload[1:9] == TRUCK.journal and is_from_the_office(payload)
    return ack_ranges(payload, 0, len(payload) - 8)


def sign(head, device="truck-17", key=TRUCK.key, use=b""):
    """By the letter of the protocol, not with the station's own function."""
    return head + hmac.new(key, device.encode() + b"\0" + use + head, hashlib.sha256).digest()[:8]


def is_from_the_office(payload, device="truck-17", key=TRUCK.key):
    return payload == sign(payload[:-8], device, key, b"ack\0")


def test_a_block_is_stored_and_its_range_acknowledged(ingest):
    records = st_truck.drive(40) + [st_truck.gap(st_truck.START, st_truck.START + 9, 3, 4)]
    answers, changed = ingest.commit([(TRUCK.topic("hist"), TRUCK.block(100, records))])
    assert [topic for topic, _ in answers] == ["lacak/truck-17/ack"] and changed == {"truck-17"}
    assert ranges_of(answers[0][1]) == [(100, 140)]
    rows = ingest.db.rows("truck-17", TRUCK.journal)
    assert [row.seq for row in rows] == list(range(100, 141))
    assert [(r.sec, r.lat_udeg, r.lon_udeg) for r in rows[:40]] == [
        (r.sec, r.fix.lat_udeg, r.fix.lon_udeg) for r in records[:40]
    ]
    assert rows[40].body == bytes(records[40].body[: records[40].n])


def test_one_answer_tells_all_of_a_batch(ingest):
    blocks = TRUCK.blocks(st_truck.drive(200))
    answers, _ = ingest.commit([(TRUCK.topic("hist"), blocks[i]) for i in (0, 4, 2, 1)])
    assert len(answers) == 1 and ranges_of(answers[0][1]) == [(0, 119), (160, 199)]
    answers, _ = ingest.commit([(TRUCK.topic("hist"), blocks[3])])
    assert ranges_of(answers[0][1]) == [(0, 199)], (
        "the range that the database now has around the block"
    )


def test_a_batch_is_stored_whole_or_not_at_all_and_then_nobody_is_answered(ingest, monkeypatch):
    def disk_full(*_):
        raise sqlite3.OperationalError("database or disk is full")

    batch = [(TRUCK.topic("hist"), TRUCK.block(0, st_truck.drive(40)))]
    with monkeypatch.context() as broken:
        broken.setattr(ingest.db, "_add_range", disk_full)
        with pytest.raises(sqlite3.OperationalError):
            ingest.commit(batch)
    assert ingest.db.counts()["records"] == 0
    answers, _ = ingest.commit(batch)
    assert ranges_of(answers[0][1]) == [(0, 39)]


def test_a_repeated_block_is_answered_again(ingest):
    message = (TRUCK.topic("hist"), TRUCK.block(0, st_truck.drive(10)))
    for _ in range(2):
        answers, _ = ingest.commit([message])
        assert ranges_of(answers[0][1]) == [(0, 9)]
    assert ingest.counters["stored"] == 10 and ingest.counters["repeated"] == 10


def quarantined(ingest, topic, payload):
    """(reason, answers) of one message that must not be stored."""
    answers, changed = ingest.commit([(topic, payload)])
    assert not changed and ingest.db.counts()["records"] == 0
    (row,) = ingest.db.quarantine()
    assert row["payload"] == payload[:16384]
    return row["reason"], answers


def test_a_wrong_tag_is_kept_and_not_answered(ingest):
    payload = bytearray(TRUCK.block(0, st_truck.drive(10)))
    payload[-1] ^= 1
    reason, answers = quarantined(ingest, TRUCK.topic("hist"), bytes(payload))
    assert "tag" in reason and answers == [], (
        "whoever lacks the key must not talk a truck out of sending"
    )


def test_one_trucks_block_on_anothers_topic(ingest):
    reason, answers = quarantined(ingest, OTHER.topic("hist"), TRUCK.block(0, st_truck.drive(3)))
    assert "tag" in reason and not answers


def test_a_truck_without_a_key(ingest):
    stranger = Truck("truck-99")
    reason, answers = quarantined(
        ingest, stranger.topic("hist"), stranger.block(0, st_truck.drive(3))
    )
    assert "no key" in reason and not answers


def test_without_keys_tags_are_not_checked_but_kept():
    ingest = Ingest(Database(":memory:"), None)
    block = Truck("anyone", b"?").block(0, st_truck.drive(3))
    ingest.commit([("lacak/anyone/hist", block)])
    assert [row["raw"] for row in ingest.db.blocks("anyone", st_truck.JOURNAL)] == [block]


def test_without_keys_only_a_truck_that_has_none_believes_the_answer():
    ingest = Ingest(Database(":memory:"), None)
    for truck, believed in ((Truck("new", b""), True), (TRUCK, False)):
        ((_, answer),), _ = ingest.commit([(truck.topic("hist"), truck.block(0, st_truck.drive(3)))])
        assert is_from_the_office(answer, truck.device, truck.key) == believed


def test_every_answer_is_signed_with_the_key_of_its_truck(ingest):
    newer = sign(b"\x21" + TRUCK.block(0, st_truck.drive(3))[1:-8])
    birth = b"online 0.1.0 %s 0 0 120 7 60" % OTHER.journal.hex().encode()
    answers, _ = ingest.commit([
        (TRUCK.topic("hist"), newer), (OTHER.topic("hist"), OTHER.block(0, st_truck.drive(3))), (OTHER.topic("state"), birth)])
    assert sorted((topic, answer[0]) for topic, answer in answers) == [
        ("lacak/truck-17/ack", wire.REFUSED), ("lacak/truck-18/ack", wire.ACK), ("lacak/truck-18/ack", wire.LACKS)]
    for topic, answer in answers:
        truck = TRUCK if "17" in topic else OTHER
        assert is_from_the_office(answer, truck.device, truck.key)


@pytest.mark.parametrize("use", [b"ack", b"ans", b"cmd"])
def test_what_was_signed_for_another_use_is_no_block(ingest, use):
    signed = wire.signed(TRUCK.device, TRUCK.key, use, wire.ack(TRUCK.journal, [(0, 59)]))
    reason, answers = quarantined(ingest, TRUCK.topic("hist"), use + b"\0" + signed)
    assert "version" in reason and answers == []


@pytest.mark.parametrize(
    "spoil, code, word",
    [
        (lambda head: b"\x21" + head[1:], wire.BAD_VERSION, "version"),
        (lambda head: head[:-1], wire.BAD_RECORD, "record 49"),
        (lambda head: head + b"\0", wire.BAD_SIZE, "left over"),
        (lambda head: head[:10] + b"\xff\x3f" + head[11:], wire.BAD_SIZE, "says 8191"),
        (
            lambda head: head[:11] + b"\xf0\x01\x06" + head[11:],
            wire.BAD_RECORD,
            "record 40",
        ),  # of flash only
        (lambda head: head + bytes(5000), wire.BAD_SIZE, "longer"),
        (lambda head: head[:11] + b"\x85\x01\x05" + head[11:], wire.BAD_RECORD, "record 40"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_numbers(ingest, spoil, code, word):
    head = TRUCK.block(40, st_truck.drive(10))[:-8]
    payload = sign(spoil(head))
    reason, answers = quarantined(ingest, TRUCK.topic("hist"), payload)
    assert word in reason
    ((topic, answer),) = answers
    count = 8191 if "8191" in reason else 10
    assert (
        topic == "lacak/truck-17/ack"
        and answer[0] == wire.REFUSED
        and answer[1:9] == TRUCK.journal
    )
    assert answer[-9] == code and is_from_the_office(answer) and wire.varint(answer, 9, len(answer))[0] == 40
    assert wire.varint(answer, 10, len(answer))[0] == count - 1


def test_an_impossible_second_is_refused(ingest):
    huge = bytearray(20)
    end = wire.put_varint(huge, 0, 1 << 34)
    payload = sign(b"\x11" + TRUCK.journal + bytes([7, 1, 0x85, end]) + bytes(huge[:end]))
    reason, answers = quarantined(ingest, TRUCK.topic("hist"), payload)
    assert answers[0][1][0] == wire.REFUSED and "record 7" in reason


@pytest.mark.parametrize(
    "topic, payload",
    [
        ("lacak/truck-17/hist", b""),
        ("lacak/truck-17/hist", b"\x11"),
        ("lacak/truck-17/hist", bytes(100_000)),
        ("lacak/truck-17/live", b"\x12"),
        ("lacak/truck-17/live", b"\x12" + bytes(100)),
        ("lacak/truck-17/live", b"{}"),
        ("lacak/truck-17/live", b"\x13" + TRUCK.live(st_truck.fix(9))[1:]),
        ("lacak/truck-17/live", b"\x12\x85\x01\x05"),
        ("lacak/truck-17/state", b"\xff\xfe"),
        ("lacak/truck-17/state", b"x" * 161),
        ("lacak/truck-17/state", b"a\nb"),
        ("lacak/../hist", b"x"),
        ("lacak/truck-17/other", b"x"),
        ("else/truck-17/hist", b"x"),
        ("lacak//hist", b"x"),
    ],
)
def test_hostile_messages_go_to_quarantine_unanswered(ingest, topic, payload):
    reason, answers = quarantined(ingest, topic, payload)
    assert reason and answers == []


def test_a_bad_message_is_not_in_the_way_of_others(ingest):
    good = TRUCK.blocks(st_truck.drive(80))
    answers, _ = ingest.commit(
        [
            (TRUCK.topic("hist"), good[0]),
            (TRUCK.topic("hist"), b"junk"),
            (OTHER.topic("hist"), b"\x11" * 300),
            (TRUCK.topic("hist"), good[1]),
        ]
    )
    assert ranges_of(answers[0][1]) == [(0, 79)] and ingest.counters["refused"] == 2


def test_live_moves_the_position_and_no_history(ingest):
    ingest.commit(
        [(TRUCK.topic("live"), TRUCK.live(st_truck.fix(st_truck.START, lat=-6_100_000)))]
    )
    assert ingest.db.devices()[0]["lat_udeg"] == -6_100_000 and ingest.db.counts()["records"] == 0
    ingest.commit([(TRUCK.topic("live"), b"")])
    assert ingest.db.counts()["quarantine"] == 0


def test_a_live_fix_from_the_future_does_not_hold_the_map(ingest):
    ahead = int(time.time()) - 1577836800 + 2 * 86400
    reason, _ = quarantined(ingest, TRUCK.topic("live"), TRUCK.live(st_truck.fix(ahead)))
    assert "future" in reason


def test_state_is_kept(ingest):
    ingest.commit([(TRUCK.topic("state"), b"online")])
    assert ingest.db.devices()[0]["state"] == "online"


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(("hist", "live", "state")), st.binary(max_size=300))
def test_random_bytes_never_raise(lane, payload):
    _feed(lane, payload)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 1 << 31), st.integers(0, 200))
def test_random_records_behind_a_right_tag_never_raise(body, first, count):
    head = bytearray(2000)
    head[:9] = b"\x11" + TRUCK.journal
    end = wire.put_varint(head, wire.put_varint(head, 9, first), count)
    _feed("hist", sign(bytes(head[:end]) + body))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=6))
def test_damaged_blocks_never_raise(changes):
    head = bytearray(TRUCK.block(5, st_truck.drive(20) + [st_truck.gap(0, 9, 3, 4)])[:-8])
    for at, value in changes:
        head[at % len(head)] = value
    _feed("hist", sign(bytes(head)))


SHARED = Ingest(Database(":memory:"), dict(KEYS))


def _feed(lane, payload):
    before = SHARED.counters["messages"]
    answers, _ = SHARED.commit([(TRUCK.topic(lane), payload)])
    assert SHARED.counters["messages"] == before + 1
    assert all(payload[0] in (wire.ACK, wire.REFUSED) for _, payload in answers)
