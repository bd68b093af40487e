"""The fields of one checked sentence as integers: strict in width, digits, range and hemisphere.

In: a Framer that holds a good sentence.
Out: small integers in the Fix's units; None for an empty field; BAD for what is not well formed.
"""

from micropython import const

BAD = const(-0x3FFFFFFF)
REFUSED = const(-0x3FFFFFFE)  # a well-formed date that no truck of ours can have

_DOT = const(0x2E)
_NORTH = const(0x4E)
_SOUTH = const(0x53)
_EAST = const(0x45)
_WEST = const(0x57)
_YEAR_MIN = const(1987)  # seconds since 2020 leave the small integers before 1986 and after 2053
_YEAR_MAX = const(2053)

_MONTH_DAYS = b"\x1f\x1d\x1f\x1e\x1f\x1e\x1f\x1f\x1e\x1f\x1e\x1f"
_DAYS_BEFORE = (0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334)
_POWERS = (1, 10, 100, 1000, 10000, 100000)


def days_since_2020(year, month, day):
    """Days from 2020-01-01 (negative before), for 1901..2099, where every fourth year is a leap year."""
    leap_day = 1 if month > 2 and year % 4 == 0 else 0
    return (year - 2020) * 365 + (year - 2017) // 4 + _DAYS_BEFORE[month - 1] + leap_day + day - 1


class Fields:
    """Typed access to a Framer's sentence by field number (0 is the type)."""

    def __init__(self, framer):
        self._framer = framer
        self._line = framer.line
        self._ends = framer.ends

    def char(self, f):
        """The field's only character; None if it is empty."""
        a = self._ends[f - 1] + 1
        length = self._ends[f] - a
        return self._line[a] if length == 1 else BAD if length else None

    def letter(self, f, allowed):
        """Like char(), but only one of the allowed bytes; a field that the sentence is too short for is empty."""
        if f >= self._framer.fields:
            return None
        c = self.char(f)
        return c if c is None or (c != BAD and c in allowed) else BAD

    def number(self, f, width):
        """Unsigned, at most width digits."""
        a = self._ends[f - 1] + 1
        b = self._ends[f]
        return None if a == b else BAD if b - a > width else self._digits(a, b)

    def decimal(self, f, places):
        """[-]digits[.digits] times 10**places, rounded half away from zero; up to five digits before the point."""
        line = self._line
        a = self._ends[f - 1] + 1
        b = self._ends[f]
        if a == b:
            return None
        negative = line[a] == 0x2D
        if negative:
            a += 1
        dot = self._dot(a, b)
        if a == b or dot - a > 5 or dot == b - 1:
            return BAD
        value = self._digits(a, dot)
        fraction = self._fraction(dot + 1, b, places)
        if value == BAD or fraction == BAD:
            return BAD
        value = value * _POWERS[places] + fraction
        if dot + 1 + places < b and line[dot + 1 + places] >= 0x35:
            value += 1
        return -value if negative else value

    def latitude(self, f):
        return self._angle(f, 2, 90000000, _NORTH, _SOUTH)

    def longitude(self, f):
        return self._angle(f, 3, 180000000, _EAST, _WEST)

    def time_ms(self, f):
        """hhmmss[.s..] as milliseconds of the day. A leap second (23:59:60) counts as the next day's first."""
        a = self._ends[f - 1] + 1
        b = self._ends[f]
        if a == b:
            return None
        if b - a < 6 or (b - a > 6 and (self._line[a + 6] != _DOT or b - a == 7)):
            return BAD
        hour = self._digits(a, a + 2)
        minute = self._digits(a + 2, a + 4)
        second = self._digits(a + 4, a + 6)
        ms = self._fraction(a + 7, b, 3)
        if hour == BAD or minute == BAD or second == BAD or ms == BAD:
            return BAD
        if hour > 23 or minute > 59 or second > 60 or (second == 60 and hour * 60 + minute != 1439):
            return BAD
        return (hour * 3600 + minute * 60 + second) * 1000 + ms

    def days(self, f):
        """ddmmyy as days since 2020-01-01; REFUSED outside 1987..2053 (1980 and 2080 are a receiver's cold start)."""
        a = self._ends[f - 1] + 1
        b = self._ends[f]
        if a == b:
            return None
        if b - a != 6:
            return BAD
        day = self._digits(a, a + 2)
        month = self._digits(a + 2, a + 4)
        year = self._digits(a + 4, b)
        if day == BAD or month == BAD or year == BAD or not 1 <= month <= 12:
            return BAD
        year += 1900 if year >= 80 else 2000
        if not 1 <= day <= _MONTH_DAYS[month - 1] or (day == 29 and month == 2 and year % 4):
            return BAD
        return days_since_2020(year, month, day) if _YEAR_MIN <= year <= _YEAR_MAX else REFUSED

    def _angle(self, f, width, limit, plus, minus):
        """Degrees of fixed width, then minutes mm[.m..], in field f; hemisphere in f + 1. Micro-degrees.

        A fifth decimal of a minute is 1/6 udeg, so minutes * 100000 / 6, rounded half up, cannot be changed by any
        later digit: five decimals are exact, and nothing on the way exceeds 180000000.
        """
        a = self._ends[f - 1] + 1
        b = self._ends[f]
        side = self.char(f + 1)
        if a == b:
            return None if side is None or side == plus or side == minus else BAD
        point = a + width + 2
        if (side != plus and side != minus) or b < point:
            return BAD
        if b > point and (self._line[point] != _DOT or b == point + 1):
            return BAD
        degrees = self._digits(a, a + width)
        minutes = self._digits(a + width, point)
        fraction = self._fraction(point + 1, b, 5)
        if degrees == BAD or minutes == BAD or fraction == BAD or minutes > 59:
            return BAD
        udeg = degrees * 1000000 + (minutes * 100000 + fraction + 3) // 6
        if udeg > limit:
            return BAD
        return udeg if side == plus else -udeg

    def _dot(self, a, b):
        line = self._line
        while a < b and line[a] != _DOT:
            a += 1
        return a

    def _digits(self, a, b):
        line = self._line
        value = 0
        while a < b:
            c = line[a]
            if c < 0x30 or c > 0x39:
                return BAD
            value = value * 10 + c - 0x30
            a += 1
        return value

    def _fraction(self, a, b, places):
        """The first `places` digits of line[a:b], padded with zeros; the rest must be digits too."""
        line = self._line
        value = 0
        while a < b:
            c = line[a]
            if c < 0x30 or c > 0x39:
                return BAD
            if places:
                value = value * 10 + c - 0x30
                places -= 1
            a += 1
        return value * _POWERS[places]
