"""Settings: every damage gives usable values and a sentence; no sentence tells a secret."""

import json
import os

from tracker.system.schema import HEX, ROWS
from tracker.system.schema_text import TEXTS
from tracker.system.settings import SettingsFile, parse

_KEY = "0123456789abcdef" * 4
_GOOD = {
    "device_id": "truk-017",
    "device_key": _KEY,
    "wifi_ssid": "Depo Jatiuwung",
    "wifi_password": "kata sandi depo",
    "broker_host": "10.0.0.7",
    "broker_password": "rahasia-sekali",
    "bound_m": 15,
    "parser": "micropygps",
}
_SECRETS = (_KEY, "kata sandi depo", "rahasia-sekali")


def _bytes(**changes):
    values = dict(_GOOD)
    values.update(changes)
    return json.dumps(values).encode()


def _folder():
    """A new empty folder, on CPython and on the VM."""
    try:
        import tempfile

        return tempfile.mkdtemp() + "/"
    except ImportError:
        from binascii import hexlify

        name = "/tmp/lacak-settings-" + hexlify(os.urandom(6)).decode()
        os.mkdir(name)
        return name + "/"


def _put(name, data):
    with open(name, "wb") as file:
        file.write(data)


def _get(name):
    with open(name, "rb") as file:
        return file.read()


def _one_problem(settings, *words):
    assert len(settings.problems) == 1, settings.problems
    for word in words:
        assert word in settings.problems[0], (word, settings.problems[0])


def test_a_good_file_is_taken_without_a_word():
    settings = parse(_bytes(), "lacak-a1b2c3")
    assert settings.problems == []
    assert settings.device_id == "truk-017"
    assert settings.device_key[:2] == b"\x01\x23" and len(settings.device_key) == 32
    assert settings.wifi_password == "kata sandi depo"
    assert settings.bound_m == 15 and settings.parser == "micropygps"
    assert settings.keepalive_s == 60 and settings.gnss_baud == 9600  # not in the file


def test_no_file_is_said_and_gives_defaults():
    settings = parse(None, "lacak-a1b2c3")
    assert settings.damaged and settings.device_id == "lacak-a1b2c3"
    assert "not there" in settings.problems[0] and "Provision" in settings.problems[0]
    for key, _, default, _, _, _ in ROWS[1:]:
        assert getattr(settings, key) == default


def test_a_file_cut_anywhere_is_damaged_never_half_taken():
    whole = _bytes(broker_port=1884)
    for cut in range(len(whole)):
        settings = parse(whole[:cut], "x")
        assert settings.damaged, whole[:cut]
        assert (settings.broker_port, settings.wifi_ssid, settings.device_key) == (1883, "", b"")


def test_rubbish_is_damaged():
    long = b'{"bound_m": 5}' + b" " * 5000
    deep = b"[" * 4000
    for data in (b"\xff\xfe\x00", b"[1, 2]", b"null", b"7", b"{]}", b"{[1]: 2}", deep, long):
        assert parse(data, "x").damaged, data[:20]


def test_a_byte_order_mark_is_not_damage():
    assert parse(b"\xef\xbb\xbf" + _bytes(), "x").problems == []


def test_out_of_range_gives_the_default_and_says_so():
    _one_problem(parse(_bytes(broker_port=70000)), "broker_port", "70000", "1 to 65535", "1883")
    settings = parse(_bytes(bound_m=1))
    assert settings.bound_m == 10 and settings.refused == 1 and not settings.damaged
    _one_problem(settings, "bound_m", "2 to 100 m", "10 is used")


def test_wrong_types_give_the_default():
    for value in ("1884", 1884.0, None, [1884], {"a": 1}, True):
        settings = parse(_bytes(broker_port=value))
        assert settings.broker_port == 1883
        _one_problem(settings, "broker_port", "whole number")
    for value in (7, None, ["a"], "x" * 33, "satu\ndua"):
        settings = parse(_bytes(wifi_ssid=value))
        assert settings.wifi_ssid == ""
        _one_problem(settings, "wifi_ssid")
    _one_problem(parse(_bytes(parser="garmin")), "'lacak' or 'micropygps'")
    _one_problem(parse(_bytes(wifi_ssid="\u00e9" * 17)), "32 bytes")  # 17 characters, 34 bytes


def test_a_device_id_is_one_level_of_a_topic():
    for name in ("a/b", "a+", "#", "truk 17", "\u00e9"):
        settings = parse(_bytes(device_id=name), "lacak-a1b2c3")
        assert settings.device_id == "lacak-a1b2c3", name
        _one_problem(settings, "device_id", "lacak-a1b2c3 is used")


def test_a_key_is_64_hexadecimal_digits():
    for key in ("ab", _KEY[:-1] + "g", _KEY + "00", 5):
        settings = parse(_bytes(device_key=key))
        assert settings.device_key == b"" and settings.refused == 1, key
        assert "64 hexadecimal digits" in settings.problems[0]


def test_empty_means_not_set():
    settings = parse(_bytes(device_id="", wifi_password="", broker_user=""), "lacak-a1b2c3")
    assert settings.problems == [] and settings.device_id == "lacak-a1b2c3"


def test_unknown_keys_are_reported_and_kept():
    settings = parse(_bytes(wifi_pasword="salah ketik"))
    _one_problem(settings, "wifi_pasword", "spelling")
    assert "salah ketik" not in settings.problems[0]
    again = parse(settings.to_bytes())
    assert again.unknown == {"wifi_pasword": "salah ketik"} and again.refused == 0


def test_what_nothing_works_without_is_asked_for():
    problems = " ".join(parse(b"{}").problems)
    assert "broker_host" in problems and "device_key" in problems


def test_secrets_stay_secret():
    files = [_bytes(), _bytes(broker_port="rahasia-sekali", parser=_KEY, wifi_ssid=_KEY)]
    files += [_bytes(device_key=_KEY + "0"), _bytes(wifi_password=_SECRETS[1] * 9), _bytes()[:-9]]
    for data in files:
        settings = parse(data)
        settings.wifi_ssid = "x"  # one of the files has the key there; it is no secret then
        said = repr(settings) + " ".join(settings.problems)
        for secret in _SECRETS:
            assert secret not in said, said
    assert "wifi_password=(secret)" in repr(parse(_bytes()))


def test_every_row_has_its_sentences_and_a_legal_default():
    assert sorted(TEXTS) == sorted([row[0] for row in ROWS])
    assert parse(parse(b"{}", "x").to_bytes(), "x").refused == 0
    for english, indonesian in TEXTS.values():
        assert english.endswith(".") and indonesian.endswith(".") and english != indonesian


def test_written_and_read_back():
    settings = parse(_bytes(unknown=[1, "dua"]))
    again = parse(settings.to_bytes())
    for key, _, _, _, _, _ in ROWS:
        assert getattr(again, key) == getattr(settings, key), key
    assert _KEY in settings.to_bytes().decode() and [row[1] for row in ROWS].count(HEX) == 1


def test_save_switches_and_load_keeps_a_good_copy():
    folder = _folder()
    store = SettingsFile(folder)
    assert store.load("x").damaged  # nothing there
    store.save(parse(_bytes()))
    assert sorted(os.listdir(folder)) == ["settings.json"]
    assert store.load().problems == []
    assert sorted(os.listdir(folder)) == ["settings.bak", "settings.json"]
    assert _get(folder + "settings.bak") == _get(folder + "settings.json")


def test_a_damaged_file_falls_back_to_the_last_good_copy():
    folder = _folder()
    store = SettingsFile(folder)
    _put(folder + "settings.json", _bytes())
    store.load()
    _put(folder + "settings.json", _bytes()[:40])
    settings = store.load()
    assert settings.broker_host == "10.0.0.7" and not settings.damaged
    _one_problem(settings, "last good copy")
    os.remove(folder + "settings.json")
    assert store.load().broker_host == "10.0.0.7"
    _put(folder + "settings.bak", b"")
    settings = store.load("lacak-1")
    assert settings.damaged and settings.device_id == "lacak-1"
    assert "last good copy" not in " ".join(settings.problems)


def test_only_a_good_file_becomes_the_copy():
    folder = _folder()
    store = SettingsFile(folder)
    _put(folder + "settings.json", _bytes())
    store.load()
    _put(folder + "settings.json", _bytes(bound_m=0))
    assert store.load().refused == 1
    assert parse(_get(folder + "settings.bak")).refused == 0
    _put(folder + "settings.json", _bytes(bound_m=20))
    store.load()
    assert parse(_get(folder + "settings.bak")).bound_m == 20


def test_a_cut_while_saving_leaves_the_old_file():
    folder = _folder()
    store = SettingsFile(folder)
    store.save(parse(_bytes()))
    _put(folder + "settings.new", b'{"broker_h')  # what a cut leaves of the next one
    assert store.load().problems == []
    store.save(parse(_bytes(bound_m=30)))
    assert store.load().bound_m == 30
    assert "settings.new" not in os.listdir(folder)


def test_load_never_raises_when_the_copy_cannot_be_written():
    folder = _folder()
    _put(folder + "settings.json", _bytes())
    os.mkdir(folder + "settings.new")  # opening it for writing fails
    settings = SettingsFile(folder).load()
    assert settings.bound_m == 15
    _one_problem(settings, "spare copy")
