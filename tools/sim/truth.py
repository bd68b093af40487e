"""How far a stored trail is from what the truck really did.

In: truth.csv of a round (or the fixes of a log), the stored fixes and gaps. Out: metres.
Owns: what counts as covered: a second between two stored fixes that no gap explains away.
"""

import csv
import math

from sim.roads import EQUATOR_M_PER_DEG, M_PER_DEG_LAT


def read_truth(path):
    """Rows (sec, lat_udeg, lon_udeg, noise_m or None) of a truth.csv."""
    with open(path, newline="") as file:
        return [_row(fields) for fields in csv.DictReader(file)]


def _row(fields):
    noise_m = float(fields["noise_m"]) if fields["has_fix"] == "1" else None
    return int(fields["sec2020"]), int(fields["lat_udeg"]), int(fields["lon_udeg"]), noise_m


def trail_error(truth, stored, gaps=()):
    """Compare the truth with the straight, evenly travelled way between stored fixes, per second.

    truth: rows of read_truth; stored: (sec, lat_udeg, lon_udeg, ...); gaps: (from, to, ...).
    A second inside a gap, its edges too, counts only if a fix was stored at it. Seconds before the
    first or after the last stored fix, outside all gaps, are counted as uncovered_s.
    """
    stored = sorted((s[:3] for s in stored), key=lambda s: s[0])
    measured = {s[0] for s in stored}
    gaps = _merged(gaps)
    errors_m, uncovered_s = [], 0
    i = g = 0
    for sec, lat, lon, _ in sorted(truth, key=lambda row: row[0]):
        while g < len(gaps) and gaps[g][1] < sec:
            g += 1
        if g < len(gaps) and gaps[g][0] <= sec and sec not in measured:
            continue
        while i + 1 < len(stored) and stored[i + 1][0] <= sec:
            i += 1
        place = _between(stored, i, sec)
        if place is None:
            uncovered_s += 1
        else:
            errors_m.append((sec, distance_m(lat, lon, *place)))
    return _summary(errors_m, uncovered_s, [row[3] for row in truth if row[3] is not None])


def distance_m(lat_a, lon_a, lat_b, lon_b):
    """Between two places in micro-degrees, on a plane: errors are metres, not kilometres."""
    shrunk = math.cos(math.radians((lat_a + lat_b) / 2e6))
    east = (lon_b - lon_a) * shrunk * EQUATOR_M_PER_DEG / 1e6
    return math.hypot(east, (lat_b - lat_a) * M_PER_DEG_LAT / 1e6)


def percentile(values, percent):
    """The smallest value that percent of all don't exceed; 0.0 of nothing."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)] if ordered else 0.0


def _merged(gaps):
    """Gaps in order of time, those that overlap or touch made one."""
    merged = []
    for from_sec, to_sec in sorted(gap[:2] for gap in gaps):
        if merged and from_sec <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], to_sec)
        else:
            merged.append([from_sec, to_sec])
    return merged


def _between(stored, i, sec):
    """(lat, lon) at sec on the way from stored[i] to the next, or None outside the trail."""
    if not stored or not stored[0][0] <= sec <= stored[-1][0]:
        return None
    t0, lat0, lon0 = stored[i]
    if i + 1 == len(stored) or sec == t0:
        return lat0, lon0
    t1, lat1, lon1 = stored[i + 1]
    share = (sec - t0) / (t1 - t0)
    return lat0 + (lat1 - lat0) * share, lon0 + (lon1 - lon0) * share


def _summary(errors_m, uncovered_s, noise_m):
    distances = [error for _, error in errors_m]
    worst = max(errors_m, key=lambda pair: pair[1], default=(None, 0.0))
    return {
        "errors_m": errors_m,
        "seconds": len(errors_m),
        "uncovered_s": uncovered_s,
        "max": worst[1],
        "max_sec": worst[0],
        "p50": percentile(distances, 50),
        "p99": percentile(distances, 99),
        "noise_p99": percentile(noise_m, 99),
    }
