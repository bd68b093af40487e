"""Settings under anything at all: no exception, usable values, no secret in a sentence."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st
from tracker.system.schema import CHOICE, HEX, INT, ROWS
from tracker.system.settings import parse

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
    for key, kind, _, limits, _, _ in ROWS:
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
    assert values.device_id == "lacak-1" or not values.damaged


@settings(max_examples=300)
@given(_FILES)
def test_any_json_object_is_survived(content):
    values = parse(json.dumps(content).encode(), "lacak-1")
    _usable(values)
    if not values.damaged:
        assert set(values.unknown) == set(content) - set(_KEYS)


@settings(max_examples=200)
@given(_FILES, st.data())
def test_a_file_cut_anywhere_is_damaged(content, data):
    whole = json.dumps(content).encode()
    assert parse(whole[: data.draw(st.integers(0, len(whole) - 1))]).damaged


@settings(max_examples=300)
@given(st.dictionaries(st.sampled_from(_KEYS), st.sampled_from(["rahasia!", "rahasia!" * 12])))
def test_no_sentence_repeats_a_text_of_the_file(content):
    values = parse(json.dumps(content).encode())
    assert "rahasia" not in " ".join(values.problems)
    for key in _KEYS:
        if key not in _SECRET_KEYS:
            setattr(values, key, "")
    assert "rahasia" not in repr(values)


@settings(max_examples=200)
@given(_FILES)
def test_what_was_taken_survives_being_written(content):
    values = parse(json.dumps(content).encode(), "lacak-1")
    if not values.damaged:
        again = parse(values.to_bytes(), "other")
        assert not again.refused
        for key in _KEYS:
            assert getattr(again, key) == getattr(values, key)
