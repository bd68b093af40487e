"""A flat piece of earth in micro-degrees of latitude, in integers; good to 0.5 % over some km."""

from micropython import const

_SCALE_BITS = const(10)
_SQUARE_MAX = const(20000)  # two squares of this stay under 2**30


def udeg(metres):
    """9 udeg of latitude are a metre (8.993 on the mean meridian)."""
    return metres * 9


def square_udeg(metres):
    """The square of metres (up to 300) in square micro-degrees, a little less.

    0.2 % because the earth is no ball and the cosine is approximated, 1.2 udeg because three
    numbers were rounded.
    """
    tenths = metres * 8975 // 100 - 12
    return tenths * tenths // 100


def east_scale(lat_udeg):
    """cos(latitude) * 1024 by Bhaskara's (32400 - 4 x^2) / (32400 + x^2); x is in 1/5 degrees."""
    x = abs(lat_udeg) // 200000
    return (810000 - 4 * x * x) * 1024 // (810000 + x * x)


def short_way(lon_udeg):
    """A difference of longitude, across the date line too."""
    if lon_udeg > 180000000:
        return lon_udeg - 360000000
    return lon_udeg + 360000000 if lon_udeg < -180000000 else lon_udeg


def east(lon_udeg, scale):
    """A difference of longitude as micro-degrees of latitude."""
    lon_udeg = short_way(lon_udeg)
    if -1000000 < lon_udeg < 1000000:
        return lon_udeg * scale >> _SCALE_BITS
    return (lon_udeg >> _SCALE_BITS) * scale


def within(fix, other, radius_udeg):
    north = fix.lat_udeg - other.lat_udeg
    across = east(fix.lon_udeg - other.lon_udeg, east_scale(fix.lat_udeg))
    while radius_udeg > _SQUARE_MAX:
        radius_udeg >>= 1
        north >>= 1
        across >>= 1
    if not (-radius_udeg <= north <= radius_udeg and -radius_udeg <= across <= radius_udeg):
        return False
    return north * north + across * across <= radius_udeg * radius_udeg
