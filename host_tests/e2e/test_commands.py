"""The office commands, the truck obeys and answers: the real firmware, a broker, the station and its queue."""

import asyncio
import contextlib
import json
import time

import pytest
from road import DEVICE, Road, world_of
from sim.receiver import make_round
from station import commands
from station.db import Database
from tracker import record
from tracker.system.reset import NEW_SETTINGS

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def script(tmp_path_factory):
    return make_round(11, str(tmp_path_factory.mktemp("round")), 0.5)


@contextlib.contextmanager
def queue_of(road):
    db = Database(str(road.database))
    try:
        yield db
    finally:
        db.close()


def ask(db, *words):
    return commands.put(db, DEVICE, *commands.parse(words), time.time())


def answers(db):
    """[(code, result, text)] in the order of the queue; None for what is not answered."""
    return [(row["code"], row["result"], row["text"]) for row in db.run("SELECT * FROM commands ORDER BY id")]


async def until_obeyed(db, *words):
    """The office does not give in: asks again when it is refused."""
    while True:
        row_id = ask(db, *words)
        while (row := db.run("SELECT * FROM commands WHERE id=?", row_id).fetchone())["answered"] is None:
            await asyncio.sleep(0.02)
        if row["result"] == commands.DONE:
            return row["text"]


ASKING = """

_care = App._care

def _asked(self, *more):
    import sys
    print("MODULES", *[name for name in sys.modules if name[:8] == "tracker."])
    return _care(self, *more)

App._care = _asked
"""


def ask_for_modules(road):
    path = road.board.files / "tracker" / "app.py"
    path.write_text(path.read_text() + ASKING)


def drive(road, office, touch=lambda road: None):
    """Run a road while the office does what it wants; (figures, console lines, the database's answers)."""
    lines = []

    async def run():
        async with road:
            road.board.lay_out()
            touch(road)
            with queue_of(road) as db:
                task = asyncio.create_task(office(db))
                try:
                    await road.run(lines.append, 120)
                finally:
                    task.cancel()
                    with contextlib.suppress(asyncio.CancelledError):
                        await task
                return road.audit(), lines, answers(db)

    return asyncio.run(run())


def whole(figures):
    assert figures["fixes_stored"] > 10
    assert (figures["fixes_lost"], figures["duplicates"], figures["unexplained_s"]) == (0, 0, 0)
    return True


def test_the_truck_obeys_and_answers(script, tmp_path):
    async def office(db):
        for words in (("status",), ("set", "live_s=5"), ("set", "live_s=0"), ("log",), ("reboot",)):
            ask(db, *words)

    road = Road(tmp_path, script, world_of(script, 1, drain_s=400))
    figures, lines, said = drive(road, office, ask_for_modules)
    assert whole(figures) and figures["boots"] == 1
    assert [result for _, result, _ in said] == [0, 0, 1, 0, 1], said
    assert "boot 1" in said[0][2] and "KB free" in said[0][2]
    assert "'live_s' is now 5 s. It takes effect at once." in said[1][2]
    assert "has to be" in said[2][2] and "Not so soon" in said[4][2]
    assert json.loads((road.board.files / "settings.json").read_text())["live_s"] == 5
    loaded = {name.rpartition(".")[2] for line in lines[-20:] if line.startswith("MODULES") for name in line.split()}
    assert "uplink" in loaded and not loaded & {"commands", "orders", "trial", "settings", "settings_change", "schema", "strict"}
    with queue_of(road) as db:
        assert "Lacak" in "".join(row["text"] for row in db.log(DEVICE))


def test_what_is_asked_for_again_comes_again(script, tmp_path):
    async def office(db):
        while not db.run("SELECT count(*) FROM records WHERE seq > 30").fetchone()[0]:
            await asyncio.sleep(0.02)
        first, last = db.run("SELECT min(sec), max(sec) FROM records WHERE seq BETWEEN 10 AND 20 AND kind=0").fetchone()
        db.run("DELETE FROM records WHERE seq BETWEEN 10 AND 20")  # the office has lost them
        span = "..".join(time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(sec + 1577836800)) for sec in (first, last))
        await until_obeyed(db, "resend", span)

    road = Road(tmp_path, script, world_of(script, 1, drain_s=400))
    figures, _, said = drive(road, office)
    assert whole(figures), said


@pytest.mark.vm32
def test_a_wrong_wifi_password_goes_back_within_ten_minutes_and_the_drive_arrives_whole(script, tmp_path):
    async def office(db):
        await until_obeyed(db, "set", "wifi_password=salah-sekali")
        await until_obeyed(db, "reboot")

    road = Road(tmp_path, script, {**world_of(script, 1, drain_s=400), "wifi_password": "tangerang"}, bits=32, mpy=True)
    figures, lines, said = drive(road, office)
    assert whole(figures) and figures["boots"] == 3, (figures["boots"], said)
    resets = [(gap.detail, gap.from_sec) for gap in figures["gaps"] if gap.reason == record.RESET]
    assert [detail for detail, _ in resets] == [NEW_SETTINGS, NEW_SETTINGS], resets
    assert 590 <= resets[1][1] - resets[0][1] <= 660
    assert json.loads((road.board.files / "settings.json").read_text())["wifi_password"] == "tangerang"
    with queue_of(road) as db:
        texts = [bytes(row["body"]).decode() for row in db.run("SELECT body FROM records WHERE kind=? ORDER BY seq", record.TEXT)]
    assert len(texts) == 2 and "on trial" in texts[0] and "went back" in texts[1]
    assert not any("salah-sekali" in line for line in lines)


def test_a_broker_alone_confirms_nothing(script, tmp_path):
    """With another key the truck gets through to the broker, and the station believes nothing that it says."""

    async def office(db):
        await until_obeyed(db, "set", "device_key=" + "77" * 32)
        await until_obeyed(db, "reboot")

    # The simulator waits seconds for an answer to each block: so, few of them.
    road = Road(tmp_path, script, world_of(script, 1, drain_s=1000), {"batch_s": 900})
    figures, lines, _ = drive(road, office)
    assert whole(figures) and figures["boots"] == 3
    assert any("went back" in line for line in lines)


def test_right_new_settings_stay(script, tmp_path):
    async def office(db):
        await until_obeyed(db, "set", "keepalive_s=90")
        await until_obeyed(db, "reboot")

    road = Road(tmp_path, script, world_of(script, 1, drain_s=400))
    figures, lines, said = drive(road, office)
    assert whole(figures) and figures["boots"] == 2
    assert json.loads((road.board.files / "settings.json").read_text())["keepalive_s"] == 90
    assert not any("went back" in line for line in lines)
    assert json.loads((road.board.state_dir / "nvs.json").read_text())["lacak"]["trial"] == 0
