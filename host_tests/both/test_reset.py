"""Resets are told apart, and a note in RTC memory is believed only if it is whole."""

from tracker.record import ASLEEP, RESET, SUPPLY, TECHNICIAN
from tracker.system import reset
from tracker.system.reset import Resets

_PWRON, _HARD, _WDT, _SLEEP, _SOFT = 1, 2, 3, 4, 5


class _Rtc:
    """2048 bytes that a reset keeps and a power cut doesn't."""

    def __init__(self, data=b""):
        self.data = data

    def memory(self, data=None):
        if data is None:
            return self.data
        assert len(data) <= 2048
        self.data = bytes(data)


class _Board:
    def __init__(self, rtc=None):
        self.rtc = rtc or _Rtc()
        self.resets_done = 0
        self.resets = None

    def start(self, cause):
        self.resets = Resets(self.rtc, self._reset)
        return self.resets.begin(cause)

    def _reset(self):
        self.resets_done += 1


def test_each_cause_has_its_reason():
    assert _Board().start(_PWRON) == (SUPPLY, reset.POWER_LOST)
    assert _Board().start(_WDT) == (RESET, 3)
    assert _Board().start(_SLEEP) == (ASLEEP, 0)
    assert _Board().start(_SOFT) == (TECHNICIAN, reset.SOFT)
    assert _Board().start(77) == (RESET, reset.UNKNOWN)


def test_an_ordered_reset_is_no_crash():
    board = _Board()
    board.start(_PWRON)
    board.resets.order(reset.ROOM_DIED)
    assert board.resets_done == 1
    assert board.start(_HARD) == (RESET, reset.ROOM_DIED)


def test_the_note_counts_once():
    board = _Board()
    board.start(_PWRON)
    board.resets.order(reset.LINK_STUCK)
    board.start(_HARD)
    assert board.start(_HARD) == (RESET, reset.CRASH)


def test_a_technicians_reset_is_the_technicians():
    board = _Board()
    board.start(_PWRON)
    board.resets.order(reset.HANDS)
    assert board.start(_HARD) == (TECHNICIAN, reset.BY_HAND)


def test_a_brown_out_that_kept_the_memory_is_told():
    board = _Board()
    board.start(_PWRON)
    assert board.start(_PWRON) == (SUPPLY, reset.BROWN_OUT)


def test_crashes_in_a_row_are_counted_until_the_program_is_steady():
    board = _Board()
    board.start(_PWRON)
    board.start(_HARD)
    board.start(_WDT)
    assert board.resets.crashes == 2
    board.resets.order(reset.NEW_SETTINGS)
    board.start(_HARD)
    assert board.resets.crashes == 2  # neither a crash nor the end of the row
    board.start(_HARD)
    assert board.resets.crashes == 3
    board.resets.steady()
    board.start(_HARD)
    assert board.resets.crashes == 1
    board.start(_PWRON)
    assert board.resets.crashes == 0
    for _ in range(300):
        board.start(_WDT)
    assert board.resets.crashes == 255


def test_a_damaged_note_is_not_believed():
    board = _Board()
    board.start(_PWRON)
    for _ in range(3):
        board.start(_WDT)
    board.resets.order(reset.UPDATE)
    whole = board.rtc.data
    for byte in range(8):
        for bit in range(8):
            torn = bytearray(whole)
            torn[byte] ^= 1 << bit
            other = _Board(_Rtc(bytes(torn)))
            assert other.start(_HARD) == (RESET, reset.CRASH), (byte, bit)
            assert other.resets.crashes == 1
    for size in range(8):
        assert _Board(_Rtc(whole[:size])).start(_HARD) == (RESET, reset.CRASH)


def test_the_rest_of_the_memory_belongs_to_others():
    rtc = _Rtc(bytes(8) + b"log of the last run")
    board = _Board(rtc)
    board.start(_WDT)
    board.resets.order(reset.UPDATE)
    assert rtc.data[8:] == b"log of the last run"


def test_every_detail_has_a_name():
    for detail in range(10):
        assert reset.RESET_NAMES[detail]
