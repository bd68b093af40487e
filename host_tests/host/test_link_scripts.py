"""The link over scripts made from seeds: back within ten minutes of all being well, or switched off and on and able to say why not."""

import pytest
from bench import link_scripts

_BLOCK = 10


def told(script):
    out = link_scripts.live(script)
    return out.problem and "%s %s %s: %s (%s)" % (script.model, script.version, script.names, out.problem, out.words)


@pytest.mark.parametrize("first", range(0, 80, _BLOCK))
def test_from_whatever_state_and_whatever_comes_the_link_is_back_or_says_why_not(first):
    assert [said for said in map(told, map(link_scripts.script, range(first, first + _BLOCK))) if said] == []


@pytest.mark.parametrize("model", link_scripts.MODELS)
def test_each_fault_alone(model):
    scripts = [link_scripts.script(2000, [name], model) for name in link_scripts.FAULTS]
    assert [said for said in map(told, scripts) if said] == []


def test_the_scripts_reach_every_fault_on_every_modem():
    made = [link_scripts.script(seed) for seed in range(2000)]
    seen = {(script.model, name) for script in made for name in script.names}
    assert len(seen) == len(link_scripts.MODELS) * len(link_scripts.FAULTS)
    assert {script.version for script in made} == set(link_scripts.VERSIONS)
    assert max(len(script.names) for script in made) == 4
    assert not [script for script in made if len([name for name in script.names if link_scripts.FAULTS[name][0] == "stays"]) > 1]


def test_a_seed_is_a_script():
    one, two = (vars(link_scripts.script(7)) for _ in range(2))
    assert one == two and one != vars(link_scripts.script(11))
