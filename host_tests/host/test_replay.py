"""A recorded log becomes a feed: each byte in its place, times kept, dates moved, garbage too."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sim import feed
from sim.receiver import START_SEC, sentence
from sim.replay import fields_of, fix_of, make_replay

DAY = START_SEC // 86400 * 86400  # 2026-11-17


def rmc(clock, date=b"250905", lat=b"3925.9702,N", lon=b"11945.9354,W", status=b"A"):
    return sentence(b"GPRMC,%s,%s,%s,%s,4.1,153.1,%s,,,A" % (clock, status, lat, lon, date))


def gga(clock):
    return sentence(b"GPGGA,%s,3925.9702,N,11945.9354,W,1,10,0.8,1378.6,M,-22.1,M,," % clock)


@pytest.fixture
def replay(tmp_path):
    def play(data):
        log = tmp_path / "log.nmea"
        log.write_bytes(data)
        made = make_replay(log, tmp_path / "out")
        return made, list(feed.read(made["feed"]))

    return play


def test_bursts_follow_the_times_and_a_gap_stays_a_gap(replay):
    lines = [rmc(b"235958"), gga(b"235958"), b"$PGRME,2.3*00\r\n", rmc(b"235959"), gga(b"235959")]
    lines += [gga(b"000130.00"), rmc(b"000130.00", date=b"260905")]
    made, frames = replay(b"".join(lines))
    assert [t_ms - frames[0][0] for t_ms, _ in frames] == [0, 1000, 92_000]
    assert frames[0][1].endswith(b"$PGRME,2.3*00\r\n")  # a line without a time rides along
    assert frames[2][1].startswith(lines[5])
    assert made["duration_s"] >= 94


def test_dates_move_by_whole_days_and_the_clock_of_the_world_agrees(replay):
    made, frames = replay(rmc(b"235958") + rmc(b"000002", date=b"260905"))
    first, second = made["fixes"]
    assert first == (DAY + 86398, 39_432_837, -119_765_590)
    assert second[0] == DAY + 86402
    assert fields_of(frames[0][1])[9] == b"171126" and fields_of(frames[1][1])[9] == b"181126"
    assert made["start_sec"] + frames[0][0] // 1000 == first[0]


def test_only_a_date_and_a_checksum_change(replay):
    line = b"junk " + rmc(b"120000")[:-2] + b" \n"
    _, frames = replay(b"\xff\x00" + line + b"tail without an end")
    sent = frames[0][1]
    assert sent.replace(b"171126", b"250905").split(b"*")[0] == (b"\xff\x00" + line).split(b"*")[0]
    assert fields_of(sent[: sent.index(b" \n")]) is not None
    assert sent.endswith(b" \ntail without an end")


def test_a_wrong_checksum_stays_wrong_and_unread(replay):
    bad = rmc(b"120005").replace(b"*", b"*0", 1)
    made, frames = replay(rmc(b"120000") + bad + rmc(b"120001"))
    assert len(frames) == 2 and bad in frames[0][1]
    assert len(made["fixes"]) == 2


def test_epochs_without_a_time_come_a_second_apart(replay):
    dark = sentence(b"GPRMC,,V,,,,,,,,,,N")
    made, frames = replay(dark * 5 + rmc(b"120010"))
    assert [t_ms - frames[0][0] for t_ms, _ in frames] == [0, 1000, 2000, 3000, 4000, 5000]
    assert made["start_sec"] + frames[5][0] // 1000 == made["fixes"][0][0]


def test_a_date_before_the_first_fix_does_not_decide(replay):
    early = rmc(b"120000", date=b"060180", status=b"V")
    made, frames = replay(early + rmc(b"130000") + rmc(b"130001"))
    assert made["fixes"][0][0] == DAY + 13 * 3600
    assert made["start_sec"] + frames[1][0] // 1000 == made["fixes"][0][0]
    assert (
        len(frames) == 3 and frames[1][0] - frames[0][0] == 1000
    )  # a clock being set is no pause


@pytest.mark.parametrize(
    "odd",
    [
        sentence(b"GPRMC"),
        sentence(b"GPGGA"),
        sentence(b""),
        rmc(b"120001", date=b"310226"),
        rmc(b"120001", lat=b"12.5,N"),
        rmc(b"120001", lat=b"3925.97x2,N"),
        rmc(b"12000x"),
        rmc(b"120001.x"),
    ],
)
def test_what_only_looks_like_a_fix_is_passed_on_and_not_listed(replay, odd):
    made, frames = replay(rmc(b"120000") + odd + rmc(b"120002"))
    assert [fix[0] for fix in made["fixes"]] == [DAY + 43200, DAY + 43202]
    assert frames[-1][0] - frames[0][0] >= 2000
    assert odd.split(b",")[0] in b"".join(data for _, data in frames)


def test_time_that_steps_back_goes_on_a_second_later(replay):
    _, frames = replay(rmc(b"120010") + rmc(b"120003") + rmc(b"120004"))
    assert [t_ms - frames[0][0] for t_ms, _ in frames] == [0, 1000, 2000]


def test_the_baud_rate_carries_the_log(replay):
    short = b"".join(rmc(b"1200%02d" % s) for s in range(9))
    long = b"".join(
        rmc(b"1200%02d" % s) + b"$GPGSV,%s*00\r\n" % (b"9" * 60) * 20 for s in range(9)
    )
    assert replay(short)[0]["gnss_baud"] == 9600
    assert replay(long)[0]["gnss_baud"] == 19200


def test_a_log_without_times_is_spilt_a_thousand_bytes_a_second(replay):
    data = bytes(range(256)) * 40
    made, frames = replay(data)
    assert b"".join(part for _, part in frames) == data
    assert {b[0] - a[0] for a, b in zip(frames, frames[1:])} == {1000}
    assert max(len(part) for _, part in frames) == 1000
    assert made["fixes"] == [] and made["start_sec"] == START_SEC


def test_a_flood_before_a_time_delays_what_follows(replay):
    _, frames = replay(b"x" * 9_500 + b"\n" + rmc(b"120000") + rmc(b"120001"))
    times = [t_ms for t_ms, _ in frames]
    assert times == sorted(times) and frames[-1][1].startswith(b"$GPRMC,120001")


pieces = st.one_of(
    st.binary(max_size=60),
    st.builds(
        rmc, st.from_regex(rb"[0-9]{0,7}(\.[0-9x]{0,3})?", fullmatch=True), st.binary(max_size=6)
    ),
    st.builds(sentence, st.binary(max_size=30).map(lambda tail: b"GPRMC," + tail)),
    st.builds(sentence, st.binary(max_size=30).map(lambda tail: b"GPGGA," + tail)),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(pieces, max_size=30))
def test_any_bytes_make_a_feed_that_loses_none(tmp_path_factory, parts):
    data = b"".join(parts)
    folder = tmp_path_factory.mktemp("any")
    (folder / "log").write_bytes(data)
    made = make_replay(folder / "log", folder)
    frames = list(feed.read(made["feed"]))
    assert _without_dates(b"".join(part for _, part in frames)) == _without_dates(data)
    assert [t for t, _ in frames] == sorted({t for t, _ in frames})


def _without_dates(data):
    return re.sub(rb"\d{6}|\*..", b"", data)


@pytest.mark.logs
@pytest.mark.parametrize(
    ("name", "fixes", "step_ms", "baud"),
    [
        ("car_reno_garmin_2s.nmea", 4469, 2000, 9600),
        ("car_stpetersburg_dashcam_1hz.nmea", 360, 1000, 9600),
        ("car_hangzhou_gps_bds_1hz.nmea", 35, 1000, 9600),
        ("gpsd_quectel-eg25-g.nmea", 23, 1000, 19200),
        ("gpsd_ublox-neo-m9n-nmea.nmea", 61, 1000, 19200),
        ("gpsd_gpsdf.nmea", 51, 1000, 38400),
        ("gpsd_firefly-II.nmea", 23, 1000, 9600),
    ],
)
def test_real_logs(logs_folder, tmp_path, name, fixes, step_ms, baud):
    made = make_replay(logs_folder / name, tmp_path)
    frames = list(feed.read(made["feed"]))
    assert len(made["fixes"]) == fixes and made["gnss_baud"] == baud
    steps = [b[0] - a[0] for a, b in zip(frames, frames[1:])]
    assert sorted(steps)[len(steps) // 2] == step_ms
    sent = b"".join(part for _, part in frames)
    original = (logs_folder / name).read_bytes()
    assert len(sent) == len(original)
    lines = list(zip(original.splitlines(), sent.splitlines()))
    assert all(a == b for a, b in lines if not fields_of(a) or fields_of(a)[0][2:] != b"RMC")
    assert all(
        (fix_of(fields_of(a)) is None) == (fix_of(fields_of(b)) is None)
        for a, b in lines
        if fields_of(a) and fields_of(a)[0][2:] == b"RMC"
    )


@pytest.mark.logs
def test_the_gaps_of_the_reno_log_are_in_its_feed(logs_folder, tmp_path):
    made = make_replay(logs_folder / "car_reno_garmin_2s.nmea", tmp_path)
    times = [t_ms for t_ms, _ in feed.read(made["feed"])]
    gaps = [b - a for a, b in zip(times, times[1:]) if b - a > 2000]
    assert gaps == [60_000, 798_000, 1_250_000], gaps
    assert made["fixes"][0][0] // 86400 == START_SEC // 86400
