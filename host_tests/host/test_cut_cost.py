"""A hard cut at any second of a drive costs at most what the tracker says that it costs: 15 s of trail."""

import pytest
from store_kit import Mark, SmallNor, blank, mounted
from tracker.fix import Fix
from tracker.gnss.clock import ClockGate
from tracker.record import ASLEEP, RESET, SUPPLY
from tracker.sampling.quality import Quality
from tracker.sampling.trail import Trail
from tracker.sampling.window import Window
from tracker.system.cost import COST_S, cost

SEC = 217_000_000
LEGS = ((200, 10), (90, 0), (150, 4), (400, 0), (120, 14))  # seconds and m/s: roads, a row of bins, a stop, a highway


def trail_on(journal):
    return Trail(journal, ClockGate(SEC - 86400, journal.last_sec), Quality(), Window(10, 60, 300, False), SUPPLY, 0)


def costs(every_s):
    """Seconds of trail that a cut at each second of the drive takes, judged by the journal of the next boot."""
    flash, mark = blank(16, 4096), Mark()
    journal = mounted(flash, mark, 256)
    trail, fix = trail_on(journal), Fix()
    lat, at, found = -6_200_000, 0, []
    for seconds, speed_ms in LEGS:
        for _ in range(seconds):
            at += 1
            lat += speed_ms * 9 + at % 3 - 1
            if at % every_s == 0:
                fix.clear()
                fix.sec, fix.lat_udeg, fix.lon_udeg, fix.kind = SEC + at, lat, 106_600_000, 1
                fix.speed_cms, fix.sats, fix.hdop_x10 = speed_ms * 100, 9, 9
                trail.on_epoch(fix, 1000 * at)
            trail.tick(1000 * at + 500)
            if trail.newest is not None and trail.kept:
                again = mounted(SmallNor(bytes(flash.store.cells), 4096), Mark(mark.value), 256)
                found.append((trail.newest.sec - trail_on(again).told_sec, at))
    return found


@pytest.mark.parametrize("every_s", [1, 2])
def test_a_cut_at_any_second_costs_no_more_than_is_said(every_s):
    found = costs(every_s)
    assert len(found) > 900 and max(found)[0] <= COST_S
    assert max(found)[0] >= 12  # the promise is not a loose one


def test_the_sentence_says_what_it_cost_and_nothing_after_a_sleep():
    said = cost(SUPPLY, SEC, 3, SEC + 45)
    assert "supply was lost" in said and "45 s before" in said
    assert "at most 15 s" in said and "3 records" in said
    assert "up to 0 s before" in cost(RESET, SEC + 5, 0, SEC + 1)
    assert cost(ASLEEP, SEC, 0, SEC + 45) is None and cost(SUPPLY, None, 0, SEC) is None
