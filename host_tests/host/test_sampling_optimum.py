"""The yardsticks of the sampling benchmark: the shortest chain of all, the rivals' rules."""

import itertools
import random

from bench import rivals
from bench.optimum import NEVER, fewest, reached, seconds, shortest
from bench.sampling import worst_m

from tracker.fix import FORCED, HELD, STOPPED, Fix

T = 200086400


def fix_at(sec, north_m=0.0, east_m=0.0, flags=0, speed_cms=1000, course_cdeg=0):
    fix = Fix()
    fix.sec, fix.flags, fix.kind = T + sec, flags, 1
    fix.lat_udeg, fix.lon_udeg = round(north_m * 9), round(east_m * 9)
    fix.speed_cms, fix.course_cdeg = speed_cms, course_cdeg
    return fix


def every_chain(fixes, bound_m):
    """Fewest steps of any subset that passes all within the bound."""
    inner = range(1, len(fixes) - 1)
    for size in range(len(fixes)):
        for chosen in itertools.combinations(inner, size):
            if worst_m(fixes, [fixes[i] for i in (0, *chosen, len(fixes) - 1)]) <= bound_m:
                return size + 1
    raise AssertionError("the whole chain always passes")


def test_the_shortest_chain_is_the_shortest_of_all():
    rng = random.Random(1)
    sizes = []
    for _ in range(60):
        north, fixes = 0.0, []
        for i in range(9):
            north += rng.choice((0, 8, 20))
            fixes.append(fix_at(i, north, rng.choice((0, 0, 7, 14))))
        points = [(seconds(fix) - T, fix.lat_udeg / 9, fix.lon_udeg / 9) for fix in fixes]
        sizes.append(shortest(points, 10, 60))
        assert sizes[-1] == every_chain(fixes, 10.0001)
    assert len(set(sizes)) > 3


def test_a_straight_line_is_as_long_as_the_silence():
    points = [(t, 10.0 * t, 0.0) for t in range(601)]
    assert shortest(points, 10, 60) == 10
    assert list(reached([(0, 0.0, 0.0), (100, 0.0, 0.0), (101, 0.0, 0.0)], 0, 10, 60)) == [1]
    assert shortest([(0, 0.0, 0.0)], 10, 60) == 0 and NEVER > 1 << 20


def test_forced_fixes_gaps_and_stops_count_once():
    road = [fix_at(i, 10 * i) for i in range(30)]
    assert fewest(road) == 2
    road[10].flags = FORCED
    assert fewest(road) == 3
    behind = [fix_at(i, 10 * i) for i in range(100, 130)]
    assert fewest(road + behind) == 5
    stop = [fix_at(sec, 290, flags=FORCED | STOPPED) for sec in (30, 330)]
    assert fewest(road + stop + [fix_at(400, 290, flags=FORCED | HELD), fix_at(402, 300)]) == 6


def kept(rule, *rest):
    return [fix.sec - T for fix in rule([fix_at(0), *rest, fix_at(1000)])]


def test_ten_seconds():
    assert kept(rivals.fixed_10s, *(fix_at(i) for i in range(1, 35))) == [0, 10, 20, 30, 1000]


def test_four_triggers():
    four = rivals.four_triggers
    assert kept(four, fix_at(299), fix_at(301)) == [0, 301, 1000]
    assert kept(four, fix_at(1, 99), fix_at(2, 101)) == [0, 2, 1000]
    assert kept(four, fix_at(1, course_cdeg=35100), fix_at(2, course_cdeg=990)) == [0, 1000]
    assert kept(four, fix_at(1, course_cdeg=35000), fix_at(2, course_cdeg=None)) == [0, 1, 1000]
    assert kept(four, fix_at(1, speed_cms=1277), fix_at(2, speed_cms=720)) == [0, 2, 1000]


def test_traccar_does_not_wrap_its_angle():
    assert kept(rivals.traccar, fix_at(1, course_cdeg=35990)) == [0, 1, 1000]
    assert kept(rivals.traccar, fix_at(599), fix_at(600), fix_at(601, 101)) == [0, 600, 601, 1000]
    assert kept(rivals.traccar, fix_at(1, speed_cms=0)) == [0, 1000]
