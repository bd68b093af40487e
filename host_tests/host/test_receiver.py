"""The simulated receiver says NMEA, is as wrong as a real one, and truth.csv says how wrong."""

import math
import random
import time

import pytest
from sim import feed, fit, noise
from sim.receiver import START_SEC, make_round, sentence
from sim.replay import fields_of, fix_of
from sim.truth import distance_m, percentile, read_truth, trail_error


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make_round(1, tmp_path_factory.mktemp("round"), hours=1)


@pytest.fixture(scope="module")
def said(made):
    """{second: the fields of its sentences}"""
    result = {}
    for t_ms, data in feed.read(made["feed"]):
        lines = data.splitlines(keepends=True)
        assert all(line.endswith(b"\r\n") and len(line) <= 82 for line in lines), lines
        result[t_ms // 1000] = [fields_of(line) for line in lines]
    return result


def rmc(sentences):
    return next(fields for fields in sentences if fields[0][2:] == b"RMC")


def test_checksum_against_a_sentence_of_the_standard():
    assert sentence(b"GPGLL,5057.970,N,00146.110,E,142451,A") == (
        b"$GPGLL,5057.970,N,00146.110,E,142451,A*27\r\n"
    )


def test_checksum_letters_are_capitals():
    assert sentence(b"GNRMC,,V,,,,,,,,,,N") == b"$GNRMC,,V,,,,,,,,,,N*4D\r\n"


def test_every_second_has_one_burst_with_right_checksums(made, said):
    assert sorted(said) == list(range(made["duration_s"]))
    for t, sentences in said.items():
        assert None not in sentences
        kinds = [fields[0] for fields in sentences]
        assert kinds == [b"GPRMC", b"GPGGA"] + [b"GPGSA"] * (t % 5 == 0)


def test_truth_says_how_far_each_fix_is_off(made, said):
    checked = 0
    for sec, lat, lon, noise_m in read_truth(made["truth"]):
        fix = fix_of(rmc(said[sec - START_SEC]))
        assert (fix is None) == (noise_m is None)
        if fix:
            assert fix[0] == sec
            assert (
                abs(distance_m(lat, lon, *fix[1:]) - noise_m) < 0.2
            )  # micro-degrees, twice rounded
            checked += 1
    assert checked > 3000


def test_no_fix_in_the_cold_start_and_in_the_tunnel_only(made):
    ((from_s, to_s),) = made["tunnels"]
    blind = [
        sec - START_SEC for sec, _, _, noise_m in read_truth(made["truth"]) if noise_m is None
    ]
    cold = [t for t in blind if t < 60]
    rest = [t for t in blind if t >= 60]
    assert cold == list(range(len(cold))) and len(cold) >= 30
    assert rest == list(range(from_s, rest[-1] + 1)) and to_s <= rest[-1] + 1 <= to_s + 3


def test_first_fixes_after_darkness_are_far_off_and_come_back(made):
    off = {sec - START_SEC: noise_m for sec, _, _, noise_m in read_truth(made["truth"])}
    seen = [t for t in off if off[t] is not None]
    cold, out = seen[0], next(t for t in seen if t > made["tunnels"][0][0])
    assert off[cold] > 25 and off[cold + 40] < 10
    assert off[out] > 15 and off[out + 12] < 8


def test_course_is_empty_below_a_knot_and_right_above(said):
    slow = fast = 0
    for sentences in said.values():
        fields = rmc(sentences)
        if fields[2] == b"A":
            assert (fields[8] == b"") == (float(fields[7]) < 1), fields
            slow, fast = slow + (fields[8] == b""), fast + (fields[8] != b"")
            assert fields[8] == b"" or 0 <= float(fields[8]) < 360
    assert slow > 500 and fast > 500


def test_speed_and_course_lead_from_one_fix_to_the_next(made, said):
    rows = read_truth(made["truth"])
    for t in range(400, made["duration_s"] - 1):
        fields = rmc(said[t])
        if fields[2] == b"A" and float(fields[7]) > 10:
            ahead, behind = rows[t + 1], rows[t - 1]
            north = (ahead[1] - behind[1]) * 0.1106 / 2
            east = (ahead[2] - behind[2]) * 0.1106 / 2 * math.cos(math.radians(6.2))
            assert abs(math.hypot(north, east) - float(fields[7]) * 0.5144) < 0.5
            turn = math.degrees(math.atan2(east, north)) - float(fields[8])
            assert abs((turn + 180) % 360 - 180) < 5


def test_full_output_fits_9600_baud_and_keeps_the_noise(made, tmp_path):
    full = make_round(1, tmp_path, hours=1, full=True, talker="GN")
    assert read_truth(full["truth"]) == read_truth(made["truth"])
    bursts = [data for _, data in feed.read(full["feed"])]
    assert all(len(data) < 960 for data in bursts)
    kinds = {fields_of(line)[0] for data in bursts for line in data.splitlines()}
    assert kinds == {b"GN" + kind for kind in (b"RMC", b"VTG", b"GGA", b"GSA", b"GSV", b"GLL")}


def test_one_seed_one_feed(made, tmp_path):
    make_round(1, tmp_path, hours=1)
    for name in ("feed", "truth", "outline"):
        path = tmp_path / made[name].rsplit("/", 1)[1]
        assert path.read_bytes() == open(made[name], "rb").read(), name


def test_six_hours_are_made_in_under_four_seconds(tmp_path):
    begin = time.process_time()
    made = make_round(3, tmp_path)
    assert time.process_time() - begin < 4
    assert made["duration_s"] == 21600 and 4 < made["noise_m_p99"] < 12


def _standing_error(seconds):
    error = noise.Noise(random.Random(5))
    return [(t, *error.step(moving=False)[:2], 0.0) for t in range(seconds)]


def test_the_wander_has_the_size_and_the_memory_it_was_given():
    track = _standing_error(100_000)
    east = [point[1] for point in track]
    spread = math.sqrt(sum(x * x for x in east) / len(east))
    assert 1.8 < spread < 2.3
    later = sum(a * b for a, b in zip(east, east[50:])) / (len(east) - 50) / spread**2
    assert 0.62 < later < 0.85, later  # (1 + 1) / e = 0.74 one time constant later


@pytest.mark.logs
def test_standing_drift_is_that_of_real_receivers(logs_folder):
    """Between half and twice the way that a Garmin and a NEO-M9N drift, from 2 s to 2 min."""
    ours = fit.drift_m(_standing_error(20_000))
    for log in ("car_reno_garmin_2s.nmea", "gpsd_ublox-neo-m9n-nmea.nmea"):
        theirs = fit.drift_m(fit.read_track(logs_folder / log))
        assert len(theirs) >= 6
        for lag_s, way_m in theirs.items():
            assert way_m / 2 < ours[lag_s] < way_m * 2, (log, lag_s, way_m, ours[lag_s])


TRUTH = [(t, -6_200_000, 106_600_000 + 90 * t, 1.0) for t in range(101)]  # 10 m/s due east


def test_a_trail_on_the_truth_has_no_error():
    result = trail_error(TRUTH, [TRUTH[0], TRUTH[60], TRUTH[100]])
    assert result["max"] < 0.1 and result["seconds"] == 101 and result["uncovered_s"] == 0


def test_a_trail_beside_or_late_is_measured_in_metres():
    aside = [(t, lat + 100, lon, 0) for t, lat, lon, _ in TRUTH[::50]]
    assert abs(trail_error(TRUTH, aside)["p50"] - 11.06) < 0.05
    late = [(t + 3, lat, lon, 0) for t, lat, lon, _ in TRUTH[::50]]
    result = trail_error(TRUTH, late)
    assert abs(result["p50"] - 3 * 9.96) < 0.1 and result["uncovered_s"] == 3


def test_one_bad_second_is_the_worst_but_not_the_99th_of_a_hundred():
    bent = list(TRUTH)
    bent[30] = (30, TRUTH[30][1] + 500, TRUTH[30][2], 0)
    result = trail_error(TRUTH, bent)
    assert 55 < result["max"] < 56 and result["max_sec"] == 30 and result["p99"] < 1


def test_gaps_take_seconds_out_but_not_the_fixes_at_their_edges():
    stored = [TRUTH[0], (40, TRUTH[40][1] + 200, TRUTH[40][2], 0), TRUTH[70], TRUTH[100]]
    result = trail_error(TRUTH, stored, [(45, 50, 3, 0), (40, 70, 12, 0), (48, 60, 3, 0)])
    seconds = [sec for sec, _ in result["errors_m"]]
    assert seconds == [*range(41), *range(70, 101)]
    assert result["max_sec"] == 40
    outside = trail_error(TRUTH, [TRUTH[20], TRUTH[80]], [(0, 20)])
    assert outside["uncovered_s"] == 20 and outside["seconds"] == 61


def test_nothing_stored_is_all_uncovered():
    result = trail_error(TRUTH, [])
    assert result["uncovered_s"] == 101 and result["p99"] == 0.0


def test_a_degree_of_longitude_shrinks_with_latitude():
    north = distance_m(60_000_000, 30_000_000, 60_000_000, 30_001_000)
    assert abs(north - 55.66) < 0.01
    assert abs(distance_m(0, 0, 0, 1_000) - 111.32) < 0.01
    assert abs(distance_m(0, 0, 1_000, 0) - 110.6) < 0.01


def test_percentile_is_a_value_of_the_list():
    assert percentile(range(1, 101), 99) == 99
    assert percentile([5], 50) == 5
    assert percentile([], 99) == 0.0
