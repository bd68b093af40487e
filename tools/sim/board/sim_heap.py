"""What the firmware has on the heap: live bytes, looked at often enough to see the highest point, by room if asked.

In: watch() when all of the simulator is loaded. Then: every second of a boot's first three minutes, later every minute,
    and after each import and each building of a room's object, where the script says "heap": "rooms".
Out: in sim_world.state heap_base_bytes, heap_peak_bytes, heap_end_bytes, heap_hours (live objects: gc.collect, then
    gc.mem_alloc), heap_frozen_bytes; by room heap_rooms and heap_steps, and the largest free block on the console.
Owns: what does not count: the simulator, and what is frozen into the board's MicroPython.
"""

import builtins
import gc
import micropython
import sys

import sim_clock
import sim_world
import vfs

# Of the stock ESP32 build. Their RAM is on the board's heap, too, and is given by itself (heap_frozen_bytes).
_FROZEN = ("asyncio", "binascii", "errno", "hashlib", "json", "random", "struct", "umqtt.simple")
# Calls that build what a room holds for its life: what they leave on the heap is the room's, code aside.
_BUILDS = (
    ("tracker.gnss.epochs", "Epochs", "__init__"),
    ("tracker.gnss.receiver", "Receiver", "__init__"),
    ("tracker.gnss.clock", "ClockGate", "__init__"),
    ("tracker.sampling.quality", "Quality", "__init__"),
    ("tracker.sampling.window", "Window", "__init__"),
    ("tracker.sampling.trail", "Trail", "__init__"),
    ("tracker.store.journal", "Journal", "__init__"),
    ("tracker.store.journal", "Journal", "mount"),
    ("tracker.system.log", "Log", "__init__"),
    ("tracker.system.settings", "SettingsFile", "load"),
    ("tracker.system.supervisor", "Supervisor", "add"),
    ("tracker.uplink.uplink", "Uplink", "__init__"),
    ("tracker.link.wifi", "Wifi", "__init__"),
)
# Above the rooms. build.py is loaded for each of them and let go: nobody's.
_TOP = {"app": "app", "chip": "app", "build": None}
_OFTEN_MS = 1000
_OFTEN_FOR_MS = 180_000
_SELDOM_MS = 60_000
_HOUR_MS = 3_600_000

_import = import_module = builtins.__import__  # reading the builtin again gives the VM's own, whatever was put there
_often_until = 0
_next_hour_ms = 0
_accounts = []  # of the rooms that are being loaded or built, innermost last: [room, bytes at its last look]
_rooms = None  # {room: [bytes of code, bytes of objects]}, where the script asks


def mount_rom(path):
    """The application from a ROMFS image, which lies in flash on a board: not on the firmware's heap."""
    with open(path, "rb") as file:
        image = file.read()
    vfs.mount(vfs.VfsRom(image), "/rom")
    sys.path[1:1] = ["/rom", "/rom/lib"]


def watch():
    """From here on, what lives on the heap belongs to the firmware."""
    global _rooms, _next_hour_ms, _often_until, import_module
    before = _used()
    for name in _FROZEN:
        try:
            __import__(name)
        except ImportError:  # a test's firmware without the libraries
            pass
    state = sim_world.state
    state["heap_frozen_bytes"] = _used() - before
    state["heap_hours"] = state.get("heap_hours", [])
    if sim_world.script.get("heap") == "rooms":
        _rooms = {}
        state["heap_steps"] = []
        builtins.__import__ = import_module = _load
    _next_hour_ms = sim_clock.ms + _HOUR_MS
    sim_world.saved.append(_save)
    _often_until = sim_clock.ms + _OFTEN_FOR_MS
    sim_clock.at(sim_clock.ms + _OFTEN_MS, _look_again)
    state["heap_base_bytes"] = _used()


def look():
    """Bytes of live objects now; the highest is kept."""
    used = _used() - sim_world.state["heap_base_bytes"]
    if used > sim_world.state["heap_peak_bytes"]:
        sim_world.state["heap_peak_bytes"] = used
    return used


def _used():
    gc.collect()
    return gc.mem_alloc()


def _disown(used):
    """What was written down since it was `used` is the simulator's."""
    sim_world.state["heap_base_bytes"] += _used() - sim_world.state["heap_base_bytes"] - used


def _look_again():
    global _next_hour_ms
    used = look()
    if sim_clock.ms >= _next_hour_ms:
        _next_hour_ms += _HOUR_MS
        sim_world.state["heap_hours"].append(used)
        _disown(used)
    return sim_clock.ms + (_OFTEN_MS if sim_clock.ms < _often_until else _SELDOM_MS)


def _save():
    used = look()
    sim_world.state["heap_end_bytes"] = used
    if _rooms is not None:
        sim_world.state["heap_rooms"] = _rooms
        micropython.mem_info()  # its line tells the largest free block


# --- by room -----------------------------------------------------------------------------------------


def _load(name, _globals=None, _locals=None, wanted=None, level=0):
    if level:  # only the frozen asyncio imports relatively, and the VM takes our globals for its own
        name = "asyncio." + name if name else "asyncio"
    if name[:8] != "tracker." or name in sys.modules:
        return _import(name, None, None, wanted, 0)
    room = name[8:].split(".")[0] if "." in name[8:] else _TOP.get(name[8:], "core")
    _enter(room, 0)
    try:
        return _import(name, None, None, wanted, 0)
    finally:
        used = look()
        for module, owner, method in _BUILDS:
            if module == name and module in sys.modules:
                _watch_building(getattr(sys.modules[module], owner), method, room)
        _disown(used)
        _leave(name)


def _watch_building(owner, method, room):
    inner = getattr(owner, method)

    def build(*arguments, **more):
        _enter(room, 1)
        try:
            return inner(*arguments, **more)
        finally:
            _leave(owner.__name__ + "." + method)

    setattr(owner, method, build)


def _enter(room, which):
    used = look()
    if _accounts:
        _book(_accounts[-1], used)
    _accounts.append([room, which, used])
    _disown(used)


def _leave(what):
    used = look()
    _book(_accounts.pop(), used)
    if _accounts:
        _accounts[-1][2] = used
    sim_world.state["heap_steps"].append([what, used])
    _disown(used)


def _book(account, used):
    room, which, before = account
    if room:
        _rooms.setdefault(room, [0, 0])[which] += used - before
    account[2] = used
