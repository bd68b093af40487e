"""Writes codec.json and journal_v1.json beside itself: what docs/protocol.md says, as bytes that a stranger can check.

Run it only when a format gets a new version; the committed journal image of an old version must stay readable.
"""

import json
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parents[1] / folder) for folder in ("firmware", "tools", "host_tests/fakes", "host_tests/fakes/cpython")]

from store_kit import Mark, blank, event_record, fix_record, mounted, read_all  # noqa: E402
from tracker.record import CREW, FIX, NO_FIX, TAIL, Record  # noqa: E402
from tracker.store.codec import Codec  # noqa: E402

FIELDS = "sec ms lat_udeg lon_udeg alt_dm speed_cms course_cdeg hdop_x10 sats flags".split()


def fix(sec, lat, lon, **fields):
    rec = Record()
    rec.fix.sec = sec
    rec.fix.lat_udeg = lat
    rec.fix.lon_udeg = lon
    rec.fix.kind = 1
    for name, value in fields.items():
        setattr(rec.fix, name, value)
    return rec


def kind(rec, number):
    rec.kind = number
    return rec


def gap(*fields):
    rec = Record()
    rec.set_gap(*fields)
    return rec


def skipped(*fields):
    rec = Record()
    rec.set_skipped(*fields)
    return rec


def said(rec):
    if rec.kind in (FIX, TAIL):
        fields = {name: getattr(rec.fix, name) for name in FIELDS}
        return {**fields, "kind": rec.kind, "quality": rec.fix.kind}
    return {"kind": rec.kind, "sec": rec.sec, "body": bytes(rec.body[: rec.n]).hex()}


def vector(name, *records):
    codec = Codec()
    buf = bytearray(2000)
    end = 0
    for rec in records:
        end = codec.encode(rec, buf, end)
        codec.advance(rec)
    return {"name": name, "hex": bytes(buf[:end]).hex(), "records": [said(rec) for rec in records]}


FULL = {"alt_dm": 140, "speed_cms": 830, "course_cdeg": 9000, "hdop_x10": 9, "sats": 11}
T = 217000000


def codec_vectors():
    turn = {**FULL, "course_cdeg": 18000, "speed_cms": 410, "hdop_x10": 31}
    return [
        vector("nothing known but time and place", fix(T, -6178306, 106631889)),
        vector("everything known", fix(T, -6178306, 106631889, **FULL)),
        vector("steady drive: predicted to the last digit", *(fix(T + 2 * i, -6178306 + 70 * i, 106631889 + 90 * i, **FULL) for i in range(4))),
        vector("a step backwards in time", fix(T, -6178306, 106631889), fix(T - 7, -6178300, 106631880)),
        vector("small changes in nibbles", fix(T, 0, 0, **FULL), fix(T + 1, 5, -5, **{**FULL, "speed_cms": 850, "alt_dm": 130, "sats": 12})),
        vector("large changes in full", fix(T, 0, 0, **FULL), fix(T + 1, 5, -5, **turn)),
        vector("known, then unknown", fix(T, 0, 0, **FULL), fix(T + 1, 0, 0)),
        vector("quality, flags and milliseconds", fix(T, 1, -1, kind=2, flags=33, ms=250), fix(T + 1, 1, -1, kind=2)),
        vector("prediction rounds down", *(fix(T + s, lat, 0) for s, lat in ((0, 0), (3, -1), (4, -1), (5, -2)))),
        vector("after more than 300 s nothing is predicted", *(fix(T + s, 9 * s, 0) for s in (0, 2, 303, 305))),
        vector("gap, crew tag, unknown kind between fixes", fix(T, 0, 0), gap(T - 90, T, NO_FIX, 3),
               event_record(Record(), 5, CREW, 4), event_record(Record(), 9, 0x55, 3), fix(T + 1, 2, 2)),
        vector("numbers never used", skipped(T, 1000, 24)),
        vector("provisional tail between two fixes", fix(T, 0, 0, **FULL), kind(fix(T + 15, 90, 90, **FULL), TAIL), fix(T + 20, 120, 120, **FULL)),
        vector("the corners of the world", fix(0, 90000000, 180000000), fix((1 << 30) - 1, -90000000, -180000000)),
    ]  # fmt: skip


def journal_image():
    """A ring of 4 x 512 bytes, pages of 128, round once, with events, tails and acknowledgements."""
    flash = blank()
    journal = mounted(flash, Mark())
    rec = Record()
    i = 0
    while journal.entered < 6:
        i += 1
        journal.append(event_record(rec, i) if i % 8 == 0 else fix_record(rec, i))
        if i % 6 == 0:
            journal.append_tail(fix_record(rec, i + 1).fix)
        if i % 15 == 0:
            journal.ack(i - 15, i - 6)
            journal.flush_acks(0)
            journal.flush_acks(60000)
    journal.append_tail(fix_record(rec, i + 1).fix)
    return {
        "sectors": 4,
        "sector_size": 512,
        "page_size": 128,
        "journal_id": journal.journal_id.hex(),
        "next_seq": journal.next_seq,
        "acked": [seq for seq in range(journal.oldest_seq, journal.next_seq) if journal.is_acked(seq)],
        "tail_sec": rec.fix.sec,
        "records": [[seq, *_plain(what)] for seq, what in read_all(journal).items()],
        "image": bytes(flash.store.cells).hex(),
    }


def _plain(what):
    return [part.hex() if isinstance(part, bytes) else part for part in what]


def write(name, data):
    (HERE / name).write_text(json.dumps(data, indent=1) + "\n")


if __name__ == "__main__":
    write("codec.json", codec_vectors())
    write("journal_v1.json", journal_image())
