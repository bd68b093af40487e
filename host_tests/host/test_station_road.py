"""Truck, broker, station, database and back: acknowledged after commit, and only then."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys

import broker
import pytest
import station_truck
from ports import free_port
from setup.place import ROOT
from station import wire
from station.app import PortTaken, Station
from station.db import Database
from station_scene import client, running, until
from station_truck import Truck

TRUCK = Truck()
KEYS = {TRUCK.device: TRUCK.key}
RECORDS = station_truck.drive(120)


def play(scene, tmp_path, **options):
    """Run scene(station, truck's client) with a broker and a station around it."""

    async def stage():
        port = free_port()
        mqtt = await broker.start(port)
        try:
            station = Station(
                str(tmp_path / "station.sqlite"),
                ("127.0.0.1", port),
                ("127.0.0.1", 0),
                KEYS,
                **options,
            )
            async with running(station), client(TRUCK, port) as truck:
                await until(station.session.connected.is_set, "the station connects")
                await scene(station, truck)
        finally:
            await mqtt.shutdown()

    asyncio.run(stage())


def test_blocks_arrive_once_and_are_acknowledged(tmp_path):
    async def scene(station, truck):
        blocks = TRUCK.blocks(RECORDS)
        for block in (blocks[2], blocks[0], blocks[0], blocks[1]):
            await truck.send("hist", block)
        await truck.send("live", TRUCK.live(RECORDS[-1]), retain=True)
        await truck.send("state", b"online", retain=True)
        await until(lambda: truck.acknowledged() == set(range(120)), "120 numbers acknowledged")
        await until(lambda: station.stats()["live"] == 1, "the live fix")
        stats = station.stats()
        assert (
            stats["db_records"] == 120 and stats["repeated"] == 40 and stats["db_quarantine"] == 0
        )
        assert [row.sec for row in station.reader.rows(TRUCK.device, TRUCK.journal)] == [
            r.sec for r in RECORDS
        ]

    play(scene, tmp_path)


def test_what_cannot_be_read_is_refused_and_others_go_on(tmp_path):
    async def scene(station, truck):
        newer = bytearray(TRUCK.block(0, RECORDS[:10]))[:-8]
        newer[0] = 0x31
        await truck.send("hist", bytes(newer) + TRUCK._writer.tagger.digest(bytes(newer))[:8])
        await truck.send("hist", os.urandom(3000))
        await truck.send("hist", bytes(200_000))
        await truck.send("hist", TRUCK.block(40, RECORDS[40:80]))
        await until(lambda: truck.acknowledged() == set(range(40, 80)), "the good block")
        assert len(truck.refused()) == 1 and station.stats()["db_quarantine"] == 3

    play(scene, tmp_path)


@pytest.mark.parametrize("trouble", ["locked", "full"])
def test_a_database_that_takes_nothing_is_told_and_nobody_is_answered(tmp_path, trouble):
    async def scene(station, truck):
        inside = station.writer._db
        if trouble == "locked":
            inside.execute("PRAGMA busy_timeout=20")
            other = sqlite3.connect(tmp_path / "station.sqlite", isolation_level=None)
            other.execute("BEGIN IMMEDIATE")
        else:
            pages = inside.execute("PRAGMA page_count").fetchone()[0]
            inside.execute("PRAGMA max_page_count=%d" % pages)
        for block in TRUCK.blocks(RECORDS):
            await truck.send("hist", block)
        await until(lambda: station.session.trouble is not None, "words about the database")
        assert trouble in station.session.trouble
        have = {row.seq for row in station.reader.rows(TRUCK.device, TRUCK.journal)}
        assert truck.acknowledged() <= have and len(have) < 120
        assert trouble == "full" or not have  # the first block may still fit into the last page
        if trouble == "locked":
            other.execute("ROLLBACK")
            other.close()
        else:
            inside.execute("PRAGMA max_page_count=100000")
        await until(
            lambda: truck.acknowledged() == set(range(120)), "all, once it takes them again"
        )
        assert station.session.trouble is None

    play(scene, tmp_path)


def test_whoever_was_left_out_while_the_database_took_nothing_is_told_what_is_lacking(tmp_path, monkeypatch):
    monkeypatch.setattr("station.ingest.QUEUE_MAX", 2)
    monkeypatch.setattr("station.ingest.RETRY_S", (0.1, 0.2))

    async def scene(station, truck):
        station.writer._db.execute("PRAGMA busy_timeout=20")
        other = sqlite3.connect(tmp_path / "station.sqlite", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        await truck.send("state", b"online 0.1.0 %s 0 0 120 7 60" % TRUCK.journal.hex().encode(), retain=True)
        await until(lambda: station.session.trouble is not None, "words about the database")
        await asyncio.gather(*(truck.send("hist", TRUCK.block(n, RECORDS[n : n + 1])) for n in range(20)))
        await until(lambda: station.session.inbox.dropped > 0, "some find no room")
        other.execute("ROLLBACK")
        other.close()
        await until(lambda: len(truck.lacks()) >= 2, "told anew")
        stored = {row.seq for row in station.reader.rows(TRUCK.device, TRUCK.journal)}
        await until(lambda: truck.lacks()[-1] == lacking(stored), "told what is lacking")

    play(scene, tmp_path)


def lacking(stored):
    """As 0x15 says it."""
    holes = sorted(set(range(max(stored))) - stored)
    return wire.lacks(TRUCK.journal, max(stored) + 1, runs(holes))


def runs(numbers):
    found = []
    for n in numbers:
        if found and found[-1][1] == n - 1:
            found[-1] = (found[-1][0], n)
        else:
            found.append((n, n))
    return found


# A station that dies at its first commit: before it, or behind it.
_DIES = """
import os, sys
sys.path[:0] = %r
from station.db import Database
commit = Database.__exit__
def die(self, *error):
    if %r:
        commit(self, *error)
    os._exit(9)
Database.__exit__ = die
sys.argv = ["station", "--db", %r, "--broker", "127.0.0.1:%d", "--http", "127.0.0.1:0"]
from station.__main__ import main
main()
"""


@pytest.mark.parametrize("committed", [False, True])
def test_a_station_killed_around_its_commit_never_acknowledged(tmp_path, committed):
    async def stage():
        port, path = free_port(), str(tmp_path / "station.sqlite")
        mqtt = await broker.start(port)
        folders = [
            str(ROOT / "tools"),
            str(ROOT / "host_tests/fakes/cpython"),
            str(ROOT / "firmware"),
        ]
        dying = subprocess.Popen([sys.executable, "-c", _DIES % (folders, committed, path, port)])
        try:
            async with client(TRUCK, port) as truck:
                while (
                    dying.poll() is None
                ):  # until it is connected its broker has nobody to give the block to
                    await truck.send("hist", TRUCK.block(0, RECORDS[:40]))
                    await asyncio.sleep(0.1)
                assert dying.returncode == 9
                assert truck.answers == [], "not acknowledged"
                after = Database(path)
                assert after.counts()["records"] == (40 if committed else 0)
                after.close()
                async with running(
                    Station(path, ("127.0.0.1", port), ("127.0.0.1", 0), KEYS)
                ) as station:
                    await until(station.session.connected.is_set, "the station connects")
                    await truck.send("hist", TRUCK.block(0, RECORDS[:40]))
                    await until(
                        lambda: truck.acknowledged() == set(range(40)),
                        "acknowledged by the next station",
                    )
                    assert station.stats()["db_records"] == 40
        finally:
            dying.kill()
            dying.wait()
            await mqtt.shutdown()

    asyncio.run(stage())


def test_a_refused_password_is_said_and_tried_again(tmp_path, monkeypatch):
    monkeypatch.setattr("station.ingest.BACKOFF_S", (0.1, 0.2))

    async def stage():
        port = free_port()
        mqtt = await broker.start(port, "office", "right")
        station = Station(
            str(tmp_path / "s.sqlite"),
            ("127.0.0.1", port),
            ("127.0.0.1", 0),
            KEYS,
            "office",
            "wrong",
        )
        async with running(station):
            await until(lambda: station.session.trouble, "words about the password")
            assert "refuses the user name or the password" in station.session.trouble
            station.session.password = "right"
            await until(
                station.session.connected.is_set, "connected after the password was set right"
            )
            assert station.session.trouble is None
        await mqtt.shutdown()

    asyncio.run(stage())


def test_the_broker_comes_late_and_goes_and_comes_back(tmp_path, monkeypatch):
    monkeypatch.setattr("station.ingest.BACKOFF_S", (0.1, 0.2))

    async def stage():
        port = free_port()
        station = Station(str(tmp_path / "s.sqlite"), ("127.0.0.1", port), ("127.0.0.1", 0), KEYS)
        async with running(station):
            await until(lambda: station.session.trouble, "words about the broker")
            assert "No broker answers" in station.session.trouble
            for first in (0, 40):
                mqtt = await broker.start(port)
                await until(station.session.connected.is_set, "connected")
                async with client(TRUCK, port) as truck:
                    await truck.send("hist", TRUCK.block(first, RECORDS[first : first + 40]))
                    await until(
                        lambda: set(range(first, first + 40)) <= truck.acknowledged(),
                        "acknowledged",
                    )
                await mqtt.shutdown()
                await until(lambda: not station.session.connected.is_set(), "the loss is noticed")
            assert station.stats()["db_records"] == 80

    asyncio.run(stage())


def test_a_taken_port_is_said_with_what_to_do(tmp_path):
    async def stage():
        first = Station(str(tmp_path / "a.sqlite"), ("127.0.0.1", free_port()), ("127.0.0.1", 0))
        async with running(first):
            taken = int(first.url.rsplit(":", 1)[1].strip("/"))
            second = Station(
                str(tmp_path / "b.sqlite"), ("127.0.0.1", free_port()), ("127.0.0.1", taken)
            )
            with pytest.raises(PortTaken, match="choose another port"):
                await second.start()
            await second.stop()

    asyncio.run(stage())


def test_ctrl_c_ends_it_cleanly(tmp_path):
    args = [
        sys.executable,
        "-m",
        "station",
        "--db",
        str(tmp_path / "s.sqlite"),
        "--http",
        "127.0.0.1:0",
        "--broker",
        "127.0.0.1:%d" % free_port(),
    ]
    env = {**os.environ, "PYTHONPATH": str(ROOT / "tools")}
    station = subprocess.Popen(
        args, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    for line in station.stdout:
        if "Ctrl-C" in line:
            break
    station.send_signal(signal.SIGINT)
    _, said = station.communicate(timeout=10)
    assert station.returncode == 0 and "Traceback" not in said


def test_the_inbox_is_bounded_and_counts_what_it_leaves_out():
    from station.ingest import Inbox

    inbox = Inbox(2)
    for i in range(2):
        inbox.put_nowait(i)
    with pytest.raises(asyncio.QueueFull):
        inbox.put_nowait(2)
    assert inbox.dropped == 1 and inbox.qsize() == 2
