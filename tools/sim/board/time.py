"""time of the simulated board: on the one clock, and with the ESP32's epoch of 2000, not 1970."""

from utime import *  # first: what follows takes the place of everything in it that is about now
from utime import gmtime as _gmtime

import sim_clock
from sim_clock import rtc_s, ticks_ms, ticks_us

_EPOCH_S = 946_684_800  # 2000-01-01 in the unix port's seconds
_DAYS_BEFORE = (0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334)


def sleep_ms(ms):
    sim_clock.wait(max(0, ms))


def sleep(s):
    sim_clock.wait(max(0, int(s * 1000)))


def sleep_us(us):
    sim_clock.wait(max(0, us // 1000))


def ticks_cpu():
    return ticks_us()


def time():
    return rtc_s()


def time_ns():
    return rtc_s() * 1_000_000_000


def gmtime(s=None):
    return _gmtime((time() if s is None else s) + _EPOCH_S)[:8]  # the chip's have no ninth field


localtime = gmtime


def mktime(t):
    year = t[0] - 2000
    days = (
        year * 365
        + (year + 3) // 4
        + _DAYS_BEFORE[t[1] - 1]
        + (t[1] > 2 and t[0] % 4 == 0)
        + t[2]
        - 1
    )
    return ((days * 24 + t[3]) * 60 + t[4]) * 60 + t[5]
