"""Receivers that can be talked to, and clocks that lie, on the whole road: the firmware's own files against a simulated board."""

import asyncio
import json

import pytest
from road import Road, world_of
from sim import feed
from sim.receiver import make_round
from tracker import record

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
        app = files / "tracker/app.py"
        text = app.read_text()
        assert text.count("_UART_RXBUF = const(2048)") == 1
        app.write_text(text.replace("_UART_RXBUF = const(2048)", "_UART_RXBUF = const(192)"))

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
