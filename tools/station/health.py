"""What a HEALTH record says, in words, and what of it is wrong.

In: the payload (docs/protocol.md, "Health fields"); fields as the database has them. Out: pairs; a report for the page.
Owns: the names and units for people, and the limits. Pure: no clock, no database.
"""

from typing import NamedTuple

from tracker.record import varint
from tracker.system.reset import ROOMS

BOOT, UPTIME_S, REASON, DETAIL, LEFT_OUT, MORE = 1, 2, 3, 4, 11, 126
HOUR_S = 3600
SLACK_S = 120  # the truck looks once a minute


class Field(NamedTuple):
    room: str
    name: str
    unit: str = ""
    grows: int | None = None  # more than so many in an hour are wrong
    above: int | None = None  # so is a value above,
    below: int | None = None  # or below


def _bad(room, name):
    return Field(room, name, grows=0)


FIELDS = {
    1: Field("Board", "boot"),
    2: Field("Board", "uptime", "s"),
    3: Field("Board", "started after"),
    4: Field("Board", "detail of the start"),
    10: Field("Board", "crashes in a row", above=0),
    11: Field("Board", "rooms left out (safe mode)", above=0),
    12: Field("Board", "tries of the rooms left out"),
    13: Field("Settings", "values refused", above=0),
    14: _bad("Supply", "times too low"),
    16: _bad("Journal", "records dropped, the ring was full"),
    17: _bad("Journal", "records refused"),
    18: _bad("Journal", "numbers skipped after a cut"),
    19: _bad("Journal", "records thinned, the ring was full"),
    20: _bad("Uplink", "blocks refused by the station"),
    21: _bad("Uplink", "blocks overwritten before they were sent"),
    22: _bad("GNSS", "deaths of the room"),
    23: _bad("GNSS", "silences of the room"),
    24: _bad("Link", "deaths of the room"),
    25: _bad("Link", "silences of the room"),
    26: _bad("Uplink", "deaths of the room"),
    27: _bad("Uplink", "silences of the room"),
    28: _bad("Power", "deaths of the room"),
    29: _bad("Power", "silences of the room"),
    30: _bad("Health", "deaths of the room"),
    31: _bad("Health", "silences of the room"),
    32: _bad("Safe mode", "deaths of the room"),
    33: _bad("Safe mode", "silences of the room"),
    40: Field("GNSS", "sentences read"),
    41: Field("GNSS", "damaged sentences", grows=20),
    42: Field("GNSS", "malformed sentences", grows=20),
    43: Field("GNSS", "lines too long", grows=20),
    44: Field("GNSS", "mixed epochs refused", grows=20),
    45: Field("GNSS", "dates refused", grows=20),
    48: Field("GNSS", "searches for the baud rate", grows=3),
    49: Field("GNSS", "receiver set-ups", grows=3),
    50: Field("GNSS", "set-ups not taken", grows=3),
    51: Field("GNSS", "minutes without a word of the receiver", grows=0),
    52: Field("GNSS", "receiver switched off and on", grows=0),
    54: Field("GNSS", "dates out of the window"),
    55: Field("GNSS", "dates repaired (1,024 weeks)"),
    56: Field("GNSS", "fixes against the clock", grows=20),
    58: Field("GNSS", "epochs"),
    59: Field("Trail", "fixes accepted"),
    60: Field("Trail", "fixes kept"),
    61: Field("Trail", "gaps"),
    62: Field("Trail", "epochs without a position"),
    63: Field("Trail", "fixes before the clock was believed"),
    64: Field("Trail", "fixes refused"),
    66: Field("Trail", "fixes that are noise at a stop"),
    67: Field("Trail", "first fixes refused"),
    68: Field("Trail", "jumps refused", grows=60),
    69: Field("Trail", "refused for HDOP"),
    71: Field("Journal", "records appended"),
    72: Field("Journal", "provisional ends"),
    73: Field("Journal", "sectors entered in its life"),
    74: Field("Journal", "old sectors erased"),
    75: Field("Journal", "acknowledgements of unknown numbers", grows=0),
    78: Field("Uplink", "sessions"),
    79: Field("Uplink", "connections failed or lost"),
    81: Field("Uplink", "blocks sent"),
    82: Field("Uplink", "blocks sent again"),
    83: Field("Uplink", "blocks acknowledged"),
    84: Field("Uplink", "unreadable records met", grows=0),
    86: Field("Uplink", "name servers silent"),
    87: Field("Uplink", "false answers to a name", grows=0),
    88: Field("Uplink", "last known address used"),
    89: Field("Uplink", "too little memory for TLS", grows=0),
    90: Field("Link", "joins"),
    91: Field("Link", "losses"),
    92: Field("Link", "errors of the driver"),
    93: Field("Link", "radio switched off and on"),
    94: Field("Uplink", "commands obeyed"),
    95: Field("Uplink", "commands refused", grows=0),
    96: Field("Uplink", "commands passed over", grows=0),
    97: Field("Uplink", "answers without the office's tag", grows=0),
    100: Field("Board", "longest standstill", "ms", above=45_000),  # half of the watchdog's patience
    102: Field("Board", "log lines pushed out"),
    104: Field("Supply", "now", "mV"),
    105: Field("Supply", "lowest", "mV"),
    106: Field("Supply", "dips"),
    108: Field("Memory", "lowest free Python heap", "KB", below=8),
    109: Field("Memory", "free system heap", "KB", below=40),
    110: Field("Memory", "largest free block", "KB", below=20),  # a TLS record of 16 KB, and its frame
    111: Field("Uplink", "records waiting"),
    112: Field("Uplink", "waiting for an acknowledgement", "s"),
}


def pairs(body):
    """[(field, value)], as far as the payload can be read."""
    found, at = [], 0
    while at < len(body):
        field, at = varint(body, at, len(body))
        if at >= 0:
            value, at = varint(body, at, len(body))
        if at < 0:
            break
        found.append((field, value >> 1 ^ -(value & 1)))
    return found


class Report(NamedTuple):
    """What one or more records in a row said: the second one goes on where the first was full."""

    sec: int | None
    received: float
    fields: dict


def reports(rows):
    """Reports out of the database's rows (journal, seq, sec, received, field, value), by journal and number."""
    found, last = [], None
    for row in rows:
        if (row["journal"], row["seq"]) != last:
            goes_on = last and last[0] == row["journal"] and MORE in found[-1].fields
            last = (row["journal"], row["seq"])
            if goes_on:
                del found[-1].fields[MORE]
            else:
                found.append(Report(row["sec"], row["received"], {}))
        found[-1].fields.setdefault(row["field"], row["value"])
    return found


def growth(found):
    """(seconds, {field: how much more}) of the newest report against one an hour older, or against the boot's zero."""
    newest = found[-1].fields
    now_s, boot = newest.get(UPTIME_S, 0), newest.get(BOOT)
    older = [report.fields for report in found[:-1] if report.fields.get(BOOT) == boot
             and now_s - report.fields.get(UPTIME_S, 0) >= HOUR_S - SLACK_S]
    base = older[-1] if older else {}
    grown = {}
    for field, value in newest.items():
        more = value - base.get(field, 0)
        grown[field] = more if more >= 0 else value  # a room that was built anew counts from 0
    return now_s - base.get(UPTIME_S, 0), grown


def wrong(found):
    """{field: what is wrong, in words} of the newest report."""
    seconds, grown = growth(found)
    said = {}
    for field, value in found[-1].fields.items():
        known = FIELDS.get(field)
        if known is None:
            continue
        words = "%s: %%d %s" % (known.room, " ".join(filter(None, (known.unit, known.name))))
        if known.grows is not None and grown[field] > known.grows:
            said[field] = words % grown[field] + " " + _since(seconds)
        elif field == LEFT_OUT and value:
            said[field] = "Safe mode: left out are " + ", ".join(
                ROOMS[bit] if bit < len(ROOMS) else "room %d" % bit for bit in range(16) if value >> bit & 1)
        elif known.above is not None and value > known.above or known.below is not None and value < known.below:
            said[field] = words % value
    return said


def _since(seconds):
    return "this hour" if seconds <= HOUR_S + SLACK_S else "in %d hours" % round(seconds / HOUR_S)
