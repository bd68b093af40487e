"""Judges the export of a truck-day by the file and the key alone: what of it is proved, and what is wrong with it.

In: the file's bytes, {truck: its keys}. Out: a Verdict with findings as (name, facts), for verify.py's words; or Unreadable.
Owns: what counts as changed, added, removed, missing, contradicted. Pure: no clock, no database, no network.
"""

import hashlib
import hmac
import re
from typing import NamedTuple

from station import truckday
from station.explain import explain, gap_of, merge, skipped_of, subtract
from station.stamp import is_untimed, stamped
from station.truckday import MAGIC
from station.wire import ID_SIZE, TAG_BYTES, Bad, block_tag, content, parse_block
from tracker import record

HEAD = {
    "device": re.compile(r"([A-Za-z0-9_-]{1,32})"),
    "day": re.compile(r"(\S+) (\S+)"),
    "station": re.compile(r"(.*)"),
    "journal": re.compile(r"([0-9a-f]{16}) numbers (\d{1,10}) to (\d{1,10})"),
    "blocks": re.compile(r"(\d{1,9})"),
}
BLOCK = re.compile(r"block (\d{1,9}) received (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ) ((?:[0-9a-f]{2})+)")
END = re.compile(r"end sha256 ([0-9a-f]{64})")


class Unreadable(Exception):
    """Not an export, or one of which the head is gone: name of the reason and its facts."""


class Sent(NamedTuple):
    """A message as the file has it."""

    number: int
    line: int
    received: str
    raw: bytes


class Verdict:
    def __init__(self, head):
        self.device = head["device"][0][0]
        self.station = head["station"][0][0]
        try:
            self.day = truckday.day_of(*head["day"][0])
        except ValueError as problem:
            raise Unreadable("day", {"problem": problem}) from None
        self.claimed = {bytes.fromhex(name): (int(lo), int(hi)) for name, lo, hi in head["journal"]}
        self.blocks = int(head["blocks"][0][0])
        self.findings = []  # (name, facts): any of these, and the day is not whole
        self.notes = []  # (name, facts): what a reader has to know besides
        self.journals = {}  # journal -> (rows, Span)
        self.records = 0
        self.gaps = []  # (from, to, reason): within the day
        self.known = []  # (from, to): about these seconds the truck has spoken

    @property
    def whole(self):
        return bool(self.known) and not self.findings

    def find(self, name, **facts):
        self.findings.append((name, facts))


def judge(data, keys):
    """The Verdict. Raises Unreadable when there is nothing to judge, and nothing else."""
    head, sent, broken, ending = _read(data)
    lacking = [name for name in HEAD if not head[name]]
    if lacking:
        raise Unreadable("head", {"lacking": ", ".join(lacking), "ending": ending})
    verdict = Verdict(head)
    if not keys.get(verdict.device):
        raise Unreadable("key", {"device": verdict.device, "ending": ending})
    if ending:
        verdict.find(ending)
    for line in broken:
        verdict.find("line", line=line)
    _proved(verdict, _order(verdict, sent), keys)
    _times(verdict)
    return verdict


# -- the file

def _read(data):
    """({name: [groups]}, [Sent], lines that are none, what is wrong with the end or None)."""
    if data[:len(MAGIC) + 1] != MAGIC.encode() + b"\n":
        if data.startswith(MAGIC.encode() + b"\r\n"):
            raise Unreadable("line_ends", {})
        raise Unreadable("version" if re.match(rb"lacak-export \d+\n", data) else "not_export", {})
    *lines, rest = data.split(b"\n")
    ending = _ending(data, lines[-1], rest)
    head, sent, broken = {name: [] for name in HEAD}, [], []
    for i, line in enumerate(lines[1:] if ending == "cut" else lines[1:-1], 2):
        text = line.decode("utf-8", "replace")
        name, _, value = text.partition(" ")
        block = BLOCK.fullmatch(text)
        match = name in HEAD and not sent and HEAD[name].fullmatch(value)
        if block:
            sent.append(Sent(int(block[1]), i, block[2], bytes.fromhex(block[3])))
        elif match and (name == "journal" or not head[name]):
            head[name].append(match.groups())
        elif not END.fullmatch(text):
            broken.append(i)
    return head, sent, broken, ending


def _ending(data, last, rest):
    match = END.fullmatch(last.decode("utf-8", "replace"))
    if not match or rest:
        return "cut"
    body = data[:len(data) - len(last) - 1]
    return None if hashlib.sha256(body).hexdigest() == match[1] else "checksum"


def _order(verdict, sent):
    """The messages that are there once; what was doubled, added, moved or taken away in the file is named.

    Moving changes nothing that is proved: a record's place is its number. (When it was received is no help:
    a server's clock may be set back.)
    """
    once, seen = {}, {}
    for block in sent:
        if block.raw in once:
            verdict.find("twice", block=block, other=once[block.raw])
        elif block.number in seen or not 1 <= block.number <= verdict.blocks:
            verdict.find("added", block=block)
        elif block.number < max(seen, default=0):
            verdict.find("moved", block=block)
        once.setdefault(block.raw, block)
        seen.setdefault(block.number, block)
    for lo, end in subtract((1, verdict.blocks + 1), merge((n, n + 1) for n in seen)):
        if lo < end:
            verdict.find("removed", lo=lo, hi=end - 1)
    return list(once.values())


# -- what the key proves

def _proved(verdict, sent, keys):
    """Rows of the messages whose tag fits, the first content of a number; everything else is named."""
    found, origin, good = {}, {}, []
    for block in sent:
        parsed = _checked(verdict, block, keys)
        if parsed is None:
            continue
        good.append((block, parsed))
        rows = found.setdefault(parsed.journal, {})
        for row in parsed.rows:
            first = rows.setdefault(row.seq, row)
            if first is row:
                origin[parsed.journal, row.seq] = block
            elif first != row:
                verdict.find("conflict", journal=parsed.journal, number=row.seq, first=content(first),
                             second=content(row), block=block, other=origin[parsed.journal, row.seq])
    for journal in {**verdict.claimed, **found}:
        rows = sorted(found.get(journal, {}).values())
        span = truckday.span_of(rows, verdict.day)
        ranges = span and truckday.wanted(rows, verdict.day, span)
        for block, parsed in good:
            if parsed.journal == journal and not (ranges and truckday.touches(parsed.first, parsed.last, ranges)):
                verdict.find("stray", block=block)
        if span:
            verdict.journals[journal] = rows, span
        _numbers(verdict, journal, rows, span)
    verdict.records = sum(len(rows) for rows in found.values())


def _checked(verdict, block, keys):
    """The parsed message, or None after saying what is wrong with it."""
    body, tag = block.raw[:-TAG_BYTES], block.raw[-TAG_BYTES:]

    def fits(device):
        return any(hmac.compare_digest(tag, block_tag(device, key, body)) for key in keys[device])

    parsed = parse_block(verdict.device, block.raw, None)
    if fits(verdict.device):
        if isinstance(parsed, Bad):
            return verdict.find("newer", block=block, reason=parsed.reason)
        return parsed
    others = [device for device in keys if device != verdict.device and fits(device)]
    if others:
        verdict.find("foreign", block=block, device=others[0])
    else:
        verdict.find("changed", block=block, claim=_claim(block.raw))


def _claim(raw):
    """(journal, first, last) that a message says of itself, or None."""
    first, at = record.varint(raw, 1 + ID_SIZE, len(raw))
    if at < 0:
        return None
    count, at = record.varint(raw, at, len(raw))
    return (raw[1:1 + ID_SIZE], first, first + count - 1) if at >= 0 and count else None


def _numbers(verdict, journal, rows, span):
    """Every number of the span is here, or the truck says why not."""
    spans = [(lo, hi + 1) for lo, hi in [verdict.claimed.get(journal, (0, -1))] if hi >= lo]
    if span:
        spans.append((span.lo, span.hi + 1))
    have = merge((row.seq, row.seq + 1) for row in rows)
    skipped = merge(filter(None, map(skipped_of, rows)))
    judged = explain(rows)
    lost = merge((lo, hi + 1) for lo, hi in judged.missing)
    told = sum(gap.detail for gap in judged.gaps if gap.reason in (record.DROPPED, record.THINNED))
    within = (rows[0].seq, rows[-1].seq + 1) if rows else (0, 0)
    for whole in merge(spans):
        for absent in subtract(whole, have):
            for start, end in _common(absent, skipped):
                verdict.notes.append(("skipped", {"journal": journal, "lo": start, "hi": end - 1}))
            for hole in subtract(absent, skipped):
                outside = subtract(hole, [within])
                missing = merge(outside + _common(hole, lost))
                for start, end in missing:
                    verdict.find("missing", journal=journal, lo=start, hi=end - 1)
                for start, end in subtract(hole, missing):
                    verdict.notes.append(("let_go", {"journal": journal, "lo": start, "hi": end - 1, "told": told}))


def _common(span, others):
    start, end = span
    return [(max(start, lo), min(end, hi)) for lo, hi in others if lo < end and hi > start]


# -- what the truck said about the time

def _times(verdict):
    day, known, unexplained = verdict.day, [], []
    for rows, span in verdict.journals.values():
        judged = explain(rows)
        seconds = [row.sec for row in stamped(rows)
                   if span.lo <= row.seq <= span.hi and row.kind == record.FIX and not is_untimed(row)]
        gaps = [day.clip(gap.from_sec, gap.to_sec) + (gap.reason,) for gap in judged.gaps]
        gaps = [gap for gap in gaps if gap[0] < gap[1]]
        verdict.gaps += gaps
        known.append(day.clip(min(seconds), max(seconds) + 1))
        known += [gap[:2] for gap in gaps]
        unexplained += [day.clip(*piece) for piece in judged.unexplained]
        untimed = sum(is_untimed(row) for row in stamped(rows) if span.lo <= row.seq <= span.hi)
        if untimed:
            verdict.notes.append(("untimed", {"count": untimed}))
    verdict.gaps.sort()
    verdict.known = merge(piece for piece in known if piece[0] < piece[1])
    if verdict.known:
        unexplained += subtract((verdict.known[0][0], verdict.known[-1][1]), verdict.known)
    for start, end in merge(piece for piece in unexplained if piece[0] < piece[1]):
        verdict.find("unexplained", start=start, end=end)
