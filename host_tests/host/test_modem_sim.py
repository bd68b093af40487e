"""The modem room against four simulated modems: from any state connected, or off and on again, within ten minutes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from modem_kit import PINS, Bench, Mark

MODELS = sorted(PINS)
VERSIONS = ("1.25", "1.27")
_RIGHT = {"apn": "internet"}


def _fault(what, **more):
    return dict(what=what, **more)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("version", VERSIONS)
def test_from_every_start(model, version):
    starts = (
        (), ("on",), ("on", "data"), ("on", _fault("baud", baud=9600)), ("on", "data", _fault("baud", baud=57600)),
        (_fault("baud", baud=38400),), ("garbage",), ("roaming",),
    )  # fmt: skip
    for faults in starts:
        bench = Bench(model, faults, _RIGHT, version=version)
        assert bench.run(120, bench.flows) < 110, (faults, bench.lines())
        easy = "on" in faults and not ("data" in faults and len(faults) > 2)  # a call at another rate takes the power key
        assert not easy or (bench.modem.power_cycles == 0 and bench.sim.state["starts"] == 1), (faults, bench.lines())
        assert len(bench.ppps) == 1 and bench.said("connected by 'TELKOMSEL'") == 1
        assert bench.said("roaming") == ("roaming" in faults)
        assert bench.modem.iccid == "8962100000000000017" and len(bench.times) == 1


@pytest.mark.parametrize("model", MODELS)
def test_a_bad_supply_a_restart_and_a_late_network(model):
    for faults in (("rdy_twice",), ("brown_out",), (_fault("no_sim", until_s=300),)):
        bench = Bench(model, faults, _RIGHT)
        assert bench.run(600, bench.flows) < 600, (faults, bench.lines())
    for what, words in (("denied", "refuses this SIM"), ("no_signal", "no network is found")):
        bench = Bench(model, (_fault(what, until_s=1500),), _RIGHT)
        bench.run(1400)
        assert words in bench.modem.trouble and bench.modem.power_cycles >= 2 and bench.said(words)
        bench.run(100)
        assert bench.run(600, bench.flows) < 200


@pytest.mark.parametrize("model", MODELS)
def test_what_a_person_has_to_change_is_said_and_the_modem_is_cycled(model):
    cases = (
        ({"faults": ("no_sim",), "sim": _RIGHT}, "no SIM is found"),
        ({"sim": {"apn": "m2m"}}, "look at apn"),
        ({"sim": _RIGHT | {"user": "wap", "key": "wap"}, "settings": {"apn_user": "wap", "apn_password": "pal"}}, "apn_user"),
        ({"faults": ("broken",), "sim": _RIGHT}, "does not answer"),
    )  # fmt: skip
    for how, words in cases:
        bench = Bench(model, **how)
        bench.run(600)
        assert not bench.modem.up() and bench.said(words) and bench.modem.power_cycles, (words, bench.lines())
    right = Bench(model, (), _RIGHT | {"user": "wap", "key": "wap"}, {"apn_user": "wap", "apn_password": "wap"})
    assert right.run(120, right.flows) < 110


@pytest.mark.parametrize("model", MODELS)
def test_the_pin(model):
    sim = _RIGHT | {"pin": "1234"}
    bench = Bench(model, (), sim, {"sim_pin": "1234"})
    assert bench.run(120, bench.flows) < 110 and bench.sim.state["tries"] == 3
    mark, left = Mark(), 3
    for pin, expected in (("0000", 2), ("0000", 2), ("1111", 1), ("1234", 1), ("2222", 1)):
        bench = Bench(model, (), sim, {"sim_pin": pin}, mark=mark)
        bench.sim.state["tries"] = left
        bench.run(600)
        left = bench.sim.state["tries"]
        assert left == expected and not bench.modem.up(), pin
    bench.sim.state["tries"] = 3  # a phone has been given the right one
    bench.modem.settings.sim_pin = "1234"
    assert bench.run(300, bench.flows) < 300


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("what", ["no_carrier", "dies", "drop", "restarts"])
def test_lost_in_the_middle_it_is_back_at_the_uplinks_word(model, version, what):
    bench = Bench(model, (_fault(what, at_s=200),), _RIGHT, version=version)
    bench.run_with_uplink(201)
    assert bench.modem.attaches == 1 and not bench.flows()
    assert bench.run_with_uplink(600, bench.flows) < 300, bench.lines()
    assert len(bench.ppps) == 1 and bench.board_resets == []


_TIMES = st.integers(0, 900)
_WEATHER = st.lists(
    st.one_of(
        st.sampled_from(["on", "data", "garbage", "rdy_twice", "brown_out", "roaming"]),
        st.sampled_from([9600, 19200, 57600, 230400]).map(lambda baud: _fault("baud", baud=baud)),
        st.tuples(st.sampled_from(["no_carrier", "dies", "garbage", "restarts", "drop"]), _TIMES).map(
            lambda t: _fault(t[0], at_s=t[1])
        ),
        st.tuples(st.sampled_from(["denied", "no_signal", "no_sim"]), _TIMES, _TIMES).map(
            lambda t: _fault(t[0], from_s=min(t[1:]), until_s=max(t[1:]))
        ),
    ),
    max_size=5,
)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(MODELS), st.sampled_from(VERSIONS), _WEATHER, st.integers(0, 1 << 20))
def test_any_weather(model, version, faults, seed):
    """Nine hundred seconds of it; then ten minutes are enough."""
    bench = Bench(model, faults, _RIGHT, version=version, seed=seed)
    bench.run_with_uplink(901)
    assert bench.run_with_uplink(600, bench.flows) < 600, bench.lines()
    assert bench.sim.state["tries"] == 3 and len(bench.ppps) == 1
