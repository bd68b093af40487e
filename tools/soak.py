"""Days of a truck's life in one run: drives, nights, outages, torn cuts, ordered resets, a receiver's clock that jumps, a broker that restarts.

In: a seed, hours. Out: the broken promises in words, and figures; exit code 1 if there were any.
Beyond chaos.py's promises: heap, tasks, sockets and journal, looked at each simulated hour, are where they must be.
make soak lives 72 hours; make replay SEED=7 HOURS=24 repeats one and keeps its folder.
"""

import asyncio
import random
import sys
import time

import chaos  # first: it puts the other folders on the path
from ports import free_port
from road import Road, world_of
from sim.brokers import Embedded
from sim.day import make_day
from sim.looks import growth, judge, read_looks
from sim.receiver import make_round

HOURS = 72
DAY_S = 86400
REAL_S_PER_HOUR = 20  # a run that takes longer hangs
ERA_S = 1024 * 7 * DAY_S
PROGRAMS_PER_HOUR = 60  # of the quietest settings, so that every cut happens
STATION_BACKOFF_S = (0.1, 0.3)  # real seconds, while the world's pass in milliseconds


def life(seed, hours, folder):
    """(script, world, settings, bits) of a seed."""
    rng = random.Random("soak/%d" % seed)
    day = make_day(seed, *pieces(rng, hours))
    length_s = day.duration_s
    script = make_round(seed, str(folder), a_round=day, jumps=some_jumps(rng, length_s))
    days = max(1, round(hours / 24))
    outages = [*day.tunnels, *chaos.some_outages(rng, 6 * days, length_s, 1800)]
    outages += chaos.some_outages(rng, days if hours >= 24 else 0, length_s, 4 * 3600)
    cuts = chaos.some_cuts(rng, min(6 * days, hours * 2), int(hours * PROGRAMS_PER_HOUR))
    if hours >= 24:  # a sector is entered every few hours
        cuts.append({"op": "erase", "nth": rng.randrange(1, 4), "byte": rng.randrange(4096), "off_s": 4, "torn": "random"})
    world = world_of(script, seed, outages, cuts, chaos.DRAIN_S)
    world["hours"] = True
    world["orders"] = sorted((day * DAY_S + rng.randrange(600, min(length_s, DAY_S) // 2), what)
                             for day in range(days) for what in ("died", "technician", "button"))  # by day: a night shows growth
    world["events"] = some_restarts(rng, 3 * days, length_s)
    settings = dict(chaos.some_settings(rng), sample="bound")
    settings["sleep_after_min"] = 0 if seed % 2 else rng.choice((10, 30))  # awake, a boot lives long enough to tell growth
    return script, world, settings, rng.choice((32, 64))


def pieces(rng, hours):
    """Two drives a day, noon and night parked; the ignition is off while parked."""
    if hours < 24:
        return [("drive", hours / 2), ("park", round(hours * 1800))]
    laid = []
    for _ in range(hours // 24):
        morning, noon_s, evening = rng.choice((4, 5, 6)), rng.randrange(1800, 7200), rng.choice((2, 3))
        laid += [("drive", morning), ("park", noon_s), ("drive", evening),
                 ("park", DAY_S - noon_s - (morning + evening) * 3600)]
    return laid


def some_jumps(rng, length_s):
    """Short ones of a day, either way; a second, either way, for longer; the week counter's wrap, back again after an hour.

    A day that lasts long enough to be believed is the last thing that happens: the gap that tells of it covers all that comes after.
    """
    def at(length):
        begin_s = rng.randrange(300, length_s - 1000 - length)
        return begin_s, begin_s + length

    return (*((*at(rng.randrange(1, 6)), by) for by in (DAY_S, -DAY_S)), *((*at(rng.randrange(60, 900)), by) for by in (1, -1)),
            (*at(min(3600, length_s // 3)), -ERA_S), (length_s - 900, length_s - 840, DAY_S))


def some_restarts(rng, count, length_s):
    """(second, word): down, then up with what it had stored (keep) or without (fresh)."""
    moments = sorted(rng.sample(range(300, length_s - 1200, 700), count))
    events = []
    for at_s in moments:
        events += [(at_s, "down"), (at_s + rng.choice((1, 20, 120, 600)), rng.choice(("keep", "fresh")))]
    return events


def run(seed, folder, hours=HOURS, bits=None, kind=Embedded, tell=print):
    """The broken promises of one life, in words; its figures go to tell."""
    import station.ingest

    began = time.monotonic()
    script, world, settings, its_bits = life(seed, hours, folder / "in")

    async def live():
        server = kind(free_port(), folder)
        await server.up(False)

        async def play(what):
            await (server.down() if what == "down" else server.up(what == "keep"))

        try:
            async with Road(folder / "road", script, world, settings, bits or its_bits, broker_at=server.at) as road:
                await road.run(chaos.on_events(road, play), limit_s=60 + hours * REAL_S_PER_HOUR)
                return road, road.audit()
        finally:
            await server.down()

    usual, station.ingest.BACKOFF_S = station.ingest.BACKOFF_S, STATION_BACKOFF_S
    try:
        road, figures = asyncio.run(live())
    finally:
        station.ingest.BACKOFF_S = usual
    looks = read_looks(road.board.state_dir / "hours.log")
    tell("%d h, %d-bit: %d records, %d boots, %d cuts, %d orders, %d connects, heap %+d B (largest growth of a boot), %d s" % (
        hours, road.bits, figures["records_appended"], figures["boots"], road.state["cuts_done"], road.state.get("orders_done", 0),
        road.state["connects"], max(growth(looks).values(), default=0), time.monotonic() - began))
    return chaos.broken(road, figures) + judge(looks, settings["sleep_after_min"] > 0) + short_of(world, road.state)


def short_of(world, state):
    """A life without its mishaps proves nothing."""
    wanted = {"cuts": (len(world["cuts"]), state["cuts_done"]),
              "broker events": (len(world["events"]), state.get("events", 0)),
              "orders": (1, state.get("orders_done", 0))}  # the others found no power, or a truck asleep
    return ["only %d of %d %s happened" % (done, planned, what) for what, (planned, done) in wanted.items() if done < planned]


def main(words):
    """[hours [seed ...]]; a seed by itself is repeated, its folder kept."""
    hours = int(words[0]) if words else HOURS
    seeds = [int(word) for word in words[1:]] or [1, 2]
    again = "make replay SEED=%%d HOURS=%d" % hours
    return 1 if chaos.repeat("soak", seeds, lambda seed, folder: run(seed, folder, hours), again, keep=len(words) > 1) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
