"""esp32 of the simulated board: the journal's partition on a tearing chip, NVS."""

import json
import os

import machine
import sim_clock
import sim_world
from nor import FileStore, NorFlash, PowerCut

HEAP_DATA, HEAP_EXEC = 4, 1
_NOT_FOUND = -0x1102  # ESP_ERR_NVS_NOT_FOUND
_BYTES = 0x40000
_ERASE_MS = (45, 400, 16)  # typical, worst, every how manieth is the worst: the W25Q's data sheet
_COUNTERS = ("program_calls", "program_bytes", "erases")


class _Chip(NorFlash):
    """The chip of this board: its life's counters are the world's, its cuts the script's."""

    def due(self, op, nth):
        for cut in sim_world.script.get("cuts", ()):
            if cut["op"] == op and cut["nth"] == nth:
                self.off_s = cut.get("off_s", 0)
                return (op, nth, cut.get("byte", 0), cut.get("torn", "prefix"))
        return None

    def erase(self, index):
        """Python stands still meanwhile; what the UART receives goes on into its buffer."""
        NorFlash.erase(self, index)
        typical_ms, worst_ms, every = sim_world.script.get("erase_ms", _ERASE_MS)
        stall_ms = typical_ms if self.erases % every else worst_ms
        sim_world.state["erase_stall_ms"] += stall_ms
        sim_clock.wait(stall_ms)

    def save(self):
        for name in _COUNTERS:
            sim_world.state[name] = getattr(self, name)
        sim_world.state["wear"] = list(self.wear)


def insert_chips():
    """Before the firmware's heap is measured: flash and NVS are not on it."""
    NVS._kept = _load_nvs()
    path = sim_world.path("flash.bin")
    try:
        size = os.stat(path)[6]
    except OSError:
        size = sim_world.script.get("journal_bytes", _BYTES)
        with open(path, "wb") as file:
            for _ in range(size // 256):
                file.write(b"\xff" * 256)
    chip = _Chip(
        size, 4096, FileStore(path), sim_world.script.get("seed", 1) + sim_world.state["boots"]
    )
    for name in _COUNTERS:
        setattr(chip, name, sim_world.state[name])
    for index, erases in enumerate(sim_world.state["wear"]):
        chip.wear[index] = erases
    sim_world.saved.append(chip.save)
    Partition._chip = chip


class Partition:
    TYPE_APP, TYPE_DATA = 0, 1
    BOOT, RUNNING = 0, 1
    _chip = None

    def __init__(self, label):
        if label != "journal":
            raise OSError(-2, "ENOENT")

    @staticmethod
    def find(type=1, subtype=0xFF, label=None, block_size=4096):
        there = type == 1 and label in (None, "journal") and Partition._chip.size
        return [Partition("journal")] if there else []

    def info(self):
        return (1, 0x40, 0x3C0000, self._chip.size, "journal", False)

    def readblocks(self, block, buf, off=0):
        self._chip.readblocks(block, buf, off)

    def writeblocks(self, block, buf, off=None):
        try:
            self._chip.writeblocks(block, buf, off)
        except PowerCut:
            sim_world.cut(self._chip.off_s)

    def ioctl(self, op, arg=0):
        try:
            return self._chip.ioctl(op, arg)
        except PowerCut:
            sim_world.cut(self._chip.off_s)


class NVS:
    """A set is there for this boot at once and for the next one after commit()."""

    _kept = {}  # what the file holds; a blob as bytes, since all this is on the heap that is measured, and on a board in flash
    _now = {}  # namespace -> what is set in this boot

    def __init__(self, namespace):
        self._name = namespace
        self._mine = NVS._now.setdefault(namespace, dict(NVS._kept.get(namespace, {})))

    def get_i32(self, key):
        return self._get(key, int)

    def set_i32(self, key, value):
        if not -0x80000000 <= value <= 0x7FFFFFFF:
            raise OverflowError("overflow converting long int to machine word")
        self._mine[key] = value

    def get_blob(self, key, buf):
        data = self._get(key, bytes)
        if len(data) > len(buf):
            raise OSError(-0x110C, "ESP_ERR_NVS_INVALID_LENGTH")
        buf[: len(data)] = data
        return len(data)

    def set_blob(self, key, value):
        self._mine[key] = bytes(value)

    def erase_key(self, key):
        if key not in self._mine:
            raise OSError(_NOT_FOUND, "ESP_ERR_NVS_NOT_FOUND")
        del self._mine[key]

    def commit(self):
        NVS._kept[self._name] = dict(self._mine)
        with open(sim_world.path("nvs.new"), "w") as file:
            json.dump(_each(bytes, list), file)
        os.rename(sim_world.path("nvs.new"), sim_world.path("nvs.json"))

    def _get(self, key, kind):
        if not isinstance(self._mine.get(key), kind):
            raise OSError(_NOT_FOUND, "ESP_ERR_NVS_NOT_FOUND")
        return self._mine[key]


def _each(kind, other):
    """What NVS keeps, with all values of one kind made another: JSON knows no bytes."""
    return {
        name: {key: other(value) if isinstance(value, kind) else value for key, value in space.items()}
        for name, space in NVS._kept.items()
    }


def _load_nvs():
    try:
        with open(sim_world.path("nvs.json")) as file:
            NVS._kept = json.load(file)
    except OSError:
        pass
    return _each(list, bytes)


def idf_heap_info(capabilities):
    return [(150_000, 90_000, 50_000, 80_000)]


WAKEUP_ALL_LOW, WAKEUP_ANY_HIGH = False, True
_RTC_PINS = (0, 2, 4, 12, 13, 14, 15, 25, 26, 27) + tuple(range(32, 40))


def wake_on_ext0(pin=None, level=WAKEUP_ANY_HIGH):
    _wake_on("ext0", () if pin is None else (pin,), level, True, machine.EXT0_WAKE)


def wake_on_ext1(pins=None, level=WAKEUP_ANY_HIGH):
    _wake_on("ext1", pins or (), level, level, machine.EXT1_WAKE)


def _wake_on(name, pins, level, any_of, reason):
    numbers = [getattr(pin, "id", pin) for pin in pins]
    if any(number not in _RTC_PINS for number in numbers):
        raise ValueError("invalid pin")
    machine.wakes.pop(name, None)
    if numbers:
        machine.wakes[name] = (numbers, int(level), any_of, reason)


def gpio_deep_sleep_hold(enable):
    machine.deep_sleep_hold = bool(enable)
