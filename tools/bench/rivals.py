"""What other trackers would have kept of the same positions, by their published rules.

In: every position of the receiver, in order.
Out: the positions kept; the first and the last by all.
"""

from bench.optimum import seconds
from sim.truth import distance_m


def fixed_10s(fixes):
    """One every ten seconds."""
    return _kept(fixes, lambda last, fix: seconds(fix) - seconds(last) >= 10)


def four_triggers(fixes):
    """Teltonika's four at their defaults while driving: 300 s, 100 m, 10 degrees, 10 km/h."""

    def triggers(last, fix):
        if seconds(fix) - seconds(last) >= 300 or _metres(last, fix) >= 100:
            return True
        if None not in (fix.course_cdeg, last.course_cdeg) and _turn_cdeg(last, fix) >= 1000:
            return True
        if None in (fix.speed_cms, last.speed_cms):
            return False
        return abs(fix.speed_cms - last.speed_cms) >= 278

    return _kept(fixes, triggers)


def traccar(fixes):
    """Traccar's client: 600 s, and where they are set (here 100 m, 10 degrees) distance and angle.

    Its angle is a plain difference: 359 and 1 degree are 358 apart. Without a course it is 0.
    """

    def triggers(last, fix):
        if seconds(fix) - seconds(last) >= 600 or _metres(last, fix) >= 100:
            return True
        return abs((fix.course_cdeg or 0) - (last.course_cdeg or 0)) >= 1000

    return _kept(fixes, triggers)


RULES = {"fixed 10 s": fixed_10s, "four triggers": four_triggers, "Traccar": traccar}


def _kept(fixes, triggers):
    kept = [fixes[0]]
    for fix in fixes[1:]:
        if triggers(kept[-1], fix):
            kept.append(fix)
    return kept if kept[-1] is fixes[-1] else [*kept, fixes[-1]]


def _metres(a, b):
    return distance_m(a.lat_udeg, a.lon_udeg, b.lat_udeg, b.lon_udeg)


def _turn_cdeg(a, b):
    turn = abs(a.course_cdeg - b.course_cdeg)
    return min(turn, 36000 - turn)
