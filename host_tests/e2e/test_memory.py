"""The firmware's heap on the 32-bit VM, compiled as a board gets it: after the first hour nothing is added to it."""

import asyncio

import pytest
from road import Road, world_of
from sim.day import make_day
from sim.receiver import make_round

pytestmark = [pytest.mark.e2e, pytest.mark.vm32, pytest.mark.libs]

HOURS = 3
STACK_BYTES = 256  # the collector takes what old words on the stack point at for alive: some blocks of 16 bytes, more or fewer
LIMIT_KB = 140  # of live objects, Wi-Fi, .mpy in RAM: what a room adds beyond it has to be let go elsewhere


def live_bytes(folder, touch=lambda files: None):
    """(highest, [at the end of each hour]) over a drive with an outage and two hours of parking."""
    script = make_round(7, str(folder / "in"), a_round=make_day(7, ("drive", 1.0), ("park", 2 * 3600 + 400)))
    world = dict(world_of(script, 7, [(1200, 1800)]), duration_s=HOURS * 3600 + 60, drain_s=60)

    async def run():
        async with Road(folder / "run", script, world, bits=32, mpy=True) as road:
            road.board.lay_out()
            touch(road.board.files)
            state = await road.run(limit_s=120)
            return state["heap_peak_bytes"], state["heap_hours"]

    return asyncio.run(run())


def grown_bytes(hours):
    return hours[-1] - hours[0]


def test_nothing_grows_after_the_first_hour(tmp_path):
    peak, hours = live_bytes(tmp_path)
    assert len(hours) == HOURS
    assert grown_bytes(hours) <= STACK_BYTES
    assert peak <= LIMIT_KB * 1024


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

    _, hours = live_bytes(tmp_path, hoard)
    assert grown_bytes(hours) > 4 * STACK_BYTES
