"""No bounded step is as long as the watchdog: read off the constants that bound them, wherever they stand."""

import ast

from setup.place import ROOT

FIRMWARE = ROOT / "firmware"
LOOK_UP_MS = 14_000  # lwIP asks one name server four times
SERVERS = 2
HANDSHAKE_MS = 3000  # TLS on the chip's CPU
ERASE_MS = 400  # worst of a 4 KB sector (W25Q)


def consts(path):
    """Every `NAME = const(number)` or plain number of a module."""
    found = {}
    for node in ast.parse((FIRMWARE / path).read_text()).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            value = node.value.args[0] if isinstance(node.value, ast.Call) and node.value.args else node.value
            if isinstance(value, ast.Constant) and isinstance(value.value, int):
                found[node.targets[0].id] = value.value
    return found


WDT_MS = consts("tracker/system/supervisor.py")["WDT_MS"]


def test_the_watchdog_is_between_one_and_two_minutes():
    assert 60_000 <= WDT_MS <= 120_000


def test_the_plain_sentence_of_safe_mode_fits():
    tell = consts("tracker/system/tell.py")
    # The talk ends by its deadline, but for its last wait, which may begin just before it.
    assert tell["LONGEST_MS"] == SERVERS * LOOK_UP_MS + 2 * tell["_TALK_MS"] < WDT_MS


def test_what_blocks_in_a_row_fits():
    assert SERVERS * LOOK_UP_MS + HANDSHAKE_MS + ERASE_MS < WDT_MS


def test_every_deadline_of_a_room_fits_and_leaves_time_for_its_steps():
    app = consts("tracker/app.py")
    deadlines = [value for name, value in app.items() if name.endswith("_DEADLINE_MS")]
    assert deadlines and max(deadlines) < WDT_MS
    # A room waits in one go no longer than its deadline, a fifth of it to spare.
    assert app["_GNSS_POLL_MS"] * 5 < app["_GNSS_DEADLINE_MS"] and app["_CARE_S"] * 1000 * 5 // 4 < WDT_MS


def test_the_technicians_ten_minutes_are_longer_than_the_watchdog():
    assert consts("main.py")["_HANDS_OFF_MS"] == 600_000 > WDT_MS
