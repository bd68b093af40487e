"""Resets: why the board started, as a gap's reason and detail; the note that a run leaves for the next one.

In: begin() once at boot; order(), note(), enter(), steady(), tried().
Out: (reason, detail), .crashes, .off, .tries.
Owns: the first 16 bytes of RTC memory.

The ESP32 has one cause for a panic and for machine.reset(), so every reset that we order leaves
its number in RTC memory first: a hard reset without one was a crash. It has one cause for power
lost and for a brown-out too, but only a brown-out can leave the memory as it was. A watchdog that
bites while the loop goes on was announced: the silent room's number is in the note. One that bites
because a step never ended finds the number of the room that entered it. A panic comes from
anywhere, so its culprit stays unknown.
"""

from micropython import const

from tracker.record import ASLEEP, RESET, SUPPLY, TECHNICIAN

# The rooms that a note can name; a number is a bit of .off and stands in the office's database.
ROOMS = ("", "gnss", "link", "uplink", "power", "health")
GNSS = const(1)
_NETWORK = const(0b1100)  # link and uplink: drivers, look-ups, sockets

# Details of a gap with reason RESET, plus 16 times the room. They are in the office's database: never reuse one.
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
BY_HAND = const(1)  # Ctrl-C, or reset by a technician's command
SOFT = const(2)  # Ctrl-D, mpremote
# Details with reason SUPPLY
POWER_LOST = const(0)
BROWN_OUT = const(1)

HANDS = const(255)  # for order() and note(): the technician wants it; becomes reason TECHNICIAN

CRASHES_MAX = const(5)  # in a row; from here on the culprit stays off

_POWER_ON = const(1)  # machine.reset_cause() on the ESP32 port: PWRON_RESET and its neighbours
_HARD = const(2)
_WDT = const(3)
_DEEPSLEEP = const(4)
_SOFT = const(5)

_CRASHES = (CRASH, WATCHDOG, ROOM_DIED, APP_DIED)  # what counts as one more failed start

# The note: two bytes of magic and version, then what follows, then its check up to _END.
_MAGIC = b"L\x02"
_INTENT = const(2)
_CULPRIT = const(3)
_CRASHED = const(4)
_OFF = const(5)
_TRIES = const(6)
_END = const(12)
# Outside the check, because it changes with every step: a room's number, and its complement.
_INSIDE = const(12)
_OUTSIDE = const(13)


class Resets:
    """retained: system/retained.py. machine_reset: ends this run."""

    def __init__(self, retained, machine_reset):
        self._retained = retained
        self._machine_reset = machine_reset
        self.crashes = 0  # failed starts in a row, this one's cause included; at most 255
        self.off = 0  # rooms that are left out, a bit each
        self.tries = 0  # how often these have been tried again

    def begin(self, cause):
        """(reason, detail) of the gap that this start closes; cause is machine.reset_cause()."""
        buf = self._retained.buf
        known = buf[:2] == _MAGIC and self._retained.whole(0, _END)
        intent = culprit = UNKNOWN
        if known:
            intent, culprit = buf[_INTENT], buf[_CULPRIT]
            self.crashes, self.off, self.tries = buf[_CRASHED], buf[_OFF], buf[_TRIES]
            inside = buf[_INSIDE]
            if cause == _WDT and intent == UNKNOWN and inside ^ buf[_OUTSIDE] == 0xFF and inside < len(ROOMS):
                culprit = inside
        reason, detail = _explain(cause, known, intent)
        if reason in (SUPPLY, TECHNICIAN):
            self.crashes = self.off = self.tries = 0  # a fresh start
        elif reason == RESET:
            if detail in _CRASHES:
                self._count(culprit)
            detail |= culprit << 4
        buf[_INSIDE], buf[_OUTSIDE] = 0, 0xFF
        self.note(UNKNOWN)
        return reason, detail

    def order(self, detail, culprit=0):
        """Leave the note, then reset. The caller has committed the trail."""
        self.note(detail, culprit)
        self._machine_reset()

    def note(self, intent, culprit=0):
        """What the next boot shall think, should this run end here: a silent room, the technician's hands."""
        buf = self._retained.buf
        buf[:2] = _MAGIC
        buf[_INTENT] = intent
        buf[_CULPRIT] = culprit
        buf[_CRASHED] = self.crashes
        buf[_OFF] = self.off
        buf[_TRIES] = self.tries
        self._retained.seal(0, _END)
        self._retained.save()

    def enter(self, number):
        """This room begins a step. 1 KB to RTC memory, and only when it is another room than before."""
        buf = self._retained.buf
        if buf[_INSIDE] != number:
            buf[_INSIDE] = number
            buf[_OUTSIDE] = number ^ 0xFF
            self._retained.save()

    def steady(self, off=0):
        """Every room but these has run long enough to call this start a good one."""
        if off == self.off and off:
            return
        self.off = off
        if not off:
            self.crashes = self.tries = 0
        self.note(UNKNOWN)

    def tried(self):
        """The rooms that were left out are about to be tried again."""
        self.tries = min(self.tries + 1, 255)
        self.note(UNKNOWN)

    def _count(self, culprit):
        """One more failed start. Nobody to blame: the network first, and if that was off already, GNSS."""
        self.crashes = min(self.crashes + 1, 255)
        if self.crashes < CRASHES_MAX:
            return
        if culprit:
            self.off |= 1 << culprit
        elif self.off & _NETWORK != _NETWORK:
            self.off |= _NETWORK
        else:
            self.off |= 1 << GNSS


def _explain(cause, known, intent):
    if cause == _POWER_ON:
        return SUPPLY, BROWN_OUT if known else POWER_LOST
    if cause == _DEEPSLEEP:
        return ASLEEP, 0
    if cause == _SOFT:
        return TECHNICIAN, SOFT
    if intent == HANDS:
        return TECHNICIAN, BY_HAND
    if cause == _WDT:
        return RESET, WATCHDOG
    if cause != _HARD:
        return RESET, UNKNOWN
    return RESET, intent or CRASH
