"""Settings under anything at all: no exception, usable values, no secret in a sentence."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st
from tracker.system.log import Log
from tracker.system.schema import CHOICE, HEX, INT, ROWS
from tracker.system.settings import DEFAULTS, FILE, SettingsFile, parse, read, secrets, written
from tracker.system.settings_change import change, listing

_KEYS = [row[0] for row in ROWS]
_SECRET_KEYS = [row[0] for row in ROWS if row[5]]
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=70),
    lambda some: st.lists(some, max_size=3) | st.dictionaries(st.text(max_size=9), some),
    max_leaves=5,
)
_FILES = st.dictionaries(st.sampled_from(_KEYS) | st.text(max_size=30), _JSON, max_size=12)


def _usable(values):
    """Every attribute is one that the rooms can work with."""
    for key, kind, _, limits, _, _, _ in ROWS:
        value = getattr(values, key)
        if kind == INT:
            assert type(value) is int and limits[0] <= value <= limits[1]
        elif kind == HEX:
            assert type(value) is bytes and len(value) in (0, limits)
        elif kind == CHOICE:
            assert value in limits
        else:
            assert type(value) is str and len(value.encode()) <= limits[1]
            assert not any(ord(char) < 32 for char in value)
    assert all(sentence.endswith(".") for sentence in values.problems)


@settings(max_examples=300)
@given(st.binary(max_size=300))
def test_any_bytes_are_survived(data):
    values = parse(data, "lacak-1")
    _usable(values)
    assert values.device_id == "lacak-1" or values.source == FILE


@settings(max_examples=300)
@given(_FILES)
def test_any_json_object_is_survived(content):
    values = parse(json.dumps(content).encode(), "lacak-1")
    _usable(values)
    unknown = set(content) - set(_KEYS)
    said = [problem for problem in values.problems if "not known to this version" in problem]
    assert values.source == DEFAULTS or len(said) == min(len(unknown), 7)


@settings(max_examples=200)
@given(_FILES, st.data())
def test_a_file_cut_anywhere_is_damaged(content, data):
    whole = json.dumps(content).encode()
    assert parse(whole[: data.draw(st.integers(0, len(whole) - 1))]).source == DEFAULTS


@settings(max_examples=200)
@given(_FILES)
def test_what_a_file_says_survives_being_written(content):
    values, trouble = read(json.dumps(content).encode())
    again = read(written(values))[0]
    assert trouble or json.dumps(again, sort_keys=True) == json.dumps(values, sort_keys=True)


@settings(max_examples=300)
@given(st.dictionaries(st.sampled_from(_KEYS), st.sampled_from(["rahasia!", "rahasia!" * 12])))
def test_no_sentence_repeats_a_text_of_the_file(content):
    values = parse(json.dumps(content).encode())
    assert "rahasia" not in " ".join(values.problems) + repr(values)
    for key in _KEYS:
        if key not in _SECRET_KEYS:
            setattr(values, key, "")
    assert "rahasia" not in "".join(listing(values) + listing(values, 1))


_SECRET = st.text("Zq9 -'#:", min_size=8, max_size=30)


@settings(max_examples=100)
@given(_FILES, _SECRET, _SECRET, st.binary(min_size=32, max_size=32))
def test_the_log_shows_no_secret_whoever_says_it(content, wifi, broker, key):
    content.update(wifi_password=wifi, broker_password=broker, device_key=key.hex())
    values = parse(json.dumps(content).encode())
    printed = []
    log = Log(lambda: 0, out=printed.append)
    hidden = secrets(values)
    for secret in hidden:
        log.hide(secret)
    for text in [*values.problems, repr(values), *listing(values)]:
        log.warn(text)
    for secret in hidden:
        log.info("joining with '%s' now" % secret)
        log.exception("It died.", ValueError(secret))
    assert {wifi, broker, key.hex()} <= set(hidden) or values.source == DEFAULTS
    said = "\n".join(printed + log.lines())
    assert not any(secret in said for secret in (wifi, broker, key.hex()))


@settings(max_examples=300)
@given(st.sampled_from(_KEYS) | st.text(max_size=20), st.text(max_size=70) | st.integers().map(str))
def test_any_change_is_answered_and_leaves_a_file_that_is_good(tmp_path_factory, key, text):
    store = SettingsFile(str(tmp_path_factory.getbasetemp()) + "/")
    store.save({"bound_m": 20, "kept": "as it is"})
    done, *answers = change(store, key, text)
    assert all(answer.endswith(".") and "None" not in answer for answer in answers)
    values = store.load("lacak-1")
    _usable(values)
    assert values.refused == 0 and values.source == FILE
    assert values.bound_m == 20 or (done and key == "bound_m")
    assert store.first()[0]["kept"] == "as it is"
    assert (key in store.first()[0]) == (done and text.strip() != "") or key in ("bound_m", "kept") or text.isspace()
