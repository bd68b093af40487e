"""The round is a truck's: it moves like one, stands where it should; one seed, one round."""

import math

import pytest
from sim import roads
from sim.route import drive


@pytest.fixture(scope="module")
def day():
    return drive(1)


def speeds_ms(a_round):
    places = list(zip(a_round.x, a_round.y))
    return [math.dist(a, b) for a, b in zip(places, places[1:])]


def test_one_seed_one_round(day):
    again, other = drive(1), drive(2)
    assert (again.x, again.y, again.ignition, again.stops) == (
        day.x,
        day.y,
        day.ignition,
        day.stops,
    )
    assert again.network.outline() == day.network.outline()
    assert other.x != day.x


def test_it_moves_like_a_laden_truck(day):
    speed = speeds_ms(day)
    moving = [v for v in speed if v > 0.3]
    gains = [b - a for a, b in zip(speed, speed[1:])]
    assert 12 < max(speed) < 15, "%.1f m/s" % max(speed)
    assert 5 < sum(moving) / len(moving) < 8
    assert max(gains) < 1.3 and min(gains) > -1.6, (max(gains), min(gains))


def test_it_slows_down_at_corners(day):
    """No second pulls sideways more than 3 m/s2, a step between chords of its curves included."""
    sharp = []
    for t in range(1, day.duration_s - 1):
        ax, ay = day.x[t] - day.x[t - 1], day.y[t] - day.y[t - 1]
        bx, by = day.x[t + 1] - day.x[t], day.y[t + 1] - day.y[t]
        before = math.hypot(ax, ay)
        if before > 2 and abs(ax * by - ay * bx) / before > 3:
            sharp.append(t)
    assert not sharp


def test_the_day_has_its_stations(day):
    names = [name for _, _, name in day.stops]
    assert len([name for name in names if name.startswith("TPS")]) == 15
    assert names[-4:] == ["queue", "tip", "weighbridge", "depot"]
    assert 50_000 < day.length_m < 62_000
    at_tpa = day.stops[-2][1] - day.stops[-4][0]
    assert 20 * 60 < at_tpa < 30 * 60
    for from_s, to_s, name in day.stops:
        if name.startswith("TPS"):
            assert 180 <= to_s - from_s < 2100, name


def test_at_a_stop_it_creeps_along_the_bins(day):
    speed = speeds_ms(day)
    crept = []
    for from_s, to_s, name in day.stops:
        if name.startswith("TPS"):
            within = speed[from_s:to_s]
            assert max(within) < 1.5, name
            assert within.count(0.0) > 150, name
            crept.append(sum(within))
    assert max(crept) < 50 and sum(way > 4 for way in crept) > 6


def test_it_starts_and_ends_parked_at_the_depot(day):
    depot = roads.plane(*roads.DEPOT[1:])
    for t in (0, 599, day.ignition[-1][0], day.duration_s - 1):
        assert math.dist((day.x[t], day.y[t]), depot) < 1, t
    assert len(day.x) == len(day.y) == day.duration_s == 21600


def test_the_engine_is_on_whenever_it_moves(day):
    level = dict(day.ignition)
    on = 0
    for t, v in enumerate(speeds_ms(day)):
        on = level.get(t, on)
        assert on or v == 0, t
    assert [value for _, value in day.ignition] == [0, 1, 0, 1, 0]


@pytest.mark.parametrize("hours", [0.5, 1, 6])
@pytest.mark.parametrize("seed", range(8))
def test_every_round_fits_and_has_one_tunnel(seed, hours):
    a_round = drive(seed, hours)
    assert len(a_round.x) == hours * 3600
    assert a_round.ignition[-1][0] < hours * 3600
    ((from_s, to_s),) = a_round.tunnels
    assert 60 < to_s - from_s < 150
    under = math.dist((a_round.x[from_s], a_round.y[from_s]), (a_round.x[to_s], a_round.y[to_s]))
    assert 350 < under < 700


def test_too_short_a_round_is_refused_in_words():
    with pytest.raises(ValueError, match="no round fits into 0.1 hours"):
        drive(1, 0.1)


def test_the_outline_holds_the_roads_and_the_places_in_tangerang(day):
    features = day.network.outline()["features"]
    points = [f for f in features if f["geometry"]["type"] == "Point"]
    kinds = [f["properties"]["class"] for f in points]
    assert kinds.count("stop") == 15 and kinds.count("depot") == kinds.count("tpa") == 1
    tpa = points[kinds.index("tpa")]
    assert tpa["geometry"]["coordinates"] == [106.6185, -6.1386]
    classes = {f["properties"]["class"] for f in features if f not in points}
    assert classes == {"primary", "secondary", "residential", "access", "tunnel"}
    for feature in features:
        if feature not in points:
            for lon, lat in feature["geometry"]["coordinates"]:
                assert 106.59 < lon < 106.67 and -6.26 < lat < -6.12


def test_the_truck_is_always_on_a_drawn_road(day):
    """Every tenth second lies within 12 m of a drawn road: a corner cuts no more than that."""
    drawn = [pair for _, points in day.network.roads for pair in zip(points, points[1:])]
    cells = {}
    for a, b in drawn:
        for i in range(21):
            x, y = a[0] + (b[0] - a[0]) * i / 20, a[1] + (b[1] - a[1]) * i / 20
            cells.setdefault((x // 100, y // 100), set()).add((a, b))
    for t in range(0, day.duration_s, 10):
        x, y = day.x[t], day.y[t]
        near = set()
        for cx in (-1, 0, 1):
            for cy in (-1, 0, 1):
                near |= cells.get((x // 100 + cx, y // 100 + cy), set())
        assert min(_way_to(x, y, a, b) for a, b in near) < 12, t


def _way_to(x, y, a, b):
    dx, dy = b[0] - a[0], b[1] - a[1]
    share = ((x - a[0]) * dx + (y - a[1]) * dy) / (dx * dx + dy * dy)
    share = min(1, max(0, share))
    return math.dist((x, y), (a[0] + dx * share, a[1] + dy * share))
