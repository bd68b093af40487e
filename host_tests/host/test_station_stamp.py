"""Fixes that were made before the clock was believed: an anchor of the same boot says when; nothing else does."""

import pytest
import station_truck as truck
from station.explain import explain
from station.stamp import is_untimed, stamped, stamped_by
from station.wire import row_of
from station_truck import START
from tracker.fix import ROLLOVER, UNTIMED
from tracker.record import RESET


def rows(*records):
    """Numbered from 0; None leaves a number out."""
    return [row_of(seq, rec) for seq, rec in enumerate(records) if rec]


def untimed(sec, flags=0):
    return truck.fix(sec, flags=flags | UNTIMED)


def times(stamped_rows):
    return ["?" if is_untimed(row) else row.sec - START for row in stamped_rows if row.kind == 0]


def test_an_anchor_stamps_its_boot():
    all_rows = rows(
        truck.anchor(0, 7, 30_200), untimed(31, ROLLOVER), untimed(45), truck.anchor(START, 7, 60_150), truck.fix(START)
    )
    out = stamped(all_rows)
    assert times(out) == [-29, -15, 0]
    assert out[1].flags == ROLLOVER
    assert [row.sec - START for row in stamped_by(all_rows, 3)] == [-29, -15]


@pytest.mark.parametrize("late_ms", (-150, 0, 400))
def test_a_late_poll_moves_nothing(late_ms):
    out = stamped(rows(truck.anchor(0, 1, 9_000), untimed(10), truck.anchor(START, 1, 20_000 + late_ms)))
    assert times(out) == [-10]


def test_without_an_anchor_they_stay_in_their_place():
    out = stamped(rows(truck.fix(START), truck.anchor(0, 7, 30_000), untimed(31), untimed(45)))
    assert times(out) == [0, "?", "?"]


def test_another_boots_anchor_stamps_nothing():
    out = stamped(rows(
        truck.anchor(0, 7, 30_000), untimed(31),  # the power went before the clock was believed
        truck.anchor(0, 8, 5_000), untimed(6), truck.anchor(START, 8, 9_000), untimed(10),
    ))  # fmt: skip
    assert times(out) == ["?", -3, 1]
    assert times(stamped(rows(truck.anchor(0, 7, 30_000), untimed(31), truck.anchor(START, 8, 9_000)))) == ["?"]


def test_behind_a_hole_in_the_numbers_the_boot_is_not_known():
    assert times(stamped(rows(truck.anchor(START, 7, 9_000), None, untimed(10)))) == ["?"]
    assert times(stamped(rows(truck.anchor(0, 7, 9_000), untimed(10), None, truck.anchor(START, 7, 20_000)))) == ["?"]


def test_a_cut_anchor_is_none():
    row = rows(truck.anchor(START, 300, 9_000))[0]._replace(body=b"\x80")
    assert times(stamped([row, *rows(None, untimed(10))])) == ["?"]


def test_stamped_fixes_are_judged_like_others():
    before = truck.fix(START - 100)
    anchored = [truck.anchor(0, 7, 30_000), untimed(30), truck.anchor(START, 7, 60_000), truck.fix(START)]
    reset = truck.gap(START - 100, START - 30, RESET)
    assert explain(rows(before, *anchored, reset)).unexplained == []
    assert explain(rows(before, *anchored)).unexplained == [(START - 100, START - 30)]
