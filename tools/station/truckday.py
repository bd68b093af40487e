"""A truck's day in the office's zone: which numbers belong to it, and the same as a table for people.

In: rows of a journal (station.wire.Row), a day. Out: the span of numbers, the ranges whose blocks prove it, CSV.
Owns: the rule what belongs to a day (docs/protocol.md, "Export of a truck-day"); the station exports by it and
verify.py judges by it. Pure: no clock, no database.
"""

import csv
import datetime
import io
import re
from typing import NamedTuple, Optional

from reasons import REASON_NAMES
from station.explain import gap_of, skipped_of
from station.stamp import stamped
from station.wire import Row
from tracker import record
from tracker.fix import UNTIMED

MAGIC = "lacak-export 1"  # first line of the file
ZONE = "+07:00"  # WIB; the page shows the same
DAY_S = 86400
EPOCH = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)
KINDS = {
    record.FIX: "fix", record.ANCHOR: "anchor", record.INPUT: "input", record.CREW: "crew", record.PLACE: "place",
    record.TAMPER: "tamper", record.GAP: "gap", record.HEALTH: "health", record.TEXT: "text", record.SKIPPED: "skipped",
}  # fmt: skip
COLUMNS = ("journal", "number", "time", "kind", "latitude", "longitude", "altitude_m", "speed_kmh", "course_deg",
           "hdop", "satellites", "quality", "flags", "says")  # fmt: skip


class Day(NamedTuple):
    date: str
    zone: str
    start: int  # its first second, since 2020
    end: int  # and the first that is not its

    def time(self, sec):
        """Time of day in the zone; the day's end is 24:00:00."""
        past = sec - self.start
        return "%02d:%02d:%02d" % (past // 3600, past // 60 % 60, past % 60)

    def stamp(self, sec):
        zone_s = DAY_S * (datetime.date.fromisoformat(self.date) - EPOCH.date()).days - self.start
        moment = EPOCH + datetime.timedelta(seconds=sec + zone_s)
        return moment.strftime("%Y-%m-%d %H:%M:%S") + self.zone

    def clip(self, start, end):
        return max(start, self.start), min(end, self.end)


class Span(NamedTuple):
    lo: int  # numbers, both of the day
    hi: int
    before: Optional[Row]  # the fix before the day, and the one after it: with both no record of the day can
    after: Optional[Row]  # be taken away unseen


def day_of(date, zone=ZONE):
    """ValueError, in words, when it is none."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", date) or not re.fullmatch(r"[+-](0\d|1[0-4]):[0-5]\d", zone):
        raise ValueError("%s %s is not a day: 2026-05-16 +07:00 is one" % (date, zone))
    try:
        days = (datetime.date.fromisoformat(date) - EPOCH.date()).days
    except ValueError:
        raise ValueError("there is no %s" % date) from None
    zone_s = (int(zone[1:3]) * 3600 + int(zone[4:]) * 60) * (-1 if zone[0] == "-" else 1)
    start = days * DAY_S - zone_s
    if not -DAY_S <= start < 1 << 30:
        raise ValueError("%s is not in the time that a truck can say" % date)
    return Day(date, zone, start, start + DAY_S)


def span_of(rows, day):
    """The numbers of a day in one journal, or None: what its fixes of the day enclose, out to the fixes next to them.

    A fix without a second of its own lies between others by its number.
    """
    timed = [row for row in rows if row.kind == record.FIX and not row.flags & UNTIMED]
    timed.sort(key=lambda row: row.seq)
    within = [row.seq for row in timed if day.start <= row.sec < day.end]
    if within:
        before = [row for row in timed if row.seq < within[0]]
        after = [row for row in timed if row.seq > within[-1]]
    else:
        before = [row for row in timed if row.sec < day.start]
        after = [row for row in timed if row.sec >= day.end and before and row.seq > before[-1].seq]
        if not after:
            return None
    return Span(before[-1].seq if before else min(row.seq for row in rows),
                after[0].seq if after else max(row.seq for row in rows),
                before[-1] if before else None, after[0] if after else None)


def wanted(rows, day, span):
    """[(lo, hi)]: the span, and later records that speak of it: gaps in that time, numbers that were skipped."""
    found = [(span.lo, span.hi)]
    for row in rows:
        gap, skipped = gap_of(row), skipped_of(row)
        if (gap and gap.from_sec < day.end and gap.to_sec > day.start) or (
                skipped and skipped[0] <= span.hi and skipped[1] > span.lo):
            found.append((row.seq, row.seq))
    return found


def touches(first, last, ranges):
    return any(first <= hi and lo <= last for lo, hi in ranges)


def table(journals, day):
    """CSV of {journal: (rows, span)}: what is within the span and not of another day."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for journal, (rows, span) in journals.items():
        for row in stamped(rows):
            timed = row.sec and not row.flags & UNTIMED
            if span.lo <= row.seq <= span.hi and (not timed or day.start <= row.sec < day.end):
                writer.writerow([journal.hex(), row.seq, day.stamp(row.sec) if timed else "", *_cells(row)])
    return out.getvalue()


def _cells(row):
    if row.kind != record.FIX:
        return [KINDS.get(row.kind, "kind %d" % row.kind), *[""] * 9, _says(row)]

    def scaled(value, by, digits):
        return "" if value is None else "%.*f" % (digits, value * by)

    return ["fix", scaled(row.lat_udeg, 1e-6, 6), scaled(row.lon_udeg, 1e-6, 6), scaled(row.alt_dm, 0.1, 0),
            scaled(row.speed_cms, 0.036, 1), scaled(row.course_cdeg, 0.01, 0), scaled(row.hdop_x10, 0.1, 1),
            scaled(row.sats, 1, 0), row.quality, row.flags, ""]  # fmt: skip


def _says(row):
    gap, skipped = gap_of(row), skipped_of(row)
    if gap:
        reason = REASON_NAMES.get(gap.reason, "reason %d" % gap.reason)
        return "%s, %d s, detail %d" % (reason, gap.to_sec - gap.from_sec, gap.detail)
    if skipped:
        return "numbers %d to %d were never used" % (skipped[0], skipped[1] - 1)
    return row.body.hex()
