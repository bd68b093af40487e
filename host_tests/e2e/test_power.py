"""Days with a parked truck: sleep and heartbeats, the ignition's wake, a low supply, the shift's end, cuts; nothing unexplained."""

import asyncio

import pytest
from road import Road, world_of
from sim.day import make_day
from sim.receiver import make_round
from tracker import record

pytestmark = pytest.mark.e2e

PARKED_S = 3 * 3600
NIGHT_S = 4 * 3600
SLEEPY = {"sleep_after_min": 10, "heartbeat_min": 60}


def day_of(tmp_path, *pieces):
    day = make_day(11, *pieces)
    return make_round(11, str(tmp_path), a_round=day), day


def drive(road, settle_s=None):
    """(figures, console lines) of a road."""
    lines = []
    road.states = []  # what the station heard of its state

    async def run():
        async with road:
            put = road.station.writer.put_state
            road.station.writer.put_state = lambda *args: (road.states.append(args[1]), put(*args))
            await road.run(lines.append, 120, settle_s)
            return road.audit()

    return asyncio.run(run()), lines


def whole(figures):
    assert (figures["fixes_lost"], figures["duplicates"], figures["unexplained_s"], figures["missing_numbers"]) == (0, 0, 0, 0)
    assert figures["bound_error_m_max"] <= figures["bound_m"] + 0.2
    return True


def spent(figures, start_sec, *reasons):
    """[(from, to)] of the gaps with these reasons, in seconds of the world."""
    return [(gap.from_sec - start_sec, gap.to_sec - start_sec) for gap in figures["gaps"] if gap.reason in reasons]


@pytest.mark.parametrize("drift", [0.01, -0.01])
def test_three_hours_at_noon_asleep_with_a_heartbeat_an_hour(tmp_path, drift):
    script, day = day_of(tmp_path, ("drive", 0.4), ("park", PARKED_S), ("drive", 0.4))
    road = Road(tmp_path / "road", script, dict(world_of(script), rtc_drift=drift), SLEEPY)
    figures, lines = drive(road)
    assert whole(figures)
    off_s = max(t_s for t_s, level in day.ignition if level == 0 and t_s < day.begins[1])
    asleep = spent(figures, script["start_sec"], record.ASLEEP)
    assert 598 <= asleep[0][0] - off_s <= 605  # ten minutes parked
    assert len(asleep) == 3  # two heartbeats that found their place, and the ignition
    on_s = next(t_s for t_s, level in day.ignition if level == 1 and t_s > day.begins[1])
    assert 0 <= asleep[-1][1] - on_s <= 2  # the first second after the night is the ignition's
    assert road.state["sleeps"] == 3 and road.state["asleep_ms"] > (PARKED_S - 900) * 1000
    assert figures["boots"] == 4 and not road.state["resets"]
    awake_s = [b[0] - a[1] for a, b in zip(asleep, asleep[1:])]
    assert all(30 <= s <= 120 for s in awake_s)  # as soon as all is sent
    assert sum("give or take" in line for line in lines) == 3
    if road.states[-1] == "offline":  # the world's end, where the broker's will came before the station's end
        road.states.pop()
    slept = [state.split() for state in road.states if not state.startswith(("online", "parked"))]
    assert [(state[0], state[7]) for state in slept] == [("asleep", "3600")] * 3, "and no last will"
    assert all(int(state[6]) == boot for state, boot in zip(slept, (1, 2, 3)))


def test_a_night_under_a_roof_is_told_by_the_next_fix(tmp_path):
    """No heartbeat finds a satellite or a link: nothing is stamped by the chip's clock, whatever it says."""
    script, day = day_of(tmp_path, ("drive", 0.4), ("park", PARKED_S), ("drive", 0.4))
    world = dict(world_of(script, outages=[(day.begins[1], day.begins[2])]), rtc_drift=-0.05)
    world["feed"] = without_fixes(script["feed"], tmp_path / "roof.bin", day.begins[1], day.begins[2])
    figures, _ = drive(Road(tmp_path / "road", script, world, SLEEPY))
    assert whole(figures)
    asleep = spent(figures, script["start_sec"], record.ASLEEP)
    assert len(asleep) == 1 and asleep[0][1] - asleep[0][0] > 2.5 * 3600


def without_fixes(feed_path, path, from_s, to_s):
    from sim import feed

    feed.write(str(path), ((t_ms, data) for t_ms, data in feed.read(feed_path) if not from_s * 1000 <= t_ms < to_s * 1000))
    return str(path)


def test_a_night_off_duty_with_a_private_drive_leaves_no_place(tmp_path):
    script, day = day_of(tmp_path, ("drive", 0.4), ("park", NIGHT_S // 2), ("drive", 0.4), ("park", NIGHT_S // 2), ("drive", 0.4))
    ends_s = 12 * 60  # on the way, 22:12 UTC
    begins_s = (day.begins[4] + 11 * 60) // 60 * 60  # on the way again
    shift = {"shift_from_min": (22 * 60 + begins_s // 60) % 1440, "shift_to_min": 22 * 60 + ends_s // 60, "utc_offset_min": 0}
    road = Road(tmp_path / "road", script, world_of(script), {**SLEEPY, **shift})
    figures, _ = drive(road)
    assert whole(figures)
    start_sec = script["start_sec"]
    inside = [row.sec - start_sec for row in figures["fixes"] if ends_s <= row.sec - start_sec < begins_s]
    assert inside == []
    duty = [row.sec - start_sec for row in figures["fixes"]]
    assert ends_s - 2 <= max(sec for sec in duty if sec < ends_s) and min(sec for sec in duty if sec > ends_s) <= begins_s + 2
    rest = spent(figures, start_sec, record.OFF_DUTY)
    assert ends_s - 2 <= rest[0][0] and rest[-1][1] == begins_s
    assert sum(to - start for start, to in rest) == rest[-1][1] - rest[0][0]
    assert road.state["sleeps"] >= 4


def test_a_dip_and_a_low_supply_switch_the_radio_off_and_never_the_journal(tmp_path):
    script, day = day_of(tmp_path, ("drive", 0.5))
    volts = [[0, 2_480_000], [300, 1_300_000], [301, 2_480_000], [600, 1_850_000], [900, 2_400_000]]
    world = dict(world_of(script), adc={"32": volts})
    road = Road(tmp_path / "road", script, world)
    figures, lines = drive(road)
    assert whole(figures) and figures["boots"] == 1
    low = [line for line in lines if "supply" in line.lower()]
    assert len(low) == 2 and "20350 mV" in low[0]
    kept = [row.sec - script["start_sec"] for row in figures["fixes"]]
    assert any(299 <= sec <= 301 for sec in kept) and any(599 <= sec <= 601 for sec in kept)  # on flash at once
    assert len([sec for sec in kept if 600 <= sec <= 900]) >= 5
    gone = [i for i, line in enumerate(lines) if "link is down" in line]
    assert len(gone) == 1 and sum("uplink: connected" in line for line in lines) == 2


def test_a_cut_says_at_the_next_start_what_it_cost(tmp_path):
    script, day = day_of(tmp_path, ("drive", 0.4))
    cut = {"op": "program", "nth": 60, "byte": 3, "off_s": 45, "torn": "random"}
    figures, lines = drive(Road(tmp_path / "road", script, world_of(script, cuts=[cut])))
    assert whole(figures)
    said = [line for line in lines if "supply was lost" in line]
    assert len(said) == 1 and "at most 15 s" in said[0]
