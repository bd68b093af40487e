"""Properties of the parser: whatever is done to the bytes, nothing raises, nothing untrue passes, the next is read."""

import os
import shutil
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from setup.place import ROOT
from setup.vm import vm_command

from tracker.fix import Fix
from tracker.gnss.nmea import NmeaParser


def sentence(body):
    xor = 0
    for c in body.encode():
        xor ^= c
    return b"$%s*%02X\r\n" % (body.encode(), xor)


def epoch(second):
    time = "0726%02d.00" % second
    place = "0612.5%04d,S,10636.%05d,E" % (second * 13, second * 17)
    return sentence("GNRMC,%s,A,%s,19.438,78.03,240626,,,A" % (time, place)) + sentence(
        "GNGGA,%s,%s,1,12,0.60,22.5,M,6.9,M,," % (time, place)
    )


GOOD = [epoch(second) for second in range(4)]


def parse(data, sizes=(10**6,)):
    fixes = []
    parser = NmeaParser(
        Fix(),
        lambda fix: fixes.append((fix.sec, fix.lat_udeg, fix.lon_udeg, fix.speed_cms, fix.course_cdeg, fix.kind)),
    )
    i = turn = 0
    while i < len(data):
        size = sizes[turn % len(sizes)]
        chunk = bytearray(data[i : i + size])
        parser.feed(chunk, len(chunk))
        i += size
        turn += 1
    parser.flush()
    return fixes, parser


TRUE = parse(b"".join(GOOD))[0]


@given(st.lists(st.integers(1, 40), min_size=1, max_size=8))
def test_chunking_changes_nothing(sizes):
    assert parse(b"".join(GOOD), sizes)[0] == TRUE


@settings(max_examples=150)
@given(st.binary(max_size=400), st.lists(st.integers(1, 40), min_size=1, max_size=4))
def test_noise_is_passed_over_and_the_next_epoch_read(noise, sizes):
    fixes, _ = parse(noise + b"\r\n" + GOOD[1] + GOOD[2], sizes)
    assert fixes[-2:] == TRUE[1:3]


@settings(max_examples=150)
@given(st.integers(0, len(GOOD[1]) - 1), st.integers(0, 7))
def test_one_flipped_bit_never_makes_another_fix(at, bit):
    damaged = bytearray(GOOD[1])
    damaged[at] ^= 1 << bit
    fixes, parser = parse(GOOD[0] + bytes(damaged) + GOOD[2] + GOOD[3])
    assert set(fixes) <= set(TRUE) and fixes[0] == TRUE[0] and fixes[-1] == TRUE[3]


@settings(max_examples=150)
@given(st.integers(0, len(GOOD[1]) - 1), st.integers(1, 30))
def test_lost_bytes_never_mix_two_epochs(at, count):
    damaged = GOOD[1][:at] + GOOD[1][at + count :]
    fixes, _ = parse(GOOD[0] + damaged + GOOD[2] + GOOD[3])
    assert set(fixes) <= set(TRUE) and fixes[0] == TRUE[0] and fixes[-1] == TRUE[3]


CHARS = "0123456789.,-ANSEWVM*"


@settings(max_examples=200)
@given(st.lists(st.text(CHARS, max_size=12), max_size=24), st.sampled_from(("GPRMC", "GPGGA", "GPGSV")))
def test_no_field_raises_and_each_sentence_is_counted(fields, kind):
    body = ",".join([kind, *fields]).replace("*", "")
    _, parser = parse(sentence(body) + GOOD[0])
    assert parser.sentences + parser.too_long + parser.bad_checksum == 3 or not fields or body.count(",") > 22
    assert parser.sentences >= 2


@given(
    st.integers(-89, 89), st.integers(0, 59), st.text("0123456789", max_size=12), st.integers(-179, 179)
)
def test_any_place_is_rounded_half_up(lat, minutes, decimals, lon):
    from fractions import Fraction

    point = "." if decimals else ""
    text = "%02d%02d%s%s,%s,%03d%02d%s%s,%s" % (
        abs(lat), minutes, point, decimals, "NS"[lat < 0], abs(lon), minutes, point, decimals, "EW"[lon < 0],
    )  # fmt: skip
    fixes, _ = parse(sentence("GPRMC,072600,A,%s,1,2,240626,,,A" % text))
    micro = Fraction(minutes) + (Fraction(int(decimals), 10 ** len(decimals)) if decimals else 0)
    udeg = int(micro * 1000000 / 60 + Fraction(1, 2))
    expected = [(-1 if lat < 0 else 1) * (abs(lat) * 1000000 + udeg), (-1 if lon < 0 else 1) * (abs(lon) * 1000000 + udeg)]
    assert list(fixes[0][1:3]) == expected


def test_the_layout_of_a_sentences_memory_is_the_same_in_every_file():
    """Each file has scan.py's numbers as private constants, because only those cost nothing per use."""
    import inspect
    import re

    from tracker.gnss import date, epochs, nmea, scan

    copied = 0
    for module, names in ((epochs, "SECOND MS LAT LON DAYS KIND FIELD EMPTY RMC GGA"), (nmea, "DAYS KIND GOOD FIELD EMPTY")):
        text = inspect.getsource(module)
        for name in names.split():
            value = int(re.search(r"^_%s = const\((\d+)\)" % name, text, re.M).group(1))
            assert value == getattr(scan, name), (module.__name__, name)
            copied += 1
    assert copied == 15 and scan.VERDICT == 0
    assert date.BAD < date.REFUSED < scan.EMPTY
    assert "_BAD = const(%d)" % date.BAD in inspect.getsource(nmea)
    assert re.search(r"^_DAMAGED = const\(2\)", inspect.getsource(epochs), re.M)
    assert re.search(r"^_DAMAGED = const\(2\)", inspect.getsource(nmea), re.M)


def test_every_day_from_1987_to_2053():
    from datetime import date as day
    from datetime import timedelta

    from tracker.gnss import date

    at = day(1987, 1, 1)
    while at < day(2054, 1, 1):
        assert date.days(int(at.strftime("%d%m%y"))) == (at - day(2020, 1, 1)).days
        at += timedelta(days=1)
    for ddmmyy in (0, 10100 - 10000, 320125, 300226, 290226, 311126, 11326, 10026):
        assert date.days(ddmmyy) == date.BAD, ddmmyy
    assert date.days(60180) == date.days(311286) == date.days(50154) == date.REFUSED


@pytest.mark.vm
def test_a_vm_without_viper_reads_the_same(tmp_path):
    """A decorator that this compiler does not know stands for viper where the compiler has none."""
    firmware = shutil.copytree(ROOT / "firmware", tmp_path / "firmware")
    scan = firmware / "tracker/gnss/scan.py"
    scan.write_text(scan.read_text().replace("@micropython.viper", "@micropython.not_there"))
    path = ":".join(map(str, (firmware, ROOT / "host_tests/both", ROOT / "tools"))) + ":.frozen"
    done = subprocess.run(
        [*vm_command(64), "-X", "heapsize=4m", str(ROOT / "host_tests/both/run.py"), "test_nmea"],
        env={**os.environ, "MICROPYPATH": path}, capture_output=True, text=True, timeout=50,
    )  # fmt: skip
    assert done.returncode == 0 and done.stdout.rstrip().endswith(" 0 failed"), done.stdout + done.stderr
    assert "def frame" in scan.read_text() and "@micropython.viper" not in scan.read_text()
