"""Three days of a truck in a database, their exports, and hands that change a file as somebody might."""

import hashlib

import station_truck
from station.db import Database
from station.export import export
from station.ingest import Ingest
from station.truckday import day_of
from station_truck import Truck
from tracker import record

TRUCK = Truck()
OTHER = Truck("truck-18", b"another key")
KEYS = {TRUCK.device: TRUCK.key, OTHER.device: OTHER.key}  # as the station has them
RINGS = {device: [key] for device, key in KEYS.items()}  # and who verifies: a truck's key may have been renewed
DATES = ("2026-05-15", "2026-05-16", "2026-05-17")
DATE = DATES[1]
DAY = day_of(DATE)
RECEIVED = 1_778_900_000.7


def shift(day, began):
    """A day's records (asleep until 08:00, 12 fixes, ten minutes without one, 12 fixes), and the last one's second."""
    at = day.start + 8 * 3600
    out = [] if began is None else [station_truck.gap(began, at, record.ASLEEP)]
    out += station_truck.drive(12, 30, at)
    resumed = at + 11 * 30 + 600
    out.append(station_truck.gap(at + 11 * 30, resumed, record.NO_FIX, 2))
    out += station_truck.drive(12, 30, resumed)
    return out, resumed + 11 * 30


def days(dates=DATES):
    records, began = [], None
    for date in dates:
        more, began = shift(day_of(date), began)
        records += more
    return records


def database(blocks=None, truck=TRUCK):
    """What the station has after these messages."""
    db = Database(":memory:")
    ingest = Ingest(db, KEYS)
    for i, block in enumerate(truck.blocks(days(), size=7) if blocks is None else blocks):
        ingest.commit([(truck.topic("hist"), block)], RECEIVED + 60 * i)
    return db


def exported(date=DATE, blocks=None):
    db = database(blocks)
    try:
        return export(db, TRUCK.device, date, "depot").text
    finally:
        db.close()


def sealed(lines):
    """The file with its last line made to fit, as a forger would."""
    body = "".join(line + "\n" for line in lines if not line.startswith("end "))
    return body.encode() + b"end sha256 %s\n" % hashlib.sha256(body.encode()).hexdigest().encode()


def places(lines):
    """Where the blocks are among the lines."""
    return [i for i, line in enumerate(lines) if line.startswith("block ")]


def raw_of(line):
    return bytes.fromhex(line.split()[-1])


def with_raw(line, raw):
    return line.rsplit(" ", 1)[0] + " " + raw.hex()


def renumbered(lines):
    """A careful forger counts anew."""
    out, at = [], places(lines)
    for i, line in enumerate(lines):
        if i in at:
            line = "block %d %s" % (at.index(i) + 1, line.split(" ", 2)[2])
        elif line.startswith("blocks "):
            line = "blocks %d" % len(at)
        out.append(line)
    return out
