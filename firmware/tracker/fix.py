"""The Fix: one position of the truck, as integers with the unit in the name; unknown is None, never 0.

Owns: the shape of a fix and its flags. Known to every room.
"""

from micropython import const

STOPPED = const(1)  # the truck stands from here on: up to 300 s of silence are within the sampling bound
HELD = const(2)  # the position is the stop's, said again; it was not measured at this second
RECOVERED = const(4)  # it was the provisional tail when the power went, and was promoted at the next boot
ROLLOVER = const(8)  # the receiver's date was 1024 weeks behind and was repaired
UNTIMED = const(16)  # sec counts from boot; an ANCHOR record tells what second that was
FORCED = const(32)  # kept by a rule (start, stop, gap edge, longest silence), not by the error bound


class Fix:
    """One fix. Position in 1e-6 degrees because 1e-7 leaves the ESP32's small integers beyond 107.37 degrees."""

    def __init__(self):
        self.clear()

    def clear(self):
        self.sec = 0  # seconds since 2020-01-01 00:00:00 UTC
        self.ms = 0  # 0..999
        self.lat_udeg = 0
        self.lon_udeg = 0
        self.alt_dm = None
        self.speed_cms = None
        self.course_cdeg = None  # 0..35999
        self.hdop_x10 = None
        self.sats = None
        self.kind = 0  # GGA quality: 0 none, 1 GNSS, 2 DGNSS, 4 and 5 RTK, 6 dead reckoning
        self.flags = 0

    def copy(self, other):
        """Take over every field of other; allocates nothing."""
        self.sec = other.sec
        self.ms = other.ms
        self.lat_udeg = other.lat_udeg
        self.lon_udeg = other.lon_udeg
        self.alt_dm = other.alt_dm
        self.speed_cms = other.speed_cms
        self.course_cdeg = other.course_cdeg
        self.hdop_x10 = other.hdop_x10
        self.sats = other.sats
        self.kind = other.kind
        self.flags = other.flags
