"""The health table names what the rooms have: a counter that was renamed would silently be missing at the office."""

import re

import pytest
from setup.place import ROOT
from tracker.system.health import TABLE

TRACKER = ROOT / "firmware/tracker"
PROTOCOL = ROOT / "docs/protocol.md"
FILES = {  # where the attributes of the table's owners are made
    "board": ["system/health"],
    "resets": ["system/reset"],
    "settings": ["system/settings"],
    "supply": ["system/supply"],
    "journal": ["store/journal"],
    "history": ["uplink/lanes"],
    "parser": ["gnss/nmea", "gnss/epochs"],
    "receiver": ["gnss/receiver"],
    "gate": ["gnss/clock"],
    "trail": ["sampling/trail"],
    "quality": ["sampling/quality"],
    "session": ["uplink/uplink"],
    "names": ["uplink/names"],
    "tls": ["uplink/secure"],
    "wifi": ["link/wifi"],
    "loop": ["system/supervisor"],
    "log": ["system/log"],
    **dict.fromkeys(("gnss", "link", "uplink", "power", "health", "safe"), ["system/supervisor"]),
}


def rows():
    """(number, owner, attribute) of every field."""
    found, number, owner = [], 0, None
    for word in TABLE:
        if isinstance(word, int):
            number, owner = word - 1, None
        elif owner is None:
            owner = word
        else:
            number += 1
            found.append((number, owner, word))
    return found


def has(owner, attribute, files=FILES):
    text = "".join((TRACKER / (name + ".py")).read_text() for name in files[owner])
    return re.search(r"(?:self|settings)\.%s\b[^=\n(]* = |def %s\(self\)" % (attribute, attribute), text) is not None


@pytest.mark.parametrize("number, owner, attribute", rows())
def test_the_owner_has_the_attribute(number, owner, attribute):
    assert has(owner, attribute)


@pytest.mark.parametrize("attribute", ["sentences", "bad_checksum", "malformed", "mixed_epochs", "date_refused"])
def test_the_other_parser_has_them_too(attribute):
    assert has("parser", attribute, {"parser": ["gnss/nmea_micropygps", "gnss/epochs"]})


def test_a_name_that_nobody_has_is_noticed():
    assert not has("parser", "bad_checksums") and not has("journal", "append")


def documented():
    """Numbers of the table in docs/protocol.md."""
    part = PROTOCOL.read_text().split("### Health fields")[1].split("\n### ")[0]
    return [int(number) for number in re.findall(r"^\| (\d+) \|", part, re.MULTILINE)]


def test_every_field_is_in_the_document():
    assert documented() == [number for number, _, _ in rows()] + [126]
