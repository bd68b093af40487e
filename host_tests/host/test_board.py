"""Every profile in boards/ can be built; every hazard of a profile is refused with its reason."""

import copy
import hashlib
import json
import struct

import pytest
from flashing import board as boards
from flashing import partitions
from setup.place import ROOT

_COLUMNS = "label", "kind", "subtype", "offset", "size"
_NAMES = sorted(path.parent.name for path in (ROOT / "boards").glob("*/board.json"))


def _profile(name="esp32-generic"):
    return boards.load(ROOT / "boards", name)


@pytest.mark.parametrize("name", _NAMES)
def test_the_profile_is_sound(name):
    profile = _profile(name)
    assert boards.problems(profile) == []
    assert profile["name"] == name
    assert (ROOT / "boards" / name / "README.md").exists()


@pytest.mark.parametrize("name", _NAMES)
def test_the_wiring_notes_name_every_pin(name):
    notes = (ROOT / "boards" / name / "README.md").read_text(encoding="utf-8")
    assert [pin for _, pin, _ in boards.pins(_profile(name)) if "GPIO%d " % pin not in notes] == []


@pytest.mark.parametrize("name", _NAMES)
def test_vfs_and_journal_are_named_and_large_enough(name):
    profile = _profile(name)
    assert partitions.find(profile, "vfs").subtype == 0x81  # data, fat: what MicroPython mounts
    assert partitions.find(profile, "journal").size >= 256 * 1024
    assert partitions.find(profile, "journal").type == 1


def test_the_generic_board_is_wired_as_planned():
    profile = _profile()
    assert profile["gnss"] == {"uart": 2, "rx": 16, "tx": 17}
    assert profile["outputs"]["led"] == 2 and profile["inputs"]["ignition"] == 34


@pytest.mark.parametrize(
    "group, name, pin, words",
    [
        ("inputs", "lift", 34, "used twice: by inputs.ignition and inputs.lift"),
        ("gnss", "tx", 16, "used twice"),
        ("inputs", "lift", 6, "the flash chip"),
        ("gnss", "rx", 11, "the flash chip"),
        ("inputs", "lift", 3, "the console"),
        ("outputs", "led", 1, "the console"),
        ("outputs", "led", 36, "input only"),
        ("onewire", "crew", 39, "input only"),
        ("gnss", "tx", 36, "input only"),
        ("inputs", "lift", 12, "1.8 V"),
        ("inputs", "lift", 0, "download"),
        ("inputs", "ignition", 18, "can't wake"),
        ("adc", "supply", 27, "while Wi-Fi is on"),
        ("outputs", "led", 40, "no such pin"),
        ("outputs", "led", 24, "no such pin"),
        ("outputs", "led", "2", "no such pin"),
        ("gnss", "uart", 0, "console"),
    ],
)
def test_a_hazard_is_refused(group, name, pin, words):
    profile = _profile()
    profile[group][name] = pin
    found = boards.problems(profile)
    assert len(found) == 1 and words in found[0], found


@pytest.mark.parametrize(
    "change, words",
    [
        ({"uart": 2}, "not on the receiver's"),
        ({"uart": 0}, "not on the receiver's"),
        ({"model": "sim5320"}, "isn't known. There are: a7670"),
        ({"dtr": 26}, "used twice: by modem.tx and modem.dtr"),
        ({"tx": 36}, "GPIO36 can't be modem.tx: it is an input only"),
        ({"rx": None}, "GPIO-1 can't be modem.rx"),
        ({"on_ms": None}, "needs 'on_ms' and 'off_ms'"),
        ({"pwrkey": None, "power": None, "reset": None}, "could never be started again"),
    ],
)
def test_a_modem_that_could_not_be_driven_is_refused(change, words):
    profile = _profile("lilygo-t-a7670")
    profile["sleep"]["hold"] = []
    profile["modem"].update(change)
    profile["modem"] = {key: value for key, value in profile["modem"].items() if value is not None}
    found = boards.problems(profile)
    assert len(found) == 1 and words in found[0], found


def test_psram_takes_two_pins_away():
    profile = _profile()
    profile["psram"] = True
    assert [("PSRAM" in sentence) for sentence in boards.problems(profile)] == [True, True]


def test_a_power_pin_is_an_output():
    profile = _profile()
    profile["power_on"] = [[36, 1], [25, 1]]
    said = " ".join(boards.problems(profile))
    assert "GPIO36 can't be power_on" in said and "GPIO25 is used twice" in said


@pytest.mark.parametrize("wake, hold, words", [("spare", [[2, 0]], None), ("tow", [], "sleep.wake"), (None, [], "sleep.wake"), ("lift", [], "sleep.wake"),
                                               ("ignition", [[34, 1]], "held asleep"), ("ignition", [[26, 0]], "held asleep")])
def test_what_wakes_the_chip_is_an_input_that_can_and_what_is_held_is_an_output(wake, hold, words):
    profile = _profile()
    profile["inputs"]["lift"] = 18
    profile["sleep"] = {"wake": wake, "level": 1, "hold": hold}
    found = boards.problems(profile)
    assert found == [] if words is None else len(found) == 1 and words in found[0], found


def test_a_profile_that_lacks_something_is_told_so():
    profile = _profile()
    del profile["gnss"], profile["image"]
    assert boards.problems(profile) == ["board.json has no 'image', 'gnss'."]


def _with_row(at_label, **changes):
    """The generic profile with one row of its table changed."""
    profile = copy.deepcopy(_profile())
    at = [row[0] for row in profile["partitions"]].index(at_label)
    for column, value in changes.items():
        profile["partitions"][at][_COLUMNS.index(column)] = value
    return profile


@pytest.mark.parametrize(
    "label, changes, words",
    [
        ("vfs", {"size": "0xA1000"}, "'vfs' and 'journal' overlap"),
        ("journal", {"size": "0x51000"}, "behind the end of the flash"),
        ("nvs", {"offset": "0x8000"}, "in the table itself"),
        ("ota_1", {"offset": "0x191000", "size": "0x17F000"}, "aligned to 0x10000"),
        ("journal", {"offset": "0x3B0800", "size": "0x4F000"}, "aligned to 0x1000"),
        ("journal", {"size": "0"}, "aligned"),
        ("vfs", {"label": "files"}, "no partition 'vfs'"),
        ("phy_init", {"label": "phy_calibration_x"}, "15 bytes"),
        ("phy_init", {"label": "ota_0"}, "Two partitions are called 'ota_0'"),
        ("journal", {"subtype": "0x1FF"}, "isn't a byte"),
        ("journal", {"subtype": "flash"}, "can't be read"),
        ("journal", {"kind": "log"}, "can't be read"),
    ],
)
def test_a_bad_table_is_refused(label, changes, words):
    found = partitions.problems(_with_row(label, **changes))
    assert len(found) == 1 and words in found[0], found


def test_a_table_without_an_application_is_refused():
    profile = _profile()
    profile["partitions"] = [row for row in profile["partitions"] if row[1] != "app"]
    assert partitions.problems(profile) == ["There is no partition for the application."]


def test_the_table_is_the_loaders_layout():
    data = partitions.table(_profile())
    assert len(data) == 0xC00
    assert data[:32] == bytes.fromhex("aa500102 00900000 00400000 6e7673") + bytes(17)
    rows, at = [], 0
    while data[at : at + 2] == b"\xaa\x50":
        row = struct.unpack("<BBII16sI", data[at + 2 : at + 32])
        kind, subtype, offset, size, label, flags = row
        rows.append((label.rstrip(b"\0").decode(), kind, subtype, offset, size, flags))
        at += 32
    assert rows == [
        ("nvs", 1, 0x02, 0x9000, 0x4000, 0),
        ("otadata", 1, 0x00, 0xD000, 0x2000, 0),
        ("phy_init", 1, 0x01, 0xF000, 0x1000, 0),
        ("ota_0", 0, 0x10, 0x10000, 0x180000, 0),
        ("ota_1", 0, 0x11, 0x190000, 0x180000, 0),
        ("vfs", 1, 0x81, 0x310000, 0xA0000, 0),
        ("journal", 1, 0x40, 0x3B0000, 0x50000, 0),
    ]
    assert data[at : at + 16] == b"\xeb\xeb" + b"\xff" * 14
    assert data[at + 16 : at + 32] == hashlib.md5(data[:at]).digest()
    assert set(data[at + 32 :]) == {0xFF}


def test_the_board_gets_only_what_the_tracker_reads():
    kept = json.loads(boards.on_board(_profile()))
    assert kept["gnss"] == _profile()["gnss"] and kept["power_on"] == []
    assert not {"partitions", "title", "image"} & set(kept)
