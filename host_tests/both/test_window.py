"""The window: no dropped fix is beyond the bound from the line in time between kept neighbours."""

import gc
import sys

sys.path.insert(0, __file__.rpartition("/")[0])

from trail_kit import copy_of, make_fix, worst_error_m

from tracker.fix import FORCED, STOPPED
from tracker.sampling.plane import east, east_scale
from tracker.sampling.window import Window

T = 200086400


def thin(fixes, **settings):
    """(kept fixes, window)"""
    window = Window(**settings)
    kept = []

    def keep(fix):
        kept.append(copy_of(fix))

    for fix in fixes:
        window.offer(fix, keep)
    window.flush(keep)
    return kept, window


class Wander:
    """A truck with its own pseudo-random turns and speeds, and noise."""

    def __init__(self, seed, lat=-6200000, lon=106600000):
        self.state = seed
        self.lat = lat
        self.lon = lon
        self.north = 60
        self.east = 40

    def random(self, below):
        self.state = (self.state * 16807) % 2147483647
        return self.state % below

    def go(self, seconds, step_s=1):
        fixes = []
        for i in range(seconds // step_s):
            if self.random(9) == 0:
                self.north = self.random(240) - 120
                self.east = self.random(240) - 120
            self.lat += self.north * step_s
            self.lon += self.east * step_s
            noise = self.random(20)
            fixes.append(make_fix(T + i * step_s, self.lat + noise, self.lon - noise))
        return fixes


def test_every_dropped_fix_is_within_the_bound():
    for seed in range(1, 13):
        fixes = Wander(seed, lat=seed * 5000000).go(600, 1 + seed % 2)
        for bound_m in (5, 10, 30):
            kept, _ = thin(fixes, bound_m=bound_m)
            worst_m = worst_error_m(fixes, kept)
            assert worst_m <= bound_m, (seed, bound_m, worst_m)
            assert len(kept) < len(fixes)


def test_a_straight_steady_drive_needs_only_the_longest_silence():
    fixes = [make_fix(T + i, -6200000 + 90 * i) for i in range(601)]
    kept, _ = thin(fixes)
    assert [fix.sec - T for fix in kept] == list(range(0, 601, 60))
    assert all(fix.flags == FORCED for fix in kept[1:-1])


def test_braking_on_a_straight_road_is_kept_because_time_counts():
    fixes = [make_fix(T + i, -6200000 + (180 * i if i < 20 else 3600)) for i in range(40)]
    kept, _ = thin(fixes)
    assert 18 <= kept[1].sec - T <= 21 and worst_error_m(fixes, kept) <= 10


def test_no_silence_is_longer_than_the_limit():
    fixes = [make_fix(T + 3 * i + i % 2) for i in range(200)]
    kept, _ = thin(fixes)
    assert max(b.sec - a.sec for a, b in zip(kept, kept[1:])) <= 60


def test_forced_fixes_are_kept_at_once_and_the_held_one_only_where_the_bound_needs_it():
    for aside_m, seconds in ((9, [0, 4, 7, 9]), (11, [0, 3, 4, 6, 7, 9])):
        fixes = [make_fix(T + i, -6200000 + aside_m * 9) for i in range(10)]
        for i in (0, 4, 7):
            fixes[i].lat_udeg = -6200000
        fixes[4].flags = FORCED
        fixes[7].flags = STOPPED
        assert [fix.sec - T for fix in thin(fixes)[0]] == seconds, aside_m


def swerve(seconds, aside_udeg, at):
    """Straight on, but for one fix that stands aside."""
    fixes = [make_fix(T + i, -6200000 + 90 * i) for i in range(seconds)]
    fixes[at].lon_udeg += aside_udeg
    return fixes


def test_a_fix_that_no_line_reaches_is_no_end_yet():
    """No line from the start reaches 21 s, but one reaches 40 s, 9 m beside 20 s and 21 s."""
    fixes = swerve(41, 85, 20)
    fixes[21].lon_udeg -= 85
    kept, _ = thin(fixes)
    assert [fix.sec - T for fix in kept] == [0, 40] and worst_error_m(fixes, kept) <= 10


def test_settled_the_newest_is_reached():
    fixes = swerve(30, 200, 20)
    for seconds, settled in ((20, [0]), (21, [0, 19]), (22, [0, 19, 20]), (23, [0, 19, 20, 21])):
        window = Window()
        kept = []
        keep = lambda fix: kept.append(copy_of(fix))  # noqa: E731
        for fix in fixes[:seconds]:
            window.offer(fix, keep)
        assert len(kept) == 1
        window.settle(keep)
        assert [fix.sec - T for fix in kept] == settled
        assert worst_error_m(fixes[:seconds], kept + [window.held]) <= 10


def test_what_is_ahead_of_the_latest_reached_is_bounded():
    """Ever more aside from 20 s on: 15 fixes are waited for, then the latest reached is kept."""
    fixes = [make_fix(T + i, -6200000 + 90 * i) for i in range(50)]
    for i in range(20, 50):
        fixes[i].lon_udeg += (i - 19) * (i + 180)
    window = Window()
    kept = []
    for i, fix in enumerate(fixes):
        window.offer(fix, lambda fix: kept.append(copy_of(fix)))
        if len(kept) > 1:
            break
    assert i == kept[1].sec - T + 16, (i, kept[1].sec - T)


def test_held_is_the_newest_that_is_not_kept():
    window = Window()
    kept = []
    window.offer(make_fix(T), kept.append)
    assert window.held is None
    window.offer(make_fix(T + 1), kept.append)
    window.offer(make_fix(T + 2), kept.append)
    assert window.held.sec == T + 2 and len(kept) == 1
    window.flush(kept.append)
    assert window.held is None and len(kept) == 2


def test_keep_all_keeps_all():
    fixes = [make_fix(T + i) for i in range(30)]
    assert len(thin(fixes, keep_all=True)[0]) == 30


def test_the_stretch_is_bounded_and_nothing_is_lost_at_10_hz():
    fixes = [make_fix(T + i // 10, -6200000 + 9 * i, ms=i % 10 * 100) for i in range(1000)]
    kept, _ = thin(fixes)
    assert worst_error_m(fixes, kept) <= 10 and len(kept) <= 1000 // 128 + 3


def test_backwards_and_repeated_seconds():
    fixes = [make_fix(T), make_fix(T + 5), make_fix(T + 5, -6100000), make_fix(T - 100), make_fix(T - 99)]
    kept, _ = thin(fixes)
    assert [fix.sec - T for fix in kept] == [0, 5, 5, -100, -99]
    kept, _ = thin([make_fix(T + sec) for sec in (0, 10, 5, 6, 20)])
    assert [fix.sec - T for fix in kept] == [0, 10, 5, 20]
    assert [fix.sec - T for fix in thin([make_fix(T) for _ in range(4)])[0]] == [0] * 4
    far = [make_fix(T), make_fix(T + 50000000), make_fix(T + 50000001), make_fix(T + 50000002, 80000000, -170000000)]
    assert [fix.sec - T for fix in thin(far)[0]] == [0, 50000000, 50000001, 50000002]


def test_across_the_date_line():
    fixes = [make_fix(T + i, -6200000, 179999000 + 90 * i) for i in range(41)]
    for fix in fixes[12:]:
        fix.lon_udeg -= 360000000
    assert [fix.sec - T for fix in thin(fixes)[0]] == [0, 40]


def test_far_and_wide_costs_no_heap():
    """Products stay small integers, whatever is offered: what is too far for them is kept."""
    fixes = [make_fix(T + i, -6200000 + 30000 * i) for i in range(31)]
    assert [fix.sec - T for fix in thin(fixes)[0]] == list(range(0, 31, 5))
    if not hasattr(gc, "mem_alloc"):
        return
    for i, fix in enumerate(fixes):
        fix.lat_udeg = -6200000 + i % 2 * 160000
        fix.lon_udeg = 119000000 + i // 2 % 2 * 160000
    window = Window()
    window.offer(fixes[0], ignore)
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    for fix in fixes:
        window.offer(fix, ignore)
    used = gc.mem_alloc() - before
    gc.enable()
    assert used == 0, used


def ignore(fix):
    pass


def test_east_is_as_long_as_it_is():
    for degrees, cosine_x1000 in ((0, 1000), (6, 995), (39, 777), (60, 500), (75, 259), (-60, 500)):
        assert abs(east(100000, east_scale(degrees * 1000000)) - cosine_x1000 * 100) < 300, degrees
    assert east(359999900, 1024) == -100 and east(-359999900, 1024) == 100
    assert abs(east(50000000, 512) - 25000000) < 30000
