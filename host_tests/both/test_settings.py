"""Settings: every damage gives usable values and a sentence; no sentence tells a secret."""

import json
import os

from tracker.system import settings as module
from tracker.system.schema import CHOICE, ESSENTIAL, HEX, HOST, INT, NAME, ROWS
from tracker.system.schema_text import TEXTS
from tracker.system.settings import (
    COPY,
    DEFAULTS,
    FILE,
    NVS,
    SettingsFile,
    legal,
    parse,
    read,
    written,
)

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
_LONGEST = 160  # bytes that the log's ring keeps of a line


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


class Nvs:
    """esp32.NVS of one namespace: what is set is there after commit(); fail: what raises."""

    def __init__(self):
        self.kept, self._now, self.commits, self.fail = {}, {}, 0, ()

    def get_blob(self, key, buf):
        self._may("get")
        if key not in self._now:
            raise OSError(-4354, "ESP_ERR_NVS_NOT_FOUND")
        data = self._now[key]
        if len(data) > len(buf):
            raise OSError(-4364, "ESP_ERR_NVS_INVALID_LENGTH")
        buf[: len(data)] = data
        return len(data)

    def set_blob(self, key, value):
        self._may("set")
        assert len(key) <= 15
        self._now[key] = bytes(value)

    def commit(self):
        self._may("commit")
        self.commits += 1
        self.kept = dict(self._now)

    def _may(self, what):
        if what in self.fail:
            raise OSError(-4357, "ESP_ERR_NVS_NOT_ENOUGH_SPACE")


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
    assert settings.source == DEFAULTS and settings.device_id == "lacak-a1b2c3"
    assert "not there" in settings.problems[0] and "Put settings.json" in settings.problems[0]
    assert "defaults" in settings.problems[1]
    for row in ROWS[1:]:
        assert getattr(settings, row[0]) == row[2]


def test_a_file_cut_anywhere_is_damaged_never_half_taken():
    whole = _bytes(broker_port=1884)
    for cut in range(len(whole)):
        settings = parse(whole[:cut], "x")
        assert settings.source == DEFAULTS, whole[:cut]
        assert (settings.broker_port, settings.wifi_ssid, settings.device_key) == (8883, "", b"")


def test_rubbish_is_damaged():
    long = b'{"bound_m": 5}' + b" " * 5000
    deep = b"[" * 4000
    nested = b'{"a": ' + b"[" * 2000 + b"]" * 2000 + b"}"
    files = (b"\xff\xfe\x00", b"[1, 2]", b"null", b"7", b"{]}", b"{[1]: 2}", deep, long, nested)
    for data in files:
        assert parse(data, "x").source == DEFAULTS, data[:20]


def test_a_colon_or_a_comma_too_few_is_damage():
    """MicroPython's json would give each value to the next key."""
    for data in (
        b'{"bound_m" 5}',
        b'{"a": 1 "bound_m": 5}',
        b'{"a": 1, "bound_m": 5 "b": 6}',
        b'{"a": 0 1, "bound_m": 5}',
        b'{"a": 1,, "bound_m": 5}',
        b'{"a": 1, "bound_m": 5,}',
        b'{"a": [1 2], "bound_m": 5}',
        b'{"a": {"b", "c"}, "bound_m": 5}',
        b'{1: 1, "bound_m": 5}',
        b'{"bound_m": 5} {}',
        b'{"bound_m": 5}}',
        b"{'bound_m': 5}",
    ):
        settings = parse(data)
        assert (settings.source, settings.bound_m) == (DEFAULTS, 10), data
    for data in (
        b'{"bound_m": 5}',
        b' {"a" : [1, "b", [], {}, {"c": [null, true]}, 1.5e-3], "bound_m": 5, "d": {"e": "}"}} \r\n',
        b'{"a\\"": "\\\\", "bound_m":5}',
        b'{"a":[[1,2],["b"],{"c":{"d":false}},-1],"bound_m":5}',
    ):
        settings = parse(data)
        assert (settings.source, settings.bound_m) == (FILE, 5), data


def test_a_byte_order_mark_is_not_damage():
    assert parse(b"\xef\xbb\xbf" + _bytes(), "x").problems == []


def test_out_of_range_gives_the_default_and_says_so():
    _one_problem(parse(_bytes(broker_port=70000)), "broker_port", "70000", "1 to 65535", "8883")
    settings = parse(_bytes(bound_m=1))
    assert settings.bound_m == 10 and settings.refused == 1 and settings.source == FILE
    _one_problem(settings, "bound_m", "2 to 100 m", "10 m is used")


def test_wrong_types_give_the_default():
    for value in ("1884", 1884.0, None, [1884], {"a": 1}, True):
        settings = parse(_bytes(broker_port=value))
        assert settings.broker_port == 8883
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


def test_a_broker_is_a_name_or_an_address():
    for host in ("mqtt://10.0.0.7", "10.0.0.7 ", "broker/x", "h" * 65):
        settings = parse(_bytes(broker_host=host))
        assert settings.broker_host == "" and settings.refused == 1, host
        assert "no mqtt://" in settings.problems[0]
    for host in ("10.0.0.7", "mqtt.silacak.tangerangkota.go.id", "fd00::7", "depo_2"):
        assert parse(_bytes(broker_host=host)).problems == []


def test_unknown_keys_are_reported():
    settings = parse(_bytes(wifi_pasword="salah ketik"))
    _one_problem(settings, "wifi_pasword", "spelling")
    assert "salah ketik" not in settings.problems[0]
    settings = parse(_bytes(**{"a\nb\u00e9": 1}))
    _one_problem(settings, "a?b?")
    settings = parse(json.dumps({"k%02d" % i: i for i in range(90)}).encode())
    assert len(settings.problems) == 9  # six are named, then their number, then what is missing
    assert "84 more" in settings.problems[6]


def test_what_nothing_works_without_is_asked_for():
    problems = " ".join(parse(b"{}").problems)
    assert "broker_host" in problems and "device_key" in problems


def test_secrets_stay_secret():
    files = [_bytes(), _bytes(broker_port="rahasia-sekali", parser=_KEY, wifi_ssid=_KEY)]
    files += [_bytes(device_key=_KEY + "0"), _bytes(wifi_password=_SECRETS[1] * 9), _bytes()[:-9]]
    for data in files:
        settings = parse(data)
        said = repr(settings) + " ".join(settings.problems)
        for secret in _SECRETS:
            assert secret not in said, said
    settings = parse(_bytes(broker_port=12345678))  # digits of a password, in the wrong line
    assert settings.refused == 1 and "12345678" not in settings.problems[0]


def test_every_row_is_whole():
    """Type, range, unit, default, secret, restart, and a sentence for people in both languages."""
    assert sorted(TEXTS) == sorted([row[0] for row in ROWS])
    assert len({row[0] for row in ROWS}) == len(ROWS)
    units = {"s": "_s", "m": "_m", "d": "_days", "Bd": "_baud", "mV": "_mv", "min": "_min", "blocks": "_blocks"}
    for row in ROWS:
        key, kind, default, limits, unit, secret, restart = row
        assert secret in (True, False) and restart in (True, False), key
        assert secret == any([key.endswith(word) for word in ("_password", "_key", "_pin")]), key
        if kind == INT:
            assert legal(row, default) and limits[0] < limits[1], key
            assert not legal(row, limits[0] - 1) and not legal(row, limits[1] + 1), key
            assert legal(row, limits[0]) and legal(row, limits[1]), key
            assert -(1 << 30) <= limits[0] and limits[1] < 1 << 30, key  # no heap on the road
        elif kind == CHOICE:
            assert default in limits and len(limits) > 1, key
        elif kind == HEX:
            assert default == b"" and limits > 0, key
        else:
            assert default == "" and 0 < limits[0] < limits[1], key
        assert unit == "" or key.endswith(units[unit]), key  # a number's name says its unit too
        for unit, end in units.items():
            assert not key.endswith(end) or unit == row[4], key
        english, indonesian = TEXTS[key]
        for text in (english, indonesian):
            assert text[-1] == "." and len(text) < 100, text
        assert english != indonesian
    assert set(ESSENTIAL) <= {row[0] for row in ROWS}


def test_written_and_read_back():
    values = read(_bytes(unknown=[1, "dua"], bound_m=0))[0]
    again = read(written(values))[0]
    assert again == values and again["unknown"] == [1, "dua"] and again["bound_m"] == 0
    assert "gnss_baud" not in again  # what was not set stays unset
    assert written({"zz": 1, "bound_m": 5, "device_id": "a"}) == (
        b'{\n "device_id": "a",\n "bound_m": 5,\n "zz": 1\n}\n'
    )


def test_save_switches_and_load_keeps_a_good_copy():
    folder = _folder()
    store = SettingsFile(folder)
    assert store.load("x").source == DEFAULTS  # nothing there
    store.save(read(_bytes())[0])
    assert sorted(os.listdir(folder)) == ["settings.json"]
    assert store.load().problems == []
    assert sorted(os.listdir(folder)) == ["settings.bak", "settings.json"]
    assert _get(folder + "settings.bak") == _get(folder + "settings.json")


def test_a_file_that_the_next_start_would_refuse_is_not_saved():
    folder = _folder()
    store = SettingsFile(folder)
    store.save({"bound_m": 5})
    try:
        store.save({"bound_m": 6, "x": "y" * 4096})
        assert False
    except OSError:
        pass
    assert store.load().bound_m == 5


def test_a_damaged_file_falls_back_to_the_last_good_copy():
    folder = _folder()
    store = SettingsFile(folder)
    _put(folder + "settings.json", _bytes())
    store.load()
    _put(folder + "settings.json", _bytes()[:40])
    settings = store.load()
    assert settings.broker_host == "10.0.0.7" and settings.source == COPY
    assert len(settings.problems) == 2
    assert "is cut" in settings.problems[0] and "last good copy" in settings.problems[1]
    os.remove(folder + "settings.json")
    assert store.load().broker_host == "10.0.0.7"
    _put(folder + "settings.bak", b"")
    settings = store.load("lacak-1")
    assert settings.source == DEFAULTS and settings.device_id == "lacak-1"
    assert "last good copy" not in " ".join(settings.problems)


def test_only_a_good_file_becomes_the_copy_and_the_essentials():
    folder = _folder()
    nvs = Nvs()
    store = SettingsFile(folder, nvs)
    _put(folder + "settings.json", _bytes())
    store.load()
    _put(folder + "settings.json", _bytes(bound_m=0, broker_port=70000))
    assert store.load().refused == 2
    assert parse(_get(folder + "settings.bak")).refused == 0 and nvs.commits == 1
    _put(folder + "settings.json", _bytes(bound_m=20))
    store.load()
    assert parse(_get(folder + "settings.bak")).bound_m == 20


def test_without_any_file_the_truck_still_reaches_the_office():
    nvs = Nvs()
    folder = _folder()
    _put(folder + "settings.json", _bytes(broker_port=1884, wifi_ssid='De"po \u00e9'))
    SettingsFile(folder, nvs).load()
    settings = SettingsFile("/nowhere/", nvs).load("lacak-1")
    assert settings.source == NVS and "from NVS" in settings.problems[1], settings.problems
    good = parse(_get(folder + "settings.json"))
    for key in ESSENTIAL:
        assert getattr(settings, key) == getattr(good, key), key
    assert (settings.broker_port, settings.wifi_ssid) == (1884, 'De"po \u00e9')
    assert settings.bound_m == 10  # not among them


def test_nvs_is_written_only_when_something_is_new():
    nvs = Nvs()
    folder = _folder()
    store = SettingsFile(folder, nvs)
    commits = []
    for changes in ({}, {}, {"bound_m": 50}, {"broker_port": 9}, {"broker_port": 9}):
        _put(folder + "settings.json", _bytes(**changes))
        store.load()
        commits.append(nvs.commits)
    assert commits == [1, 1, 1, 2, 2]
    _put(folder + "settings.json", b"{")
    nvs._now.clear()  # the chip has erased it
    assert store.load().source == COPY and nvs.commits == 3  # and the copy fills it again


def test_essentials_with_any_wrong_byte_are_not_believed():
    nvs = Nvs()
    folder = _folder()
    _put(folder + "settings.json", _bytes())
    SettingsFile(folder, nvs).load()
    blob = nvs.kept["essentials"]
    store = SettingsFile("/nowhere/", nvs)
    for at in range(len(blob)):
        nvs._now["essentials"] = blob[:at] + bytes([blob[at] ^ 0x10]) + blob[at + 1 :]
        assert store.load("x").source == DEFAULTS, at
        nvs._now["essentials"] = blob[:at]
        assert store.load("x").source == DEFAULTS, at
    nvs._now["essentials"] = blob + bytes(4000)  # longer than the buffer
    assert store.load("x").source == DEFAULTS
    nvs._now["essentials"] = blob
    assert store.load("x").source == NVS


def test_the_longest_essentials_fit():
    longest = {"device_key": _KEY, "broker_port": 65535, "broker_tls": "required"}
    for row in ROWS:
        if row[0] in ESSENTIAL and row[0] not in longest:
            char = "h" if row[1] in (HOST, NAME) else '"'
            longest[row[0]] = char * row[3][1]
    nvs = Nvs()
    folder = _folder()
    _put(folder + "settings.json", json.dumps(longest).encode())
    assert SettingsFile(folder, nvs).load().problems == []
    assert SettingsFile("/nowhere/", nvs).load().problems[2:] == []


def test_nvs_that_refuses_everything_stops_nothing():
    for fail in (("get",), ("set",), ("commit",), ("get", "set", "commit")):
        nvs = Nvs()
        nvs.fail = fail
        folder = _folder()
        _put(folder + "settings.json", _bytes())
        settings = SettingsFile(folder, nvs).load()
        assert settings.source == FILE and settings.bound_m == 15
        if fail != ("get",):
            _one_problem(settings, "NVS", "Tell the office")
        os.remove(folder + "settings.json")
        os.remove(folder + "settings.bak")
        if "get" in fail:
            assert SettingsFile(folder, nvs).load().source == DEFAULTS


def test_the_file_cut_at_every_byte_with_a_copy_without_with_nothing():
    nvs = Nvs()
    folder = _folder()
    store = SettingsFile(folder, nvs)
    whole = _bytes()
    for cut in range(len(whole)):
        _put(folder + "settings.json", whole)
        store.load()
        _put(folder + "settings.json", whole[:cut])
        _usable(store.load("x"), COPY, 15, "10.0.0.7")
        _put(folder + "settings.bak", whole[: cut // 2])
        _usable(store.load("x"), NVS, 10, "10.0.0.7")
        _usable(SettingsFile(folder, Nvs()).load("x"), DEFAULTS, 10, "")
        _usable(SettingsFile(folder).load("x"), DEFAULTS, 10, "")


def _usable(settings, source, bound_m, host):
    assert (settings.source, settings.bound_m, settings.broker_host) == (source, bound_m, host)
    assert settings.problems
    for problem in settings.problems:
        assert len(problem.encode()) <= _LONGEST, problem  # the log keeps it whole
        for secret in _SECRETS:
            assert secret not in problem


def test_every_byte_flipped_costs_at_most_the_setting_it_is_in():
    """A flipped digit can't be told from a technician's edit; a flipped key is an unknown one."""
    whole = _bytes()
    good = read(whole)[0]
    damaged = 0
    for at in range(len(whole)):
        for byte in [whole[at] ^ (1 << bit) for bit in range(8)] + [0, 32, 48, 58, 255]:
            values, trouble = read(whole[:at] + bytes([byte]) + whole[at + 1 :])
            damaged += trouble != ""
            other = [key for key in good if trouble == "" and values.get(key) != good[key]]
            assert len(other) <= 1, (at, byte, other)
    assert damaged > len(whole)


def test_a_flipped_byte_that_is_seen_is_the_copy_s_matter():
    folder = _folder()
    store = SettingsFile(folder, Nvs())
    whole = _bytes()
    _put(folder + "settings.json", whole)
    store.load()
    for at in range(len(whole)):
        flipped = whole[:at] + b"\x80" + whole[at + 1 :]
        _put(folder + "settings.json", flipped)
        _usable(store.load("x"), COPY, 15, "10.0.0.7")


def test_a_cut_while_saving_leaves_the_old_file():
    folder = _folder()
    store = SettingsFile(folder)
    store.save(read(_bytes())[0])
    whole = written(read(_bytes(bound_m=30))[0])
    for cut in range(len(whole) + 1):
        _put(folder + "settings.new", whole[:cut])  # what a cut leaves of the next one
        assert store.load().problems == [] and store.load().bound_m == 15
    store.save(read(_bytes(bound_m=30))[0])
    assert store.load().bound_m == 30
    assert "settings.new" not in os.listdir(folder)


class FullDisk:
    """Takes the first bytes of what is written, then no more."""

    def __init__(self, name, room):
        self._file = open(name, "wb")
        self._room = room

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()

    def write(self, data):
        self._file.write(data[: self._room])
        raise OSError(28, "ENOSPC")


def test_a_disk_that_is_full_in_the_middle_of_a_save_leaves_the_old_file():
    folder = _folder()
    store = SettingsFile(folder)
    store.save(read(_bytes())[0])
    for room in (0, 1, 50, 300):
        module.open = lambda name, mode: FullDisk(name, room) if mode == "wb" else open(name, mode)
        try:
            store.save(read(_bytes(bound_m=30))[0])
            assert False
        except OSError:
            pass
        finally:
            del module.open
        assert store.load().problems == [] and store.load().bound_m == 15


def test_load_never_raises_when_the_copy_cannot_be_written():
    folder = _folder()
    _put(folder + "settings.json", _bytes())
    os.mkdir(folder + "settings.new")  # opening it for writing fails
    settings = SettingsFile(folder).load()
    assert settings.bound_m == 15
    _one_problem(settings, "spare copy")


def test_every_wrong_value_gives_a_sentence_that_the_log_keeps_whole():
    for row in ROWS:
        for value in (None, -(1 << 31), "\n", [1], "x" * 300):
            settings = parse(_bytes(**{row[0]: value}))
            assert settings.refused == 1, (row[0], value)
            for problem in settings.problems:
                assert len(problem.encode()) <= _LONGEST, problem
                assert problem[-1] == "."
