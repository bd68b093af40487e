"""The fewest fixes that could have been kept: the shortest chain by dynamic programming.

In: the accepted fixes in order, those kept by rule marked; the bound and the longest silence. Out: how many must be kept.
Owns: the yardstick for the truck's window, in floating point and with the whole drive in memory. Nothing of the firmware's
own arithmetic is used.
"""

import math

from tracker.fix import FORCED, STOPPED

EARTH_M_PER_UDEG = 0.1111949
NEVER = 1 << 30


def fewest(accepted, bound_m=10, silence_s=60, edge_s=5):
    """Kept at least, with the same forced points: fixes marked by a rule, and the last ones before gaps."""
    kept, end = 0, None
    for stretch in stretches(accepted, edge_s):
        kept += stretch[0] is not end
        kept += shortest(plane(stretch), bound_m, silence_s)
        end = stretch[-1]
    return kept


def stretches(accepted, edge_s):
    """Pieces between forced fixes. Where one ends at a forced fix the next begins with it; across a gap none does."""
    piece = []
    for fix in accepted:
        if piece and not 0 < seconds(fix) - seconds(piece[-1]) <= edge_s and not stands(piece[-1], fix):
            yield piece
            piece = []
        piece.append(fix)
        if len(piece) > 1 and fix.flags & (FORCED | STOPPED):
            yield piece
            piece = [fix]
    yield piece


def stands(before, fix):
    """A stop said again: nothing was accepted between, and nothing had to be."""
    return bool(before.flags & STOPPED) and fix.sec > before.sec


def seconds(fix):
    return fix.sec + fix.ms / 1000


def plane(fixes):
    """(seconds, metres north, metres east) from the first fix."""
    first = fixes[0]
    across = EARTH_M_PER_UDEG * math.cos(math.radians(first.lat_udeg / 1e6))
    return [
        (seconds(fix) - seconds(first), (fix.lat_udeg - first.lat_udeg) * EARTH_M_PER_UDEG, (fix.lon_udeg - first.lon_udeg) * across)
        for fix in fixes
    ]


def shortest(points, bound_m, silence_s):
    """Steps from the first to the last point, each a straight line in time that passes all between within the bound."""
    steps = [0] + [NEVER] * (len(points) - 1)
    for i in range(len(points) - 1):
        for j in reached(points, i, bound_m, silence_s):
            steps[j] = min(steps[j], steps[i] + 1)
    return steps[-1]


def reached(points, i, bound_m, silence_s):
    """Every point to which a line from point i may lead. The next one always is: nothing lies between.

    The box is what all points so far allow of the line's speed; once it is empty no later point can be reached.
    """
    t0, north0, east0 = points[i]
    yield i + 1
    low_n = low_e = -math.inf
    high_n = high_e = math.inf
    for j in range(i + 1, len(points)):
        t = points[j][0] - t0
        if t > silence_s or t <= 0:
            return
        speed_n, speed_e = (points[j][1] - north0) / t, (points[j][2] - east0) / t
        if j > i + 1 and low_n <= speed_n <= high_n and low_e <= speed_e <= high_e:
            if all(_off_m(points[k], points[i], speed_n, speed_e) <= bound_m for k in range(i + 1, j)):
                yield j
        low_n, high_n = max(low_n, speed_n - bound_m / t), min(high_n, speed_n + bound_m / t)
        low_e, high_e = max(low_e, speed_e - bound_m / t), min(high_e, speed_e + bound_m / t)
        if low_n > high_n or low_e > high_e:
            return


def _off_m(point, origin, speed_n, speed_e):
    t = point[0] - origin[0]
    return math.hypot(point[1] - origin[1] - speed_n * t, point[2] - origin[2] - speed_e * t)
