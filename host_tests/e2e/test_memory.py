"""The firmware's heap on the 32-bit VM, compiled as a board gets it: after the first hour nothing is added to it."""

import asyncio

import pytest
from road import Road, world_of
from sim.day import make_day
from sim.receiver import make_round

pytestmark = [pytest.mark.e2e, pytest.mark.vm32, pytest.mark.libs]

HOURS = 3
GARBAGE = 1.16  # heap to live bytes; the collector's own tables are 1.6 %
STACK_BYTES = 256  # the collector takes what old words on the stack point at for alive: some blocks of 16 bytes, more or fewer
LIMIT_KB = 144  # of live objects, Wi-Fi, .mpy in RAM: what a room adds beyond it has to be let go elsewhere


def drive(folder, hours, heap_kb=1024, touch=lambda files: None):
    """(state, console) of a world that begins with half an hour of driving and an outage, and is parked for the rest."""
    script = make_round(7, str(folder / "in"), a_round=make_day(7, ("drive", 0.5), ("park", int(hours * 3600) - 1200)))
    world = dict(world_of(script, 7, [(600, 900)]), duration_s=int(hours * 3600) + 60, drain_s=60)
    lines = []

    async def run():
        async with Road(folder / "run", script, world, bits=32, mpy=True, heap_kb=heap_kb) as road:
            road.board.lay_out()
            touch(road.board.files)
            return await road.run(lines.append, limit_s=120)

    return asyncio.run(run()), lines


def grown_bytes(hours):
    return hours[-1] - hours[0]


def test_nothing_grows_after_the_first_hour(tmp_path):
    state, _ = drive(tmp_path, HOURS)
    assert len(state["heap_hours"]) == HOURS
    assert grown_bytes(state["heap_hours"]) <= STACK_BYTES
    assert state["heap_peak_bytes"] <= LIMIT_KB * 1024


def test_a_hoard_is_seen(tmp_path):
    def hoard(files):
        main = files / "main.py"
        lines = (
            "import time",
            "hoard = []",
            "real_ms = time.ticks_ms",
            "def ticks_ms():",
            "    if real_ms() // 1000 % 600 == 0: hoard.append(bytes(16))",
            "    return real_ms()",
            "time.ticks_ms = ticks_ms",
        )
        main.write_text("\n".join((*lines, main.read_text())))

    state, _ = drive(tmp_path, 2, touch=hoard)
    assert grown_bytes(state["heap_hours"]) > 4 * STACK_BYTES


def test_garbage_takes_little_beside_what_lives(tmp_path):
    """By gc.threshold in main.py: without it the same start wants 1.3 times the live bytes."""
    state, _ = drive(tmp_path / "wide", 0.6)
    heap_kb = (state["heap_base_bytes"] + state["heap_peak_bytes"] * GARBAGE) // 1024
    state, lines = drive(tmp_path / "narrow", 0.6, heap_kb=int(heap_kb))
    assert state["boots"] == 1 and [line for line in lines if "emory" in line] == []
