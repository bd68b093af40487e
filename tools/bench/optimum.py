"""The fewest fixes that could have been kept: the shortest chain by dynamic programming.

In: the accepted fixes in order, those kept by rule marked; the bound and the longest silence.
Out: how many must be kept.
Owns: the yardstick for the truck's window, in floating point and with the whole drive in memory.
    Nothing of the firmware's own arithmetic is used.
"""

import math

from tracker.fix import FORCED, STOPPED

EARTH_M_PER_UDEG = 0.1111949
NEVER = 1 << 30


def fewest(accepted, bound_m=10, silence_s=60, edge_s=5):
    """Kept at least, with the same forced points: marked by a rule, or the last before a gap."""
    kept, end = 0, None
    for stretch in stretches(accepted, edge_s):
        kept += stretch[0] is not end
        kept += shortest(plane(stretch), bound_m, silence_s)
        end = stretch[-1]
    return kept


def stretches(accepted, edge_s):
    """Pieces between forced fixes. Each starts with the end of the one before, except behind a gap."""
    piece = []
    for fix in accepted:
        if piece and not follows(fix, piece[-1], edge_s):
            yield piece
            piece = []
        piece.append(fix)
        if len(piece) > 1 and fix.flags & (FORCED | STOPPED):
            yield piece
            piece = [fix]
    yield piece


def follows(fix, before, edge_s):
    """Not behind a gap. Where a stop is said again, nothing had to be accepted between."""
    step_s = seconds(fix) - seconds(before)
    return step_s > 0 and (step_s <= edge_s or bool(before.flags & STOPPED))


def seconds(fix):
    return fix.sec + fix.ms / 1000


def plane(fixes):
    """(seconds, metres north, metres east) from the first fix."""
    first = fixes[0]
    up = EARTH_M_PER_UDEG
    across = EARTH_M_PER_UDEG * math.cos(math.radians(first.lat_udeg / 1e6))
    t0, lat0, lon0 = seconds(first), first.lat_udeg, first.lon_udeg
    return [
        (seconds(fix) - t0, (fix.lat_udeg - lat0) * up, (fix.lon_udeg - lon0) * across)
        for fix in fixes
    ]


def shortest(points, bound_m, silence_s):
    """Steps from first to last point, each a line in time within the bound of what is between."""
    steps = [0] + [NEVER] * (len(points) - 1)
    for i in range(len(points) - 1):
        for j in reached(points, i, bound_m, silence_s):
            steps[j] = min(steps[j], steps[i] + 1)
    return steps[-1]


def reached(points, i, bound_m, silence_s):
    """Every point to which a line from point i may lead; to the next always: nothing lies between.

    The box is what all points so far allow of the line's speed; once it is empty, that was all.
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
            between = points[i + 1 : j]
            if all(_off_m(point, points[i], speed_n, speed_e) <= bound_m for point in between):
                yield j
        low_n, high_n = max(low_n, speed_n - bound_m / t), min(high_n, speed_n + bound_m / t)
        low_e, high_e = max(low_e, speed_e - bound_m / t), min(high_e, speed_e + bound_m / t)
        if low_n > high_n or low_e > high_e:
            return


def _off_m(point, origin, speed_n, speed_e):
    t = point[0] - origin[0]
    return math.hypot(point[1] - origin[1] - speed_n * t, point[2] - origin[2] - speed_e * t)
