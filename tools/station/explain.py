"""The station's rule: each second between stored fixes is within the sampling bound or in a gap.

In: rows of one journal (seq, kind, sec, flags, body), in any order. Out: what is not explained.
Owns: the rule. Pure: no clock, no database.
"""

from typing import NamedTuple

from station.stamp import is_untimed, stamped
from tracker import record
from tracker.fix import STOPPED

MOVING_S = 62  # 60 s of permitted silence, and 2 s because a receiver may speak every 2 s only
PARKED_S = 302
EDGE_S = 2  # a gap may begin or end one epoch beside the fix that it touches


class Gap(NamedTuple):
    from_sec: int
    to_sec: int
    reason: int
    detail: int
    seq: int


class Explained(NamedTuple):
    unexplained: list  # (from_sec, to_sec), merged, ascending
    gaps: list  # Gap, by time
    missing: list  # (lo, hi): numbers that are neither stored nor said to be skipped, thinned or dropped


def explain(rows):
    """Judge one journal. A fix that no anchor stamps ends no interval."""
    rows = stamped(rows)
    gaps = sorted(gap for gap in map(gap_of, rows) if gap)
    skipped = merge(span for span in map(skipped_of, rows) if span)
    unexplained, missing, holes = [], [], []
    last = fix = None
    for row in rows:
        if last is not None and row.seq > last.seq + 1:
            holes += subtract((last.seq + 1, row.seq), skipped)
        last = row
        if row.kind != record.FIX or is_untimed(row):
            continue
        if fix is not None:
            within = [gap for gap in gaps if gap.to_sec >= fix.sec and gap.from_sec <= row.sec]
            lost = holes and not _gone(within)
            missing += holes if lost else []
            unexplained += _open(fix, row, [] if lost else within, bool(holes))
        elif not _gone(gaps):
            missing += holes
        fix, holes = row, []
    if not _gone(gaps):
        missing += holes
    return Explained(merge(unexplained), gaps, [(lo, end - 1) for lo, end in missing])


def unexplained_s(rows):
    return sum(to - start for start, to in explain(rows).unexplained)


def _gone(gaps):
    """The truck's full memory had to let records go."""
    return any(gap.reason in (record.DROPPED, record.THINNED) for gap in gaps)


def _open(a, b, gaps, holed):
    """What nothing explains between two fixes in a row; holed: numbers between are not here."""
    limit = PARKED_S if a.flags & STOPPED else MOVING_S
    if not holed and b.sec - a.sec <= limit:
        return []
    if b.sec <= a.sec:
        return []
    cover = merge((gap.from_sec, gap.to_sec) for gap in gaps)
    if not cover:
        return [(a.sec, b.sec)]
    # A dropped stretch begins and ends with fixes that kept the bound and may have stood; any
    # other gap touches its fixes.
    slack = PARKED_S if holed else EDGE_S
    return [(start, to) for start, to in subtract((a.sec, b.sec), cover) if to - start > slack]


def gap_of(row):
    """The Gap that a row tells of, or None."""
    if row.kind != record.GAP or not row.body:
        return None
    body = row.body
    duration_s, off = record.varint(body, 1, len(body))
    if off < 0:
        return None
    detail, off = record.varint(body, off, len(body))
    return None if off < 0 else Gap(row.sec - duration_s, row.sec, body[0], detail, row.seq)


def skipped_of(row):
    """The numbers first..end (end is not one) that a SKIPPED row says were never used, or None."""
    if row.kind != record.SKIPPED or not row.body:
        return None
    first, off = record.varint(row.body, 0, len(row.body))
    if off < 0:
        return None
    count, off = record.varint(row.body, off, len(row.body))
    return (first, first + count) if off >= 0 else None


def merge(spans):
    """Overlapping or touching (start, end) made one."""
    out = []
    for start, end in sorted(spans):
        if out and start <= out[-1][1]:
            out[-1] = (out[-1][0], max(end, out[-1][1]))
        else:
            out.append((start, end))
    return out


def subtract(span, others):
    """The pieces of start..end that merged others leave open."""
    start, end = span
    out = []
    for other_start, other_end in others:
        if other_start > start:
            out.append((start, min(other_start, end)))
        start = max(start, other_end)
        if start >= end:
            return out
    return out + [(start, end)]


def position_at(rows, sec):
    """(lat_udeg, lon_udeg) at a second, straight between fixes; None in a gap or outside.

    Through what was thinned too: what stayed of it keeps twice the bound.
    """
    fixes = sorted((row for row in stamped(rows) if row.kind == record.FIX and not is_untimed(row)),
                   key=lambda row: (row.sec, row.seq))
    judged = explain(rows)
    holes = [(gap.from_sec, gap.to_sec) for gap in judged.gaps if gap.reason != record.THINNED]
    holes += judged.unexplained
    if any(start < sec < end for start, end in holes):
        return None
    for a, b in zip(fixes, fixes[1:]):
        if a.sec <= sec <= b.sec:
            span = max(1, b.sec - a.sec)
            return (a.lat_udeg + (b.lat_udeg - a.lat_udeg) * (sec - a.sec) / span,
                    a.lon_udeg + (b.lon_udeg - a.lon_udeg) * (sec - a.sec) / span)
    return None
