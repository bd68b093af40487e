"""The second decoder as a command, and messages and flash images by the firmware for it to read.

All of them come from seeds, so a failure can be repeated.
"""

import importlib.util
import json
import os
import random
import re
import shutil
import subprocess
from pathlib import Path

from setup import need
from setup.place import Missing
from sim.board.nor import PowerCut
from store_kit import Mark, SmallNor, event_record, fix_record, mounted
from tracker.fix import UNTIMED
from tracker.record import ACK, ANCHOR, BODY_MAX, FIX, SKIPPED, TAIL, Record
from tracker.sampling.window import Window
from tracker.store.codec import Codec
from tracker.uplink.block import BLOCK_MAX, BlockWriter

DECODER = str(Path(__file__).parents[2] / "tools" / "decoder" / "lacak.mjs")
FIELDS = "ms lat_udeg lon_udeg alt_dm speed_cms course_cdeg hdop_x10 sats flags".split()
MEANINGS = ("anchor", "at_sec", "gap", "skipped", "text")  # beyond what the codec says
OLDEST_NODE = 18
KEY = bytes(range(32))
DEVICE = "truck-7"
JOURNAL = b"\x01\x23\x45\x67\x89\xab\xcd\xef"


def find_node():
    """Command and environment of a node: the installed one, else that of Playwright."""
    found = shutil.which("node")
    if found and _major(found) >= OLDEST_NODE:
        return found, dict(os.environ)
    try:
        if os.environ.get("CI"):  # may install, and must not skip
            need.browser_driver_ready()
        env = need.browser_driver_env()
    except Missing as why:
        raise Missing("no node of version %d, and %s" % (OLDEST_NODE, why)) from None
    [playwright] = importlib.util.find_spec("playwright").submodule_search_locations
    return os.path.join(playwright, "driver", "node"), {**os.environ, **env}


def _major(command):
    done = subprocess.run([command, "--version"], capture_output=True, text=True)
    version = re.match(r"v(\d+)", done.stdout)
    return int(version[1]) if version else 0


def run(node, *words, given=b""):
    command, env = node
    line = [command, DECODER, *words]
    return subprocess.run(line, env=env, input=given, capture_output=True, timeout=60)


def ask(node, questions):
    """An answer to each question, all from one run."""
    lines = "\n".join(json.dumps(question) for question in questions)
    done = run(node, "lines", given=lines.encode())
    assert not done.returncode, done.stderr.decode()
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(questions)
    return answers


def read_messages(node, messages, device=DEVICE):
    about = {"what": "message", "device": device, "key": KEY.hex()}
    return ask(node, [{**about, "hex": bytes(data).hex()} for data in messages])


def read_images(node, images):
    """images: (cells, mark, sector size) each."""
    return ask(
        node,
        [
            {"what": "image", "hex": cells.hex(), "mark": mark or 0, "sector": sector}
            for cells, mark, sector in images
        ],
    )


def said(rec, seq=None):
    """What the decoder must say of a record."""
    if rec.kind in (FIX, TAIL):
        what = {name: getattr(rec.fix, name) for name in FIELDS}
        what.update(kind=rec.kind, sec=rec.fix.sec, quality=rec.fix.kind)
    else:
        what = {"kind": rec.kind, "sec": rec.sec, "body": bytes(rec.body[: rec.n]).hex()}
    if seq is not None:
        what["seq"] = seq
    return what


def bare(records):
    """Decoded records without the meaning of their payloads."""
    return [{k: v for k, v in rec.items() if k not in MEANINGS} for rec in records]


def had(answer):
    """The numbers of an image that need not be sent again."""
    ranges = [(0, answer["acked"]["low"] - 1), *answer["acked"]["ranges"]]
    for rec in answer["records"]:
        if rec["kind"] == SKIPPED:
            first = rec["skipped"]["first"]
            ranges.append((first, first + rec["skipped"]["count"] - 1))
    numbers = range(answer["oldest_seq"], answer["next_seq"])
    return {seq for seq in numbers if any(lo <= seq <= hi for lo, hi in ranges)}


# ---- messages


def any_record(rng, rec):
    """A fix or an event, from a quiet drive or from anywhere that a record can say."""
    i = rng.randrange(1 << 20)
    dice = rng.random()
    if dice < 0.5:
        return fix_record(rec, rng.randrange(40))
    if dice < 0.6:
        event_record(rec, i, rng.randrange(1, ACK), rng.choice((0, 3, BODY_MAX)))
        rec.sec = rng.choice((0, rec.sec, (1 << 30) - 1))
        return rec
    if dice < 0.7:
        rec.set_gap(217000000 - i, 217000000, rng.randrange(1, 13), i)
        return rec
    fix_record(rec, i)
    fix = rec.fix
    fix.ms = rng.choice((0, rng.randrange(1000)))
    fix.lat_udeg = rng.choice((-90000000, 0, 90000000, rng.randint(-90000000, 90000000)))
    fix.lon_udeg = rng.choice((-180000000, 180000000, rng.randint(-180000000, 180000000)))
    fix.alt_dm = rng.choice((None, -10000, 0, 153820))
    fix.speed_cms = rng.choice((None, 0, 10, 163810))
    fix.course_cdeg = rng.choice((None, rng.randrange(180) * 200))
    fix.hdop_x10 = rng.choice((None, 0, 9, 16382))
    fix.sats = rng.choice((None, 0, 12, 16382))
    fix.kind = rng.randrange(16)
    fix.flags = rng.randrange(128)
    return rec


class MadeCursor:
    """What a BlockWriter wants of the journal's cursor; remembers what it gave."""

    def __init__(self, rng, first):
        self._rng = rng
        self._first = first
        self.gave = []

    def seek(self, seq):
        return True

    def next(self, rec):
        any_record(self._rng, rec)
        rec.seq = self._first + len(self.gave)
        self.gave.append(said(rec, rec.seq))
        return True


def make_block(seed):
    """A history block by the firmware, and what its records are."""
    rng = random.Random(seed)
    first = rng.choice((0, 127, 128, 99999, (1 << 30) - 61))
    cursor = MadeCursor(rng, first)
    writer = BlockWriter(Codec(), DEVICE.encode(), KEY)
    buf = bytearray(BLOCK_MAX)
    end = writer.history(buf, 0, JOURNAL, cursor, first, rng.randint(1, 60))
    return bytes(buf[:end]), cursor.gave[: writer.count]


def changed(rng, message):
    """The message with one bit wrong behind its type, or cut, or with a byte too many."""
    data = bytearray(message)
    if rng.random() < 0.2:
        return data[: rng.randrange(len(data))] if rng.random() < 0.7 else data + b"\0"
    data[rng.randrange(1, len(data))] ^= 1 << rng.randrange(8)
    return data


# ---- flash


class Drive:
    """A journal that is driven for a while, cut where the seed says, and what it had promised."""

    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.mark = Mark()
        self.made = {}
        self.acks = seed % 4 != 3
        self.in_flight = None
        self.sector, self.page = (4096, 256) if seed % 5 == 4 else (512, 128)
        flash = SmallNor(b"\xff" * (4 * self.sector), self.sector, seed + 1)
        if seed % 3:
            flash.cut = self._any_cut()
        try:
            self._drive(mounted(flash, self.mark, self.page, Window(20) if seed % 2 else None))
        except PowerCut:
            pass
        self.cells = bytes(flash.store.cells)

    def _any_cut(self):
        op = self.rng.choice(("program", "program", "program", "erase"))
        nth = self.rng.randint(1, 12 if op == "erase" else 500)
        return op, nth, self.rng.randrange(60), self.rng.choice(("prefix", "random"))

    def _drive(self, journal):
        rec = Record()
        rng = self.rng
        for i in range(rng.randint(3, self.sector // 2)):
            if rng.random() < 0.8:
                fix_record(rec, i)
                rec.fix.flags |= rng.choice((0, 0, UNTIMED))
            else:
                event_record(rec, i, rng.choice((ANCHOR, 2, 3, 8, 44)))
            self.in_flight = said(rec)
            seq = journal.append(rec)
            self.made[seq] = said(rec, seq)
            if i % 5 == 0:
                journal.append_tail(fix_record(rec, i + 1).fix)
            if i % 20 == 0 and journal.next_seq > 3 and (i < 60 or self.acks):
                lo = rng.randrange(max(0, journal.next_seq - 40), journal.next_seq)
                journal.ack(lo, journal.next_seq - 1 - rng.randrange(2))
                journal.flush_acks(0)
                journal.flush_acks(60000)


def by_firmware(cells, mark, sector, page):
    """What a mount makes of an image (records, second of the tail, acknowledged numbers), and
    the image and mark as it leaves them."""
    flash = SmallNor(cells, sector)
    mark = Mark(mark)
    journal = mounted(flash, mark, page)
    rec = Record()
    cursor = journal.cursor()
    cursor.seek(0)
    records = []
    while cursor.next(rec):
        records.append(said(rec, rec.seq))
    tail = journal.tail()
    numbers = range(records[0]["seq"] if records else 0, journal.next_seq)
    acked = {seq for seq in numbers if journal.is_acked(seq)}
    what = (records, None if tail is None else tail.sec, acked)
    return what, (bytes(flash.store.cells), mark.value, sector)


def damaged(rng, cells):
    """The image with a byte changed, or two in a page, or three, or a sector of noise or zeros."""
    data = bytearray(cells)
    way = rng.random()
    if way < 0.2:
        at = rng.randrange(len(data) // 128) * 128
        for i in rng.sample(range(128), 2):
            data[at + i] ^= rng.randrange(1, 256)
        return bytes(data)
    if way < 0.8:
        for _ in range(1 if way < 0.5 else 3):
            data[rng.randrange(len(data))] ^= rng.randrange(1, 256)
        return bytes(data)
    quarter = len(data) // 4
    at = rng.randrange(4) * quarter
    data[at : at + quarter] = rng.randbytes(quarter) if way < 0.9 else bytes(quarter)
    return bytes(data)
