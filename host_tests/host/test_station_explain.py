"""The station's rule for every second, by table and by chance."""

import station_truck as truck
from hypothesis import given
from hypothesis import strategies as st
from station.explain import explain, merge, position_at, subtract, unexplained_s
from station.wire import row_of
from tracker import record
from tracker.fix import FORCED, STOPPED, UNTIMED


def rows(*records, first=0):
    """Rows as the database has them; None is a number that never came."""
    return [row_of(first + i, rec) for i, rec in enumerate(records) if rec is not None]


def test_the_sampling_bound_explains_62_moving_and_302_standing():
    for flags, span_s, open_s in (
        (0, 62, 0),
        (0, 63, 63),
        (STOPPED, 302, 0),
        (STOPPED, 303, 303),
        (FORCED, 63, 63),
    ):
        judged = explain(rows(truck.fix(0, flags=flags), truck.fix(span_s)))
        assert judged.unexplained == ([(0, open_s)] if open_s else []), (flags, span_s)


def test_a_gap_explains_what_it_covers_and_no_second_more():
    for start, to, left in (
        (0, 600, []),
        (2, 598, []),
        (3, 600, [(0, 3)]),
        (0, 597, [(597, 600)]),
        (100, 500, [(0, 100), (500, 600)]),
        (-50, 700, []),
    ):
        judged = explain(
            rows(truck.fix(0), truck.gap(start, to, record.NO_FIX, 2), truck.fix(600))
        )
        assert judged.unexplained == left, (start, to)
        assert judged.gaps == [(start, to, record.NO_FIX, 2, 1)]


def test_two_gaps_cover_together():
    judged = explain(
        rows(
            truck.fix(0),
            truck.gap(0, 300, record.RESET),
            truck.gap(300, 600, record.NO_FIX),
            truck.fix(600),
        )
    )
    assert judged.unexplained == []


def test_a_missing_number_makes_its_time_unexplained():
    judged = explain(rows(truck.fix(0), None, truck.fix(20)))
    assert judged.unexplained == [(0, 20)] and judged.missing == [(1, 1)]
    no_fix = explain(rows(truck.fix(0), None, truck.gap(0, 300, record.NO_FIX), truck.fix(300)))
    assert no_fix.unexplained == [(0, 300)], "only a dropped or skipped number may be missing"


def test_a_skipped_number_is_not_missing():
    judged = explain(rows(truck.fix(0), None, None, truck.skipped(20, 1, 2), truck.fix(20)))
    assert judged.unexplained == [] and judged.missing == []
    judged = explain(rows(truck.fix(0), None, None, truck.skipped(20, 2, 1), truck.fix(20)))
    assert judged.unexplained == [(0, 20)] and judged.missing == [(1, 1)]


def test_the_trail_is_drawn_through_a_thinned_stretch():
    for reason, expected in ((record.THINNED, True), (record.DROPPED, False)):
        read = rows(truck.fix(0), None, None, truck.fix(500), truck.gap(0, 500, reason, 2))
        judged = explain(read)
        assert judged.unexplained == [] and judged.missing == []
        assert (position_at(read, 250) is not None) == expected


def test_a_dropped_stretch_is_a_gap_with_a_reason():
    judged = explain(
        rows(truck.fix(0), None, None, truck.fix(500), truck.gap(30, 480, record.DROPPED, 2))
    )
    assert judged.unexplained == [] and judged.missing == []
    elsewhere = explain(
        rows(truck.fix(0), None, truck.fix(500), truck.gap(900, 999, record.DROPPED, 2))
    )
    assert elsewhere.unexplained == [(0, 500)] and elsewhere.missing == [(1, 1)]


def test_numbers_missing_at_the_edges_are_told():
    assert explain(rows(truck.gap(0, 9, record.RESET), None, truck.fix(9))).missing == [(1, 1)]
    assert explain(rows(truck.fix(9), None, truck.gap(9, 12, record.RESET))).missing == [(1, 1)]


def test_a_fix_without_a_time_ends_no_interval():
    judged = explain(rows(truck.fix(0), truck.fix(7, flags=UNTIMED), truck.fix(100)))
    assert judged.unexplained == [(0, 100)]


def test_a_step_backwards_is_no_hole():
    assert explain(rows(truck.fix(100), truck.fix(40), truck.fix(101))).unexplained == []
    judged = explain(rows(truck.fix(100), None, truck.fix(40)))
    assert judged.unexplained == [] and judged.missing == [(1, 1)]


def test_a_cut_gap_payload_explains_nothing():
    broken = truck.gap(0, 600, record.NO_FIX)
    for length in (0, 1, 2):
        broken.n = length
        assert explain(rows(truck.fix(0), broken, truck.fix(600))).unexplained == [(0, 600)]


def test_position_is_straight_in_time_and_none_inside_a_gap():
    trail = rows(
        truck.fix(0, 0, 0),
        truck.fix(10, 100, 200),
        truck.gap(10, 400, record.NO_FIX),
        truck.fix(400, 900, 900),
    )
    assert position_at(trail, 5) == (50, 100)
    assert position_at(trail, 10) == (100, 200)
    assert position_at(trail, 200) is None and position_at(trail, 401) is None


SPANS = st.lists(
    st.tuples(st.integers(0, 60), st.integers(0, 9)).map(lambda p: (p[0], p[0] + p[1])),
    max_size=12,
)


@given(SPANS)
def test_merged_spans_are_apart_and_hold_the_same_seconds(spans):
    out = merge(spans)
    assert all(a[1] < b[0] for a, b in zip(out, out[1:]))
    assert {s for a, b in spans for s in range(a, b + 1)} == {
        s for a, b in out for s in range(a, b + 1)
    }


@given(st.integers(0, 30), st.integers(0, 30), SPANS)
def test_subtract_leaves_what_nobody_covers(lo, more, spans):
    left = [n for a, b in subtract((lo, lo + more), merge(spans)) for n in range(a, b)]
    covered = {n for a, b in spans for n in range(a, b)}
    assert left == [n for n in range(lo, lo + more) if n not in covered]


@given(st.lists(st.integers(1, 400), min_size=1, max_size=30))
def test_unexplained_seconds_are_the_steps_beyond_the_bound(steps):
    sec, records = 0, [truck.fix(0)]
    for step in steps:
        sec += step
        records.append(truck.fix(sec))
    assert unexplained_s(rows(*records)) == sum(step for step in steps if step > 62)
