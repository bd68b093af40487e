"""What a command does on the board: status, one setting, reboot; an App of which nothing is real but what orders read."""

import gc

from command_kit import Mark
from test_settings import Nvs, _bytes, _folder, _get, _put
from tracker.system import orders, settings
from tracker.system.reset import NEW_SETTINGS, ORDERED

STATUS, SET, REBOOT = 1, 2, 4
RESET, SUPPLY = 12, 9


class Thing:
    def __init__(self, **values):
        for key in values:
            setattr(self, key, values[key])


orders.gc = Thing(collect=gc.collect, mem_free=lambda: 64 * 1024)  # CPython's has no such word


class App:
    boot, reason, detail = 7, SUPPLY, 0

    def __init__(self):
        self.nvs = Nvs()
        self.trial = Mark()
        self.journal = Thing(oldest_seq=20, acked_low=90, next_seq=100)
        self.supply = Thing(mv=24300)
        self.health = Thing(uptime_s=3600)
        self.uplink = Thing(then=None)
        self.settings = None
        self.up_s = 3605

    def uptime(self):
        return self.up_s * 1000

    def missing(self):
        return " without gnss"

    def start_anew(self):
        pass


class Here:
    """settings.json in the current folder is a test's own."""

    def __init__(self):
        self.folder = _folder()
        _put(self.folder + "settings.json", _bytes())
        self.file = settings.SettingsFile

    def __enter__(self):
        settings.SettingsFile = lambda nvs: self.file(self.folder, nvs)
        return self

    def __exit__(self, *error):
        settings.SettingsFile = self.file

    def values(self):
        return self.file(self.folder).first()[0]


def test_status_in_one_line():
    done, text = orders.run(App(), STATUS, "")
    assert done and "up 3605 s, boot 7, 10 records wait, numbers 20 to 99" in text
    assert "24300 mV" in text and text.endswith(" without gnss") and "\n" not in text
    app = App()
    app.supply = None
    app.health = None
    app.trial.value = 3
    assert "not measured" in orders.run(app, STATUS, "")[1] and "on trial" in orders.run(app, STATUS, "")[1]


def test_a_setting_is_changed_live_too():
    app = App()
    with Here() as here:
        app.settings = here.file(here.folder).load()
        done, text = orders.run(app, SET, "live_s=5")
        assert done and "at once" in text and "Langsung" in text and "trial" not in text
        assert here.values()["live_s"] == 5 and app.settings.live_s == 5 and app.trial.value is None
        for wrong in ("live_s", "live_s=x", "bond_m=1", "=", ""):
            assert not orders.run(app, SET, wrong)[0]
        assert here.values()["live_s"] == 5


def test_what_could_cut_the_link_is_on_trial():
    app = App()
    with Here() as here:
        done, text = orders.run(app, SET, "wifi_password=a=b c d e f")
        assert done and "ten minutes" in text and "sepuluh menit" in text and "a=b" not in text
        assert here.values()["wifi_password"] == "a=b c d e f" and app.trial.value == 1
        assert settings.read(_get(here.folder + "settings.old"))[0] == settings.read(_bytes())[0]


def test_what_works_now_can_not_be_kept_so_nothing_is_changed():
    app = App()
    app.trial.works = False
    with Here() as here:
        done, text = orders.run(app, SET, "wifi_password=salah sekali")
        assert not done and "Nothing was changed" in text
        assert here.values() == settings.read(_bytes())[0]


def test_too_little_memory_is_said_before_anything_is_loaded():
    app = App()
    kept = orders.gc
    orders.gc = Thing(collect=gc.collect, mem_free=lambda: 9 * 1024)
    try:
        with Here() as here:
            done, text = orders.run(app, SET, "live_s=5")
            assert not done and "9 KB" in text and here.values() == settings.read(_bytes())[0]
    finally:
        orders.gc = kept


def test_a_reboot_waits_for_its_answer_and_comes_rarely():
    app = App()
    assert orders.run(app, REBOOT, "")[0] and app.uplink.then == app.start_anew
    for up_s, reason, detail, may in (
        (119, SUPPLY, 0, False),
        (120, SUPPLY, 0, True),
        (120, RESET, ORDERED, False),
        (599, RESET, NEW_SETTINGS, False),
        (600, RESET, ORDERED, True),
        (120, RESET, 1, True),
    ):
        app = App()
        app.health = None
        app.up_s, app.reason, app.detail = up_s, reason, detail
        done, text = orders.run(app, REBOOT, "")
        assert done == may == (app.uplink.then is not None), (up_s, reason, detail)
    app.up_s = 5  # after twelve days the clock of the board begins again
    app.health = Thing(uptime_s=1073741)
    assert orders.run(app, REBOOT, "")[0]


def test_a_command_to_come_is_refused_in_words():
    for code in (0, 3, 5, 6, 255):
        done, text = orders.run(App(), code, "")
        assert not done and "does not know" in text
