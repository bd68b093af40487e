"""Damage of every class: no other time or place is accepted while RMC and GGA are both there; after noise the next is read.

`make bench B=nmea` tries ten times as much, on the VM and on the logs of real receivers.
"""

import pytest
from bench import damage
from sim import feed
from sim.receiver import make_round

from tracker.fix import Fix
from tracker.gnss.nmea import NmeaParser

FIELDS = ("sec", "ms", "lat_udeg", "lon_udeg", "kind", "speed_cms", "course_cdeg", "alt_dm", "hdop_x10", "sats")
COUNTS = {**dict.fromkeys(damage.CLASSES, 200), "double_flip": 800}


@pytest.fixture(scope="module")
def epochs(tmp_path_factory):
    script = make_round(11, str(tmp_path_factory.mktemp("round")), 1.0)
    return damage.epochs_of(b"".join(data for _, data in feed.read(script["feed"])))[900:1100]


def fixes_of(data):
    fixes = []
    parser = NmeaParser(Fix(), lambda fix: fixes.append(tuple(str(getattr(fix, name)) for name in FIELDS)))
    buf = bytearray(data)
    parser.feed(buf, len(buf))
    parser.flush()
    return fixes


def verdict_of(epochs, rmc_only):
    verdict = damage.Verdict(fixes_of(b"".join(map(b"".join, epochs))))
    for name, data in damage.tries(epochs, 7, COUNTS, rmc_only):
        fixes = fixes_of(data)
        assert 2 <= len(fixes) <= 6  # of the four whole epochs at least the two before are always read
        verdict.judge(name, fixes)
    assert verdict.tried == COUNTS
    return verdict


def test_nothing_changed_is_accepted_where_both_sentences_are_there(epochs):
    verdict = verdict_of(epochs, rmc_only=False)
    assert verdict.accepted == dict.fromkeys(damage.CLASSES, 0), verdict.examples[:3]
    # what a single sentence says nobody can vouch for: two flips that cancel in the XOR pass
    assert 0 < sum(verdict.said_once.values()) < 0.04 * sum(COUNTS.values())


def test_a_receiver_with_rmc_only_has_the_xor_and_the_form(epochs):
    """Of the flips and swaps that the XOR does not see, some make another well-formed sentence."""
    verdict = verdict_of(epochs, rmc_only=True)
    assert verdict.accepted["one_flip"] == verdict.accepted["burst"] == verdict.accepted["glued"] == 0
    assert 0 < verdict.accepted["double_flip"] < 0.2 * COUNTS["double_flip"]
    assert 0 < verdict.accepted["swapped"] < 0.3 * COUNTS["swapped"]


def test_the_judge_sees_a_changed_fix(epochs):
    """The tests above can fail: a fix a micro-degree, a second or a speed away is noticed."""
    whole = fixes_of(b"".join(map(b"".join, epochs)))
    for i, wrong in ((0, "1"), (2, "1"), (3, "1"), (5, "1"), (7, "1")):
        verdict = damage.Verdict(whole)
        verdict.judge("cut", [whole[3][:i] + (wrong,) + whole[3][i + 1 :]])
        assert (verdict.accepted["cut"], verdict.said_once["cut"]) == ((1, 0) if i < 5 else (0, 1))
    verdict = damage.Verdict(whole)
    verdict.judge("cut", [whole[3], (*whole[3][:4], "1", *whole[3][5:7], "None", "None", "None")])
    assert verdict.accepted["cut"] == verdict.said_once["cut"] == 0


def test_after_noise_the_next_epoch_is_always_read(epochs):
    fixes = []
    parser = NmeaParser(Fix(), lambda fix: fixes.append((fix.sec, fix.lat_udeg, fix.lon_udeg)))
    blocks = 0
    for noise, whole in damage.fuzz_blocks(epochs, 5, 40000):
        for data in (noise, whole):
            fixes.clear()
            buf = bytearray(data)
            parser.feed(buf, len(buf))
        expected = fixes_of(whole)[0]
        assert fixes and [str(value) for value in fixes[-1]] == [expected[0], *expected[2:4]]
        blocks += 1
    assert blocks > 100 and parser.bad_checksum > 50 and parser.malformed > 20
