"""The settings on the simulated board, read by the real program: what stays in the heap, what a damage costs, no secret told."""

import asyncio
import json

import pytest
from road import Road, world_of
from setup import vm
from sim.power import Board
from sim.receiver import make_round

pytestmark = pytest.mark.e2e

GOOD = {
    "device_id": "truk-017",
    "device_key": "0123456789abcdef" * 4,
    "wifi_ssid": "Depo Jatiuwung",
    "wifi_password": "kata sandi depo",
    "broker_host": "10.0.0.7",
    "broker_password": "rahasia-sekali",
    "bound_m": 15,
}
# What build.py does at boot, and nothing of the rooms: the simulator's NVS is on the same heap, so it is filled before.
READ = """
import gc, sys, esp32
from tracker import build
from tracker.system.log import Log

class Nvs:
    blob = bytearray(2000)
    end = 0
    def get_blob(self, key, buf):
        if not self.end:
            raise OSError(-4354)
        buf[:self.end] = self.blob[:self.end]
        return self.end
    def set_blob(self, key, value):
        self.blob[:len(value)] = value
        self.end = len(value)
    def commit(self):
        pass

class Number:
    def get(self):
        pass

class App:
    log = Log(lambda: 0)
    nvs = Nvs()
    trial = Number()
    settings = None

def used():
    gc.collect()
    return gc.mem_alloc()
build.settings(App)
App.settings = None
before = used()
import tracker.system.settings
full = used() - before
del tracker
build.let_go("system.settings", "system.schema", "system.strict")
before = used()
build.settings(App)
kept = used() - before
names = [name for name in sys.modules if name.startswith("tracker.system.")]
names += dir(sys.modules["tracker.system"])
App.log.warn("joining with " + App.settings.wifi_password)
print("RESULT", full, kept, App.settings.bound_m, " ".join(sorted(names)))
"""


def board(tmp_path, main, settings=None, **more):
    """(the board after its run, its console lines)"""
    lines = []
    made = Board(tmp_path, vm.vm_command(32), {"seed": 1, "duration_s": 5}, settings=settings, **more)
    made.lay_out()
    (made.files / "main.py").write_text(main)
    made.run(lines.append, 30)
    return made, lines


@pytest.mark.vm32
def test_only_the_values_stay_in_the_heap(tmp_path):
    _, lines = board(tmp_path, READ, GOOD, mpy=True)
    said = [line.split() for line in lines if line.startswith("RESULT")]
    assert said, lines
    full, kept, bound_m = map(int, said[0][1:4])
    assert bound_m == 15
    print("loaded %d bytes, kept %d" % (full, kept))
    assert full > 6000 and kept < 1200, (full, kept)
    assert any(line.endswith("joining with ***") for line in lines)  # the log was told what to hide
    left = " ".join(said[0][4:])
    assert "values" in left
    for name in ("settings", "schema", "strict"):
        assert name not in left


def drive(road, touch, settle_s=None):
    """Run a road to its end, after touch(road); (figures, console lines)."""
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
    return True


@pytest.fixture(scope="module")
def script(tmp_path_factory):
    return make_round(11, str(tmp_path_factory.mktemp("round")), 0.5)


def test_a_running_tracker_has_let_the_parser_go(script, tmp_path):
    """Not by a call of the test's: by the road itself, asked while it runs."""

    asking = """

_care = App._care

def _asked(self, *more):
    import sys
    print("MODULES", *[name for name in sys.modules if name[:8] == "tracker."])
    return _care(self, *more)

App._care = _asked
"""

    def ask(road):
        path = road.board.files / "tracker" / "app.py"
        path.write_text(path.read_text() + asking)

    _, lines = drive(Road(tmp_path, script, world_of(script, 1, [(0, 600)])), ask, settle_s=0)
    loaded = {name for line in lines if line.startswith("MODULES") for name in line.split()}
    assert {"tracker.store.journal", "tracker.uplink.uplink", "tracker.system.values"} <= loaded
    assert "tracker.chip" in loaded and "tracker.build" not in loaded
    assert not loaded & {"tracker.system." + name for name in ("settings", "schema", "strict", "settings_change", "schema_text")}


def test_without_any_file_the_truck_goes_on_from_nvs(script, tmp_path):
    """First boot good; then the power goes and all files with it."""

    def lose(road):
        first = road.board._boot

        def boot(on_line):
            code = first(on_line)
            for name in ("settings.json", "settings.bak"):
                (road.board.files / name).unlink(missing_ok=True)
            return code

        road.board._boot = boot

    cut = {"op": "program", "nth": 30, "byte": 3, "off_s": 10, "torn": "prefix"}
    world = world_of(script, 1, (), [cut], drain_s=1200)  # NVS has only what the truck needs: parked, it sends each 900 s
    figures, lines = drive(Road(tmp_path, script, world), lose)
    assert figures["boots"] == 2 and whole(figures)
    assert any("known from NVS" in line for line in lines)


def test_nvs_that_refuses_everything_stops_nothing(script, tmp_path):
    def refuse(road):
        path = road.board.files / "boot.py"
        path.write_text(
            path.read_text() + "\nimport esp32\ndef _no(*_):\n    raise OSError(-4357, 'ESP_ERR_NVS_NOT_ENOUGH_SPACE')\n"
            "for _name in ('get_i32', 'set_i32', 'get_blob', 'set_blob', 'commit'):\n    setattr(esp32.NVS, _name, _no)\n"
        )

    figures, lines = drive(Road(tmp_path, script, world_of(script, 1)), refuse)
    assert figures["boots"] == 1 and whole(figures)
    assert any("can't be written to NVS" in line for line in lines)


SECRETS = ("sandi depo 4711", "rahasia-sekali", "salah-ketik-88", "taruh-di-baris-lain")


def test_no_secret_leaves_the_truck(script, tmp_path):
    """Not on the console, in the journal, in RTC memory, in the witness, nor at the station: state, text and all."""
    settings = {
        "wifi_password": SECRETS[0],
        "broker_user": "truk",
        "broker_password": SECRETS[1],
        "wifi_pasword": SECRETS[2],
        "bound_m": SECRETS[3],
        "parser": SECRETS[3],
        "keepalive_s": [SECRETS[3]],
    }

    def damage(road):
        first = road.board._boot

        def boot(on_line):
            code = first(on_line)
            path = road.board.files / "settings.json"
            path.write_bytes(path.read_bytes()[:-40])  # in the middle of a secret; there is no copy of a refused file
            return code

        road.board._boot = boot

    cut = {"op": "program", "nth": 30, "byte": 3, "off_s": 10, "torn": "prefix"}
    road = Road(tmp_path, script, world_of(script, 1, (), [cut]), settings)
    figures, lines = drive(road, damage, settle_s=2)
    assert figures["boots"] == 2
    assert any("'wifi_pasword'" in line for line in lines) and any("'bound_m' has to be" in line for line in lines)
    key = road.settings["device_key"]
    state = json.loads((road.board.state_dir / "state.json").read_text())
    told = ["\n".join(lines).encode(), bytes.fromhex(state["rtc_memory"])]
    told += [path.read_bytes() for path in tmp_path.glob("station.sqlite*")]
    told += [(road.board.state_dir / name).read_bytes() for name in ("flash.bin", "witness.log")]
    assert sum(map(len, told)) > 10_000
    for secret in (*SECRETS, key):
        for text in (secret.encode(), bytes.fromhex(key)):
            assert not any(text in part for part in told), secret
