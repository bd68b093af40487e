"""A recorded log as a feed: its bytes as they came, in their own rhythm, moved to another day.

In: a file of any bytes. Out: the feed and a dict that says how to play it.
Owns: how a log's times become the world's.
Only RMC sentences with a right checksum are changed, and of them only the date and the checksum.
"""

import datetime
import os

from sim import feed
from sim.receiver import EPOCH, LATENCY_MS, START_SEC, checksum

_BAUDS = (9600, 19200, 38400, 57600, 115200)
_DAY_MS = 86_400_000
_SPILL = 1000  # bytes a second where a log has no times to go by
_BURST_MAX = 4096  # a burst longer than this isn't one second of a receiver
_GAP_MAX_MS = _DAY_MS  # a longer step of the log's time is a clock being set, not a pause


def make_replay(log_path, out_dir, start_sec=START_SEC):
    """Write feed.bin; the first dated fix gets the date of start_sec, all keep their time of day.

    Returns feed, start_sec, duration_s, gnss_baud and fixes: the (sec, lat_udeg, lon_udeg) of the
    log's RMC sentences, on the new date.
    """
    with open(log_path, "rb") as file:
        lines = file.read().splitlines(keepends=True)
    sentences = [fields_of(line) for line in lines]
    day = (EPOCH + datetime.timedelta(seconds=start_sec)).date()
    reader = _Reader(_days_to(sentences, day), day)
    for line, fields in zip(lines, sentences):
        reader.take(line, fields)
    frames = reader.frames()
    os.makedirs(out_dir, exist_ok=True)
    path = os.path.join(out_dir, "feed.bin")
    feed.write(path, frames)
    if reader.zero_ms is not None:
        start_sec = reader.zero_ms // 1000
    return {
        "feed": path,
        "start_sec": start_sec,
        "gnss_baud": _baud(frames),
        "duration_s": frames[-1][0] // 1000 + 2 if frames else 2,
        "fixes": reader.fixes,
    }


class _Reader:
    """Lines in, bursts out. A burst begins where an RMC or GGA says another time than before."""

    def __init__(self, days, day):
        self.days = days
        self.day = day  # of times that come before any date
        self.bursts = []  # [feed time in ms, [lines]]
        self.log_ms = None  # the newest time read, on the new date
        self.zero_ms = None  # the log's time at the world's start; the first fix decides
        self.fixes = []

    def take(self, line, fields):
        kind = fields[0][2:] if fields else b""
        if kind == b"RMC":
            line = self._dated(line, fields)
            fields = fields_of(line)
        if kind in (b"RMC", b"GGA"):
            self._time(kind, fields)
        if kind == b"RMC" and (fix := fix_of(fields)):
            if not self.fixes:
                self.zero_ms = self.log_ms - self.bursts[-1][0]
            self.fixes.append(fix)
        if not self.bursts:
            self._begin(1000)
        self.bursts[-1][1].append(line)

    def _dated(self, line, fields):
        date = _date(fields)
        if date is None:
            return line
        moved = date + datetime.timedelta(days=self.days)
        body = b",".join(fields[:9] + [moved.strftime("%d%m%y").encode()] + fields[10:])
        start, star = line.index(b"$"), line.rindex(b"*")
        return line[:start] + b"$%s*%02X" % (body, checksum(body)) + line[star + 3 :]

    def _time(self, kind, fields):
        said_ms = _clock_ms(fields)
        if said_ms is None:
            if kind == b"RMC":  # it doesn't know the time yet, but speaks once a second
                self._begin(self._now_ms() + 1000)
            return
        date = _date(fields) if kind == b"RMC" else None
        if date is not None:
            said_ms += _sec(date) * 1000
        elif self.log_ms is None:
            said_ms += _sec(self.day) * 1000
        else:
            said_ms = self.log_ms + (said_ms - self.log_ms + _DAY_MS // 2) % _DAY_MS - _DAY_MS // 2
        self._step_to(said_ms)

    def _step_to(self, said_ms):
        """Begin the burst of another time: as late as the log says, else 1 s later."""
        if said_ms == self.log_ms:
            return
        step_ms = 1000
        if self.log_ms is not None and 0 < said_ms - self.log_ms <= _GAP_MAX_MS:
            step_ms = said_ms - self.log_ms
        self._begin(self._now_ms() + step_ms)
        if self.log_ms is None:
            self.zero_ms = said_ms - self._now_ms()
        self.log_ms = said_ms

    def _now_ms(self):
        return self.bursts[-1][0] if self.bursts else 0

    def _begin(self, at_ms):
        self.bursts.append((at_ms, []))

    def frames(self):
        """(t_ms, bytes); a burst too long for one second is spilt over the seconds after it."""
        frames, late_ms = [], 0
        for at_ms, lines in self.bursts:
            data = b"".join(lines)
            piece = _SPILL if len(data) > _BURST_MAX else _BURST_MAX
            if frames:
                late_ms = max(late_ms, frames[-1][0] + 1 - at_ms - LATENCY_MS)
            for i in range(0, len(data), piece):
                frames.append(
                    (at_ms + late_ms + LATENCY_MS + i // piece * 1000, data[i : i + piece])
                )
        return frames


def fields_of(line):
    """The fields of a sentence with a right checksum, else None."""
    start, star = line.find(b"$"), line.rfind(b"*")
    if start < 0 or star < start:
        return None
    body = line[start + 1 : star]
    if line[star + 1 : star + 3].upper() != b"%02X" % checksum(body):
        return None
    return body.split(b",")


def _date(fields):
    """The day of an RMC, or None. Two-digit years from 80 on are of the last century."""
    text = fields[9] if fields and len(fields) > 9 else b""
    if len(text) != 6 or not text.isdigit():
        return None
    year = int(text[4:])
    try:
        return datetime.date(year + (1900 if year >= 80 else 2000), int(text[2:4]), int(text[:2]))
    except ValueError:
        return None


def _clock_ms(fields):
    """Milliseconds of the day from hhmmss(.sss), or None."""
    text = fields[1] if len(fields) > 1 else b""
    whole, _, part = text.partition(b".")
    if len(whole) != 6 or not whole.isdigit() or (part and not part.isdigit()):
        return None
    sec = (int(whole[:2]) * 60 + int(whole[2:4])) * 60 + int(whole[4:])
    return sec * 1000 + int((part + b"000")[:3])


def _sec(date):
    return (date - EPOCH.date()).days * 86_400


def _days_to(sentences, wanted):
    """Days from the log's first dated RMC (one with a fix, if there is any) to the wanted day."""
    dated = [
        (fields[2] != b"A", _date(fields))
        for fields in sentences
        if fields and fields[0][2:] == b"RMC" and _date(fields)
    ]
    if not dated:
        return 0
    _, first = min(dated, key=lambda pair: pair[0])
    return (wanted - first).days


def fix_of(fields):
    """(sec, lat_udeg, lon_udeg) of an RMC with status A, or None."""
    if len(fields) < 10 or fields[2] != b"A" or _date(fields) is None or _clock_ms(fields) is None:
        return None
    lat, lon = _udeg(fields[3], fields[4] == b"S"), _udeg(fields[5], fields[6] == b"W")
    if lat is None or lon is None:
        return None
    return _sec(_date(fields)) + _clock_ms(fields) // 1000, lat, lon


def _udeg(text, negative):
    """(d)ddmm.mmmm to micro-degrees, rounded to the nearest, in whole numbers."""
    whole, _, part = text.partition(b".")
    if len(whole) < 4 or not whole.isdigit() or not (part + b"0").isdigit():
        return None
    minutes = int(whole[-2:] + (part + b"000000")[:6])  # in 1e-6 minutes
    udeg = int(whole[:-2]) * 1_000_000 + (minutes + 30) // 60
    return -udeg if negative else udeg


def _baud(frames):
    """The slowest usual rate at which each burst is out before the next, with a tenth to spare."""
    for baud in _BAUDS:
        if all(
            len(data) * 10_000 <= 0.9 * baud * (after_ms - at_ms)
            for (at_ms, data), (after_ms, _) in zip(frames, frames[1:])
        ):
            return baud
    return _BAUDS[-1]
