"""The road under random mishaps: drives, outages, torn cuts, ignition and settings drawn from a seed. One seed, one scene.

In: seeds. Out: for each the promises that were broken, in words; exit code 1 if there were any.
make soak runs many; make replay SEED=7 repeats one and keeps its folder. soak.py, a longer life, is built on this file.
"""

import asyncio
import random
import shutil
import sys
import tempfile
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]
for _folder in ("tools", "host_tests/fakes/cpython", "firmware"):
    sys.path.insert(0, str(_ROOT / _folder))

from road import Road, world_of  # noqa: E402
from sim.receiver import make_round  # noqa: E402

SEEDS = 200
DRAIN_S = 5100  # at most: after 1,500 s, in which the longest outage, batch and back-off lie, the world ends once all has its answer
LIMIT_S = 180
LAST_BOOT_S = 120  # a truck that wakes later has no fix left to end its last gap with: that is the next day's
SLACK_M = 0.3  # of the bound: the codec's rounding of place and time


def scene(seed, folder):
    """(script, world, settings, bits) of a seed."""
    rng = random.Random(seed)
    script = make_round(seed, str(folder), rng.choice((0.7, 1.0, 1.5)))
    length_s = script["duration_s"]
    outages = [*script["tunnels"], *some_outages(rng, rng.randrange(4), length_s, 900)]
    cuts = some_cuts(rng, rng.randrange(12), 260)
    if rng.random() < 0.3:
        cuts.insert(0, {"op": "erase", "nth": 1, "byte": rng.randrange(4096), "off_s": 4, "torn": "random"})
    if rng.random() < 0.4:
        off_s = rng.randrange(200, length_s - 200)
        script["ignition"] = [[0, 1], [off_s, 0], [off_s + rng.randrange(5, 120), 1], [length_s, 0]]
    world = dict(world_of(script, seed, outages, cuts, DRAIN_S), hours=True)
    return script, world, some_settings(rng), rng.choice((32, 64))


def some_outages(rng, count, length_s, longest_s):
    spans = []
    for _ in range(count):
        begin_s = rng.randrange(length_s)
        spans.append((begin_s, min(length_s, begin_s + rng.randrange(5, longest_s))))
    return spans


def some_cuts(rng, count, programs):
    """Torn power cuts among so many program operations."""
    return [
        {"op": "program", "nth": nth, "byte": rng.randrange(20), "off_s": rng.choice((1, 3, 20, 100, 400)),
         "torn": rng.choice(("prefix", "random"))}
        for nth in sorted(rng.sample(range(1, programs), count))
    ]


def some_settings(rng):
    return {
        "sample": rng.choice(("bound", "bound", "all")),
        "batch_s": rng.choice((5, 60, 300)),
        "parser": rng.choice(("lacak", "lacak", "micropygps")),
        "bound_m": rng.choice((10, 10, 25)),
    }


def run(seed, folder, bits=None):
    """The broken promises of one seed, in words; [] when all were kept."""
    script, world, settings, its_bits = scene(seed, folder / "in")

    async def drive():
        async with Road(folder / "road", script, world, settings, bits=bits or its_bits) as road:
            await road.run(limit_s=LIMIT_S)
            return road, road.audit()

    return broken(*asyncio.run(drive()))


def broken(road, figures):
    """The promises that every road has to keep and this one did not, in words."""
    promises = {
        "records lost": figures["fixes_lost"],
        "records twice": figures["duplicates"],
        "numbers missing": figures["missing_numbers"],
        "resets by itself": sum(road.state["resets"].values()) - road.state.get("orders_done", 0),
        "the run was " + str(road.state["stopped"]): bool(road.state["stopped"]),
    }
    if last_boot_s(road) <= road.script["duration_s"] - LAST_BOOT_S:
        promises["seconds unexplained"] = figures["unexplained_s"]
        promises["m beyond the bound"] = max(0.0, figures["bound_error_m_max"] - figures["bound_m"] - SLACK_M)
    return ["%s %s" % (amount, what) for what, amount in promises.items() if amount]


def last_boot_s(road):
    boots = [line for line in road.witness_log.read_text().splitlines() if line.startswith("B ")]
    return int(boots[-1].split()[2]) / 1000


def repeat(name, seeds, run, again, keep=False):
    """Run each seed in a folder of its own and tell of it; how many broke a promise. again % seed: the command that repeats it."""
    failed = 0
    for seed in seeds:
        folder = Path(tempfile.mkdtemp(prefix="lacak-%s-%d-" % (name, seed)))
        try:
            faults = run(seed, folder)
        except Exception as error:  # a VM that died, a broker that did not start: the seed must be told all the same
            faults = ["the run ended: %s" % error]
        failed += bool(faults)
        print("%s, seed %d: %s" % (name, seed, ", ".join(faults) or "all promises kept"), flush=True)
        if faults:
            print("  again: %s" % again % seed)
        if faults or keep:
            print("  everything of it: %s" % folder)
        else:
            shutil.rmtree(folder)
    return failed


def main(words):
    one = len(words) == 1
    seeds = [int(words[0])] if one else range(1, SEEDS + 1)
    failed = repeat("chaos", seeds, run, "make replay SEED=%d", keep=one)
    print("%d of %d seeds broke a promise" % (failed, len(seeds)))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
