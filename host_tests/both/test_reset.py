"""Resets are told apart, and a note in RTC memory is believed only if it is whole."""

from tracker.record import ASLEEP, RESET, SUPPLY, TECHNICIAN
from tracker.system import reset
from tracker.system.reset import ROOMS, Resets
from tracker.system.retained import Retained

_PWRON, _HARD, _WDT, _SLEEP, _SOFT = 1, 2, 3, 4, 5
_GNSS, _LINK, _UPLINK = [ROOMS.index(name) for name in ("gnss", "link", "uplink")]


class _Rtc:
    """2048 bytes that a reset keeps and a power cut doesn't."""

    def __init__(self, data=b""):
        self.data = data
        self.writes = 0

    def memory(self, data=None):
        if data is None:
            return self.data
        assert len(data) <= 2048
        self.writes += 1
        self.data = bytes(data)


class _Board:
    def __init__(self, rtc=None):
        self.rtc = rtc or _Rtc()
        self.resets_done = 0
        self.resets = None

    def start(self, cause):
        self.resets = Resets(Retained(self.rtc), self._reset)
        return self.resets.begin(cause)

    def crash(self, times, culprit):
        """So many starts in a row that end by the same room."""
        for _ in range(times):
            self.resets.order(reset.ROOM_DIED, culprit)
            self.start(_HARD)

    def _reset(self):
        self.resets_done += 1


def _board():
    board = _Board()
    board.start(_PWRON)
    return board


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
    board = _board()
    board.crash(3, _LINK)
    board.resets.order(reset.UPDATE)
    whole = board.rtc.data
    for byte in range(12):
        for bit in range(8):
            torn = bytearray(whole)
            torn[byte] ^= 1 << bit
            other = _Board(_Rtc(bytes(torn)))
            assert other.start(_HARD) == (RESET, reset.CRASH), (byte, bit)
            assert other.resets.crashes == 1
    for size in range(12):
        assert _Board(_Rtc(whole[:size])).start(_HARD) == (RESET, reset.CRASH)
    assert _Board(_Rtc(whole[:12])).start(_HARD) == (RESET, reset.UPDATE)


def test_the_rest_of_the_memory_belongs_to_others():
    rtc = _Rtc(bytes(16) + b"log of the last run")
    board = _Board(rtc)
    board.start(_WDT)
    board.resets.order(reset.UPDATE)
    assert rtc.data[16:35] == b"log of the last run"


def test_the_room_that_died_stands_in_the_detail():
    board = _board()
    board.resets.order(reset.ROOM_DIED, _UPLINK)
    assert board.start(_HARD) == (RESET, reset.ROOM_DIED + 16 * _UPLINK)
    assert 16 * (len(ROOMS) - 1) + 15 < 128  # one byte of a gap's payload, one bit of .off


def test_the_watchdog_finds_the_room_that_was_silent():
    board = _board()
    board.resets.note(reset.WATCHDOG, _LINK)
    assert board.start(_WDT) == (RESET, reset.WATCHDOG + 16 * _LINK)
    board.resets.note(reset.WATCHDOG, _LINK)
    board.resets.note(reset.UNKNOWN)  # it beats again
    assert board.start(_WDT) == (RESET, reset.WATCHDOG)


def test_the_watchdog_finds_the_room_that_never_came_back_from_its_step():
    board = _board()
    board.resets.enter(_GNSS)
    board.resets.enter(_UPLINK)
    assert board.start(_WDT) == (RESET, reset.WATCHDOG + 16 * _UPLINK)
    assert board.start(_WDT) == (RESET, reset.WATCHDOG)  # nobody has begun a step in this start
    board.resets.enter(_GNSS)
    board.resets.note(reset.WATCHDOG, _LINK)
    board.resets.enter(_UPLINK)
    assert board.start(_WDT) == (RESET, reset.WATCHDOG + 16 * _LINK)  # the silent one, not who was last


def test_the_room_inside_is_believed_only_with_its_complement():
    board = _board()
    board.resets.enter(_GNSS)
    for byte in (12, 13):
        torn = bytearray(board.rtc.data)
        torn[byte] ^= 2
        assert _Board(_Rtc(bytes(torn))).start(_WDT) == (RESET, reset.WATCHDOG)


def test_a_panic_has_no_culprit():
    board = _board()
    board.resets.enter(_GNSS)  # ten times a second: of a driver's panic this would be the wrong one
    assert board.start(_HARD) == (RESET, reset.CRASH)


def test_entering_writes_only_for_another_room():
    board = _board()
    board.rtc.writes = 0
    for _ in range(3):
        board.resets.enter(_GNSS)
    assert board.rtc.writes == 1
    board.resets.enter(_UPLINK)
    assert board.rtc.writes == 2


def test_ctrl_c_is_the_technicians_however_the_board_starts_again():
    for cause in (_WDT, _HARD):
        board = _board()
        board.resets.note(reset.HANDS)
        assert board.start(cause) == (TECHNICIAN, reset.BY_HAND)
        assert board.resets.crashes == 0


def test_the_fifth_crash_in_a_row_leaves_its_room_out():
    board = _board()
    board.crash(4, _LINK)
    assert (board.resets.crashes, board.resets.off) == (4, 0)
    board.crash(1, _UPLINK)
    assert (board.resets.crashes, board.resets.off) == (5, 1 << _UPLINK)
    board.crash(1, _GNSS)  # another one, while the first is off
    assert board.resets.off == 1 << _UPLINK | 1 << _GNSS
    board.resets.tried()
    board.resets.order(reset.NEW_SETTINGS)
    board.start(_HARD)
    assert board.resets.off == 1 << _UPLINK | 1 << _GNSS and board.resets.tries == 1
    board.start(_SLEEP)
    assert board.resets.crashes == 6 and board.resets.tries == 1
    board.resets.steady()
    board.start(_HARD)
    assert (board.resets.crashes, board.resets.off, board.resets.tries) == (1, 0, 0)


def test_with_nobody_to_blame_the_network_is_left_out_and_only_then_gnss():
    board = _board()
    for _ in range(5):
        board.start(_HARD)
    assert board.resets.off == 1 << _LINK | 1 << _UPLINK
    board.start(_HARD)
    assert board.resets.off & 1 << _GNSS


def test_power_lost_and_a_technician_begin_anew():
    for cause, intent in ((_PWRON, 0), (_SOFT, 0), (_HARD, reset.HANDS)):
        board = _board()
        board.crash(5, _LINK)
        board.resets.note(intent)
        board.start(cause)
        assert (board.resets.crashes, board.resets.off) == (0, 0)


def test_what_is_steady_is_no_longer_left_out():
    board = _board()
    board.crash(5, _LINK)
    board.crash(1, _GNSS)
    board.resets.tried()
    board.resets.steady(1 << _LINK | 1 << _GNSS)  # ten good minutes without them prove nothing
    assert (board.resets.crashes, board.resets.tries) == (6, 1)
    board.resets.steady(1 << _LINK)
    board.start(_SLEEP)
    assert (board.resets.crashes, board.resets.off, board.resets.tries) == (6, 1 << _LINK, 1)
    board.resets.steady(0)
    board.start(_SLEEP)
    assert (board.resets.crashes, board.resets.off, board.resets.tries) == (0, 0, 0)
