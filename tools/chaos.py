"""The road under random mishaps: drives, outages, torn cuts, ignition and settings drawn from a seed. One seed, one scene.

In: seeds. Out: for each the promises that were broken, in words; exit code 1 if there were any.
make soak runs many; python tools/chaos.py SEED repeats one and keeps its folder.
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
DRAIN_S = 1500  # the longest outage, the longest batch and a back-off lie within it
LIMIT_S = 180
LAST_BOOT_S = 120  # a truck that wakes later has no fix left to end its last gap with: that is the next day's


def scene(seed, folder):
    """(script, world, settings, bits) of a seed."""
    rng = random.Random(seed)
    script = make_round(seed, str(folder), rng.choice((0.7, 1.0, 1.5)))
    length_s = script["duration_s"]
    outages = [*script["tunnels"]]
    for _ in range(rng.randrange(4)):
        begin_s = rng.randrange(length_s)
        outages.append((begin_s, min(length_s, begin_s + rng.randrange(5, 900))))
    cuts = [
        {"op": "program", "nth": nth, "byte": rng.randrange(20), "off_s": rng.choice((1, 3, 20, 100, 400)),
         "torn": rng.choice(("prefix", "random"))}
        for nth in sorted(rng.sample(range(1, 260), rng.randrange(12)))
    ]
    if rng.random() < 0.3:
        cuts.insert(0, {"op": "erase", "nth": 1, "byte": rng.randrange(4096), "off_s": 4, "torn": "random"})
    if rng.random() < 0.4:
        off_s = rng.randrange(200, length_s - 200)
        script["ignition"] = [[0, 1], [off_s, 0], [off_s + rng.randrange(5, 120), 1], [length_s, 0]]
    settings = {
        "sample": rng.choice(("bound", "bound", "all")),
        "batch_s": rng.choice((5, 60, 300)),
        "parser": rng.choice(("lacak", "lacak", "micropygps")),
        "bound_m": rng.choice((10, 10, 25)),
    }
    return script, world_of(script, seed, outages, cuts, DRAIN_S), settings, rng.choice((32, 64))


def run(seed, folder, bits=None):
    """The broken promises of one seed, in words; [] when all were kept."""
    script, world, settings, its_bits = scene(seed, folder / "in")

    async def drive():
        async with Road(folder / "road", script, world, settings, bits=bits or its_bits) as road:
            await road.run(limit_s=LIMIT_S)
            return road, road.audit()

    road, figures = asyncio.run(drive())
    promises = {
        "records lost": figures["fixes_lost"],
        "records twice": figures["duplicates"],
        "numbers missing": figures["missing_numbers"],
        "resets by itself": sum(road.state["resets"].values()),
        "the run was " + str(road.state["stopped"]): bool(road.state["stopped"]),
    }
    if last_boot_s(road) <= script["duration_s"] - LAST_BOOT_S:
        promises["seconds unexplained"] = figures["unexplained_s"]
        promises["m beyond the bound"] = max(0.0, figures["bound_error_m_max"] - figures["bound_m"] - 0.3)
    return ["%s %s" % (amount, what) for what, amount in promises.items() if amount]


def last_boot_s(road):
    boots = [line for line in road.witness_log.read_text().splitlines() if line.startswith("B ")]
    return int(boots[-1].split()[2]) / 1000


def main(words):
    one = len(words) == 1
    seeds = [int(words[0])] if one else range(1, SEEDS + 1)
    broken = 0
    for seed in seeds:
        folder = Path(tempfile.mkdtemp(prefix="lacak-chaos-%d-" % seed))
        faults = run(seed, folder)
        broken += bool(faults)
        if faults or one or seed % 10 == 0:
            print("seed %d: %s" % (seed, ", ".join(faults) or "all promises kept"), flush=True)
        if faults or one:
            print("  everything of it: %s" % folder)
        else:
            shutil.rmtree(folder)
    print("%d of %d seeds broke a promise" % (broken, len(seeds)))
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
