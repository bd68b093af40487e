"""The receiver on the truck: what it says of a round, with the errors that real ones make.

In: a Round (route.py). Out: the feed (feed.py), truth.csv, the outline; see make_round().
Owns: the sentences. Its errors are those of noise.py.
"""

import datetime
import json
import math
import operator
import os
import random
from functools import reduce

from sim import feed, noise
from sim.roads import M_PER_DEG_LAT, M_PER_DEG_LON, degrees
from sim.route import drive
from sim.truth import percentile

EPOCH = datetime.datetime(2020, 1, 1)
_START = datetime.datetime(2026, 11, 17, 22)  # 05:00 in Tangerang
START_SEC = round((_START - EPOCH).total_seconds())
BAUD = 9600
LATENCY_MS = 120  # from the second to the first byte of its burst

_KNOT_MS = 0.514444
# fmt: off
_SKY = (  # number, elevation, azimuth
    (2, 61, 118), (5, 22, 41), (7, 14, 204), (9, 38, 330), (13, 71, 12), (15, 33, 163),
    (18, 9, 290), (21, 45, 251), (24, 55, 75), (29, 27, 309), (30, 18, 139),
)
# fmt: on


class Speaker:
    """One second in sentences: all that a NEO-6M says by default (full), or RMC, GGA, some GSA."""

    def __init__(self, rng, start_sec, talker="GP", full=False, jumps=()):
        """jumps: (from, to, by): between these seconds of the world its clock is so many seconds off."""
        self.rng = rng
        self.start = EPOCH + datetime.timedelta(seconds=start_sec)
        self.jumps = jumps
        self.talker = talker
        self.full = full
        self.sats = 8

    def when(self, t):
        off_s = sum(by for start, end, by in self.jumps if start <= t < end)
        return self.start + datetime.timedelta(seconds=t + off_s)

    def no_fix(self, t, knows_time):
        when = self.when(t)
        clock = when.strftime("%H%M%S.00") if knows_time else ""
        date = when.strftime("%d%m%y") if knows_time else ""
        lines = ["RMC,%s,V,,,,,,,%s,,,N" % (clock, date), "GGA,%s,,,,,0,00,99.99,,,,,," % clock]
        if self.full or t % 5 == 0:
            lines.append("GSA,A,1,,,,,,,,,,,,,99.99,99.99,99.99")
        return self._burst(lines)

    def fix(self, t, place, east_ms, north_ms, disturbed_m):
        """place is (latitude field, longitude field, altitude in metres)."""
        when = self.when(t)
        clock, date = when.strftime("%H%M%S.00"), when.strftime("%d%m%y")
        sats = self._sats(disturbed_m)
        hdop = 9.5 / sats * (1 + disturbed_m / 25)
        lat, lon, alt_m = place
        speed_kn = math.hypot(east_ms, north_ms) / _KNOT_MS
        course = (
            "%.2f" % (math.degrees(math.atan2(east_ms, north_ms)) % 360) if speed_kn >= 1 else ""
        )
        if course == "360.00":
            course = "0.00"
        lines = [
            "RMC,%s,A,%s,%s,%.3f,%s,%s,,,A" % (clock, lat, lon, speed_kn, course, date),
            "GGA,%s,%s,%s,1,%02d,%.2f,%.1f,M,18.9,M,," % (clock, lat, lon, sats, hdop, alt_m),
        ]
        if self.full:
            lines.insert(1, "VTG,%s,T,,M,%.3f,N,%.3f,K,A" % (course, speed_kn, speed_kn * 1.852))
            lines += (
                [self._gsa(sats, hdop)] + self._gsv() + ["GLL,%s,%s,%s,A,A" % (lat, lon, clock)]
            )
        elif t % 5 == 0:
            lines.append(self._gsa(sats, hdop))
        return self._burst(lines)

    def _sats(self, disturbed_m):
        if self.rng.random() < 0.07:
            self.sats = min(len(_SKY), max(6, self.sats + self.rng.choice((-1, 1))))
        return self.sats if disturbed_m < 8 else 4 + (disturbed_m < 20)

    def _gsa(self, sats, hdop):
        used = ["%02d" % prn for prn, _, _ in _SKY[:sats]] + [""] * 12
        return "GSA,A,3,%s,%.2f,%.2f,%.2f" % (",".join(used[:12]), hdop * 1.9, hdop, hdop * 1.6)

    def _gsv(self):
        seen = [
            "%02d,%02d,%03d,%02d" % (prn, up, around, 20 + up // 4 + self.rng.randrange(4))
            for prn, up, around in _SKY
        ]
        parts = [seen[i : i + 4] for i in range(0, len(seen), 4)]
        return [
            "GSV,%d,%d,%02d,%s" % (len(parts), i + 1, len(seen), ",".join(part))
            for i, part in enumerate(parts)
        ]

    def _burst(self, lines):
        return b"".join(sentence((self.talker + line).encode()) for line in lines)


def sentence(body):
    """The bytes between $ and * with their frame and checksum."""
    return b"$%s*%02X\r\n" % (body, checksum(body))


def checksum(body):
    return reduce(operator.xor, body, 0)


def make_round(seed, out_dir, hours=6.0, full=False, talker="GP", a_round=None, jumps=()):
    """Write feed.bin, truth.csv and outline.geojson; returns their paths and the script. a_round: what is driven, if not the seed's."""
    a_round = a_round or drive(seed, hours)
    paths = {
        name: os.path.join(out_dir, file)
        for name, file in (
            ("feed", "feed.bin"),
            ("truth", "truth.csv"),
            ("outline", "outline.geojson"),
        )
    }
    os.makedirs(out_dir, exist_ok=True)
    speaker = Speaker(random.Random("speaker/%s" % seed), START_SEC, talker, full, jumps)
    bursts, rows = _listen(a_round, random.Random("noise/%s" % seed), speaker)
    feed.write(paths["feed"], bursts)
    _write_truth(paths["truth"], rows)
    with open(paths["outline"], "w") as file:
        json.dump(a_round.network.outline(), file)
    return dict(
        paths,
        start_sec=START_SEC,
        duration_s=a_round.duration_s,
        gnss_baud=BAUD,
        tunnels=a_round.tunnels,
        ignition=a_round.ignition,
        stops=a_round.stops,
        distance_km=round(a_round.length_m / 1000, 1),
        noise_m_p99=round(percentile([row[3] for row in rows if row[3] is not None], 99), 2),
    )


def _listen(a_round, rng, speaker):
    """Every second's burst, and its truth: (t, lat_udeg, lon_udeg, noise_m or None)."""
    error = noise.Noise(rng)
    silent, kicks, clock_s = noise.blind(a_round, rng)
    bursts, rows = [], []
    x, y = a_round.x, a_round.y
    for t in range(a_round.duration_s):
        lat, lon = degrees(x[t], y[t])
        before, after = max(0, t - 1), min(t + 1, len(x) - 1)
        east_ms, north_ms = (x[after] - x[before]) / 2, (y[after] - y[before]) / 2
        if t in kicks:
            error.kick(*kicks[t])
        east, north, up = error.step(moving=east_ms or north_ms)
        off_m = None
        if t in silent:
            burst = speaker.no_fix(t, t >= clock_s)
        else:
            lat_field, said_lat = _field(lat + north / M_PER_DEG_LAT, 2, "N", "S")
            lon_field, said_lon = _field(lon + east / M_PER_DEG_LON, 3, "E", "W")
            off_m = math.hypot((said_lat - lat) * M_PER_DEG_LAT, (said_lon - lon) * M_PER_DEG_LON)
            burst = speaker.fix(
                t,
                (lat_field, lon_field, 16 + up),
                east_ms + rng.gauss(0, noise.SPEED_MS),
                north_ms + rng.gauss(0, noise.SPEED_MS),
                error.disturbed_m,
            )
        bursts.append((t * 1000 + LATENCY_MS, burst))
        rows.append((t, round(lat * 1e6), round(lon * 1e6), off_m))
    return bursts, rows


def _field(value, width, positive, negative):
    """(dd)dmm.mmmmm,letter and the degrees that it says, in whole 1e-5 minutes."""
    units = round(abs(value) * 6_000_000)
    minutes = units % 6_000_000
    text = "%0*d%02d.%05d,%s" % (
        width,
        units // 6_000_000,
        minutes // 100_000,
        minutes % 100_000,
        positive if value >= 0 else negative,
    )
    return text, math.copysign(units / 6_000_000, value)


def _write_truth(path, rows):
    with open(path, "w") as file:
        file.write("t_s,sec2020,lat_udeg,lon_udeg,noise_m,has_fix\n")
        for t, lat_udeg, lon_udeg, off_m in rows:
            said = "" if off_m is None else "%.2f" % off_m
            file.write(
                "%d,%d,%d,%d,%s,%d\n"
                % (t, START_SEC + t, lat_udeg, lon_udeg, said, off_m is not None)
            )
