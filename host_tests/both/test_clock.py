"""The clock gate: what a receiver says before it knows the time is not believed, and what it knows is."""

from tracker.fix import ROLLOVER, UNTIMED, Fix
from tracker.gnss.clock import ClockGate, since_ms

BUILD = 200000000
WINDOW_S = 5479 * 86400
ERA_S = 7168 * 86400
T = BUILD + 86400


def offer(gate, sec, uptime_ms, ms=0, kind=1, flags=0):
    fix = Fix()
    fix.sec = sec
    fix.ms = ms
    fix.kind = kind
    fix.flags = flags
    return gate.offer(fix, uptime_ms), fix


def opened(sec=T, uptime_ms=10000):
    """A gate that believed sec at uptime_ms."""
    gate = ClockGate(BUILD)
    assert [offer(gate, sec - 2 + i, uptime_ms - 2000 + i * 1000)[0] for i in range(3)] == [False, False, True]
    return gate


def run(gate, sec, uptime_ms, count):
    return [offer(gate, sec + i, uptime_ms + i * 1000)[0] for i in range(count)]


def test_three_seconds_in_step_open_it():
    gate = opened()
    assert gate.believed and run(gate, T + 1, 11000, 3) == [True] * 3


def test_three_fixes_within_one_second_are_not_three_seconds():
    gate = ClockGate(BUILD)
    answers = [offer(gate, T + i // 10, 5000 + i * 100, i % 10 * 100)[0] for i in range(22)]
    assert answers.index(True) == 20


def test_two_fixes_are_not_enough_however_far_apart():
    gate = ClockGate(BUILD)
    assert [offer(gate, T + i * 2, 5000 + i * 2000)[0] for i in range(3)] == [False, False, True]


def test_a_clock_that_stands_or_races_is_not_believed():
    for step in (0, 5, -1):
        gate = ClockGate(BUILD)
        assert not any(offer(gate, T + i * step, 5000 + i * 1000)[0] for i in range(20)), step


def test_late_polls_do_not_keep_it_shut():
    gate = ClockGate(BUILD)
    assert [offer(gate, T + i, up)[0] for i, up in enumerate((5000, 6400, 7050))] == [False, False, True]


def test_the_window_is_15_years_from_the_build():
    for sec, believed in (
        (BUILD, True),
        (BUILD + WINDOW_S - 10, True),
        (BUILD + WINDOW_S + 10, False),
        (BUILD - 10, False),
        (-1000000000, False),
    ):
        gate = ClockGate(BUILD)
        assert run(gate, sec, 5000, 4)[-1] is believed, sec
        assert gate.out_of_window == (0 if believed else 4)


def test_1024_weeks_behind_is_repaired_and_flagged():
    gate = ClockGate(BUILD)
    run(gate, T - ERA_S, 5000, 2)
    believed, fix = offer(gate, T - ERA_S + 2, 7000)
    assert believed and fix.sec == T + 2 and fix.flags & ROLLOVER and gate.rollovers == 3
    assert not offer(gate, T + 3, 8000)[1].flags & ROLLOVER


def test_without_a_date_nothing_is_believed():
    gate = ClockGate(BUILD)
    assert not any(offer(gate, T + i, 5000 + i * 1000, flags=UNTIMED)[0] for i in range(5))


def test_dead_reckoning_opens_nothing_but_passes():
    gate = ClockGate(BUILD)
    assert not any(offer(gate, T + i, 5000 + i * 1000, kind=6)[0] for i in range(5))
    assert offer(opened(), T + 1, 11000, kind=6)[0]


def test_a_leap_second_learned_late_is_tolerated_forwards_and_backwards():
    assert run(opened(), T + 3, 11000, 3) == [True] * 3
    # backwards: nothing is said twice, the clock is believed again when it has caught up
    assert run(opened(), T - 1, 11000, 5) == [False, False, True, True, True]


def test_a_jump_is_disputed_until_it_has_proved_itself():
    for step in (3600, -3600):
        gate = opened()
        answers = run(gate, T + step, 11000, 12)
        assert answers == [False] * 9 + [True] * 3, step
        assert gate.disputed == 10


def test_one_wild_second_changes_nothing():
    gate = opened()
    assert run(gate, T + 1, 11000, 2) == [True, True]
    assert not offer(gate, T + 90000, 13000)[0]
    assert run(gate, T + 4, 14000, 3) == [True] * 3


def test_wild_seconds_between_true_ones_never_prove_themselves():
    gate = opened()
    for i in range(1, 60):
        wild = i % 2
        assert offer(gate, T + i + wild * 90000, 10000 + i * 1000)[0] is not bool(wild)


def test_a_clock_that_falls_behind_the_uptime_is_disputed():
    assert not offer(opened(), T + 1, 20000)[0]


def test_a_long_pause_may_drift_by_a_thousandth():
    gate = opened()
    hours = 8 * 3600
    assert offer(gate, T + hours + 20, 10000 + hours * 1000)[0]
    assert not offer(gate, T + 2 * hours + 120, 10000 + 2 * hours * 1000)[0]


def test_behind_what_is_on_flash_it_must_prove_itself():
    gate = ClockGate(BUILD, T)
    assert run(gate, T - 86400, 5000, 12) == [False] * 9 + [True] * 3
    for ahead in (-3, 0, 86400):
        assert run(ClockGate(BUILD, T), T + ahead, 5000, 3) == [False, False, True], ahead


def test_uptime_may_wrap():
    assert since_ms(500, (1 << 30) - 500) == 1000
    gate = opened(uptime_ms=(1 << 30) - 500)
    assert offer(gate, T + 1, 500)[0]
