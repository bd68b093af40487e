"""The steps in which a record says a fix's fields: code 0 is unknown, every code is within what every reader accepts."""

from micropython import const

CODE_MAX = const(16383)
COURSE_MAX = const(180)
_ALT_ZERO = const(1001)  # code of 0 m; 1 is -1000 m
_SEC_END = const(1 << 30)
_LAT_MAX = const(90000000)
_LON_MAX = const(180000000)


def is_sane(sec, ms, lat_udeg, lon_udeg):
    return (
        0 <= sec < _SEC_END
        and 0 <= ms <= 999
        and -_LAT_MAX <= lat_udeg <= _LAT_MAX
        and -_LON_MAX <= lon_udeg <= _LON_MAX
    )


def count_code(value):
    """HDOP in tenths, satellites."""
    return 0 if value is None else min(max(value, 0), CODE_MAX - 1) + 1


def speed_code(speed_cms):
    """0.1 m/s."""
    return 0 if speed_cms is None else min(max(speed_cms + 5, 0) // 10, CODE_MAX - 1) + 1


def course_code(course_cdeg):
    """2 degrees; 359 and more is north again."""
    return 0 if course_cdeg is None else (course_cdeg + 100) // 200 % COURSE_MAX + 1


def alt_code(alt_dm):
    """1 m, from -1000 m on."""
    return 0 if alt_dm is None else min(max((alt_dm + 5) // 10 + _ALT_ZERO, 1), CODE_MAX)


def count_of(code):
    return code - 1 if code else None


def speed_of(code):
    return (code - 1) * 10 if code else None


def course_of(code):
    return (code - 1) * 200 if code else None


def alt_of(code):
    return (code - _ALT_ZERO) * 10 if code else None
