"""make bench B=system: what the firmware takes of a board's heap over a day, and what it does with its rooms.

Three builds of one firmware on 32-bit VMs (docs/memory.md): .mpy in RAM, the same files from a ROMFS image, and frozen into
MicroPython; for the first and the last the smallest heap in which an hour runs (the image of the second is on the VM's heap in
one piece). Bytes are those of live objects, the simulator and what the stock MicroPython freezes subtracted.
"""

import asyncio
import json
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

from bench import heap, report
from flashing.compiled import compiled
from road import Road, world_of
from setup import frozen, vm
from setup.place import Missing
from sim.day import make_day
from sim.receiver import make_round

DAY = (("drive", 3.0), ("park", 6 * 3600), ("drive", 2.0), ("park", 13 * 3600))
HOUR = (("drive", 0.5), ("park", 1800))
DRAIN_S = 300  # the receiver speaks on while the last records go to the station
OUTAGES = [(1200, 2400), (5000, 5600)]
HEAP_KB = 176  # of the day's run, the simulator's part aside: in it the largest free block is looked for
STEP_KB = 2
APPLICATION = ("tracker", "lib")  # folders of the board's files
COLUMNS = ("code", "objects", "rom_code", "frozen_code")
_DEATH = re.compile(r"Room \w+ (died|ended)|MemoryError|memory allocation failed")
_FREE = re.compile(r"max free sz: (\d+)")
_BLOCK = 16  # bytes of one block of the collector's heap


class Day:
    """One run of one build over one world."""

    def __init__(self, folder, pieces, rom=False, program=None, heap_kb=1024, by_room=False, silent=False):
        """program: of the VM that has the firmware in it. silent: the receiver says nothing at the end, and is looked for
        while the uplink is connected."""
        self.folder = Path(folder)
        self.script = make_round(7, str(self.folder / "in"), a_round=make_day(7, *pieces))
        self._world = world_of(self.script, 7, OUTAGES, drain_s=DRAIN_S)
        self._world["duration_s"] -= DRAIN_S * (not silent)
        self._world["heap"] = "rooms" if by_room else "end"
        self._rom = rom
        self.program = program
        self._heap_kb = heap_kb
        self.lines = []

    def run(self):
        try:
            asyncio.run(self._run())
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)
        return self

    async def _run(self):
        run = self.folder / "run"
        async with Road(run, self.script, self._world, bits=32, mpy=True, heap_kb=self._heap_kb, program=self.program) as road:
            road.board.lay_out()
            if self._rom:
                self._to_rom(road.board)
            if self.program:
                for name in APPLICATION:
                    shutil.rmtree(road.board.files / name)
            self.state = await road.run(self.lines.append, 300)
            self.figures = road.audit()
            self.said_sec, self.accepted_sec, self.kept_sec = _first_fixes(self.script, road.witness_log)

    def _to_rom(self, board):
        """The application's files leave the board's file system for an image, as a technician's mpremote builds it."""
        folder, image = self.folder / "rom", self.folder / "rom.img"
        folder.mkdir()
        for name in APPLICATION:
            shutil.move(board.files / name, folder / name)
        build = [sys.executable, "-m", "mpremote", "romfs", "-o", image, "build", folder]
        subprocess.run(build, check=True, stdout=subprocess.DEVNULL)
        path = board.root / "world.json"
        path.write_text(json.dumps(dict(json.loads(path.read_text()), rom=str(image))))

    @property
    def peak_kb(self):
        return round(self.state["heap_peak_bytes"] / 1024, 1)

    @property
    def deaths(self):
        return sum(1 for line in self.lines if _DEATH.search(line))

    @property
    def largest_free_kb(self):
        found = [int(match.group(1)) for match in map(_FREE.search, self.lines) if match]
        return round(found[-1] * _BLOCK / 1024, 1)

    @property
    def growth_bytes(self):
        """Between the calmest hour behind the first and the calmest of the last six; the first hour sets things up."""
        hours = self.state["heap_hours"][1:]
        return min(hours[-6:]) - min(hours[:6])


def _first_fixes(script, witness):
    """Seconds of the receiver's first fix, of the first one that the sampling accepts, of the first on flash."""
    data = Path(script["feed"]).read_bytes()
    off = 0
    while True:
        t_ms, n = struct.unpack_from("<IH", data, off)
        if re.search(rb"RMC,[^,]*,A,", data[off + 6 : off + 6 + n]):
            break
        off += 6 + n
    lines = [line.split() for line in witness.read_text().splitlines()]
    accepted = next(int(words[1]) for words in lines if words[0] == "F")
    kept = next(int(words[3]) for words in lines if words[0] == "A" and words[2] == "0")
    return script["start_sec"] + t_ms // 1000, accepted, kept


def least_heap_kb(day, folder, **build):
    """The smallest heap, less the simulator's part, in which an hour with a boot, an outage and a stop runs as it should."""
    base_kb = day.state["heap_base_bytes"] // 1024
    low_kb, high_kb = int(day.peak_kb) - 8, int(day.peak_kb) + 64
    while high_kb - low_kb > STEP_KB:
        middle_kb = (low_kb + high_kb) // 2
        if _lives(middle_kb + base_kb, folder / str(middle_kb), build):
            high_kb = middle_kb
        else:
            low_kb = middle_kb
    return high_kb


def _lives(heap_kb, folder, build):
    try:
        day = Day(folder, HOUR, heap_kb=heap_kb, **build).run()
    except RuntimeError:  # the VM ended before the world did
        return False
    return not day.deaths and day.state["boots"] == 1 and day.figures["fixes_lost"] == 0


def run():
    try:
        vm.vm_command(32)
    except Missing as why:
        raise SystemExit("bench system needs the 32-bit VM: %s" % why) from why
    folder = Path(tempfile.mkdtemp(prefix="lacak-system-"))
    try:
        base_kb = Day(folder / "hour", HOUR, by_room=True).run().state["heap_base_bytes"] // 1024
        print("  a day, .mpy in RAM ...", flush=True)
        ram = Day(folder / "ram", DAY, heap_kb=base_kb + HEAP_KB, by_room=True).run()
        print("  a day, ROMFS ...", flush=True)
        rom = Day(folder / "rom", DAY, rom=True, by_room=True).run()
        silent = Day(folder / "silent", HOUR, silent=True).run()
        print("  a day, frozen ...", flush=True)
        ice, whole = frozen_day(folder)
        print("  an hour, smaller and smaller heaps ...", flush=True)
        least = {
            "least_heap_kb_32bit_wifi": least_heap_kb(ram, folder),
            "least_heap_kb_32bit_frozen": ice and least_heap_kb(ice, folder, program=ice.program),
        }
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    days = [day for day in (ram, rom, ice) if day]
    rooms = by_room(ram.state, rom.state, ice and ice.state)
    figures = {
        "peak_heap_kb_32bit_wifi": ram.peak_kb,
        "peak_heap_kb_32bit_cellular": None,
        "peak_heap_kb_32bit_cellular_why": "there is no AT modem and no PPP yet (link/ has Wi-Fi only)",
        "peak_heap_kb_32bit_rom": rom.peak_kb,
        **whole,
        "peak_heap_kb_32bit_wifi_receiver_lost": silent.peak_kb,
        **least,
        "heap_frozen_modules_kb": round(ram.state["heap_frozen_bytes"] / 1024, 1),
        "heap_growth_bytes_per_day": ram.growth_bytes,
        "largest_free_block_kb_end": ram.largest_free_kb,
        "soak_hours": round(ram.script["duration_s"] / 3600, 2),
        "task_deaths_unhandled": sum(day.deaths for day in days),
        "unexplained_s": sum(day.figures["unexplained_s"] for day in days),
        "fixes_lost": sum(day.figures["fixes_lost"] for day in days),
        "boot_to_first_append_s": max(day.kept_sec - day.accepted_sec for day in days),
        "cold_start_refused_s": ram.accepted_sec - ram.said_sec,  # the receiver's first fixes are 50 m off: docs/sampling.md
        "mpy_total_kb": round(mpy_bytes() / 1024, 1),
        "ram_by_room": rooms,
    }
    rows = [(room, *("-" if row[key] is None else row[key] for key in COLUMNS)) for room, row in rooms.items()]
    report.table("The heap by room, bytes", ("room", "code in RAM", "objects", "code, ROMFS", "code, frozen"), rows)
    report.table("The system", ("", ""), [(key, "-" if value is None else value) for key, value in figures.items() if key != "ram_by_room"])
    return figures


def frozen_day(folder):
    """(the day frozen, its figures); (None, why not) on a machine where the build is not to be had."""
    try:
        program = frozen.command()
    except Missing as why:
        print("  no frozen build: %s" % why, flush=True)
        return None, {"peak_heap_kb_32bit_frozen": None, "peak_heap_kb_32bit_frozen_why": str(why)}
    day = Day(folder / "ice", DAY, program=program, by_room=True).run()
    return day, {"peak_heap_kb_32bit_frozen": day.peak_kb, "heap_growth_bytes_per_day_frozen": day.growth_bytes}


def by_room(ram, rom, ice):
    """{room: bytes}: code as loaded one room after the other, objects as they were built; what was let go is not in it."""
    sizes = heap.measure()
    rooms = sorted(set(sizes) | set(ram["heap_rooms"]))
    none = [0, 0]
    return {
        room: {
            "code": sizes.get(room, ram["heap_rooms"].get(room, none)[0]),
            "objects": ram["heap_rooms"].get(room, none)[1],
            "rom_code": rom["heap_rooms"].get(room, none)[0],
            "frozen_code": ice["heap_rooms"].get(room, none)[0] if ice else None,
        }
        for room in rooms
    }


def mpy_bytes():
    """The application's files on the board's file system, libraries aside."""
    return sum(len(code) for name, code in compiled(heap.FIRMWARE, "xtensawin").items() if name.startswith("tracker/"))
