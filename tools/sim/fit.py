"""The figures behind noise.py, from recorded logs: python -m sim.fit LOG... in tools/.

In: NMEA logs. Out: a table: how far a standing receiver drifts, how much a moving one trembles.
"""

import math
import sys

from sim.replay import fields_of, fix_of
from sim.roads import EQUATOR_M_PER_DEG, M_PER_DEG_LAT
from sim.truth import percentile

LAGS_S = (2, 4, 8, 16, 30, 60, 120)
_STANDING_KN = 0.3
_MOVING_KN = 5.4
_BINOMIAL = (
    1,
    -4,
    6,
    -4,
    1,
)  # of white noise it makes sqrt(70) times as much


def read_track(log_path):
    """(sec, east_m, north_m, knots) of every RMC with a fix; metres from the log's first fix."""
    track, origin = [], None
    with open(log_path, "rb") as file:
        for line in file:
            fields = fields_of(line)
            if fields and fields[0][2:] == b"RMC" and (fix := fix_of(fields)):
                sec, lat, lon = fix
                origin = origin or (
                    lat,
                    lon,
                    EQUATOR_M_PER_DEG / 1e6 * math.cos(math.radians(lat / 1e6)),
                )
                east, north = (
                    (lon - origin[1]) * origin[2],
                    (lat - origin[0]) * M_PER_DEG_LAT / 1e6,
                )
                track.append((sec, east, north, float(fields[7] or 0)))
    return track


def runs(track, wanted):
    """Stretches without a hole in which every point is wanted."""
    step_s = min((b[0] - a[0] for a, b in zip(track, track[1:]) if b[0] > a[0]), default=1)
    found, current = [], []
    for point in track:
        if current and (point[0] - current[-1][0] != step_s or not wanted(point)):
            found.append(current)
            current = []
        if wanted(point):
            current.append(point)
    return [run for run in found + [current] if len(run) > 5]


def drift_m(track, lags_s=LAGS_S):
    """{lag: root mean square way between two fixes that lag seconds apart, while standing}."""
    result = {}
    standing = runs(track, lambda point: point[3] < _STANDING_KN)
    for lag_s in lags_s:
        squares = []
        for run in standing:
            n = lag_s // (run[1][0] - run[0][0])
            squares += [math.dist(a[1:3], b[1:3]) ** 2 for a, b in zip(run, run[n:])] if n else []
        if squares:
            result[lag_s] = math.sqrt(sum(squares) / len(squares))
    return result


def tremble_m(track):
    """White noise per axis of the moving parts, from the median fourth difference."""
    sizes = []
    for run in runs(track, lambda point: point[3] > _MOVING_KN):
        for i in range(len(run) - 4):
            for axis in (1, 2):
                sizes.append(abs(sum(w * run[i + k][axis] for k, w in enumerate(_BINOMIAL))))
    return percentile(sizes, 50) / math.sqrt(70) / 0.6745


def main():
    for path in sys.argv[1:]:
        track = read_track(path)
        print("%s: %d fixes, tremble %.3f m" % (path, len(track), tremble_m(track)))
        for lag_s, way_m in drift_m(track).items():
            print("  standing, %3d s apart: %.2f m" % (lag_s, way_m))


if __name__ == "__main__":
    main()
