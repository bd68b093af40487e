"""The station on the broker that a city would run: blocks, a refused login, a restart."""

import asyncio
import contextlib
import socket
import subprocess

import aiomqtt
import pytest
import station_truck
from ports import free_port
from station import wire
from station.app import Station
from station_scene import client, running, until
from station_truck import Truck

pytestmark = pytest.mark.mosquitto

TRUCK = Truck()
KEYS = {TRUCK.device: TRUCK.key}
RECORDS = station_truck.drive(120)


def station_on(port, tmp_path, *login):
    return Station(str(tmp_path / "s.sqlite"), ("127.0.0.1", port), ("127.0.0.1", 0), KEYS, *login)


@contextlib.contextmanager
def broker_at(port, command, tmp_path, *lines):
    config = tmp_path / "mosquitto.conf"
    config.write_text(
        "\n".join(["listener %d 127.0.0.1" % port, *(lines or ["allow_anonymous true"]), ""])
    )
    with subprocess.Popen(
        [*command, "-c", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            yield process
        finally:
            process.terminate()


def test_blocks_arrive_and_a_restart_of_the_broker_costs_nothing(mosquitto, tmp_path, monkeypatch):
    monkeypatch.setattr("station.ingest.BACKOFF_S", (0.1, 0.3))

    async def stage():
        port = free_port()
        blocks = TRUCK.blocks(RECORDS)
        async with running(station_on(port, tmp_path)) as station:
            for sent in (blocks[:2], blocks[1:]):
                with broker_at(port, mosquitto, tmp_path):
                    await until(station.session.connected.is_set, "the station connects")
                    async with client(TRUCK, port) as truck:
                        for block in sent:
                            await truck.send("hist", block)
                        await truck.send("hist", b"\x11 nonsense of a stranger")
                        await truck.send("live", TRUCK.live(RECORDS[-1]), retain=True)
                        await until(lambda: len(truck.acknowledged()) >= 80, "acknowledged")
                await until(lambda: not station.session.connected.is_set(), "the loss is noticed")
            assert truck.acknowledged() == set(range(120))
            stats = station.stats()
            assert (
                stats["db_records"] == 120
                and stats["repeated"] == 40
                and stats["db_quarantine"] == 1
            )

    asyncio.run(stage())


def test_a_refused_login_is_said_and_tried_again(mosquitto, tmp_path, monkeypatch):
    monkeypatch.setattr("station.ingest.BACKOFF_S", (0.1, 0.3))

    async def stage():
        port = free_port()
        with broker_at(port, mosquitto, tmp_path, "allow_anonymous false"):
            async with running(station_on(port, tmp_path, "office", "wrong")) as station:
                words = "refuses the user name or the password"
                await until(lambda: words in (station.session.trouble or ""), words)
        async with running(station_on(port, tmp_path, "office", "right")) as station:
            with broker_at(port, mosquitto, tmp_path):
                await until(station.session.connected.is_set, "connected once it is let in")

    asyncio.run(stage())


def test_a_station_that_starts_tells_each_truck_what_it_lacks_and_clears_the_silent(mosquitto, tmp_path, monkeypatch):
    """By what the broker keeps: no truck has to speak first. The truck's place goes from the broker when its word is overdue."""
    monkeypatch.setattr("station.ingest.COMMANDS_S", 0.05)
    monkeypatch.setattr("station.ingest.LOOK_S", 0.05)

    async def stage():
        port, blocks = free_port(), TRUCK.blocks(RECORDS)
        birth = b"parked 0.1.0 %s 0 0 120 7 1" % TRUCK.journal.hex().encode()
        with broker_at(port, mosquitto, tmp_path):
            await until(lambda: listens(port), "the broker is up")
            async with client(TRUCK, port) as truck:
                await truck.send("state", birth, retain=True)
                await truck.send("live", TRUCK.live(RECORDS[-1]), retain=True)
                for block in blocks:
                    await truck.send("hist", block)  # nobody listens
                async with running(station_on(port, tmp_path)):
                    await until(lambda: truck.answers, "the station tells what it lacks")
                    assert truck.answers == [wire.lacks(TRUCK.journal, 0, [])]
                    await truck.send("hist", blocks[1])
                    await until(lambda: len(truck.answers) == 2, "acknowledged")
                async with running(station_on(port, tmp_path)):
                    await until(lambda: len(truck.answers) == 3, "and tells it at its next start")
                    assert truck.answers[2] == wire.lacks(TRUCK.journal, 80, [(0, 39)])
                assert await kept_on(port, TRUCK.topic("live")) == [TRUCK.live(RECORDS[-1])]
                station = station_on(port, tmp_path)
                station.session.silent_s = 1
                async with running(station):
                    await until(lambda: station.ingest.cleared, "the silence is noticed")
                    await asyncio.sleep(0.1)
                assert await kept_on(port, TRUCK.topic("live")) == []

    asyncio.run(stage())


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def kept_on(port, topic):
    """What the broker has for whoever subscribes now."""
    async with aiomqtt.Client("127.0.0.1", port) as mqtt:
        await mqtt.subscribe(topic)
        found = []
        with contextlib.suppress(asyncio.TimeoutError):
            async with asyncio.timeout(0.3):
                async for message in mqtt.messages:
                    found.append(message.payload)
        return found
