"""The gap reasons in words, for people: the board does without them."""

from tracker.record import (
    ANTENNA, ASLEEP, CLOCK, DROPPED, NO_FIX, OFF_DUTY, RESET, SAFE_MODE, SILENT, SUPPLY, TECHNICIAN, THINNED,
)  # fmt: skip

REASON_NAMES = {
    THINNED: "thinned",
    DROPPED: "dropped",
    NO_FIX: "no fix",
    SILENT: "receiver silent",
    ANTENNA: "antenna fault",
    CLOCK: "clock not believed",
    ASLEEP: "asleep",
    OFF_DUTY: "off duty",
    SUPPLY: "supply lost",
    SAFE_MODE: "safe mode",
    TECHNICIAN: "technician",
    RESET: "reset",
}
