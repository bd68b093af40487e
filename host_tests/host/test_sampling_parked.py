"""A truck parked for 8 h in a receiver's noise: all distances between stored fixes add up to 0."""

import pytest
from bench import sampling
from bench.trails import Drive, epochs_of_log, parked, standing_still

NIGHT_S = 8 * 3600


def adds_nothing(epochs):
    drive = Drive(epochs)
    assert len(epochs) == NIGHT_S == len(drive.positions)
    assert sampling.way_m(drive.kept) == 0
    assert 96 < len(drive.kept) < 300  # one in five minutes, and the edges of gaps
    assert len({(fix.lat_udeg, fix.lon_udeg) for _, fix in epochs}) > 20  # it was noise
    speeds = {fix.speed_cms for _, fix in epochs}
    assert {fix.speed_cms for fix in drive.kept} <= speeds  # none was made up
    return drive


@pytest.mark.parametrize("seed", [1, 2])
def test_in_simulated_noise(seed):
    drive = adds_nothing(list(sampling.simulated_night(seed)))
    assert drive.quality.drift > NIGHT_S - 100


@pytest.mark.logs
def test_in_the_noise_of_a_neo_m9n(logs_folder):
    epochs = epochs_of_log(logs_folder / "gpsd_ublox-neo-m9n-nmea.nmea")
    adds_nothing(parked([[fix for _, fix in epochs]]))


@pytest.mark.logs
def test_in_the_noise_of_a_garmin_at_15_stops(logs_folder):
    runs = standing_still(epochs_of_log(logs_folder / "car_reno_garmin_2s.nmea"))
    assert len(runs) == 15
    adds_nothing(parked(runs))
