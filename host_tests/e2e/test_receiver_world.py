"""Receivers that can be talked to, and clocks that lie, on the whole road: the firmware's own files against a simulated board."""

import asyncio
import datetime
import json

import pytest
from road import Road, world_of
from sim import feed
from sim.receiver import make_round, sentence
from station.db import Database
from station.explain import explain
from station.stamp import anchor_of, is_untimed, stamped
from tracker import record
from tracker.fix import HELD, ROLLOVER, Fix
from tracker.gnss.nmea import NmeaParser

pytestmark = pytest.mark.e2e

DURATION_S = 1500
WANTED = {"RMC": 1, "GGA": 1, "GSA": 5, "GSV": 0, "GLL": 0, "VTG": 0}
POWER_PIN = 13


@pytest.fixture(scope="module")
def loud(tmp_path_factory):
    """The first 25 minutes of a round, by a receiver that says all it can: 620 bytes a second."""
    folder = tmp_path_factory.mktemp("loud")
    script = make_round(5, str(folder), 0.5, full=True)
    short = folder / "short.bin"
    feed.write(short, [frame for frame in feed.read(script["feed"]) if frame[0] < DURATION_S * 1000])
    return dict(script, feed=str(short), duration_s=DURATION_S, truth=None, ignition=None)


def drive(road, touch=lambda files: None):
    """The audit's figures of a road run to its end; touch(files) may change the board's files first."""

    async def run():
        async with road:
            road.board.lay_out()
            touch(road.board.files)
            await road.run(lambda line: None, 120)
            return road.audit()

    return asyncio.run(run())


def world(script, receiver=None, **more):
    made = dict(world_of(script, 1, drain_s=120), **more)
    if receiver:
        made["receiver"] = receiver
    return made


def whole(figures):
    assert figures["fixes_stored"] > 10
    assert (figures["fixes_lost"], figures["duplicates"], figures["unexplained_s"]) == (0, 0, 0)
    return True


@pytest.mark.parametrize("receiver", [
    {"family": "ublox6", "baud": 38400},
    {"family": "ublox_m10", "baud": 9600},
    {"family": "casic", "baud": 115200},
], ids=lambda receiver: receiver["family"])
def test_found_told_and_read(loud, tmp_path, receiver):
    road = Road(tmp_path, loud, world(loud, receiver), {"gnss_baud": 9600})
    assert whole(drive(road))
    state = road.state
    assert state["receiver"]["rates"] == WANTED and state["receiver"]["baud"] == receiver["baud"]
    assert state["uart_dropped"] == 0 and 0 < state["uart_tx"] < 1000


@pytest.mark.parametrize("receiver, baud", [
    ({"family": "deaf", "baud": 9600}, 9600),
    ({"family": "mediatek", "baud": 115200}, 115200),
    ({"family": "deaf", "baud": 115200}, 115200),
], ids=("9600 loud", "115200 told", "115200 loud"))
def test_the_worst_erase_loses_no_byte(loud, tmp_path, receiver, baud):
    road = Road(tmp_path, loud, world(loud, receiver, erase_ms=[400, 400, 1]), {"gnss_baud": baud, "sample": "all"})
    assert whole(drive(road))
    assert road.state["erase_stall_ms"] >= 3 * 400 and road.state["uart_dropped"] == 0


def test_a_smaller_buffer_would_lose_bytes(loud, tmp_path):
    """What the test above can see."""

    def shrink(files):
        chip = files / "tracker/chip.py"
        text = chip.read_text()
        assert text.count("_UART_RXBUF = const(2048)") == 1
        chip.write_text(text.replace("_UART_RXBUF = const(2048)", "_UART_RXBUF = const(192)"))

    script = world(loud, {"family": "deaf"}, erase_ms=[400, 400, 1])
    road = Road(tmp_path, loud, script, {"sample": "all"})
    drive(road, shrink)
    assert road.state["uart_dropped"] > 0


def test_a_hung_receiver_is_switched_off_and_on_and_told_again(loud, tmp_path):
    receiver = {"family": "ublox6", "hangs": [300], "power_pin": POWER_PIN}

    def give_power_pin(files):
        board = json.loads((files / "board.json").read_text())
        board["gnss"]["power"] = POWER_PIN
        (files / "board.json").write_text(json.dumps(board))

    # the world ends before the silence after the feed's end is a minute long
    road = Road(tmp_path, loud, world(loud, receiver, drain_s=50), {"batch_s": 20})
    figures = drive(road, give_power_pin)
    assert whole(figures)
    assert road.state["receiver"]["restarts"] == 1 and road.state["receiver"]["rates"] == WANTED
    silent = [gap for gap in figures["gaps"] if gap.reason == record.SILENT and gap.from_sec > road.world["start_sec"] + 200]
    assert len(silent) == 1, silent
    assert abs(silent[0].from_sec - road.world["start_sec"] - 300) <= 3 and 60 <= silent[0].to_sec - silent[0].from_sec <= 75


ERA_S = 7168 * 86400
EPOCH = datetime.datetime(2020, 1, 1)
WRONG = ((200, "050180"), (400, "090180"))  # until this second the receiver says 2080, then 1980; then 1,024 weeks ago


def lying(frames, start_sec):
    """The feed of a receiver whose clock is wrong in three ways, one after the other."""
    for t_ms, burst in frames:
        lines = burst.split(b"\r\n")
        for i, line in enumerate(lines):
            if line[3:6] == b"RMC":
                fields = line[1:-3].split(b",")
                behind = EPOCH + datetime.timedelta(seconds=start_sec + t_ms // 1000 - ERA_S)
                late = [date for until_s, date in WRONG if t_ms < until_s * 1000]
                if fields[9]:
                    fields[9] = (late[0] if late else behind.strftime("%d%m%y")).encode()
                lines[i] = sentence(b",".join(fields)).strip()
        yield t_ms, b"\r\n".join(lines)


def positions(frames):
    """{second of the world: (lat, lon)}, as the parser reads the true feed."""
    found = {}
    fix = Fix()
    now = []
    parser = NmeaParser(fix, lambda fix: found.update({now[-1]: (fix.lat_udeg, fix.lon_udeg)} if fix.kind else {}))
    for t_ms, burst in frames:
        now.append(t_ms // 1000)
        parser.feed(bytearray(burst), len(burst))
    return found


@pytest.mark.parametrize("bits", [64, pytest.param(32, marks=pytest.mark.vm32)])
def test_a_clock_that_is_wrong_in_three_ways_stores_right_times(loud, tmp_path, bits):
    start_sec = loud["start_sec"]
    frames = list(feed.read(loud["feed"]))
    feed.write(tmp_path / "lying.bin", lying(frames, start_sec))
    script = dict(loud, feed=str(tmp_path / "lying.bin"))
    road = Road(tmp_path, script, world(script), bits=bits)
    figures = drive(road)
    assert (figures["fixes_lost"], figures["duplicates"], figures["missing_numbers"]) == (0, 0, 0)
    database = Database(road.database)
    rows = [row for journal in database.journals("truck-001") for row in database.rows("truck-001", journal)]
    database.close()
    untimed = [row for row in rows if is_untimed(row)]
    assert len(untimed) > 10 and sum(row.kind == record.ANCHOR for row in rows) == 2
    fixes = [row for row in stamped(rows) if row.kind == record.FIX]
    true = positions(frames)
    assert not any(map(is_untimed, fixes)) and fixes[0].sec - start_sec < 60
    for fix in fixes:
        assert start_sec <= fix.sec < start_sec + DURATION_S
        if not fix.flags & HELD:
            assert (fix.lat_udeg, fix.lon_udeg) == true[fix.sec - start_sec], fix
        assert bool(fix.flags & ROLLOVER) == (fix.sec - start_sec > 400), fix
    assert explain(rows).unexplained == []
    clock = [gap for gap in figures["gaps"] if gap.reason == record.CLOCK]
    assert len(clock) <= 1 and all(gap.to_sec <= fixes[0].sec for gap in clock)  # the cold start's fixes


def test_fixes_of_a_boot_that_never_knew_the_time_stay_untimed_in_their_place(loud, tmp_path):
    start_sec = loud["start_sec"]
    frames = list(feed.read(loud["feed"]))
    feed.write(tmp_path / "lying.bin", lying(frames, start_sec))
    script = dict(loud, feed=str(tmp_path / "lying.bin"))
    cut = {"op": "program", "nth": 6, "byte": 2, "off_s": 20, "torn": "prefix"}
    road = Road(tmp_path, script, world(script, cuts=[cut]))
    figures = drive(road)
    assert (figures["fixes_lost"], figures["duplicates"], figures["boots"]) == (0, 0, 2)
    database = Database(road.database)
    rows = [row for journal in database.journals("truck-001") for row in database.rows("truck-001", journal)]
    database.close()
    boots = [anchor_of(row)[0] for row in rows if row.kind == record.ANCHOR]
    assert boots == [1, 2, 2]
    out = [row for row in stamped(rows) if row.kind == record.FIX]
    lost = [row for row in out if is_untimed(row)]
    assert 0 < len(lost) < 6 and out[: len(lost)] == lost
    true = positions(frames)
    for fix in out[len(lost):]:
        assert fix.flags & HELD or (fix.lat_udeg, fix.lon_udeg) == true[fix.sec - start_sec], fix
