"""Commands for the trucks: queued in the database, signed, sent until they are answered, one at a time for each truck.

In: put() from the command line, due() from the session, answered() from what a truck says.  Out: (topic, frame).
Owns: the frames of commands and answers (docs/protocol.md, "Commands") on the office's side, and the counters.
"""

import argparse
import hmac
import re
import sys
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import NamedTuple

from station import wire
from station.db import EPOCH_2020, Database
from tracker.record import put_varint, varint

COMMAND, ANSWER = 0x20, 0x21
STATUS, SET, RESEND, REBOOT, LOG = 1, 2, 3, 4, 5
CODES = {"status": STATUS, "set": SET, "resend": RESEND, "reboot": REBOOT, "log": LOG}
DONE, REFUSED, REPEATED = 0, 1, 2
NUMBERS, SECONDS = 0, 1  # what a resend's range is of
BODY_MAX = 300  # bytes; a truck takes messages of 512
AGAIN_S = (30, 3600)  # a command without an answer goes once more, doubling
KEEP_S = 7 * 86400  # then nobody wants it obeyed any more


class Answer(NamedTuple):
    counter: int
    result: int
    text: str


def frame(device, key, counter, code, body):
    return wire.signed(device, key, b"cmd", bytes([COMMAND]) + _varints(counter) + bytes([code]) + body)


def parse_answer(device, payload, key):
    """What the truck says to a command: an Answer or Bad. key None: this office cannot have asked."""
    head, its_tag = payload[: -wire.TAG_BYTES], payload[-wire.TAG_BYTES :]
    if key is None or not hmac.compare_digest(its_tag, wire.tag(device, key, b"ans", head)):
        return wire.Bad("an answer whose tag does not fit topic, key and content")
    counter, at = varint(head, 1, len(head))
    if at < 0 or at >= len(head):
        return wire.Bad("an answer that is cut short")
    return Answer(counter, head[at], head[at + 1 :].decode(errors="replace"))


def _varints(*values):
    buf = bytearray(5 * len(values))
    end = 0
    for value in values:
        end = put_varint(buf, end, value)
    return bytes(buf[:end])


# --- the queue: rows of the table commands ---------------------------------------------------------


def put(db, device, code, body, now):
    """Queue a command; its row's id. Its counter is above all that this truck has had, those of a lost database, too."""
    with db:
        return db.run(
            "INSERT INTO commands (device, counter, code, body, queued) SELECT ?, max(?, 1 + coalesce(max(counter), 0)), ?, ?, ? "
            "FROM commands WHERE device=?", device, int(now) - EPOCH_2020, code, body, now, device).lastrowid


def due(db, keys, now):
    """[(topic, frame)] that go now, inside a batch: for each truck that is there, the oldest that it has not answered."""
    found = []
    for row in db.run(
            "SELECT c.*, min(c.id), d.state_since FROM commands c JOIN devices d USING (device) "
            "WHERE c.answered IS NULL AND c.queued > ? AND d.state <> 'offline' GROUP BY c.device", now - KEEP_S).fetchall():
        if not keys or row["device"] not in keys:
            continue
        wait_s = min(AGAIN_S[0] << min(row["times"], 10), AGAIN_S[1])
        if row["sent"] is None or row["state_since"] > row["sent"] or now - row["sent"] >= wait_s:
            db.run("UPDATE commands SET sent=?, times=times+1 WHERE id=?", now, row["id"])
            found.append(("lacak/%s/cmd" % row["device"],
                          frame(row["device"], keys[row["device"]], row["counter"], row["code"], row["body"])))
    return found


def answered(db, device, answer, now):
    """Inside a batch. False when nobody asked. What was commanded is forgotten: it may be a password."""
    return db.run(
        "UPDATE commands SET answered=?, result=?, text=?, body=x'' WHERE device=? AND counter=? AND answered IS NULL",
        now, answer.result, answer.text, device, answer.counter).rowcount > 0


# --- python -m station command ---------------------------------------------------------------------


def parse(words):
    """(code, body) of what was typed; ValueError in words."""
    name, *more = words
    code = CODES[name]
    if (code in (SET, RESEND)) != (len(more) == 1):
        raise ValueError("%s takes %s" % (name, "one word" if code in (SET, RESEND) else "nothing more"))
    if code == RESEND:
        return code, _range(more[0])
    body = "".join(more).encode()
    if code == SET and (b"=" not in body or len(body) > BODY_MAX):
        raise ValueError("set takes KEY=VALUE, at most %d bytes" % BODY_MAX)
    return code, body


def _range(text):
    numbers = re.fullmatch(r"(\d+)-(\d+)", text)
    times = text.split("..")
    if numbers:
        kind, lo, hi = NUMBERS, int(numbers[1]), int(numbers[2])
    elif len(times) == 2:
        kind, (lo, hi) = SECONDS, map(_second, times)
    else:
        raise ValueError("resend takes numbers, 100-200, or times, 2026-11-24T08:00..2026-11-24T09:30 (UTC)")
    if not 0 <= lo <= hi < wire.SEQ_LIMIT:
        raise ValueError("%s is no range" % text)
    return bytes([kind]) + _varints(lo, hi - lo)


def _second(text):
    when = datetime.fromisoformat(text)
    return int((when if when.tzinfo else when.replace(tzinfo=timezone.utc)).timestamp()) - EPOCH_2020


def main(argv):
    """Queue one, wait for its answer. 0: done, 1: refused or impossible, 2: not answered yet."""
    parser = argparse.ArgumentParser(prog="station command", description="Tells a truck what to do.")
    parser.add_argument("device")
    parser.add_argument("words", nargs="+", metavar="status | set KEY=VALUE | resend 100-200 | reboot | log")
    parser.add_argument("--db", default="station.sqlite", metavar="FILE")
    parser.add_argument("--wait", type=float, default=60, metavar="S", help="for the answer; it is sent for 7 days")
    args = parser.parse_args(argv)
    try:
        if args.words[0] not in CODES:
            raise ValueError("there is no command %r, only %s" % (args.words[0], ", ".join(CODES)))
        if not Path(args.db).exists():
            raise ValueError("there is no database %s: start the station first, or say --db" % args.db)
        code, body = parse(args.words)
    except ValueError as problem:
        print("station: %s" % problem, file=sys.stderr)
        return 1
    db = Database(args.db)
    try:
        return _ask(db, args.device, code, body, args.wait)
    finally:
        db.close()


def _ask(db, device, code, body, wait_s):
    known = db.run("SELECT state FROM devices WHERE device=?", device).fetchone()
    print("%s %s." % (device, "was never heard of" if known is None else "said last: %s" % known["state"]))
    row_id = put(db, device, code, body, time.time())
    until = time.monotonic() + wait_s
    while True:
        row = db.run("SELECT * FROM commands WHERE id=?", row_id).fetchone()
        if row["answered"] or time.monotonic() >= until:
            break
        time.sleep(0.2)
    if not row["answered"]:
        print("%s. It stays queued for 7 days." % (
            "Sent %d times, not answered yet" % row["times"] if row["sent"] else
            "Not sent yet: the truck is away, another command waits, or the station does not run with --keys"))
        return 2
    print(row["text"])
    if code == LOG and row["result"] == DONE:
        time.sleep(3)  # its pieces follow the answer
        for piece in db.log(device):
            if piece["received"] >= row["queued"]:
                print(piece["text"], end="")
    return 0 if row["result"] == DONE else 1
