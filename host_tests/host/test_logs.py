"""Logs of real receivers: every undamaged sentence is read, and the trail of every drive is true and complete."""

import os
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(__file__)), "both"))

from trail_kit import make_trail, unexplained, worst_error_m

from tracker.fix import FORCED, HELD, Fix
from tracker.gnss.nmea import NmeaParser

pytestmark = pytest.mark.logs

LOGS = {  # (RMC and GGA with a right checksum, with a wrong one, epochs with a fix)
    "car_hangzhou_gps_bds_1hz": (71, 0, 35),
    "car_reno_garmin_2s": (8938, 0, 4469),
    "car_stpetersburg_dashcam_1hz": (720, 0, 360),
    "gpsd_firefly-II": (23, 23, 23),
    "gpsd_gpsdf": (102, 0, 51),
    "gpsd_quectel-eg25-g": (120, 0, 23),
    "gpsd_ublox-neo-m9n-nmea": (122, 0, 61),
}
DRIVES = {  # (a build date before the log, in seconds since 2020; most records; accepted at least)
    "car_hangzhou_gps_bds_1hz": (-120000000, 3, 33),
    "car_reno_garmin_2s": (-460000000, 620, 3600),
    "car_stpetersburg_dashcam_1hz": (-120000000, 20, 340),
}


def chunks(folder, name):
    data = (folder / (name + ".nmea")).read_bytes()
    return [bytearray(data[i : i + 200]) for i in range(0, len(data), 200)]


def play(folder, name, build_sec, keep_all=False):
    """The log through parser and trail: (trail, journal, window, first second)."""
    trail, journal, _, window = make_trail(build_sec=build_sec, keep_all=keep_all)
    boot_sec = []

    def on_epoch(fix):
        if not boot_sec:
            boot_sec.append(fix.sec - 4)
        uptime_ms = (fix.sec - boot_sec[0]) * 1000 + fix.ms
        trail.on_epoch(fix, uptime_ms)
        trail.tick(uptime_ms + 900)

    parser = NmeaParser(Fix(), on_epoch)
    for chunk in chunks(folder, name):
        parser.feed(chunk, len(chunk))
    parser.flush()
    trail.commit()
    return trail, journal, window, boot_sec[0]


@pytest.mark.parametrize("name", LOGS)
def test_every_undamaged_sentence_is_read(name, logs_folder):
    good, bad, with_fix = LOGS[name]
    fixes = []
    parser = NmeaParser(Fix(), lambda fix: fixes.append(fix.kind))
    for chunk in chunks(logs_folder, name):
        parser.feed(chunk, len(chunk))
    parser.flush()
    data = (logs_folder / (name + ".nmea")).read_bytes()
    views = data.count(b"GSV,") + data.count(b"GSA,")
    assert good <= parser.sentences <= good + views
    assert (parser.bad_checksum, parser.malformed, parser.too_long, parser.mixed_epochs) == (bad, 0, 0, 0)
    assert sum(kind > 0 for kind in fixes) == with_fix


@pytest.mark.parametrize("name", DRIVES)
def test_every_accepted_fix_lies_within_10_m_of_the_trail(name, logs_folder):
    build_sec, most, least = DRIVES[name]
    trail, journal, window, first_sec = play(logs_folder, name, build_sec)
    kept = journal.fixes()
    assert worst_error_m(window.offered, kept) <= 10
    assert trail.accepted >= least and len(kept) == trail.kept <= most
    assert unexplained(journal.records, first_sec) == []
    print("%s: %d accepted, %d kept" % (name, trail.accepted, trail.kept))


@pytest.mark.parametrize("name", DRIVES)
def test_keep_all_has_every_accepted_fix(name, logs_folder):
    trail, journal, window, first_sec = play(logs_folder, name, DRIVES[name][0], keep_all=True)
    assert len(journal.fixes()) == trail.accepted == len(window.offered) >= DRIVES[name][2]
    assert not any(fix.flags & HELD for fix in journal.fixes())
    assert unexplained(journal.records, first_sec) == []


def test_the_trail_of_reno_is_silent_where_the_log_is(logs_folder):
    _, journal, _, _ = play(logs_folder, "car_reno_garmin_2s", DRIVES["car_reno_garmin_2s"][0])
    silent = [to - start for start, to, reason, _ in journal.gaps() if reason == 4]
    assert sorted(silent)[-3:] == [60, 798, 1250]
    assert sum(fix.flags & FORCED > 0 for fix in journal.fixes()) < 60
