"""When the untimed fixes were: an ANCHOR gives the second of an uptime, and stamps all fixes of its boot.

In: rows of one journal. Out: the same rows by number; a fix that an anchor reaches has its second and no UNTIMED flag.
Owns: which fixes belong to which boot: those behind an anchor record that names it, with no number missing between. What
no anchor reaches stays untimed, in its place.
"""

from tracker import record
from tracker.fix import UNTIMED


def stamped(rows):
    rows = sorted(rows, key=lambda row: row.seq)
    boot = offset_ms = None
    waiting = []  # places of fixes whose boot is known and whose anchor is still to come
    last = None
    for i, row in enumerate(rows):
        if last is not None and row.seq != last + 1:
            boot = offset_ms = None  # a boot may have ended in the hole
            waiting = []
        last = row.seq
        anchor = anchor_of(row)
        if anchor:
            if anchor[0] != boot:
                boot, offset_ms, waiting = anchor[0], None, []
            if row.sec:
                offset_ms = row.sec * 1000 - anchor[1]
                for place in waiting:
                    rows[place] = _at(rows[place], offset_ms)
                waiting = []
        elif is_untimed(row) and boot is not None:
            if offset_ms is None:
                waiting.append(i)
            else:
                rows[i] = _at(row, offset_ms)
    return rows


def stamped_by(rows, seq):
    """The fixes that the anchor of this number stamped: those back to the anchor that names their boot."""
    rows = sorted(rows, key=lambda row: row.seq)
    both = list(zip(rows, stamped(rows)))
    place = next(i for i, row in enumerate(rows) if row.seq == seq)
    out = []
    while place and not anchor_of(rows[place - 1]):
        place -= 1
        before, after = both[place]
        if is_untimed(before) and not is_untimed(after):
            out.append(after)
    return out[::-1]


def is_untimed(row):
    return row.kind == record.FIX and bool(row.flags & UNTIMED)


def anchor_of(row):
    """(boot, uptime in ms) of an ANCHOR row, or None."""
    if row.kind != record.ANCHOR or not row.body:
        return None
    boot, off = record.varint(row.body, 0, len(row.body))
    if off < 0:
        return None
    uptime_ms, off = record.varint(row.body, off, len(row.body))
    return None if off < 0 else (boot, uptime_ms)


def _at(row, offset_ms):
    """Receivers speak at whole seconds; the uptime at which that was read is up to a poll late."""
    sec = (row.sec * 1000 + row.ms + offset_ms + 500) // 1000
    return row._replace(sec=sec, ms=0, flags=row.flags & ~UNTIMED)
