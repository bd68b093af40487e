"""Forty fixed seeds of tools/chaos.py; make soak runs a thousand."""

import chaos
import pytest
from sim.forgery import HIST_TOPIC, PUBLISH

pytestmark = [pytest.mark.e2e, pytest.mark.mosquitto]


@pytest.mark.parametrize("seed", range(1, chaos.SHORT_SEEDS + 1))
def test_no_promise_is_broken(seed, tmp_path):
    said = []
    faults = chaos.run(seed, tmp_path, bits=None if seed % 5 == 0 else 64, tell=said.append)
    print(*said)
    assert faults == [], "again: " + chaos.AGAIN % seed


def test_a_seed_is_one_scene(tmp_path):
    def told(seed):
        script, world, *more = chaos.scene(seed, tmp_path)
        return {name: value for name, value in world.items() if name != "feed"}, more

    assert told(7) == told(7) != told(8)


def test_a_broken_promise_is_noticed(tmp_path, monkeypatch):
    script, world, *more = chaos.scene(1, tmp_path / "in")
    world["outages"] = [[0, world["duration_s"] + chaos.DRAIN_S]]  # no link, ever: nothing arrives
    monkeypatch.setattr(chaos, "scene", lambda *_: (script, world, *more))
    monkeypatch.setattr("road.SETTLE_S", 0)
    faults = chaos.run(1, tmp_path, bits=64)
    assert any("lost" in fault for fault in faults) and any("unexplained" in fault for fault in faults)


def test_a_broker_that_swallows_all_blocks_and_forges_their_acknowledgements_makes_no_truck_forget(tmp_path, monkeypatch):
    script, world, settings, bits, _ = chaos.scene(1, tmp_path / "in")
    lie = {"what": "lie", "line": "truck", "way": "up", "type": PUBLISH, "topic": HIST_TOPIC, "times": 10_000}
    world.update(events=[[1, lie], world["events"][-1]], cuts=[], outages=[])
    monkeypatch.setattr(chaos, "scene", lambda *_: (script, world, settings, bits, [{}]))
    said = []
    assert chaos.run(1, tmp_path, bits=64, tell=said.append) == []
    assert int(said[0].split("lie ")[1]) > 5, said
