"""Runs on the VM: fixes out of a file that bench.vm wrote."""

from tracker.fix import Fix

FIELDS = (
    "sec", "ms", "lat_udeg", "lon_udeg", "alt_dm", "speed_cms", "course_cdeg", "hdop_x10",
    "sats", "kind", "flags",
)  # fmt: skip


def read_fixes(path):
    fixes = []
    with open(path) as file:
        for line in file:
            fix = Fix()
            for name, word in zip(FIELDS, line.split()):
                setattr(fix, name, None if word == "-" else int(word))
            fixes.append(fix)
    return fixes
