"""A day of a truck's life; what the soak judges must be noticed when it is not so; a real broker that is killed."""

import chaos
import pytest
import soak
from sim import looks
from sim.brokers import Mosquitto

pytestmark = pytest.mark.e2e


SEED = 6  # of those whose truck sleeps at night: half the time; make soak has days awake, test_memory.py a heap that must not grow


def test_a_day_keeps_every_promise(tmp_path):
    said = []
    assert soak.run(SEED, tmp_path, hours=24, tell=said.append) == [], soak_again(SEED, 24)
    print(*said)


@pytest.mark.mosquitto
def test_a_broker_that_is_killed_with_and_without_its_store(tmp_path, monkeypatch):
    monkeypatch.setattr("sim.looks.growth", lambda looks: {1: 0})  # too short a life to tell
    events = [(400, "down"), (420, "keep"), (1500, "down"), (1800, "fresh"), (2600, "down"), (2601, "keep")]
    monkeypatch.setattr(soak, "some_restarts", lambda *_: events)
    assert soak.run(2, tmp_path, hours=1, kind=Mosquitto) == [], "Mosquitto, seed 2, 1 h"


def test_a_seed_is_one_life(tmp_path):
    def told(seed):
        script, world, settings, bits = soak.life(seed, 2, tmp_path)
        return {name: value for name, value in world.items() if name != "feed"}, settings, bits

    assert told(7) == told(7) != told(8)


def test_a_life_has_nights_jumps_and_restarts(tmp_path):
    script, world, settings, bits = soak.life(3, 24, tmp_path)
    switched_off = sum(b - a for (a, level), (b, _) in zip(world["ignition"], world["ignition"][1:]) if not level)
    assert script["duration_s"] == 86400 and switched_off > 8 * 3600
    assert len(world["cuts"]) == 7 and len(world["orders"]) == 3 and len(world["events"]) == 6
    dates = [burst.split(b",")[9] for burst in bursts(script) if burst.split(b",")[9]]
    assert len(set(dates)) >= 4  # two days of this life, tomorrow or yesterday, and 1024 weeks ago


def bursts(script):
    from sim import feed

    return [data for _, data in feed.read(script["feed"])]


def some_looks(**columns):
    """Ten hours of one boot in which all is well, with some columns of the test's own."""
    usual = {"boot": 1, "heap": 80000, "sockets": 1, "tasks": 3, "sectors": 1, "next_seq": 50, "acked_low": 50}
    rows = [dict(usual, world_ms=hour * 3_600_000) for hour in range(1, 11)]
    for name, values in columns.items():
        for row, value in zip(rows, values):
            row[name] = value
    return [looks.Look(**row) for row in rows]


@pytest.mark.parametrize(
    "columns, words",
    [
        ({}, ""),
        ({"heap": [90000] + [80000] * 9}, ""),  # the first hour is aside
        ({"heap": range(80000, 90000, 1000)}, "heap grew by 4500 B"),
        ({"sockets": range(1, 11)}, "10 sockets open"),
        ({"tasks": [3] * 9 + [4]}, "4 tasks, 3 before"),
        ({"acked_low": [50] * 9 + [49]}, "1 numbers without an answer"),
        ({"sectors": [5] * 9 + [4]}, "the journal went back"),
        ({"boot": [1, 1, 1, 2, 2, 2, 3, 3, 3, 3]}, "no boot lived"),
    ],
)
def test_what_is_not_where_it_must_be_is_said(columns, words):
    faults = looks.judge(some_looks(**columns))
    assert (words in faults[0] and len(faults) == 1) if words else faults == []


def test_a_failure_prints_its_seed_and_the_command_that_repeats_it(capsys, monkeypatch):
    monkeypatch.setattr("shutil.rmtree", lambda path: None)
    assert chaos.repeat("soak", [7], lambda seed, folder: ["1 records lost"], "make replay SEED=%d HOURS=24") == 1
    printed = capsys.readouterr().out
    assert "soak, seed 7: 1 records lost" in printed and "again: make replay SEED=7 HOURS=24" in printed


def soak_again(seed, hours):
    return "again: make replay SEED=%d HOURS=%d" % (seed, hours)
