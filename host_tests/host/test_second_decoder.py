"""The decoder in JavaScript, written from docs/protocol.md alone, against the firmware's codec.

Where the two differ, the document is wrong or one of them is.
"""

import json
import random
import re
from pathlib import Path

import pytest
from decoder_kit import (
    DEVICE, JOURNAL, KEY, any_record, ask, bare, changed, find_node, make_block, read_messages,
    run, said,
)  # fmt: skip
from setup.place import Missing
from station import wire
from station.stamp import stamped
from tracker.fix import UNTIMED
from tracker.record import ANCHOR, FIX, GAP, HEALTH, SKIPPED, TEXT, Record, put_varint
from tracker.store.codec import Codec
from tracker.store.crc import crc15
from tracker.uplink.block import ACK, BLOCK_MAX, BlockWriter, Tagger, ack_ranges, refused_range

VECTORS = Path(__file__).parents[1] / "vectors" / "codec.json"
PROTOCOL = Path(__file__).parents[2] / "docs" / "protocol.md"

KNOWN = dict(alt_dm=140, speed_cms=830, course_cdeg=9000, hdop_x10=9, sats=11)
UNKNOWN = dict.fromkeys(KNOWN)
PLACE = dict(sec=217000000, lat_udeg=-6178306, lon_udeg=106631889)
AFTER_2_S = dict(sec=217000002, lat_udeg=-6178236, lon_udeg=106631979)
AFTER_4_S = dict(sec=217000004, lat_udeg=-6178166, lon_udeg=106632069)


def fix(place, fields):
    return {"kind": FIX, "ms": 0, "quality": 1, "flags": 0, **place, **fields}


def event(kind, sec, body, **meaning):
    return {"kind": kind, "sec": sec, "body": body, **meaning}


# the tables of the document, row by row
RECORD_EXAMPLES = [
    fix(PLACE, UNKNOWN),
    fix(PLACE, KNOWN),
    fix(AFTER_2_S, KNOWN),
    fix(AFTER_4_S, KNOWN),
    event(GAP, 217000000, "035a03", gap=dict(reason=3, duration_s=90, detail=3)),
    event(ANCHOR, 217000000, "07f6d503", anchor=dict(boot=7, uptime_ms=60150)),
    event(SKIPPED, 217000000, "e80718", skipped=dict(first=1000, count=24)),
    event(HEALTH, 217000000, "010e02a0380318040628c870294a6c3e"),
]
BLOCK = [
    {"seq": 1000, **fix(PLACE, KNOWN)},
    {"seq": 1001, **fix(AFTER_2_S, KNOWN)},
    {"seq": 1002, **event(TEXT, 217000001, b"halte".hex(), text="halte")},
]
ABOUT = {"journal_id": JOURNAL.hex()}
MESSAGE_EXAMPLES = [
    {"type": "history", "tag": True, "first": 1000, "count": 3, "records": BLOCK, **ABOUT},
    {"type": "live", "fix": fix(PLACE, KNOWN)},
    {"type": "ack", "tag": True, "ranges": [[1000, 1002], [1010, 1010]], **ABOUT},
    {"type": "lacks", "tag": True, "behind": 1011, "ranges": [[1003, 1009]], **ABOUT},
    {"type": "refused", "tag": True, "range": [1000, 1002], "reason": 2, **ABOUT},
    {"type": "command", "tag": True, "counter": 122163200, "code": 2, "body": b"live_s=5".hex()},
    {"type": "command", "tag": True, "counter": 122163201, "code": 3, "body": "00e80702"},
    {"type": "answer", "tag": True, "counter": 122163201, "result": 0, "text": "Up to 3 records are sent again."},
]


@pytest.fixture(scope="module")
def node():
    try:
        return find_node()
    except Missing as why:
        pytest.skip(str(why))


def examples(heading):
    """The rows of the table under a heading of the document: cells of text, the last as bytes."""
    part = PROTOCOL.read_text().split("\n### %s\n" % heading)[1].split("\n#")[0]
    rows = [line.strip("| ").split(" | ") for line in part.splitlines() if line.startswith("| ")]
    return [(*row[:-1], bytes.fromhex(row[-1].strip("`"))) for row in rows[1:]]


def read_records(node, streams):
    return ask(node, [{"what": "records", "hex": data.hex()} for data in streams])


def test_examples_of_records_in_the_document(node):
    streams = []
    for _, where, data in examples("Vectors"):
        known = {"the empty state": [b""], "the first row": streams[:1]}
        streams.append(known.get(where, streams[-1:])[0] + data)
    answers = read_records(node, streams)
    assert [answer["records"][-1] for answer in answers] == RECORD_EXAMPLES


def test_examples_of_messages_in_the_document(node):
    messages = [data for _, data in examples("Vectors of messages")]
    assert read_messages(node, messages) == MESSAGE_EXAMPLES


def test_check_value_in_the_document():
    found = re.search(r"CRC-15 of `(\d+)`, begun with 0, is (0x\w+)", PROTOCOL.read_text())
    assert crc15(0, found[1].encode(), 0, len(found[1])) == int(found[2], 16)


def test_vectors_of_records(node):
    vectors = json.loads(VECTORS.read_text())
    answers = read_records(node, [bytes.fromhex(vector["hex"]) for vector in vectors])
    for vector, answer in zip(vectors, answers):
        assert bare(answer["records"]) == vector["records"], vector["name"]


def test_prediction_at_its_limits(node):
    streams, made = [], []
    for dt in (-1, 0, 1, 300, 301):
        for step in (-(1 << 20), 1 - (1 << 20), -1, (1 << 20) - 1, 1 << 20):
            for axis in ("lat_udeg", "lon_udeg"):
                codec, rec, buf, at = Codec(), Record(), bytearray(200), 0
                for i in range(4):
                    rec.fix.sec = 1000 + dt * i + (i == 3)
                    setattr(rec.fix, axis, step * i)
                    at = codec.encode(rec, buf, at)
                    codec.advance(rec)
                streams.append(bytes(buf[:at]))
                made.append(said(rec))
    answers = read_records(node, streams)
    assert [answer["records"][3] for answer in answers] == made


def test_blocks(node):
    blocks = [make_block(seed) for seed in range(300)]
    for (_, made), answer in zip(blocks, read_messages(node, [data for data, _ in blocks])):
        assert answer["tag"] is True and answer["journal_id"] == JOURNAL.hex()
        assert bare(answer["records"]) == made
    for answer in read_messages(node, [data for data, _ in blocks[:20]], device="truck-8"):
        assert answer["tag"] is False


def as_said(row):
    """A row of the station in the decoder's words."""
    if row.kind != FIX:
        return {"seq": row.seq, "kind": row.kind, "sec": row.sec, "body": row.body.hex()}
    return {name: value for name, value in row._asdict().items() if name != "body"}


def test_changed_blocks_are_read_as_the_station_reads_them(node):
    rng = random.Random(1)
    blocks = [changed(rng, make_block(seed)[0]) for seed in range(300) for _ in range(3)]
    refused = 0
    for data, answer in zip(blocks, read_messages(node, blocks)):
        assert not answer.get("tag")
        read = wire.parse_block(DEVICE, bytes(data), None)
        if isinstance(read, wire.Bad):
            refused += 1
            assert "malformed" in answer or "unknown" in answer, (read, data.hex())
        else:
            assert bare(answer["records"]) == [as_said(row) for row in read.rows], data.hex()
    assert 200 < refused < 800


def live_fixes(rng, count):
    writer = BlockWriter(Codec(), DEVICE.encode(), KEY)
    rec, buf, made = Record(), bytearray(BLOCK_MAX), []
    while len(made) < count:
        if any_record(rng, rec).kind == FIX:
            made.append((bytes(buf[: writer.live(buf, 0, rec.fix)]), said(rec)))
    return made


def test_live_fixes(node):
    rng = random.Random(2)
    whole = live_fixes(rng, 200)
    for (_, made), answer in zip(whole, read_messages(node, [data for data, _ in whole])):
        assert answer == {"type": "live", "fix": made}
    wrong = [changed(rng, data) for data, _ in whole for _ in range(3)]
    for data, answer in zip(wrong, read_messages(node, wrong)):
        read = wire.parse_live(bytes(data))
        if isinstance(read, wire.Bad):
            assert "malformed" in answer or "unknown" in answer, data.hex()
        else:
            assert {"seq": -1, **answer["fix"]} == as_said(read)


def answers_of_a_station(rng, count):
    for n in range(count):
        numbers = sorted(rng.randrange(1 << 29) for _ in range(2 * (n % 9)))
        yield wire.signed(DEVICE, KEY, b"ack", wire.ack(JOURNAL, list(zip(numbers[::2], numbers[1::2]))))
        first, size, reason = rng.randrange(1 << 29), rng.randint(1, 1000), rng.randint(1, 3)
        yield wire.signed(DEVICE, KEY, b"ack", wire.refused(JOURNAL, first, size, reason))


def test_acknowledgements_and_refusals(node):
    rng = random.Random(3)
    messages = list(answers_of_a_station(rng, 150))
    messages += [changed(rng, data) for data in messages]
    tagger = Tagger(DEVICE.encode(), KEY)
    for data, answer in zip(messages, read_messages(node, messages)):
        end = len(data) - 8
        if "tag" in answer:
            assert answer["tag"] == tagger.is_right(b"ack\0", data, 0, len(data))
        if end < 10:
            assert "malformed" in answer or "unknown" in answer
        elif data[0] == ACK:
            ranges = ack_ranges(data, 0, end)
            assert answer.get("ranges") == (ranges and [list(pair) for pair in ranges])
        else:
            assert tuple(answer.get("range", (0, -1))) == refused_range(data, 0, end)
            assert "malformed" in answer or answer["reason"] == data[end - 1]


def untimed_block(seed):
    """Boots with and without a clock: anchors, fixes with and without a time, an event between."""
    rng = random.Random(seed)
    codec, rec, buf, boot = Codec(), Record(), bytearray(2000), 1
    at = len(b"\x11" + JOURNAL) + 2
    buf[:at] = b"\x11" + JOURNAL + b"\x05" + b"\x28"
    for i in range(40):
        any_record(rng, rec)
        dice = rng.random()
        if dice < 0.2:
            boot += rng.random() < 0.5
            rec.kind, rec.sec = ANCHOR, rng.choice((0, 217000000 + rng.randrange(9)))
            rec.n = put_varint(rec.body, put_varint(rec.body, 0, boot), rng.randrange(90000))
        elif dice < 0.7 and rec.kind == FIX:
            rec.fix.flags |= UNTIMED
            rec.fix.sec = rng.randrange(100)
        at = codec.encode(rec, buf, at)
        codec.advance(rec)
    return bytes(buf[:at]) + bytes(8)


def test_untimed_fixes_are_stamped_as_the_station_stamps_them(node):
    blocks = [untimed_block(seed) for seed in range(60)]
    reached = unreached = 0
    for data, answer in zip(blocks, read_messages(node, blocks)):
        rows = wire.parse_block(DEVICE, data, None).rows
        for row, rec in zip(stamped(rows), answer["records"]):
            if row.kind == FIX and rec["flags"] & UNTIMED:
                assert rec.get("at_sec") == (None if row.flags & UNTIMED else row.sec)
                reached += "at_sec" in rec
                unreached += "at_sec" not in rec
    assert reached > 100 and unreached > 100


def test_what_the_document_forbids_is_refused(node):
    fix_extras = bytes.fromhex("4180a1f9ce010000")
    wrong = [fix_extras + tail for tail in (b"\x41", b"\x81", b"\x11\x80", b"\x21\xe8\x07")]
    wrong += [b"\x80\x01\x00", b"\xff\x01\x00", b"\x88\x00", b"\x82\x05\x00"]
    wrong += [b"\x02\x00\x00\x10\x00", b"\xf1\x04" + bytes(4), b"\x88\xca" + bytes(202)]
    for data, answer in zip(wrong, read_records(node, wrong)):
        assert "malformed" in answer, data.hex()
    head = b"\x11" + JOURNAL + b"\x07\x01"
    unnumbered = [head + bytes((0x80 | kind, 1, 0)) + bytes(8) for kind in (0x70, 0x71, 0x7E)]
    empty = b"\x11" + JOURNAL + b"\x07\x00" + bytes(8)
    too_high = b"\x11" + JOURNAL + b"\x80\x80\x80\x80\x04\x01" + b"\x88\x01\x00" + bytes(8)
    live_event = b"\x12\x88\x01\x00"
    for answer in read_messages(node, [*unnumbered, empty, too_high, live_event]):
        assert "malformed" in answer
    newer, nothing = read_messages(node, [b"\x31" + bytes(30), b""])
    assert newer == {"unknown": 0x31} and nothing == {"unknown": None}


def test_command_reads_files_and_says_what_is_wrong(node, tmp_path):
    data, made = make_block(1)
    block = tmp_path / "block.bin"
    block.write_bytes(data)
    done = run(node, "message", str(block), "--device", DEVICE, "--key", KEY.hex())
    answer = json.loads(done.stdout)
    assert done.returncode == 0 and answer["tag"] is True and bare(answer["records"]) == made
    block.write_bytes(data[:-9])
    done = run(node, "message", str(block))
    assert done.returncode == 1 and b"malformed" in done.stdout
    done = run(node, "nothing")
    assert done.returncode == 2 and b"lacak.mjs" in done.stderr
