"""The road under random mishaps: drives, outages, torn cuts, ignition, settings, a bad line, a hostile broker, a station that dies, all drawn from a seed.

In: seeds. Out: for each the promises that were broken, in words; exit code 1 if there were any.
make soak runs a thousand; make replay SEED=7 repeats one and keeps its folder. soak.py, a longer life, is built on this file.
One seed, one scene; what meets in it on real sockets differs a little from run to run.
"""

import asyncio
import json
import os
import random
import shutil
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]
for _folder in ("tools", "host_tests/fakes/cpython", "firmware"):
    sys.path.insert(0, str(_ROOT / _folder))

import chaos_faults  # noqa: E402
from road import Road, world_of  # noqa: E402
from sim.looks import judge, read_looks  # noqa: E402
from sim.receiver import make_round  # noqa: E402

SEEDS = 1000
AGAIN = "make replay SEED=%d"
DRAIN_S = 5100  # at most: after 1,500 s, in which the longest outage, batch and back-off lie, soak.py's world ends once all has its answer
CALM_S = 400  # and a world of this file: its faults end before its drive
HOURS = 0.5  # of most drives; of make soak's every eighth is longer
SHORT_SEEDS = 40  # make test has these
LOOK_S = 120
LIMIT_S = 180
HEAP_SLACK = 2048  # bytes: words for troubles, said for the first time, and what is in flight; a flood that is let in takes more
LAST_BOOT_S = 120  # a truck that wakes later has no fix left to end its last gap with: that is the next day's
SLACK_M = 0.3  # of the bound: the codec's rounding of place and time
WORKERS = os.cpu_count() or 1


def scene(seed, folder):
    """(script, world, settings, bits, the station's lives) of a seed."""
    rng = random.Random(seed)
    script = make_round(seed, str(folder), HOURS if seed <= SHORT_SEEDS or seed % 8 else rng.choice((0.7, 1.0)))
    length_s = script["duration_s"]
    outages = [*script["tunnels"], *some_outages(rng, rng.randrange(3), length_s, 600)]
    cuts = some_cuts(rng, rng.choice((0, 0, 1, 1, 3)), 120)
    if rng.random() < 0.2:
        cuts.insert(0, {"op": "erase", "nth": 1, "byte": rng.randrange(4096), "off_s": 4, "torn": "random"})
    if rng.random() < 0.4:
        off_s = rng.randrange(200, length_s - 200)
        script["ignition"] = [[0, 1], [off_s, 0], [off_s + rng.randrange(5, 120), 1], [length_s, 0]]
    world = dict(world_of(script, seed, outages, cuts, DRAIN_S), hours=True, look_s=LOOK_S, calm_s=CALM_S, hold_ms=chaos_faults.HOLD_MS,
                 events=chaos_faults.some_events(rng, length_s))
    return script, world, some_settings(rng), rng.choice((32, 64, 64)), chaos_faults.some_lives(rng)


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


def run(seed, folder, bits=None, tell=lambda text: None):
    """The broken promises of one seed, in words; [] when all were kept."""
    script, world, settings, its_bits, lives = scene(seed, folder / "in")
    died = []

    async def drive():
        async with chaos_faults.Uplink(folder, seed, lives) as uplink:
            async with Road(folder / "road", script, world, settings, bits or its_bits, broker_at=uplink.truck.at,
                            make_station=uplink.make_station) as road:
                await road.run(on_events(road, uplink.play, died), LIMIT_S)
                return road, road.audit(), uplink

    road, figures, uplink = asyncio.run(drive())
    tell("%d records, %d boots, %d connects, %d lives of the station, %.1f s; %s" % (
        figures["records_appended"], figures["boots"], road.state["connects"], uplink.station.deaths + 1, road.state["real_s"],
        ", ".join("%s %d" % pair for pair in uplink.played().items()) or "nothing went wrong"))
    looks = read_looks(road.board.state_dir / "hours.log")
    # A truck that is parked loads what it needs for that.
    return broken(road, figures) + judge(looks, True, script["duration_s"] * 1000, HEAP_SLACK) + unheard_of(road, uplink, died)


def on_events(road, play, died=None):
    """For Board.run: what an EVENT line of the console asks for is done while the world stands still. died: gets what the log says of rooms."""
    loop = asyncio.get_running_loop()

    def on_line(line):
        if line.startswith("EVENT "):
            n = line.split()[1]
            asyncio.run_coroutine_threadsafe(play(road.world["events"][int(n)][1]), loop).result(30)
            (road.board.state_dir / ("event." + n)).touch()
        elif died is not None and (" died." in line or " is silent" in line or line.startswith("Traceback")):
            died.append(line)

    return on_line


def unheard_of(road, uplink, died):
    """What no line, broker or station may bring about."""
    faults = ["%d times a room is in trouble, first: %s" % (len(died), died[0])] if died else []
    if json.loads((road.board.files / "settings.json").read_text()) != road.settings:
        faults.append("the settings changed")
    if uplink.truck.most_open > 2:  # the broker's side of one may be closing while the next is opened
        faults.append("%d connections of the truck at once" % uplink.truck.most_open)
    if uplink.station.faults():
        faults.append("the station says: %s" % " / ".join(uplink.station.faults()[:3]))
    faults += ["the station ended by itself with code %s" % code for code in uplink.station.ended_by_itself]
    return faults


def broken(road, figures):
    """The promises that every road has to keep and this one did not, in words."""
    promises = {
        "records lost": figures["fixes_lost"],
        "records freed on the truck that the database lacks": figures["freed_too_early"],
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


def repeat(name, seeds, run, again, keep=False, tell=partial(print, flush=True)):
    """Run each seed in a folder of its own and tell of it; how many broke a promise. again % seed: the command that repeats it."""
    failed = 0
    for seed in seeds:
        folder = Path(tempfile.mkdtemp(prefix="lacak-%s-%d-" % (name, seed)))
        try:
            faults = run(seed, folder)
        except Exception as error:  # a VM that died, a broker that did not start: the seed must be told all the same
            faults = ["the run ended: %s" % error]
        failed += bool(faults)
        tell("%s, seed %d: %s" % (name, seed, ", ".join(faults) or "all promises kept"))
        if faults:
            tell("  again: %s" % again % seed)
        if faults or keep:
            tell("  everything of it: %s" % folder)
        else:
            shutil.rmtree(folder)
    return failed


def _one(seed):
    """In a process of its own: what to print, and whether a promise was broken."""
    said = []
    failed = repeat("chaos", [seed], partial(run, tell=said.append), AGAIN, tell=said.append)
    return "\n".join(said), failed


def main(words):
    """[seed [to]]: one is repeated, its folder kept; else all, as many at once as the machine has cores."""
    if len(words) == 1:
        return min(1, repeat("chaos", [int(words[0])], partial(run, tell=print), AGAIN, keep=True))
    first, last = map(int, words or (1, SEEDS))
    failed = 0
    with ProcessPoolExecutor(WORKERS) as pool:
        for text, bad in pool.map(_one, range(first, last + 1)):
            print(text, flush=True)
            failed += bad
    print("%d of %d seeds broke a promise" % (failed, last - first + 1))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
