"""make bench B=heap: heap of each room's loaded .mpy on the 32-bit VM, against heap_budget.json."""

import json
import shutil
import subprocess
import tempfile
from pathlib import Path

from bench import report
from flashing.compiled import compiled
from setup import vm
from setup.place import ROOT

BUDGET = ROOT / "heap_budget.json"
FIRMWARE = ROOT / "firmware"
# Rooms in the order in which the road loads them: what two rooms share is counted in the first.
ROOMS = ("core", "store", "gnss", "sampling", "system", "link", "uplink", "app")
# Loaded by a technician's call, by a setting, at boot or for the receiver's set-up, a modem's, or a mount and let go, or before the
# clock is believed. host_tests/e2e/test_settings_board.py holds that what is read at boot is let go.
ONLY_WHEN_ASKED = (
    "settings", "schema", "strict", "settings_change", "schema_text",
    "nmea_micropygps", "hunt", "dialects", "ear", "untimed", "told", "recovery", "plain", "tls_words",
    "build", "safe", "tell", "sleep", "cost", "shift", "commands", "orders", "trial",
    "attach", "at", "rouse", "sim_card", "cellular", "chip_modem",
)  # fmt: skip


def modules_of(room):
    """Dotted names of a room's modules; core is what every room knows, app what stands above them."""
    if room == "core":
        return ["tracker.fix", "tracker.record", "tracker.version", "tracker.letgo"]
    if room == "app":
        return ["tracker.chip", "tracker.app"]
    names = sorted(path.stem for path in (FIRMWARE / "tracker" / room).glob("*.py"))
    return ["tracker.%s.%s" % (room, name) for name in names if name not in ONLY_WHEN_ASKED]


def compile_to(folder):
    """The firmware as the board gets it: .mpy files."""
    for name, code in compiled(FIRMWARE, "x86").items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(code)


def measure():
    """{room: bytes} on the 32-bit VM."""
    folder = Path(tempfile.mkdtemp())
    try:
        compile_to(folder)
        shutil.copy(ROOT / "tools/bench/room_heap.py", folder / "room_heap.py")
        # In a file, because a word of the VM's command line has at most 255 bytes.
        lines = ["%s %s\n" % (room, " ".join(modules_of(room))) for room in ROOMS]
        (folder / "rooms").write_text("".join(lines))
        # Names relative to the folder, here and above: a longer path would be in every module's figure.
        out = subprocess.run([*vm.vm_command(32), "-X", "heapsize=512k", "room_heap.py"], check=True, cwd=folder,
                             capture_output=True, text=True, timeout=60)
        return {name: int(size) for name, size in map(str.split, out.stdout.splitlines())}
    finally:
        shutil.rmtree(folder)


def budget():
    return json.loads(BUDGET.read_text())


def run():
    sizes, allowed = measure(), budget()
    rows = [(room, sizes[room], allowed[room]) for room in ROOMS]
    rows.append(("sum", sum(sizes.values()), sum(allowed.values())))
    report.table("Heap of the loaded rooms, 32-bit VM, bytes", ("room", "takes", "may take"), rows)
    return {"rooms": sizes, "sum_bytes": sum(sizes.values()), "budget_bytes": sum(allowed.values())}
