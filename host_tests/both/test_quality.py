"""Quality: cold starts, jumps and parked drift are refused and counted; nothing freezes for ever."""

import sys

sys.path.insert(0, __file__.rpartition("/")[0])

from trail_kit import make_fix

from tracker.sampling.quality import COLD, DRIFT, HDOP, JUMP, OK, Quality

T = 200086400
LAT = -6200000
METRE = 9  # udeg


def drive(quality, start, seconds, speed_cms=1000, lat=LAT, step_m=10):
    """Northwards at step_m a second: [codes]."""
    codes = []
    for i in range(seconds):
        codes.append(quality.offer(make_fix(start + i, lat + i * step_m * METRE, speed_cms=speed_cms)))
    return codes


def driven(speed_cms=1000):
    quality = Quality()
    assert drive(quality, T - 10, 10, speed_cms)[-1] == OK
    return quality  # the last fix was at T - 1, LAT + 90 m


def standing():
    """Stands at LAT since T."""
    quality = Quality()
    for i in range(8):
        quality.offer(make_fix(T - 7 + i, LAT, speed_cms=10))
    assert quality.standing
    return quality


def stand(quality, start, seconds, north_m=0, speed_cms=10):
    return [
        quality.offer(make_fix(start + i, LAT + north_m * METRE, speed_cms=speed_cms)) for i in range(seconds)
    ]


def test_the_first_fixes_must_agree_three_times():
    quality = Quality()
    assert drive(quality, T, 5) == [COLD, COLD, OK, OK, OK] and quality.cold == 2
    quality = Quality()
    assert quality.offer(make_fix(T, LAT + 5000000)) == COLD
    assert drive(quality, T + 1, 3) == [COLD, COLD, OK]


def test_after_a_pause_the_first_fixes_are_cold_again():
    quality = driven()
    assert drive(quality, T + 60, 3) == [COLD, COLD, OK]
    assert drive(driven(), T + 5, 2) == [OK, OK]


def cold(step_m, speed_cms, seconds=40):
    """A start whose positions move northwards at step_m a second: how many fixes are refused."""
    quality = Quality()
    codes = drive(quality, T, seconds, speed_cms, step_m=step_m)
    refused = codes.count(COLD)
    assert codes == [COLD] * refused + codes[refused:] and quality.cold == refused
    return refused


def test_a_start_is_cold_while_positions_do_not_move_as_the_speed_says():
    assert cold(0, 50) == 2 and cold(0, 60) == 30  # stands still, and says that it moves
    assert cold(10, 950) == 2 and cold(10, 940) == 30
    assert cold(10, 1050) == 2 and cold(10, 1060) == 30
    assert cold(0, None) == cold(1, None) == 2  # nothing to compare with


def test_a_start_is_cold_again_after_each_pause():
    quality = Quality()
    assert drive(quality, T, 32, 60, step_m=0).count(COLD) == 30
    assert drive(quality, T + 60, 32, 60, step_m=0).count(COLD) == 30


def test_a_position_that_still_comes_in_from_far_off_is_no_place_to_stand():
    """60 m off, a tenth less every second: the stop is not kept where it began."""
    quality = Quality()
    off_udeg = 60 * METRE
    first_udeg = None
    for i in range(60):
        code = quality.offer(make_fix(T + i, LAT + off_udeg, speed_cms=5))
        if code == OK and first_udeg is None:
            first_udeg = off_udeg
        off_udeg -= off_udeg // 10
    assert quality.standing and first_udeg <= 6 * METRE


def test_a_jump_is_refused_and_a_new_place_accepted_at_the_third_fix():
    quality = driven()
    far = LAT + 500 * METRE
    assert quality.offer(make_fix(T, far)) == JUMP
    assert quality.offer(make_fix(T + 1, LAT + 110 * METRE)) == OK
    assert drive(quality, T + 2, 4, lat=far) == [JUMP, JUMP, OK, OK] and quality.jump == 3


def test_a_new_place_need_not_move_as_the_speed_says():
    assert drive(driven(), T, 3, 1000, LAT + 500 * METRE, 0) == [JUMP, JUMP, OK]


def test_what_was_first_after_boot_is_never_frozen():
    """Three fixes that agree, 5 km off: moving, the third true one is taken; standing, the thirtieth."""
    quality = Quality()
    assert drive(quality, T, 3, lat=LAT + 5000 * METRE) == [COLD, COLD, OK]
    assert drive(quality, T + 3, 4) == [JUMP, JUMP, OK, OK]
    quality = Quality()
    assert stand(quality, T, 9, 5000)[2:] == [OK] * 6 + [DRIFT] and quality.standing
    assert stand(quality, T + 9, 31) == [JUMP] * 29 + [OK, OK]


def test_nothing_in_a_fix_is_changed():
    quality = Quality()
    for i in range(40):
        fix = make_fix(T + i, LAT + i * 7919 % 30 * METRE, speed_cms=i % 30, hdop_x10=70 if i == 30 else 9)
        fix.course_cdeg = 100 * i
        quality.offer(fix)
        assert (fix.sec, fix.lat_udeg, fix.speed_cms) == (T + i, LAT + i * 7919 % 30 * METRE, i % 30)
        assert (fix.course_cdeg, fix.flags, fix.kind) == (100 * i, 0, 1)
    assert quality.standing and quality.drift and quality.hdop and quality.cold


def test_two_jumps_to_two_places_do_not_agree():
    quality = driven()
    for i in range(8):
        assert quality.offer(make_fix(T + i % 2, LAT + (1000 + i * 1000) * METRE)) == JUMP


def test_no_speed_allows_what_a_truck_can_do():
    quality = driven(None)
    assert quality.offer(make_fix(T, LAT + 150 * METRE, speed_cms=None)) == OK
    assert quality.offer(make_fix(T + 1, LAT + 300 * METRE, speed_cms=None)) == JUMP


def test_longitudes_are_shorter_in_the_north():
    for lat, code in ((60000000, OK), (0, JUMP)):
        quality = Quality()
        for i in range(3):
            quality.offer(make_fix(T + i, lat, 30000000, speed_cms=None))
        assert quality.offer(make_fix(T + 3, lat, 30000000 + 120 * METRE, speed_cms=None)) == code


def test_poor_geometry_and_three_satellites():
    quality = driven()
    assert quality.offer(make_fix(T, hdop_x10=61)) == HDOP and quality.hdop == 1
    assert quality.offer(make_fix(T, sats=3)) == COLD
    assert quality.offer(make_fix(T, LAT + 100 * METRE, hdop_x10=None, sats=None)) == OK


def test_five_slow_seconds_are_a_stop_and_then_all_is_drift():
    quality = driven()
    codes = [quality.offer(make_fix(T + i, LAT + 95 * METRE, speed_cms=79)) for i in range(8)]
    assert codes == [OK] * 6 + [DRIFT] * 2 and quality.drift == 2


def test_not_slow_is_no_stop():
    quality = driven()
    assert not any(quality.offer(make_fix(T + i, LAT + (90 + i) * METRE, speed_cms=80)) for i in range(30))
    assert not quality.standing


def test_without_speed_only_a_fixed_place_is_a_stop():
    quality = driven(None)
    assert drive(quality, T, 20, None, LAT + 90 * METRE, 2) == [OK] * 20
    assert not quality.standing
    for i in range(8):
        quality.offer(make_fix(T + 20 + i, LAT + 130 * METRE, speed_cms=None))
    assert quality.standing


def test_eight_hours_of_drift_move_nothing():
    quality = standing()
    for i in range(8 * 3600):
        north = (i * 7919) % 40 - 20
        assert quality.offer(make_fix(T + 1 + i, LAT + north * METRE, speed_cms=i % 70)) == DRIFT
    assert quality.standing and quality.drift == 8 * 3600


def test_two_fast_fixes_release():
    quality = standing()
    assert stand(quality, T + 1, 1, 1, 100) == [DRIFT] and quality.leaving
    assert stand(quality, T + 2, 1, 0, 99) == [DRIFT] and not quality.leaving
    assert stand(quality, T + 3, 2, 3, 100) == [DRIFT, OK] and not quality.standing


def test_three_fixes_outside_release_and_thirty_if_the_receiver_says_that_it_stands():
    quality = standing()
    assert stand(quality, T + 1, 3, 30, 99) == [JUMP, JUMP, OK] and not quality.standing
    quality = standing()
    assert stand(quality, T + 1, 2, 30, None) == [JUMP, JUMP]
    assert stand(quality, T + 3, 1, 20, None) == [DRIFT]
    assert stand(quality, T + 4, 3, 30, None) == [JUMP, JUMP, OK]
    quality = standing()
    assert stand(quality, T + 1, 30, 30, 10) == [JUMP] * 29 + [OK]
