"""Where the map has a truck until its next live fix, against the same in floating point."""

import math

from tracker.fix import Fix
from tracker.sampling.ahead import put_ahead

EAST_M = 0.11132  # a micro-degree on the equator


def _off_m(lat_udeg, speed_cms, course_cdeg, seconds):
    fix, place = Fix(), Fix()
    fix.sec, fix.lat_udeg, fix.lon_udeg = 200000000, lat_udeg, 106630000
    fix.speed_cms, fix.course_cdeg = speed_cms, course_cdeg
    put_ahead(fix, fix.sec + seconds, place)
    way_m = speed_cms / 100 * min(seconds, 60)
    course = math.radians(course_cdeg / 100)
    north_m = (place.lat_udeg - fix.lat_udeg) / 9 - way_m * math.cos(course)
    shrunk_m = EAST_M * math.cos(math.radians(lat_udeg / 1e6))
    east_m = (place.lon_udeg - fix.lon_udeg) * shrunk_m - way_m * math.sin(course)
    return math.sqrt(north_m * north_m + east_m * east_m)


def test_straight_on_in_all_directions_for_a_minute():
    for lat_udeg in (-6178000, 59900000):
        for course_cdeg in range(0, 36000, 600):
            assert _off_m(lat_udeg, 1000, course_cdeg, 10) < 1.2
            assert _off_m(lat_udeg, 1200, course_cdeg, 300) < 8


def test_who_hardly_moves_or_has_no_course_stays():
    for speed_cms, course_cdeg in ((99, 0), (None, 0), (900, None)):
        fix, place = Fix(), Fix()
        fix.sec, fix.lat_udeg, fix.lon_udeg, fix.speed_cms, fix.course_cdeg = 5, 1, 2, speed_cms, course_cdeg
        put_ahead(fix, 25, place)
        assert (place.lat_udeg, place.lon_udeg) == (1, 2)
