"""Resets: why the board started, as a gap's reason and detail; the note an ordered reset leaves.

In: begin() once at boot, order(), steady().  Out: (reason, detail), .crashes.
Owns: the first 8 bytes of RTC memory.

The ESP32 has one cause for a panic and for machine.reset(), so every reset that we order leaves
its number in RTC memory first: a hard reset without one was a crash. It has one cause for power
lost and for a brown-out too, but only a brown-out can leave the memory as it was.
"""

import struct
from binascii import crc32

from micropython import const

from tracker.record import ASLEEP, RESET, SUPPLY, TECHNICIAN

# Details of a gap with reason RESET. They are in the office's database: never reuse one.
UNKNOWN = const(0)
CRASH = const(1)  # a panic, or a reset that nobody ordered
ORDERED = const(2)  # by the program, for none of the reasons below
WATCHDOG = const(3)  # a room, or the whole loop, showed no progress
ROOM_DIED = const(4)  # a room died more often than it may
APP_DIED = const(5)  # the road itself ended by an exception
LINK_STUCK = const(6)  # a network driver that only a reset brings back
MEMORY = const(7)  # too little heap to go on
NEW_SETTINGS = const(8)
UPDATE = const(9)
# Details with reason TECHNICIAN
BY_HAND = const(1)  # reset by a technician's command
SOFT = const(2)  # Ctrl-D, mpremote
# Details with reason SUPPLY
POWER_LOST = const(0)
BROWN_OUT = const(1)

HANDS = const(255)  # for order(): the technician wants it; becomes reason TECHNICIAN

RESET_NAMES = {
    UNKNOWN: "cause unknown",
    CRASH: "crash",
    ORDERED: "ordered",
    WATCHDOG: "watchdog",
    ROOM_DIED: "a room died too often",
    APP_DIED: "the program died",
    LINK_STUCK: "network stuck",
    MEMORY: "memory short",
    NEW_SETTINGS: "new settings",
    UPDATE: "update",
}

_POWER_ON = const(1)  # machine.reset_cause() on the ESP32 port: PWRON_RESET and its neighbours
_HARD = const(2)
_WDT = const(3)
_DEEPSLEEP = const(4)
_SOFT = const(5)

_CRASHES = (CRASH, WATCHDOG, ROOM_DIED, APP_DIED)  # what counts as one more failed start

_SIZE = const(8)
_MAGIC = const(0x4C4B)
_VERSION = const(1)
_NOTE = "<HBBB"  # magic, version, intent, crashes in a row; then 3 bytes of their CRC-32


class Resets:
    """rtc: memory() -> bytes, memory(bytes). machine_reset: ends this run."""

    def __init__(self, rtc, machine_reset):
        self._rtc = rtc
        self._machine_reset = machine_reset
        self.crashes = 0  # failed starts in a row, this one's cause included; at most 255

    def begin(self, cause):
        """(reason, detail) of the gap that this start closes; cause is machine.reset_cause()."""
        known, intent, self.crashes = self._read()
        reason, detail = _explain(cause, known, intent)
        if reason == SUPPLY:
            self.crashes = 0  # a fresh start
        elif reason == RESET and detail in _CRASHES:
            self.crashes = min(self.crashes + 1, 255)
        self._write(UNKNOWN)
        return reason, detail

    def order(self, detail):
        """Leave the note, then reset. The caller has committed the trail."""
        self._write(detail)
        self._machine_reset()

    def steady(self):
        """The program has run long enough to call this start a good one."""
        if self.crashes:
            self.crashes = 0
            self._write(UNKNOWN)

    def _read(self):
        """(the note is ours and whole, its intent, its crashes)"""
        data = self._rtc.memory()
        if len(data) < _SIZE or bytes(data[:_SIZE]) != _note(data[3], data[4]):
            return False, UNKNOWN, 0
        return True, data[3], data[4]

    def _write(self, intent):
        self._rtc.memory(_note(intent, self.crashes) + bytes(self._rtc.memory())[_SIZE:])


def _explain(cause, known, intent):
    if cause == _POWER_ON:
        return SUPPLY, BROWN_OUT if known else POWER_LOST
    if cause == _DEEPSLEEP:
        return ASLEEP, 0
    if cause == _SOFT:
        return TECHNICIAN, SOFT
    if cause == _WDT:
        return RESET, WATCHDOG
    if cause != _HARD:
        return RESET, UNKNOWN
    if intent == HANDS:
        return TECHNICIAN, BY_HAND
    return RESET, intent or CRASH


def _note(intent, crashes):
    head = struct.pack(_NOTE, _MAGIC, _VERSION, intent, crashes)
    return head + struct.pack("<I", crc32(head))[:3]
