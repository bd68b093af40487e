"""The day of a truck: a shift of nine hours with 57 km and 40 stops, then parked. And how true the map is meanwhile.

Out: scripts for the simulator; seconds at which the live position was within a bound of the truth.
"""

import math
import random
import struct

from sim.receiver import make_round
from sim.roads import EQUATOR_M_PER_DEG, M_PER_DEG_LAT
from sim.route import Round, drive
from sim.truth import distance_m, read_truth
from tracker.record import Record
from tracker.store.codec import Codec

SEED, KM, STOPS = 372, 57, 40
SHIFT_S, DAY_S = 9 * 3600, 24 * 3600
LOSSES, LOST_S = 20, (20, 90)
CONFIRMED_S = 120
_STOP_S = 60  # a stand so long is a stop: a red light takes at most 55
_STANDS_M = 0.05
_MOVES_M = 0.5  # a second


def make_shift(seed, out_dir, length_s=DAY_S):
    """The seed's round with longer stops, so that it takes the whole shift; parked behind it."""
    short = drive(seed, 9.0)
    way = steps_m(short)
    stands = stands_of(way)
    home_s = max(t for t, m in enumerate(way) if m > _MOVES_M)
    stretched = lengthened(short, stands, SHIFT_S - 300 - home_s)
    stretched.x = (stretched.x + [stretched.x[-1]] * length_s)[:length_s]
    stretched.y = (stretched.y + [stretched.y[-1]] * length_s)[:length_s]
    stretched.duration_s = length_s
    script = make_round(seed, str(out_dir), a_round=stretched)
    return dict(script, stands=len(stands), moving_s=sum(m > _MOVES_M for m in way))


def lengthened(a_round, stands, more_s):
    """The same way in more seconds: they are spent at its stops."""
    each, left = divmod(more_s, len(stands))
    added = {end: each + (i < left) for i, (_, end) in enumerate(stands)}
    longer, at, shift = Round(a_round.network, 0), [], 0
    for t in range(len(a_round.x)):
        at.append(t + shift)
        stays = added.get(t, 0)
        longer.x += [a_round.x[t]] * (1 + stays)
        longer.y += [a_round.y[t]] * (1 + stays)
        shift += stays
    last = len(at) - 1
    longer.length_m = a_round.length_m
    longer.stops = [(at[start], at[min(end, last)], name) for start, end, name in a_round.stops]
    longer.tunnels = [(at[start], at[min(end, last)]) for start, end in a_round.tunnels]
    longer.ignition = [(at[min(t, last)], level) for t, level in a_round.ignition]
    return longer


def stands_of(way):
    """(first, last second) of each stop between leaving and coming home."""
    moving = [t for t, m in enumerate(way) if m > _STANDS_M]
    return [(a + 1, b - 1) for a, b in zip(moving, moving[1:]) if b - a > _STOP_S]


def steps_m(a_round):
    places = list(zip(a_round.x, a_round.y))
    return [math.dist(a, b) for a, b in zip(places, places[1:])] + [0.0]


def losses(seed):
    """Twenty times the link is gone, spread over the shift."""
    rng = random.Random(seed)
    each = SHIFT_S // LOSSES
    begins = [i * each + rng.randrange(60, each - LOST_S[1]) for i in range(LOSSES)]
    return [(begin, begin + rng.randrange(*LOST_S)) for begin in begins]


def shown(sessions):
    """[(world s at which it went, fix)] of the live lane; the seconds at which anything was heard of the truck."""
    fixes, heard = [], []
    for session in sessions:
        for ms, up, _, topic, payload in session.packets:
            if up:
                heard.append(ms / 1000)
                if isinstance(topic, bytes) and topic.endswith(b"/live") and payload:
                    fixes.append((ms / 1000, live_fix(payload)))
    return fixes, heard


def live_fix(payload):
    rec, codec = Record(), Codec()
    codec.reset()
    if payload[0] != 0x12 or codec.decode(payload, 1, len(payload), rec) != len(payload):
        raise SystemExit("a live fix that cannot be read: %s" % payload.hex())
    return rec.fix


def accuracy(script, sessions, bound_m, predict):
    """Shares of the moving seconds, in percent: shown within the bound; confirmed lately; both."""
    fixes, heard = shown(sessions)
    truth = read_truth(script["truth"])
    start = script["start_sec"]
    near = fresh = both = moving = i = j = 0
    for before, (sec, lat, lon, _) in zip(truth, truth[1:]):
        t = sec - start
        while i < len(fixes) and fixes[i][0] <= t + 0.5:  # its burst takes 0.3 s, and a half is for us
            i += 1
        while j < len(heard) and heard[j] <= t:
            j += 1
        if distance_m(lat, lon, before[1], before[2]) <= _MOVES_M or not i:
            continue
        moving += 1
        is_near = distance_m(lat, lon, *predict(fixes[i - 1][1], sec)) <= bound_m
        is_fresh = t - heard[j - 1] <= CONFIRMED_S
        near, fresh, both = near + is_near, fresh + is_fresh, both + (is_near and is_fresh)
    return {name: round(100 * n / moving, 1) for name, n in (("near", near), ("fresh", fresh), ("both", both))}


def as_it_was(fix, sec):
    return fix.lat_udeg, fix.lon_udeg


def reckoned(fix, sec):
    """As docs/protocol.md has it, in floating point: the firmware's own integers have to agree with it."""
    if fix.speed_cms is None or fix.course_cdeg is None or fix.speed_cms < 100:
        return as_it_was(fix, sec)
    way_m = fix.speed_cms / 100 * min(max(sec - fix.sec, 0), 60)
    course, shrunk = math.radians(fix.course_cdeg / 100), math.cos(math.radians(fix.lat_udeg / 1e6))
    return (fix.lat_udeg + way_m * math.cos(course) * 1e6 / M_PER_DEG_LAT,
            fix.lon_udeg + way_m * math.sin(course) * 1e6 / (EQUATOR_M_PER_DEG * shrunk))


def log_km(fixes):
    return sum(distance_m(*a[1:], *b[1:]) for a, b in zip(fixes, fixes[1:])) / 1000
