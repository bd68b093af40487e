"""The station on the broker that a city would run: blocks, a refused login, a restart."""

import asyncio
import contextlib
import subprocess

import pytest
import station_truck
from station.app import Station
from station_scene import client, free_port, running, until
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
