"""What a run promised against what the database has: nothing appended is missing, nothing is there twice, no second is unexplained.

In: the simulator's witness (what the firmware appended and accepted, written down outside the firmware), the station's
database, the world's script. Out: one dict of figures, and the words for a person.
"""

import bisect
import math
from typing import NamedTuple

from sim.truth import distance_m
from station.db import Database
from station.explain import explain
from station.stamp import is_untimed, stamped
from tracker import record

END_SLACK_S = 2  # the last fix before ignition off may be one epoch old


class Appended(NamedTuple):
    kind: int
    sec: int
    lat_udeg: int
    lon_udeg: int
    flags: int


class Witness(NamedTuple):
    appended: dict  # seq -> Appended
    kept: int  # fixes handed to the journal
    in_flight: set  # Appended of which append never returned: a cut came; they may be stored, once
    accepted: list  # (sec, lat_udeg, lon_udeg) of every fix that passed the quality rules
    reused: int  # numbers that append returned twice: must be 0
    boots: int
    freed: list  # (lo, hi) that the truck took for stored
    born_ms: int  # world time of the boot that appended the first record: before it no journal and no clock was there


def read_witness(path):
    """The simulator's log: lines T (tried), A (appended), F (accepted), K (known to be in the database), B (boot)."""
    appended, in_flight, accepted, freed, reused, boots = {}, set(), [], [], 0, 0
    tried, born_ms, boot_ms, kept = None, None, 0, 0
    with open(path, encoding="ascii") as lines:
        for line in lines:
            tag, *rest = line.split()
            values = tuple(map(int, rest))
            if tag == "T":
                tried = Appended(*values)
                kept += tried.kind == record.FIX
            elif tag == "A":
                tried = None
                born_ms = boot_ms if born_ms is None else born_ms
                reused += values[0] in appended
                appended[values[0]] = Appended(*values[1:])
            elif tag == "F":
                accepted.append(values)
            elif tag == "K":
                freed.append(values)
            elif tag == "B":
                boots, boot_ms = boots + 1, values[1]
                if tried:
                    in_flight.add(tried)
                tried = None
    return Witness(appended, kept, in_flight, accepted, reused, boots, freed, born_ms or 0)


def audit(witness, db_path, device, start_sec, end_sec, bound_m=10):
    """Figures of one run. start_sec .. end_sec: the seconds during which the truck had to be explained."""
    database = Database(db_path)
    try:
        journals = database.journals(device)
        rows = [row for journal in journals for row in database.rows(device, journal)]
    finally:
        database.close()
    stored = {row.seq: row for row in rows}
    lost = [seq for seq, sent in witness.appended.items() if not _same(sent, stored.get(seq))]
    unknown = [row for row in rows if row.seq not in witness.appended]
    survived = {sent for sent in witness.in_flight if any(_same(sent, row) for row in unknown)}
    twice = len(rows) - len(stored) + witness.reused + len(unknown) - len(survived)
    judged = explain(rows)
    trail = [row for row in stamped(rows) if row.kind == record.FIX and not is_untimed(row)]
    timed = [fix for fix in witness.accepted if fix[0] >= start_sec]  # others had only an uptime when they were accepted
    return {
        "fixes_accepted": len(witness.accepted),
        "fixes_kept": witness.kept,
        "fixes_appended": sum(sent.kind == record.FIX for sent in witness.appended.values()),
        "records_appended": len(witness.appended),
        "fixes_stored": sum(row.kind == record.FIX for row in rows),
        "records_stored": len(stored),
        "fixes_lost": len(lost),
        "freed_too_early": sum(any(lo <= seq <= hi for lo, hi in witness.freed) for seq in lost),
        "duplicates": twice,
        "unexplained_s": sum(to - start for start, to in judged.unexplained)
        + _edges_s(trail, judged.gaps, start_sec + witness.born_ms // 1000, end_sec),
        "missing_numbers": sum(hi - lo + 1 for lo, hi in judged.missing),
        "gaps": judged.gaps,
        "gap_s": sum(gap.to_sec - gap.from_sec for gap in judged.gaps),
        "boots": witness.boots,
        "journals": len(journals),
        "bound_error_m_max": worst_accepted_m(timed, trail, judged.gaps),
        "fixes": trail,
    }


def _same(sent, row):
    if row is None or (row.kind, row.sec) != (sent.kind, sent.sec):
        return False
    return sent.kind != record.FIX or (row.lat_udeg, row.lon_udeg, row.flags) == (sent.lat_udeg, sent.lon_udeg, sent.flags)


def _edges_s(trail, gaps, start_sec, end_sec):
    """Seconds before the first and after the last thing that the database knows."""
    if not trail and not gaps:
        return end_sec - start_sec
    first = min([row.sec for row in trail] + [gap.from_sec for gap in gaps])
    last = max([row.sec for row in trail] + [gap.to_sec for gap in gaps])
    return sum(edge for edge in (first - start_sec, end_sec - last) if edge > END_SLACK_S)


def worst_accepted_m(accepted, fixes, gaps):
    """Greatest distance of an accepted fix from the stored trail, straight in time between stored fixes; 0.0 without any.

    Inside a gap there is no trail: what a power cut took from the open stretch lies there, and is said to be lost.
    """
    chain = sorted((row.sec, row.seq, row.lat_udeg, row.lon_udeg) for row in fixes)
    seconds = [row[0] for row in chain]
    worst = 0.0
    for sec, lat, lon in accepted:
        if any(gap.from_sec <= sec < gap.to_sec for gap in gaps):
            continue
        i = bisect.bisect_left(seconds, sec)
        if i < len(chain) and seconds[i] == sec:
            ends = [row for row in chain[i:i + 3] if row[0] == sec]
            worst = max(worst, min(distance_m(lat, lon, row[2], row[3]) for row in ends))
        elif 0 < i < len(chain):
            (t0, _, lat0, lon0), (t1, _, lat1, lon1) = chain[i - 1], chain[i]
            part = (sec - t0) / (t1 - t0)
            worst = max(worst, distance_m(lat, lon, lat0 + (lat1 - lat0) * part, lon0 + (lon1 - lon0) * part))
        else:
            worst = max(worst, math.inf)
    return worst


def complete(figures):
    """True when the run kept every promise: the demo's exit code."""
    return not (figures["fixes_lost"] or figures["duplicates"] or figures["unexplained_s"] or not figures["fixes_stored"])
