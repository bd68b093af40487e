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
REASON_NAMES_ID = {
    THINNED: "ditipiskan",
    DROPPED: "terhapus",
    NO_FIX: "tanpa posisi",
    SILENT: "penerima diam",
    ANTENNA: "antena rusak",
    CLOCK: "jam belum dipercaya",
    ASLEEP: "tidur",
    OFF_DUTY: "di luar tugas",
    SUPPLY: "listrik putus",
    SAFE_MODE: "mode aman",
    TECHNICIAN: "teknisi",
    RESET: "mulai ulang",
}
