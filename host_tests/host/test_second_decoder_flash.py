"""The decoder in JavaScript on flash images, whole, torn and damaged, against the firmware's."""

import json
import random
import struct
import zlib
from pathlib import Path

import pytest
from decoder_kit import FIELDS, Drive, bare, by_firmware, damaged, find_node, had, read_images, run
from setup.place import Missing
from sim.board.nor import PowerCut
from station.stamp import stamped
from station.wire import Row
from store_kit import JOURNAL_ID, Mark, blank, fix_record
from tracker.fix import UNTIMED
from tracker.record import FIX, GAP, SKIPPED, Record
from tracker.store.journal import Journal

IMAGE = Path(__file__).parents[1] / "vectors" / "journal_v1.json"
SEALED_AT = 126  # of 128


@pytest.fixture(scope="module")
def node():
    try:
        return find_node()
    except Missing as why:
        pytest.skip(str(why))


@pytest.fixture(scope="module")
def drives():
    return [Drive(seed) for seed in range(100)]


def read_drives(node, images):
    """Answers to (drive, cells) pairs."""
    return read_images(node, [(cells, drive.mark.value, drive.sector) for drive, cells in images])


def test_committed_image_of_version_1(node):
    vector = json.loads(IMAGE.read_text())
    [answer] = read_images(node, [(bytes.fromhex(vector["image"]), 0, vector["sector_size"])])
    event = ("seq", "kind", "sec", "body")
    fix = ("seq", "kind", "sec", *FIELDS[:-1], "quality", "flags")
    for rec, row in zip(answer["records"], vector["records"], strict=True):
        assert row == [rec[name] for name in (fix if rec["kind"] == FIX else event)]
    for name in ("journal_id", "next_seq", "page_size"):
        assert answer[name] == vector[name]
    assert answer["tail"]["sec"] == vector["tail_sec"]
    assert had(answer) == set(vector["acked"])


def test_torn_images_hold_what_was_promised_and_nothing_else(node, drives):
    answers = read_drives(node, [(drive, drive.cells) for drive in drives])
    for drive, answer in zip(drives, answers):
        read = {rec["seq"]: rec for rec in bare(answer["records"])}
        assert len(read) == len(answer["records"])
        for seq, rec in read.items():
            if seq in drive.made:
                assert rec == drive.made[seq]
            else:  # in flight, or the journal's own
                assert rec == {"seq": seq, **drive.in_flight} or rec["kind"] in (GAP, SKIPPED)
        whole = answer.get("whole_from") or 0
        assert [seq for seq in drive.made if seq >= whole and seq not in read] == []
    assert sum(answer["oldest_seq"] < answer["whole_from"] for answer in answers if answer["records"]) > 10


def test_images_are_read_as_the_firmware_reads_them(node, drives):
    rng = random.Random(4)
    expected, images = [], []
    for drive in drives:
        for cells in (drive.cells, damaged(rng, drive.cells), damaged(rng, drive.cells)):
            what, image = by_firmware(cells, drive.mark.value, drive.sector, drive.page)
            expected.append(what)
            images.append(image)
    for (records, tail_sec, acked), answer in zip(expected, read_images(node, images)):
        assert bare(answer["records"]) == records
        assert (answer.get("tail") or {}).get("sec") == tail_sec
        numbers = had(answer) if records else set()
        forgets = records and len(answer["acked"]["ranges"]) == 8  # a ninth range: rule 5
        assert numbers >= acked if forgets else numbers == acked


def is_stamped_as_by_the_station(records):
    """Holes in the numbers part the boots. True where there was a fix whose boot was unknown."""
    rows = []
    for rec in bare(records):
        body = rec.pop("body", None)
        rows.append(Row(**rec, body=body and bytes.fromhex(body)))
    unknown = 0
    for row, rec in zip(stamped(rows), records):
        if row.kind == FIX and rec["flags"] & UNTIMED:
            assert rec.get("at_sec") == (None if row.flags & UNTIMED else row.sec)
            unknown += "at_sec" not in rec
    return unknown > 0


def test_damage_never_makes_a_wrong_record(node, drives):
    rng = random.Random(5)
    images = [(drive, damaged(rng, drive.cells)) for drive in drives for _ in range(3)]
    whole = dict(zip(drives, read_drives(node, [(drive, drive.cells) for drive in drives])))
    answers = read_drives(node, images)
    for (drive, _), answer in zip(images, answers):
        known = {rec["seq"]: rec for rec in bare(whole[drive]["records"])}
        known.update(drive.made)  # without the newest header an older sector counts again
        assert all(rec == known[rec["seq"]] for rec in bare(answer["records"]))
    assert sum(is_stamped_as_by_the_station(answer["records"]) for answer in answers) > 100
    assert sum(answer.get("repaired_pages", 0) for answer in answers) > 50
    assert sum(answer.get("damaged_pages", 0) for answer in answers) > 50


def test_one_changed_byte_in_a_full_page_costs_nothing(node, drives):
    rng = random.Random(6)
    drive = next(drive for drive in drives if len(drive.made) > 200 and drive.sector == 512)
    images = [(drive, drive.cells)]
    for at in range(0, len(drive.cells), 3):
        data = bytearray(drive.cells)
        data[at] ^= rng.randrange(1, 256)
        if data[at // 128 * 128 :][SEALED_AT:128] != b"\xff\xff":
            images.append((drive, bytes(data)))
    whole, *answers = read_drives(node, images)
    assert len(answers) > 400
    for answer in answers:
        assert answer["records"] == whole["records"]


def drive_on(flash, mark, count, journal_id=JOURNAL_ID):
    journal = Journal(flash, lambda n: journal_id, mark, 512, 128)
    journal.mount()
    rec = Record()
    for i in range(journal.next_seq, journal.next_seq + count):
        journal.append(fix_record(rec, i))
    return bytes(flash.store.cells)


def test_a_sector_that_the_ring_cannot_have_is_not_read(node):
    ours, theirs, mark = blank(), blank(), Mark()
    earlier = drive_on(ours, mark, 200)
    later = drive_on(ours, mark, 100)
    foreign = drive_on(theirs, Mark(), 300, b"another!")
    images = [later]
    for at in range(0, 4 * 512, 512):
        for other in (earlier, foreign):
            images.append(later[:at] + other[at : at + 512] + later[at + 512 :])
    whole, *answers = read_images(node, [(cells, 0, 512) for cells in images])
    for cells, answer in zip(images[1:], answers):
        (records, _, _), _ = by_firmware(cells, None, 512, 128)
        assert bare(answer["records"]) == records[: len(answer["records"])]  # a mount may append
    assert sum(answer["sectors"] == whole["sectors"] - 1 for answer in answers) > 3


def test_a_sector_that_was_being_erased_is_not_read_by_who_knows_the_mark(node):
    flash, mark = blank(), Mark()
    flash.cut = ("erase", 9, 0, "prefix")
    with pytest.raises(PowerCut):
        drive_on(flash, mark, 1000)
    image = bytes(flash.store.cells)
    knows, does_not = read_images(node, [(image, mark.value, 512), (image, 0, 512)])
    assert (knows["sectors"], does_not["sectors"]) == (3, 4)
    assert knows["records"] == does_not["records"][-len(knows["records"]) :]


def header(acked, end=b"\x4c"):
    head = b"LKJ\x01" + bytes((35 + len(acked), 1)) + JOURNAL_ID + struct.pack("<4I", 0, 9, 0, 0)
    head += acked
    return (head + struct.pack("<I", zlib.crc32(head)) + end).ljust(4 * 512, b"\xff")


def test_headers_that_a_stranger_could_make(node):
    nothing, too_much = bytes((10,)), bytes((5, 0, 8))
    images = [header(bytes((3, 1, 0))), header(nothing), header(too_much), header(b"\0", b"\xff")]
    good, *bad, cut = read_images(node, [(cells, 0, 512) for cells in images])
    assert good["acked"] == {"low": 6, "ranges": [[7, 7]]}
    for answer in bad:
        assert answer["acked"] == {"low": 0, "ranges": []}
    assert cut["journal_id"] is None


def test_command_reads_a_pulled_journal(node, tmp_path, drives):
    drive = next(drive for drive in drives if drive.sector == 4096)
    image = tmp_path / "journal.bin"
    image.write_bytes(drive.cells)
    done = run(node, "image", str(image), "--mark", str(drive.mark.value))
    [answer] = read_drives(node, [(drive, drive.cells)])
    assert done.returncode == 0 and json.loads(done.stdout) == answer
