"""The date of an RMC as days since 2020."""

from micropython import const

BAD = const(1069999997)  # no date of any calendar
REFUSED = const(1069999998)  # no truck of ours has it; 1980 and 2080 are a cold start

_FIRST_YEAR = const(1987)  # seconds since 2020 leave the small integers before 1986 and after 2053
_LAST_YEAR = const(2053)
_MONTH_DAYS = b"\x1f\x1d\x1f\x1e\x1f\x1e\x1f\x1f\x1e\x1f\x1e\x1f"
_DAYS_BEFORE = (0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334)


def days_since_2020(year, month, day):
    """Negative before; for 1901..2099, where every fourth year is a leap year."""
    leap_day = 1 if month > 2 and year % 4 == 0 else 0
    return (year - 2020) * 365 + (year - 2017) // 4 + _DAYS_BEFORE[month - 1] + leap_day + day - 1


def days(ddmmyy):
    """Of the six digits as one number; BAD or REFUSED, which no day is."""
    day = ddmmyy // 10000
    month = ddmmyy // 100 % 100
    year = ddmmyy % 100
    year += 1900 if year >= 80 else 2000
    if not 1 <= month <= 12 or not 1 <= day <= _MONTH_DAYS[month - 1]:
        return BAD
    if day == 29 and month == 2 and year % 4:
        return BAD
    return days_since_2020(year, month, day) if _FIRST_YEAR <= year <= _LAST_YEAR else REFUSED
