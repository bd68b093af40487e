"""The whole road: the firmware's own files on the VM, a real broker, the station, and what may go wrong on the way."""

import asyncio
import contextlib
import getpass
import json
import random
import shutil
import socket
import subprocess
import time
from pathlib import Path

import audit
import pytest
from ports import free_port
from road import DEVICE, KEY, Road, world_of
from sim.day import make_day
from sim.receiver import make_round
from sim.replay import make_replay
from station import health
from station.db import Database
from station.export import export
from station.proof import judge
from tracker import record
from tracker.system.reset import ROOMS, WATCHDOG

pytestmark = pytest.mark.e2e

HOURS = 0.5
OUTAGE = (1100, 1400)
CUTS = (
    {"op": "program", "nth": 60, "byte": 3, "off_s": 20, "torn": "random"},
    {"op": "program", "nth": 100, "byte": 0, "off_s": 5, "torn": "prefix"},
    {"op": "program", "nth": 120, "byte": 9, "off_s": 40, "torn": "random"},
)


@pytest.fixture(scope="module")
def script(tmp_path_factory):
    return make_round(11, str(tmp_path_factory.mktemp("round")), HOURS)


def drive(road, touch=lambda road: None, settle_s=None):
    """Run a road to its end; (figures, console lines). touch(road) may change the board's files first."""
    lines = []

    async def run():
        async with road:
            road.board.lay_out()
            touch(road)
            await road.run(lines.append, 120, settle_s)
            return road.audit()

    return asyncio.run(run()), lines


def whole(figures):
    assert figures["fixes_stored"] > 10
    assert (figures["fixes_lost"], figures["duplicates"], figures["unexplained_s"]) == (0, 0, 0)
    assert figures["bound_error_m_max"] <= figures["bound_m"] + 0.2  # the plane in which the truck measures is flat
    return True


def health_of(folder):
    database = Database(str(folder / "station.sqlite"))
    try:
        return health.reports(database.health(DEVICE))
    finally:
        database.close()


def proof_of(folder, date):
    """The day as it leaves the station, judged by the file and the key alone."""
    database = Database(str(folder / "station.sqlite"))
    try:
        return judge(export(database, DEVICE, date).text.encode(), {DEVICE: [bytes.fromhex(KEY)]})
    finally:
        database.close()


def records_of(road):
    """The witness's records and accepted fixes, without the boots."""
    return [line for line in road.witness_log.read_text().splitlines() if line[0] in "AF"]


@contextlib.contextmanager
def mosquitto_at(port, command, folder, *lines):
    config = folder / "mosquitto.conf"
    # As root Mosquitto becomes a user of its own, who cannot read a test's folder.
    config.write_text("\n".join(["user %s" % getpass.getuser(), "listener %d 127.0.0.1" % port, *(lines or ["allow_anonymous true"]), ""]))
    with subprocess.Popen([*command, "-c", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            wait_for_port(port)
            yield
        finally:
            process.terminate()


def wait_for_port(port):
    until = time.monotonic() + 10
    while time.monotonic() < until:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise AssertionError("Mosquitto does not listen")


@pytest.mark.mosquitto
def test_outages_and_torn_cuts_lose_nothing_appended(script, tmp_path, mosquitto):
    port = free_port()
    world = world_of(script, 1, [*script["tunnels"], OUTAGE], CUTS)
    with mosquitto_at(port, mosquitto, tmp_path):
        figures, _ = drive(Road(tmp_path, script, world, broker_at=("127.0.0.1", port)))
    assert whole(figures)
    assert figures["cuts"] == len(CUTS) and figures["boots"] == len(CUTS) + 1
    reasons = {gap.reason for gap in figures["gaps"]}
    assert {record.NO_FIX, record.SUPPLY, record.CLOCK} <= reasons
    assert figures["truth"]["p99"] <= figures["bound_m"] + figures["truth"]["noise_p99"]
    newest = health_of(tmp_path)[-1].fields
    assert newest[health.BOOT] == figures["boots"] and newest[health.REASON] == record.SUPPLY
    assert newest[40] > 100 and newest[108] > 20 and newest[109] > 20  # sentences, Python's heap and the system's in KB
    assert [field for field in newest if 20 <= field < 40] == []  # nobody died
    proof = proof_of(tmp_path, "2026-11-18")
    assert proof.findings == [] and proof.whole and proof.records == figures["records_stored"]
    assert {name for name, _ in proof.notes} <= {"skipped"} and proof.known[0][0] <= script["start_sec"] + 60


def test_one_seed_one_result(script, tmp_path):
    world = world_of(script, 1, [*script["tunnels"], OUTAGE], CUTS[:1])
    roads = [Road(tmp_path / name, script, world) for name in ("a", "b")]
    for road in roads:
        drive(road)
    assert records_of(roads[0]) == records_of(roads[1])


@pytest.mark.vm32
def test_compiled_as_on_the_board_and_on_32_bits_the_same_records(script, tmp_path):
    world = world_of(script, 1, script["tunnels"])
    roads = [Road(tmp_path / str(bits), script, world, bits=bits, mpy=mpy) for bits, mpy in ((64, False), (32, True))]
    for road in roads:
        assert whole(drive(road)[0])
    assert records_of(roads[0]) == records_of(roads[1])
    assert list(roads[1].board.files.rglob("*.mpy")) and not list(roads[1].board.files.rglob("tracker/**/*.py"))


def test_micropygps_as_the_parser_stores_the_same_fixes(script, tmp_path):
    world = world_of(script, 1, script["tunnels"])
    roads = [Road(tmp_path / name, script, world, {"parser": name}) for name in ("lacak", "micropygps")]
    for road in roads:
        assert whole(drive(road)[0])
    assert records_of(roads[0]) == records_of(roads[1])


@pytest.mark.mosquitto
def test_a_refused_password_is_said_in_words_and_costs_nothing(script, tmp_path, mosquitto):
    port = free_port()
    users = tmp_path / "users"
    users.write_text("station:one\ntruck-001:two\n")
    subprocess.run([mosquitto_passwd(mosquitto), "-U", str(users)], check=True)
    first = world_of(script, 1, drain_s=0)
    first["duration_s"] = 900
    road = Road(tmp_path, script, first, {"broker_user": "truck-001", "broker_password": "wrong"},
                broker_at=("127.0.0.1", port), station_login=("station", "one"))
    lines = []

    async def run():
        async with road:
            await road.run(lines.append, settle_s=0)
            before = road.audit()
            settings = json.loads((road.board.files / "settings.json").read_text())
            settings["broker_password"] = "two"  # the technician mends it, the truck goes on
            (road.board.files / "settings.json").write_text(json.dumps(settings))
            world = json.loads((road.folder / "world.json").read_text())
            world.update(duration_s=script["duration_s"], drain_s=300)
            (road.folder / "world.json").write_text(json.dumps(world))
            road.world = world
            await road.run(lines.append)
            return before, road.audit()

    with mosquitto_at(port, mosquitto, tmp_path, "allow_anonymous false", "password_file %s" % users):
        before, after = asyncio.run(run())
    refusals = [line for line in lines if "refuses" in line]
    assert before["fixes_appended"] > 10 and before["fixes_stored"] == 0
    assert any("broker_password" in line for line in refusals)
    assert len(refusals) == 1  # once an hour, however often it is tried
    assert not any("wrong" in line.split("refuses")[1] for line in refusals)
    assert whole(after)


def mosquitto_passwd(command):
    """The tool beside the broker that was found."""
    near = sorted(Path(command[0]).resolve().parent.parent.rglob("mosquitto_passwd"))
    return shutil.which("mosquitto_passwd") or str(near[0])


def test_half_a_settings_file_still_tracks(script, tmp_path):
    def halve(road):
        path = road.board.files / "settings.json"
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    figures, lines = drive(Road(tmp_path, script, world_of(script, 1)), halve, settle_s=0)
    assert any("settings file is cut or is not JSON" in line for line in lines)
    assert figures["fixes_appended"] > 10 and figures["boots"] == 1


def test_random_bytes_for_a_log(tmp_path):
    (tmp_path / "noise.nmea").write_bytes(random.Random(3).randbytes(60_000))
    script = make_replay(str(tmp_path / "noise.nmea"), str(tmp_path))
    figures, lines = drive(Road(tmp_path / "road", script, world_of(script, 1)))
    assert (figures["records_appended"], figures["boots"]) == (0, 1)
    assert not any("Traceback" in line for line in lines)
    assert not audit.complete(figures)  # and it is not called a success


def test_a_room_that_falls_silent_is_reset_by_the_watchdog_and_explained(script, tmp_path):
    def sabotage(road):
        path = road.board.files / "tracker" / "link" / "wifi.py"
        text = path.read_text()
        # Only this room stops; the loop goes on, and with it everybody who could feed the watchdog.
        hang = """            import machine
            if machine.reset_cause() == 1 and ticks_diff(self._ticks(), self._t0) > 600_000:
                await asyncio.sleep(5000)
            self.step()
"""
        text = text.replace("            self.step()\n", hang)
        text = text.replace("        self.joins = 0\n", "        self.joins = 0\n        self._t0 = ticks()\n")
        path.write_text(text)

    figures, _ = drive(Road(tmp_path, script, world_of(script, 1)), sabotage)
    assert whole(figures) and figures["boots"] == 2
    assert [(gap.reason, gap.detail) for gap in figures["gaps"] if gap.reason == record.RESET] == [(record.RESET, WATCHDOG + 16 * ROOMS.index("link"))]


def test_what_the_database_has_is_erased_after_a_day_and_nothing_else(tmp_path):
    """A drive, a night and a day asleep, a drive: the first drive's sectors go, those with the day's last hours stay."""
    day = make_day(11, ("drive", HOURS), ("park", 25 * 3600 + 1800), ("drive", 0.4))
    script = make_round(11, str(tmp_path), a_round=day)
    settings = {"sample": "all", "keep_acked_days": 1, "sleep_after_min": 10, "heartbeat_min": 360}
    road = Road(tmp_path / "road", script, world_of(script, 1), settings)
    figures, _ = drive(road)
    assert whole(figures)
    wear = [count for count in road.state["wear"] if count]
    assert len(wear) >= 5 and wear == [2, 2] + [1] * (len(wear) - 2)  # once to enter, and two of them once for their age


@pytest.mark.logs
@pytest.mark.parametrize("log", ["car_stpetersburg_dashcam_1hz", "car_reno_garmin_2s"])
def test_a_recorded_drive_lies_within_the_bound(log, tmp_path, logs_folder):
    script = make_replay(str(logs_folder / (log + ".nmea")), str(tmp_path))
    figures, _ = drive(Road(tmp_path / "road", script, world_of(script, 1)))
    assert whole(figures)


@pytest.mark.logs
def test_sample_all_stores_every_accepted_fix(tmp_path, logs_folder):
    script = make_replay(str(logs_folder / "car_stpetersburg_dashcam_1hz.nmea"), str(tmp_path))
    road = Road(tmp_path / "road", script, world_of(script, 1), {"sample": "all"})
    figures, _ = drive(road)
    accepted = {tuple(fix) for fix in audit.read_witness(road.witness_log).accepted}
    assert accepted == {(row.sec, row.lat_udeg, row.lon_udeg) for row in figures["fixes"]}
    assert len(accepted) > 340 and whole(figures)
