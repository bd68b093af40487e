"""The database: the same twice is once, first wins, ranges merge, a failed batch leaves none."""

import sqlite3
import time
from pathlib import Path

import pytest
import station.db
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from station.db import Database
from station.wire import Block, Row

DEVICE, JOURNAL, TAG = "truck-17", b"journal1", b"tagtagta"


def block(first, count, lat=1):
    rows = [
        Row(seq, 0, seq * 10, lat_udeg=lat, lon_udeg=2, quality=1)
        for seq in range(first, first + count)
    ]
    return Block(DEVICE, JOURNAL, first, rows, TAG)


@pytest.fixture
def db(tmp_path):
    database = Database(str(tmp_path / "station.sqlite"), busy_s=0.05)
    yield database
    database.close()


def test_the_same_block_twice_is_stored_once(db):
    for now in (100, 200):
        with db:
            merged, fresh = db.put_block(block(5, 40), now)
        assert merged == (5, 44) and fresh == (40 if now == 100 else 0)
    assert db.counts()["records"] == 40 and db.counts()["conflicts"] == 0
    assert len(db.rows(DEVICE, JOURNAL)) == 40


def test_the_first_content_wins_and_the_other_is_kept(db):
    with db:
        db.put_block(block(0, 3, lat=1), 100)
    for _ in range(2):
        with db:
            db.put_block(block(1, 1, lat=9), 200)
    assert [row.lat_udeg for row in db.rows(DEVICE, JOURNAL)] == [1, 1, 1]
    (conflict,) = db.conflicts()
    assert conflict["seq"] == 1 and "lat_udeg=9" in conflict["content"]


def test_another_journal_has_its_own_numbers(db):
    with db:
        db.put_block(block(0, 3), 100)
        db.put_block(block(0, 2)._replace(journal=b"journal2"), 100)
    assert db.counts()["records"] == 5 and db.journals(DEVICE) == [JOURNAL, b"journal2"]


@hypothesis_settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 12)), min_size=1, max_size=12))
def test_ranges_are_what_is_stored(parts):
    db = Database(":memory:")
    have = set()
    for first, count in parts:
        with db:
            merged, fresh = db.put_block(block(first, count), 100)
        assert fresh == len(set(range(first, first + count)) - have)
        have |= set(range(first, first + count))
        assert set(range(merged[0], merged[1] + 1)) <= have
        assert merged[0] - 1 not in have and merged[1] + 1 not in have
    ranges = db.ranges(DEVICE, JOURNAL)
    assert {n for lo, hi in ranges for n in range(lo, hi + 1)} == have
    assert all(a[1] + 1 < b[0] for a, b in zip(ranges, ranges[1:]))
    db.close()


def test_what_comes_behind_newer_records_is_marked_replay(db):
    with db:
        db.put_block(block(10, 5), 100)
        db.put_block(block(0, 5), 101)
    marks = dict(db._db.execute("SELECT seq, replay FROM records"))
    assert marks[12] == 0 and marks[3] == 1


def test_a_failed_batch_leaves_nothing(db):
    with pytest.raises(RuntimeError):
        with db:
            db.put_block(block(0, 5), 100)
            raise RuntimeError
    assert db.counts()["records"] == 0 and db.ranges(DEVICE, JOURNAL) == []
    with db:  # and the connection is usable
        db.put_block(block(0, 5), 100)
    assert db.counts()["records"] == 5


def test_a_commit_survives_the_loss_of_power(db):
    assert db._db.execute("PRAGMA synchronous").fetchone()[0] == 2, (
        "FULL: the truck frees what we acknowledge"
    )
    assert db._db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"


def test_a_locked_database_is_an_error_not_a_silence(db, tmp_path):
    other = sqlite3.connect(tmp_path / "station.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(sqlite3.OperationalError):
        with db:
            db.put_block(block(0, 5), 100)
    other.execute("ROLLBACK")
    other.close()
    with db:
        db.put_block(block(0, 5), 100)


def test_the_map_never_drives_backwards(db):
    def live(sec, lat):
        with db:
            return db.put_live(DEVICE, Row(-1, 0, sec, lat_udeg=lat, lon_udeg=0), time.time())

    assert live(100, 1) and not live(90, 2) and not live(100, 3) and live(101, 4)
    assert db.devices()[0]["lat_udeg"] == 4


def test_quarantine_keeps_each_payload_once_and_is_bounded(db, monkeypatch):
    monkeypatch.setattr("station.db.QUARANTINE_ROWS", 5)
    with db:
        for i in range(9):
            db.put_quarantine("lacak/x/hist", b"%d" % i, "why", 100 + i)
        db.put_quarantine("lacak/x/hist", b"8", "why", 200)
    rows = db.quarantine()
    assert [row["payload"] for row in rows] == [b"8", b"7", b"6", b"5", b"4"] and rows[0][
        "times"
    ] == 2


def test_a_reader_that_follows_arrivals_misses_no_backlog(db):
    with db:
        db.put_block(block(10, 5), 100)
    first = db.arrived(DEVICE, 0)
    with db:
        db.put_block(block(0, 5), 101)
    later = db.arrived(DEVICE, first[-1]["arrival"])
    assert [row["seq"] for row in later] == [0, 1, 2, 3, 4]


def test_every_field_comes_back_as_it_was(db):
    rows = [
        Row(0, 0, 7, 250, -6_200_000, 106_640_000, 125, 830, 9000, 11, 9, 4, 3),
        Row(1, 6, 9, body=b"\x03\x02\x01"),
    ]
    with db:
        db.put_block(Block(DEVICE, JOURNAL, 0, rows, TAG), 100)
    assert db.rows(DEVICE, JOURNAL) == rows


def raws(db):
    return [(row["first"], row["raw"]) for row in db.blocks(DEVICE, JOURNAL)]


def test_a_block_is_kept_as_it_came_when_it_brings_a_record_or_contradicts_one(db):
    whole, cut, other = block(0, 6)._replace(raw=b"whole"), block(2, 2)._replace(raw=b"cut"), block(2, 2, lat=9)._replace(raw=b"other")
    longer = block(4, 6)._replace(raw=b"longer")
    for part in (whole, whole, cut, other, other, longer):
        with db:
            db.put_block(part, 100)
    assert raws(db) == [(0, b"whole"), (2, b"other"), (4, b"longer")]


def test_blocks_that_only_contradict_are_bounded(db, monkeypatch):
    monkeypatch.setattr("station.db.AGAINST_ROWS", 3)
    with db:
        db.put_block(block(0, 3), 100)
        for lat in range(2, 10):
            db.put_block(block(0, 3, lat)._replace(raw=b"%d" % lat), 100)
    assert raws(db) == [(0, TAG)] + [(0, b"%d" % lat) for lat in (7, 8, 9)], "what brought the records stays"


def test_a_database_of_before_there_were_blocks_is_taken_over(tmp_path):
    path = str(tmp_path / "old.sqlite")
    old = sqlite3.connect(path)
    schema = (Path(station.db.__file__).parent / "schema.sql").read_text()
    old.executescript(schema.replace("replay INTEGER NOT NULL,", "replay INTEGER NOT NULL, tag BLOB NOT NULL,"))
    old.execute("DROP TABLE blocks")
    old.execute("INSERT INTO records (device, journal, seq, kind, sec, ms, flags, received, replay, tag) "
                "VALUES (?, ?, 0, 0, 5, 0, 0, 1.0, 0, ?)", (DEVICE, JOURNAL, TAG))
    old.commit()
    old.close()
    for _ in range(2):
        db = Database(path)
        with db:
            db.put_block(block(1, 1), 100)
        assert [row.seq for row in db.rows(DEVICE, JOURNAL)] == [0, 1] and raws(db) == [(1, TAG)]
        db.close()


def test_what_is_lacking_is_told_from_the_number_on_that_the_truck_waits_for(db):
    assert db.lacking(DEVICE, JOURNAL, 0) == (0, [])
    with db:
        for first, count in ((10, 5), (20, 5), (40, 1)):
            db.put_block(block(first, count), 100)
    assert db.lacking(DEVICE, JOURNAL, 0) == (41, [(0, 9), (15, 19), (25, 39)])
    assert db.lacking(DEVICE, JOURNAL, 17) == (41, [(17, 19), (25, 39)])
    assert db.lacking(DEVICE, JOURNAL, 30) == (41, [(30, 39)]) and db.lacking(DEVICE, JOURNAL, 41) == (41, [])
    assert db.lacking(DEVICE, b"journal2", 7) == (0, [])
