"""A room fails inside the unchanged firmware: the rest goes on, the office hears of it, nothing is lost, no second unexplained."""

import asyncio

import pytest
from road import Road, world_of
from sim.receiver import make_round
from station.db import Database
from tracker import record
from tracker.system.reset import APP_DIED, ROOM_DIED, ROOMS, WATCHDOG

pytestmark = pytest.mark.e2e

GNSS, LINK, UPLINK = (ROOMS.index(name) for name in ("gnss", "link", "uplink"))
DIES = {"module": "tracker.uplink.uplink", "class": "Uplink", "method": "run", "what": "raise"}


@pytest.fixture(scope="module")
def script(tmp_path_factory):
    return make_round(11, str(tmp_path_factory.mktemp("round")), 0.4)


@pytest.fixture
def told(monkeypatch):
    """The states that the office was told, in their order."""
    states = []
    put_state = Database.put_state

    def listen(self, device, state, *more):
        states.append(state)
        return put_state(self, device, state, *more)

    monkeypatch.setattr(Database, "put_state", listen)
    return states


def drive(folder, script, faults, drain_s=600, touch=None, **more):
    """(figures, console lines, the road) of a run in which these faults strike."""
    world = world_of(script, 1, drain_s=drain_s)
    world.update(faults=faults, **more)
    road = Road(folder, script, world)
    lines = []

    async def run():
        async with road:
            road.board.lay_out()
            if touch:
                touch(road.board.files)
            await road.run(lines.append, 60, None if drain_s else 0)
            return road.audit()

    return asyncio.run(run()), lines, road


def whole(figures):
    assert figures["fixes_stored"] > 10
    assert (figures["fixes_lost"], figures["duplicates"], figures["unexplained_s"]) == (0, 0, 0)
    return True


def gaps(figures, reason):
    return [gap for gap in figures["gaps"] if gap.reason == reason]


def at_s(lines, words):
    """Seconds since the boot at which each line with these words was said."""
    begun, found = 0, []
    for line in lines:
        ms = int(line.split()[0]) if line[0].isdigit() else 0
        begun = ms if " I Lacak " in line else begun
        if words in line:
            found.append((ms - begun) // 1000)
    return found


def test_an_uplink_that_dies_at_every_start_is_left_out_and_tried_again(script, tmp_path, told):
    ignition = [[0, 1], [4500, 0], [5000, 1], [5400, 0], [6000, 1]]
    dies = dict(DIES, until_s=5200)
    figures, lines, road = drive(tmp_path, script, [dies], drain_s=5400, ignition=ignition)
    assert whole(figures) and figures["boots"] == 6
    assert {gap.detail for gap in gaps(figures, record.RESET)} == {ROOM_DIED + 16 * UPLINK}
    first, second, *ignitions = at_s(lines, "at the full road")
    assert 600 <= first <= 602 and 3600 <= second - first <= 3604
    assert len(ignitions) == 2 and 4800 < ignitions[0] < 5000 and ignitions[1] - ignitions[0] in (999, 1000, 1001)  # its last boot began late
    safe = told.index("safe 0.1.0 boot 6 without uplink")
    assert safe < next(i for i, state in enumerate(told) if state.startswith("online"))
    assert road.state["faults"] == [5 * 5 + 3]  # an attempt ends by the first death, and without a reset
    assert told[-2].startswith("parked") and "without" not in told[-2]  # after its ten good minutes


def test_a_gnss_room_that_dies_at_every_start_leaves_the_road_to_the_office_open(script, tmp_path, told):
    dies = {"module": "tracker.sampling.trail", "class": "Trail", "method": "on_epoch", "what": "raise", "until_s": 500}
    figures, lines, _ = drive(tmp_path, script, [dies])
    assert whole(figures) and figures["boots"] == 6
    assert any(state.startswith("online 0.1.0") and state.endswith(" 6 60 without gnss") for state in told)
    assert len(at_s(lines, "at the full road")) == 1 and any("Safe mode is over" in line for line in lines)
    (gap,) = gaps(figures, record.SAFE_MODE)
    assert gap.detail == GNSS and 600 <= gap.to_sec - gap.from_sec <= 604


def test_the_time_without_gnss_is_a_gap_of_safe_mode(script, tmp_path):
    dies = {"module": "tracker.sampling.trail", "class": "Trail", "method": "on_epoch", "what": "raise", "at_s": 200, "until_s": 600}
    figures, _, _ = drive(tmp_path, script, [dies])
    (gap,) = gaps(figures, record.SAFE_MODE)
    assert whole(figures) and gap.detail == GNSS
    assert 600 < gap.to_sec - gap.from_sec < 800


def test_a_journal_that_cannot_be_mounted_is_told_by_the_plainest_means(script, tmp_path, told):
    dies = {"module": "tracker.store.journal", "class": "Journal", "method": "mount", "what": "raise"}
    figures, lines, _ = drive(tmp_path, script, [dies], drain_s=0)
    assert figures["records_appended"] == 0
    assert told[-1].startswith("safe 0.1.0 boot ") and told[-1].endswith(" without gnss,uplink")


def test_a_link_that_cannot_be_imported_costs_no_fix(script, tmp_path, told):
    missing = {"module": "tracker.link.wifi", "class": "", "method": "", "what": "import", "until_s": 500}
    figures, _, _ = drive(tmp_path, script, [missing])
    assert whole(figures) and figures["boots"] == 6
    assert "safe 0.1.0 boot 6 without link" in told  # it joined the network by itself
    assert {gap.detail for gap in gaps(figures, record.RESET)} == {ROOM_DIED + 16 * LINK}
    assert not gaps(figures, record.SAFE_MODE)


def test_a_room_that_hangs_is_named_by_the_watchdog(script, tmp_path):
    hangs = {"module": "tracker.uplink.uplink", "class": "Uplink", "method": "_pause", "what": "hang", "at_s": 600, "times": 1}
    figures, lines, _ = drive(tmp_path, script, [hangs])
    assert whole(figures) and figures["boots"] == 2
    assert [gap.detail for gap in gaps(figures, record.RESET)] == [WATCHDOG + 16 * UPLINK]
    assert any("Room uplink is silent" in line for line in lines)


def test_a_blocked_loop_is_ended_by_the_watchdog_and_its_room_is_known(script, tmp_path):
    blocks = {"module": "tracker.link.wifi", "class": "Wifi", "method": "step", "what": "block", "at_s": 600, "times": 1}
    figures, lines, road = drive(tmp_path, script, [blocks])
    assert whole(figures) and figures["boots"] == 2 and road.state["resets"] == {"3": 1}
    (gap,) = gaps(figures, record.RESET)
    assert gap.detail == WATCHDOG + 16 * LINK and 90 <= gap.to_sec - gap.from_sec <= 130
    assert not any("silent" in line for line in lines)  # nothing ran that could have seen it


def test_a_loop_that_blocks_at_every_start_is_safe_after_five(script, tmp_path, told):
    blocks = {"module": "tracker.link.wifi", "class": "Wifi", "method": "step", "what": "block", "until_s": 900}
    figures, _, road = drive(tmp_path, script, [blocks], drain_s=900)
    assert whole(figures) and road.state["resets"] == {"3": 5}
    assert "safe 0.1.0 boot 6 without link" in told


def test_ctrl_c_gives_the_technician_ten_minutes_and_is_no_crash(script, tmp_path):
    pressed = {"module": "tracker.link.wifi", "class": "Wifi", "method": "step", "what": "ctrl-c", "at_s": 300, "times": 1}
    figures, lines, road = drive(tmp_path, script, [pressed])
    assert whole(figures) and figures["boots"] == 2 and road.state["resets"] == {"3": 1}
    (gap,) = gaps(figures, record.TECHNICIAN)
    assert gap.detail == 1 and 595 <= gap.to_sec - gap.from_sec <= 640
    assert any("Stopped by the keyboard" in line for line in lines) and not gaps(figures, record.RESET)


def test_without_a_board_file_the_office_is_told_and_nothing_resets(script, tmp_path, told):
    figures, lines, _ = drive(tmp_path, script, [], 0, lambda files: (files / "board.json").write_text("{"))
    assert figures["boots"] == 1 and any("board.json is missing or cut" in line for line in lines)
    assert any(state.startswith("online") and state.endswith("without board.json") for state in told)


def test_without_a_journal_partition_the_office_is_told_and_nothing_resets(script, tmp_path, told):
    figures, lines, _ = drive(tmp_path, script, [], 0, journal_bytes=0)
    assert figures["boots"] == 1 and any("no partition 'journal'" in line for line in lines)
    assert "safe 0.1.0 boot 1 without journal" in told


def test_a_program_that_dies_says_so_and_leaves_the_cable_ten_seconds(script, tmp_path):
    dies = {"module": "tracker.system.supervisor", "class": "Supervisor", "method": "check", "what": "raise", "at_s": 600, "times": 1}
    figures, lines, road = drive(tmp_path, script, [dies])
    assert whole(figures) and figures["boots"] == 2 and road.state["resets"] == {"2": 1}
    (gap,) = gaps(figures, record.RESET)
    assert gap.detail == APP_DIED and 10 <= gap.to_sec - gap.from_sec <= 16
    assert any("The program died" in line for line in lines)
