"""Where the map has a truck until its next live fix: straight on, as fast as it was, for a minute (docs/protocol.md).

In: the fix that went out last, a second. Out: a place. The station reckons the same, so only what it cannot foresee need be said.
"""

from micropython import const

from tracker.fix import Fix
from tracker.sampling.plane import east_scale, udeg, within

_AHEAD_S = const(60)
_LEAST_CMS = const(100)  # slower than this a receiver's course is noise
_DEGREE_2 = const(180)  # the course in steps of 2 degrees, as it is on the wire
_SINE = bytes.fromhex(
    "0009121b232c353e464f57606870787f878f969da4abb1b7"
    "bec3c9ced3d8dde1e5e9ecf0f3f5f7f9fbfdfefeffff"
)  # of 0, 2 ... 90 degrees, times 255

_map = Fix()


def is_off(trail, said, metres):
    """Is the newest fix farther from where the map has the truck, knowing only what was said?"""
    put_ahead(said, trail.newest.sec, _map)
    return not within(trail.newest, _map, udeg(metres))


def put_ahead(fix, sec, place):
    """Into place: where whoever knows only this fix has to believe the truck at that second."""
    place.lat_udeg = fix.lat_udeg
    place.lon_udeg = fix.lon_udeg
    if fix.course_cdeg is None or fix.speed_cms is None or fix.speed_cms < _LEAST_CMS:
        return
    way_udeg = fix.speed_cms // 10 * min(max(sec - fix.sec, 0), _AHEAD_S) * 9 // 10  # 0.9 udeg of latitude are a decimetre
    course = (fix.course_cdeg + 100) // 200
    place.lat_udeg += way_udeg * _sine(course + 45) // 255
    place.lon_udeg += (way_udeg * _sine(course) // 255) * 1024 // max(east_scale(fix.lat_udeg), 1)


def _sine(step):
    step %= _DEGREE_2
    half = step % 90
    value = _SINE[half if half <= 45 else 90 - half]
    return value if step < 90 else -value
