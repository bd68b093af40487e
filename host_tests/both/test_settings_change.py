"""One setting changed: what is right is saved, what is wrong changes nothing, and both languages say so."""

import os

from test_settings import _KEY, Nvs, _bytes, _folder, _get, _put
from tracker.system.schema import CHOICE, HEX, INT, ROWS
from tracker.system.settings import FILE, SettingsFile, parse
from tracker.system.settings_change import change, listing
from tracker.system.values import Values


def _store(**changes):
    folder = _folder()
    _put(folder + "settings.json", _bytes(**changes))
    return SettingsFile(folder), folder


def test_a_right_value_is_saved_beside_all_the_others():
    store, folder = _store(unknown=[1, "dua"], live_s=0)
    before = store.first()[0]
    assert change(store, "bound_m", " 25 ") == (
        True,
        "'bound_m' is now 25 m. It takes effect at the next start.",
        "'bound_m' sekarang 25 m. Berlaku setelah pelacak dinyalakan ulang.",
    )
    before["bound_m"] = 25
    assert store.first()[0] == before  # the unknown one too, and the wrong one: it is still to be corrected
    assert "settings.new" not in os.listdir(folder)


def test_every_setting_can_be_set_and_taken_back():
    store, _ = _store()
    for row in ROWS:
        key, kind, default, limits = row[:4]
        value = limits[1] if kind in (INT, CHOICE) else "k" * limits[1] if kind != HEX else _KEY
        done, english, indonesian = change(store, key, str(value))
        assert done and key in english and key in indonesian, english
        assert "None" not in english + indonesian
        assert store.first()[0][key] == value and store.load().refused == 0
        done, english, indonesian = change(store, key, "")
        assert done and "default again" in english and "nilai bawaan" in indonesian
        assert key not in store.first()[0]
        assert key == "device_id" or getattr(store.load(), key) == default


def test_a_wrong_value_changes_nothing():
    store, folder = _store()
    before = _get(folder + "settings.json")
    wrong = {INT: ("-9999", "999999", "--5", "1e3", "15 m", "9" * 40, "x"), CHOICE: ("x",), HEX: ("ab", "g" * 64)}
    for row in ROWS:
        for text in wrong.get(row[1], ("x" * 65, "a\nb")):
            done, english, indonesian = change(store, row[0], text)
            assert not done, (row[0], text)
            assert "has to be" in english and "Nothing was changed." in english
            assert "harus" in indonesian and "Tidak ada yang diubah." in indonesian
            assert text not in ("x" * 65, "ab") or text not in english
    done, english, indonesian = change(store, "bond_m", "5")
    assert not done and "bound_m" in english and "bound_m" in indonesian and "bond_m" not in english
    assert _get(folder + "settings.json") == before


def test_a_secret_is_not_repeated():
    store, _ = _store()
    said = ""
    for key, text in (("wifi_password", "kata sandi baru"), ("broker_port", "kata sandi baru"), ("kata sandi baru", "5")):
        said += "".join(change(store, key, text)[1:])
    assert "kata sandi" not in said and "(secret)" in said and "(rahasia)" in said
    for language in (0, 1):
        assert "rahasia-sekali" not in "".join(listing(store.load(), language))


def test_a_full_flash_is_said():
    store, folder = _store()
    os.mkdir(folder + "settings.new")
    done, english, indonesian = change(store, "bound_m", "25")
    assert not done and "can't be written" in english and "tidak bisa ditulis" in indonesian
    assert store.load().bound_m == 15


def test_a_change_mends_a_damaged_file_from_its_copy():
    nvs = Nvs()
    folder = _folder()
    store = SettingsFile(folder, nvs)
    _put(folder + "settings.json", _bytes())
    store.load()
    _put(folder + "settings.json", _bytes()[:50])
    assert change(store, "live_s", "5")[0]
    settings = store.load()
    assert (settings.source, settings.live_s, settings.bound_m) == (FILE, 5, 15)
    _put(folder + "settings.json", b"")
    _put(folder + "settings.bak", b"")
    assert change(store, "live_s", "7")[0]
    settings = store.load()
    assert (settings.live_s, settings.broker_host, settings.bound_m) == (7, "10.0.0.7", 10)


def test_what_is_looked_up_each_time_holds_at_once():
    for row in ROWS:
        if row[1] == INT:
            store, _ = _store()
            live = store.load()
            value = row[3][0] + 1
            english, indonesian = change(store, row[0], str(value), live)[1:]
            assert (getattr(live, row[0]) == value) == (not row[6]), row[0]
            assert ("at once" in english) == ("Langsung" in indonesian) == (not row[6])
            assert "next start" in change(store, row[0], str(value))[1]  # nobody has the values in use


def test_the_list_has_a_line_for_each_in_both_languages():
    values = parse(_bytes())
    assert isinstance(values, Values)
    english, indonesian = listing(values), listing(values, 1)
    assert len(english) == len(indonesian) == len(ROWS)
    assert any("bound_m = 15 m" in line and "from 2 to 100 m" in line for line in english)
    assert any("bound_m = 15 m" in line and "dari 2 sampai 100 m" in line for line in indonesian)
