"""A truck-day as one file that proves itself: the messages as they came, and a table of the same for people.

In: the database, a truck, a day. Out: text, the same for the same database; files beside each other.
Owns: the file's layout (docs/protocol.md, "Export of a truck-day") and the command `python -m station export`.
"""

import argparse
import datetime
import hashlib
import socket
import sys
from pathlib import Path
from typing import NamedTuple

from station.db import Database
from station.explain import merge, subtract
from station.truckday import MAGIC, day_of, span_of, table, touches, wanted
from tracker.version import VERSION


class Export(NamedTuple):
    name: str  # of the files, without the end
    text: str
    csv: str
    blocks: int
    unproved: int  # records of the day of which the database has no message: it was stored by an older station


def export(db, device, date, station=None):
    """The Export, or None when the database has nothing of that truck on that day. ValueError: no day."""
    day = day_of(date)
    heads, chosen, journals, unproved = [], [], {}, 0
    for journal in db.journals(device):
        rows = db.rows(device, journal)
        span = span_of(rows, day)
        if span is None:
            continue
        ranges = wanted(rows, day, span)
        blocks = [block for block in db.blocks(device, journal) if touches(block["first"], block["last"], ranges)]
        heads.append("journal %s numbers %d to %d" % (journal.hex(), span.lo, span.hi))
        chosen += blocks
        journals[journal] = rows, span
        proved = merge((block["first"], block["last"] + 1) for block in blocks)
        open_to = subtract((span.lo, span.hi + 1), proved)
        unproved += sum(start <= row.seq < end for row in rows for start, end in open_to)
    if not heads:
        return None
    chosen.sort(key=lambda block: block["id"])
    lines = [MAGIC, "device " + device, "day %s %s" % (day.date, day.zone),
             "station %s, Lacak %s" % (station or socket.gethostname(), VERSION), *heads, "blocks %d" % len(chosen)]
    for i, block in enumerate(chosen, 1):
        lines.append("block %d received %s %s" % (i, _utc(block["received"]), block["raw"].hex()))
    name = "%s_%s" % (device, day.date)
    return Export(name, sealed("\n".join(lines) + "\n"), table(journals, day), len(chosen), unproved)


def sealed(text):
    """With a last line that tells a file cut or damaged on its way; it proves nothing else."""
    return text + "end sha256 %s\n" % hashlib.sha256(text.encode()).hexdigest()


def _utc(unix_s):
    return datetime.datetime.fromtimestamp(int(unix_s), datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def command(arguments):
    parser = argparse.ArgumentParser(
        prog="station export",
        description="Writes a truck's day as a file that tools/verify.py checks, and a CSV of the same.")
    parser.add_argument("device")
    parser.add_argument("day", help="of the office's zone, for example 2026-05-16")
    parser.add_argument("--db", default="station.sqlite", metavar="FILE")
    parser.add_argument("--out", default=".", metavar="FOLDER")
    parser.add_argument("--name", help="of this station, in the file; else the computer's")
    args = parser.parse_args(arguments)
    try:
        written = _write(args)
    except (OSError, ValueError) as problem:
        print("export: %s" % problem, file=sys.stderr)
        return 1
    print("Check it: python3 tools/verify.py %s --key-file KEYS.json" % written)
    return 0


def _write(args):
    if not Path(args.db).is_file():
        raise ValueError("there is no database %s (--db)" % args.db)
    if args.name and not args.name.isprintable():
        raise ValueError("the name is one line of text")
    db = Database(args.db)
    try:
        made = export(db, args.device, args.day, args.name)
        known = ", ".join(row["device"] for row in db.devices())
    finally:
        db.close()
    if made is None:
        raise ValueError("%s has nothing of %s on %s; it knows: %s"
                         % (args.db, args.device, args.day, known or "no truck"))
    path = Path(args.out, made.name + ".lacak")
    path.write_text(made.text, encoding="utf-8", newline="\n")
    path.with_suffix(".csv").write_text(made.csv, encoding="utf-8", newline="\n")
    print("%s: %d blocks as they came. %s: the same as a table." % (path, made.blocks, path.with_suffix(".csv")))
    if made.unproved:
        print("%d records of the day were stored by an older station, which did not keep the messages: "
              "they can't be proved." % made.unproved)
    return path
