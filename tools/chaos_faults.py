"""What goes wrong between a truck and its office, drawn from a seed, and who does it: two bad lines, a broker and a station that die.

In: a random generator, a length. Out: the world's events and the station's lives; Uplink, which plays them.
How a fault is played is in sim/proxy.py, what a hostile broker says in sim/forgery.py, how a station dies in sim/mortal.py.
"""

import asyncio

from ports import free_port
from sim.brokers import Mosquitto
from sim.forgery import ACK_TOPIC, HIST_TOPIC, KINDS, PUBACK, PUBLISH
from sim.mortal import Mortal
from sim.proxy import Line

HOLD_MS = 400  # real: so long the world waits for an answer that may never come
CALM_AT_S = 270  # before the end
_BEGIN_S = 60


def some_events(rng, length_s):
    """[[second, what], ...]: faults until near the end, then a good line."""
    last_s = length_s - CALM_AT_S - 90
    kinds = sorted(KINDS)
    events = [[rng.randrange(_BEGIN_S, last_s), some_fault(rng, kinds)] for _ in range(rng.randrange(4, 15))]
    events += [[rng.randrange(_BEGIN_S, last_s), "kill"] for _ in range(rng.randrange(3))]
    if rng.random() < 0.5:
        down_s = rng.randrange(_BEGIN_S, last_s - 60)
        events += [[down_s, "down"], [min(last_s, down_s + rng.choice((1, 20, 60, 300))), rng.choice(("keep", "fresh"))]]
    return sorted(events, key=lambda event: event[0]) + [[length_s - CALM_AT_S, "calm"]]


def some_fault(rng, kinds):
    """One fault of sim/proxy.py; "line": the truck's, or the office's on which nobody forges and no answer is altered."""
    line = rng.choice(("truck", "truck", "truck", "office"))
    way = rng.choice(("up", "down"))
    hist, ack = {"way": "up", "type": PUBLISH, "topic": HIST_TOPIC}, {"way": "down", "type": PUBLISH, "topic": ACK_TOPIC}
    if line == "office":  # what goes up there are the answers, what comes down the blocks
        hist, ack = dict(hist, way="down"), dict(ack, way="up")
    faults = [
        {"what": "delay", "way": way, "real_s": rng.choice((0.03, 0.1, 0.25)), "times": rng.randrange(1, 4)},
        {"what": "drip", "way": way, "times": rng.randrange(1, 3)},
        dict(rng.choice((hist, ack, {"way": way})), what="cut"),
        dict(rng.choice((hist, ack)), what="cut"),
        {"what": "blackhole"} if line == "truck" else {"what": "blackhole", "real_s": rng.choice((0.1, 0.4))},
        {"what": "garbage", "way": way, "bytes": rng.choice((1, 30, 3000))},
        dict(rng.choice((hist, ack)), what="twice"),
        dict(rng.choice((hist, ack)), what="late", real_s=rng.choice((0.05, 0.2))),
    ]
    if line == "truck":
        faults += [
            {"what": "deaf"},
            {"what": "ghost", "real_s": rng.choice((0.2, 0.6))},
            dict(ack, what="swallow", times=rng.randrange(1, 4)),
            {"what": "swallow", "way": "down", "type": PUBACK, "times": rng.randrange(1, 3)},
            dict(hist, what="lie", times=rng.randrange(1, 3)),
            {"what": "flip", "way": "down", "times": rng.randrange(1, 4)},
            dict(hist, what="flip", times=rng.randrange(1, 3)),
            *({"what": "forge", "kind": rng.choice(kinds)} for _ in range(6)),
        ]
    else:
        faults.append(dict(hist, what="flip"))
    return dict(rng.choice(faults), line=line)


def some_lives(rng):
    """Of the station: how each of them ends, and when its database takes nothing."""
    lives = []
    for _ in range(rng.randrange(3)):
        lives.append(_troubles(rng, {"dies": (rng.choice(("before", "inside", "after")), rng.randrange(1, 5))}))
    return [*lives, _troubles(rng, {})]


def _troubles(rng, life):
    for what in ("full", "locked"):
        if rng.random() < 0.25:
            life[what] = (rng.randrange(1, 4), rng.randrange(1, 5))
    return life


class Uplink:
    """async with Uplink(...): truck.at is the truck's broker, office.at the station's; play(what) is an event."""

    def __init__(self, folder, seed, lives):
        self._folder, self._seed, self._lives = folder, seed, lives
        self.station = None

    async def __aenter__(self):
        self._broker = Mosquitto(free_port(), self._folder)
        self.truck = Line(self._broker.at, "truck/%d" % self._seed)
        self.office = Line(self._broker.at, "office/%d" % self._seed)
        await asyncio.gather(self._broker.up(False), self.truck.start(), self.office.start())
        return self

    async def __aexit__(self, *failure):
        await asyncio.gather(self.truck.stop(), self.office.stop())
        await self._broker.down()

    def make_station(self, database, keys):
        self.station = Mortal(database, self.office.at, keys, self._lives)
        return self.station

    async def play(self, what):
        if isinstance(what, dict):
            await getattr(self, what["line"]).play(dict(what))
        elif what == "kill":
            self.station.kill()
        elif what == "down":
            await self._broker.down()
        elif what == "calm":
            self.station.calm()
            await self.truck.calm()
            await self.office.calm()
            await asyncio.wait_for(self.office.subscribed(), 25)
        else:
            await self._broker.up(what == "keep")

    def played(self):
        """Name -> how often, of all that was played."""
        return {name: self.truck.played[name] + self.office.played[name] for name in sorted(self.truck.played | self.office.played)}
