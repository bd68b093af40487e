"""New settings on trial: without the station's answer what the truck reached the office with is back after ten minutes,
wherever the power goes; on MicroPython the real littlefs is cut at every step."""

import os

from command_kit import Mark
from test_settings import _bytes, _folder, _get, _put
from test_settings_cut import Disk
from tracker.system import trial
from tracker.system.settings import SettingsFile, read
from tracker.system.settings_change import change

_HERE = hasattr(os, "VfsLfs2")
_LAST = 12


class Clock:
    """A second of sleep is a step of the test's; a room's waits end there."""

    def __init__(self):
        self.s = 0

    def sleep_ms(self, ms):
        self.s += ms // 1000
        return _Done()


class _Done:
    def __await__(self):
        return self

    __iter__ = __await__

    def __next__(self):
        raise StopIteration


class Board:
    """Starts, runs the room, starts again; the station answers at_s seconds after a start, or never."""

    def __init__(self, store, mark):
        self.store, self.mark = store, mark
        self.told = []
        self.starts = 0
        self.clock = Clock()
        self.confirm_s = None

    def start(self):
        self.starts += 1
        self.resets = 0
        self.clock.s = 0
        if self.mark.get():
            trial.at_start(self.store, self.mark)
            task = trial.run(self.clock, self.mark, self._is_confirmed, self.told.append, self._reset, lambda: None)
            try:
                task.send(None)
            except StopIteration:
                pass
        return self.resets

    def _is_confirmed(self):
        return self.confirm_s is not None and self.clock.s >= self.confirm_s

    def _reset(self):
        self.resets += 1

    def live(self):
        """Starts until nothing orders another one."""
        for _ in range(20):
            if not self.start():
                return self.store.load()
        raise AssertionError("it never settles")


def _board(**changes):
    folder = _folder()
    _put(folder + "settings.json", _bytes(**changes))
    return Board(SettingsFile(folder), Mark())


def _try(board, key, text):
    trial.begin(board.store, board.mark)
    return change(board.store, key, text)[0]


def test_what_can_cut_the_truck_off():
    risky = ("wifi_ssid", "wifi_password", "broker_host", "broker_tls", "device_key", "device_id", "apn_name", "dns_server", "keepalive_s")
    assert all(trial.is_risky(key) for key in risky)
    assert not any(trial.is_risky(key) for key in ("live_s", "bound_m", "batch_s", "supply_low_mv", "gnss_baud"))


def test_without_an_answer_the_old_settings_are_back_after_ten_minutes():
    board = _board()
    assert _try(board, "wifi_password", "salah sekali")
    assert board.start() == 1 and board.clock.s == 600
    assert len(board.told) == 1 and "on trial" in board.told[0]
    assert board.store.first()[0]["wifi_password"] == "salah sekali"
    settings = board.live()
    assert settings.wifi_password == read(_bytes())[0]["wifi_password"]
    assert len(board.told) == 2 and "went back" in board.told[1] and board.mark.get() == 0
    board.live()
    assert len(board.told) == 2


def test_an_answer_in_time_makes_the_new_ones_stay():
    board = _board()
    _try(board, "wifi_password", "benar sekali")
    board.confirm_s = 599
    assert board.live().wifi_password == "benar sekali"
    assert board.mark.get() == 0 and board.starts == 1 and len(board.told) == 1


def test_two_changes_are_tried_and_go_back_together():
    board = _board()
    _try(board, "wifi_ssid", "Depo Baru")
    _try(board, "wifi_password", "sandi baru")
    assert board.start() == 1
    old = read(_bytes())[0]
    settings = board.live()
    assert (settings.wifi_ssid, settings.wifi_password) == (old["wifi_ssid"], old["wifi_password"])


def test_what_cannot_cut_off_does_not_go_back():
    board = _board()
    _try(board, "broker_host", "10.9.9.9")
    change(board.store, "live_s", "5")
    settings = board.live()
    assert (settings.broker_host, settings.live_s) == ("10.0.0.7", 5)


def test_a_setting_that_was_not_set_before_is_not_set_again():
    board = _board()
    _try(board, "dns_server", "1.1.1.1")
    board.live()
    assert "dns_server" not in board.store.first()[0]


def test_a_board_that_starts_again_and_again_goes_back_too():
    board = _board()
    _try(board, "broker_host", "10.9.9.9")
    for _ in range(20):  # each start dies before a minute has gone
        if board.mark.get() < 1:
            break
        trial.at_start(board.store, board.mark)
    assert board.store.load().broker_host == "10.0.0.7"


def test_a_change_that_is_refused_or_never_came_is_not_on_trial():
    board = _board()
    before = _get(board.store.old[:-3] + "json")
    assert not _try(board, "broker_port", "99999999")
    assert board.live() and board.told == [] and board.mark.get() == 0 and board.starts == 1
    assert _get(board.store.old[:-3] + "json") == before


def test_a_change_during_a_trial_ends_it_until_the_next_start():
    board = _board()
    _try(board, "wifi_ssid", "Depo Baru")
    sleep = board.clock.sleep_ms

    def change_at_100(ms):
        if board.clock.s == 100:
            _try(board, "wifi_password", "sandi baru")
        return sleep(ms)

    board.clock.sleep_ms = change_at_100
    assert board.start() == 0 and board.clock.s < 110 and board.mark.get() == 1
    board.clock.sleep_ms = sleep
    assert board.live().wifi_ssid == read(_bytes())[0]["wifi_ssid"]


def test_without_nvs_nothing_is_begun():
    board = _board()
    board.mark.works = False
    try:
        _try(board, "wifi_ssid", "Depo Baru")
        raise AssertionError("it was begun")
    except OSError:
        pass
    assert board.store.load().wifi_ssid == read(_bytes())[0]["wifi_ssid"]


def test_a_full_flash_at_the_return_is_tried_again():
    board = _board()
    _try(board, "wifi_ssid", "Depo Baru")
    assert board.start() == 1
    save = board.store.save

    def full(values):
        raise OSError(28)

    board.store.save = full
    assert board.start() == 1 and board.clock.s > 500  # another ten minutes
    board.store.save = save
    assert board.live().wifi_ssid == read(_bytes())[0]["wifi_ssid"]


# --- the power goes at each step -------------------------------------------------------------------


class PowerCut(BaseException):
    """Nothing of the board runs after it, not even what catches errors."""


class CutMark(Mark):
    """nth: the set at which the power goes, before or after it is kept. Where the disk has died, nothing is set either."""

    def __init__(self, value, nth, keeps, disk):
        Mark.__init__(self, value)
        self._left, self._keeps, self._disk = nth, keeps, disk
        self.dead = False

    def set(self, value):
        if self._disk.dead:
            raise PowerCut()
        self._left -= 1
        self.dead = self._left == 0
        if not self.dead or self._keeps:
            Mark.set(self, value)
        if self.dead:
            raise PowerCut()


def _on(disk, mark, do):
    """What do(board) gives; None if the power went."""
    os.mount(os.VfsLfs2(disk, readsize=32, progsize=32, lookahead=32), "/trial")
    try:
        return do(Board(SettingsFile("/trial/"), mark))
    except (OSError, PowerCut):
        return None
    finally:
        os.umount("/trial")


def _change(board):
    return _try(board, "wifi_password", "salah sekali")


def _hosts(data, value, do, found):
    """Cuts at every step of do: after each the new or the old runs, and in the end the old is back."""
    old = read(_bytes())[0]["wifi_password"]
    cuts = [(nth, share, 0, 0) for nth in range(1, 40) for share in (0, 1, 2)]
    cuts += [(0, 0, nth, keeps) for nth in range(1, 4) for keeps in (False, True)]
    for nth, share, at, keeps in cuts:
        disk = Disk(data, nth, share)
        mark = CutMark(value, at, keeps, disk)
        _on(disk, mark, do)
        if not disk.dead and not mark.dead:
            continue
        after = Mark(mark.value)
        disk = Disk(disk.data)
        password = _on(disk, after, lambda board: board.store.load().wifi_password)
        assert password in (old, "salah sekali"), (nth, share, at, keeps)
        found.append(password)
        told = []

        def settle(board):
            board.told = told
            return board.live().wifi_password

        assert _on(disk, after, settle) == old, (nth, share, at, keeps, after.value)
        assert after.value == 0 or after.value is None
        assert password == old or "went back" in told[-1]


def test_a_cut_at_any_step_of_a_change_or_of_the_return_ends_with_the_old_settings():
    if not _HERE:
        return
    disk = Disk()
    os.VfsLfs2.mkfs(disk, readsize=32, progsize=32, lookahead=32)
    stale = _bytes(wifi_password="dari dulu kala")  # what an earlier trial left must never come back
    _on(disk, Mark(), lambda board: board.store.save(read(_bytes())[0]) or board.store.write(board.store.old, stale) or board.store.load())
    found = []
    _hosts(disk.data, None, _change, found)
    assert len(found) > 20 and len(set(found)) == 2, len(found)
    mark = Mark()
    _on(disk, mark, _change)
    found = []
    _hosts(disk.data, _LAST, lambda board: trial.at_start(board.store, board.mark), found)
    assert len(found) > 8 and len(set(found)) == 2, (len(found), set(found))
