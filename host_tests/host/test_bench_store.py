"""The store's benchmarks count right: blocks, what reaches the flash, cuts that hurt, heap."""

import itertools
import json

import pytest
import store_cuts
import store_judge
from bench import codec, cuts, peers, ring, vm
from bench.drives import Drive, copy_of, fix_record, second_of
from sim.receiver import make_round
from store_kit import fix_record as nth_fix
from tracker.fix import Fix
from tracker.record import FIX, GAP, TAIL, Record
from tracker.store.codec import Codec

# Teltonika's own example of an AVL packet: one record, five IO elements
TELTONIKA = bytes.fromhex(
    "000000000000003608010000016B40D8EA30010000000000000000000000000000000105021503010101425E0F"
    "01F10000601A014E0000000000000000010000C7CF"
)


@pytest.fixture(scope="module")
def half_hour(tmp_path_factory):
    return make_round(57, str(tmp_path_factory.mktemp("round")), 0.5)


@pytest.fixture(scope="module")
def drive(half_hour):
    return Drive(half_hour["feed"])


@pytest.fixture(scope="module")
def road():
    """Fixes of a steady road, enough of them that a lap's seam costs nothing."""
    return [copy_of(nth_fix(Record(), i)) for i in range(3000)]


def test_codec8_is_as_its_maker_shows_it():
    fix = Fix()
    fix.sec, fix.lat_udeg, fix.lon_udeg = 217000000, -6178306, 106631889
    (packet,) = peers.codec8([fix])
    assert peers._crc16(TELTONIKA[8:-4]) == 0xC7CF
    assert packet[:4] == bytes(4) and int.from_bytes(packet[4:8], "big") == len(packet) - 12
    assert (packet[8], packet[9], packet[-5]) == (8, 1, 1)
    assert int.from_bytes(packet[10:18], "big") == (1577836800 + 217000000) * 1000
    assert int.from_bytes(packet[19:23], "big") == 1066318890
    assert [len(packet) for packet in peers.codec8([fix] * 61)] == [15 + 60 * 32, 15 + 32]


def test_json_says_what_is_known():
    fix = Fix()
    fix.speed_cms, fix.hdop_x10 = 1000, 0
    told = json.loads(peers.owntracks([fix])[0])
    assert told["vel"] == 36 and told["hdop"] == 0 and told["tst"] == 1577836800
    assert "alt" not in told


def test_records_and_blocks_are_counted_in_full(drive):
    records = drive.kept + drive.whole
    sizes = codec.record_sizes(records)
    blocks = codec.wire_blocks(records)
    assert [kind for kind, _ in sizes] == [rec.kind for rec in records]
    heads = [1 + 8 + (1 if 60 * i < 128 else 2) + 1 + 8 for i in range(len(blocks))]
    assert len(blocks) == -(-len(records) // 60)
    assert sum(map(len, blocks)) == sum(size for _, size in sizes) + sum(heads)
    assert decoded(blocks) == [(rec.kind, second_of(rec)) for rec in records]


def decoded(blocks):
    found, state, rec = [], Codec(), Record()
    for i, block in enumerate(blocks):
        at = 11 if 60 * i < 128 else 12
        state.reset()
        while at < len(block) - 8:
            at = state.decode(block, at, len(block) - 8, rec)
            assert at > 0
            state.advance(rec)
            found.append((rec.kind, rec.sec))
    return found


def test_a_drive_has_all_that_the_receiver_said(drive, half_hour):
    with open(half_hour["truth"]) as truth:
        assert len(drive.whole) == sum(line.endswith(",1\n") for line in truth) > 1000
    kinds = [rec.kind for rec in drive.tape]
    assert 10 < kinds.count(FIX) < 100 and kinds.count(GAP) >= 1 and kinds.count(TAIL) > 10
    assert len(drive.kept) == len(kinds) - kinds.count(TAIL)


def test_laps_go_on_in_time_and_start_once(drive):
    fixes = sum(rec.kind == FIX for rec in drive.kept)
    lapped = list(itertools.islice(ring.laps(drive.kept), 3 * len(drive.kept)))
    seconds = [rec.fix.sec for rec in lapped if rec.kind == FIX]
    assert seconds == sorted(seconds) and len(set(seconds)) == len(seconds)
    assert seconds[fixes] - seconds[0] == seconds[2 * fixes] - seconds[fixes]
    assert lapped[0].kind == GAP
    assert [rec.kind for rec in lapped].count(GAP) < 3 * (len(drive.kept) - fixes)


def test_what_is_programmed_fills_what_is_erased(road):
    """Two counts that know nothing of each other: an erase is 4,096 bytes, a few are kept free. A program operation of
    more than 32 bytes is filled up to a multiple of 16, with bytes that it leaves erased: one for each page that is turned."""
    cost = ring.cost(road)
    assert 0.97 * 4.096 < cost["bytes"] / cost["erases_per_1000"] < 4.096 + 16 * 0.015
    plain = sum(size for _, size in codec.record_sizes(road)) / len(road)
    assert plain + 2 < cost["bytes"] < plain + 4  # 2 bytes of check; headers, key fixes, P and Q
    assert cost["tails"] == 0


def test_the_turn_that_is_counted_is_not_the_first(road, monkeypatch):
    made = []
    monkeypatch.setattr(ring, "Ring", lambda ring_of=ring.Ring: made.append(ring_of()) or made[0])
    ring.cost(road)
    assert min(made[0].chip.wear) == 2


def test_acknowledgements_and_tails_are_counted(road):
    ring_of = ring.Ring()
    for rec in itertools.islice(ring.laps(road), 600):
        ring_of.put(rec, acked=True)
    assert ring_of.journal.ack_records == 10 and ring_of.journal.acked_low == 600
    with_tails = [made for rec in road[:600] for made in (rec, fix_record(rec.fix, TAIL))]
    assert ring.cost(with_tails)["tails"] == pytest.approx(1, abs=0.01)
    assert ring.cost(with_tails)["bytes"] > 1.5 * ring.cost(road[:600])["bytes"]


def test_capacity_ends_before_the_first_loss(road):
    ring_of = ring.Ring()
    for rec in itertools.islice(ring.laps(road), ring.capacity(road)):
        ring_of.put(rec, acked=False)
    assert ring_of.journal.oldest_seq == 0 and ring_of.journal.dropped == 0
    ring_of.put(road[0], acked=False)
    assert ring_of.journal.dropped + ring_of.journal.thinned > 0


def test_what_a_full_ring_loses_without_a_word_is_counted(road, monkeypatch):
    monkeypatch.setattr(ring, "SECTORS", 6)
    assert ring.account(road) == (0, 0)
    read_all = ring.read_all
    monkeypatch.setattr(ring, "read_all", lambda store: lose_one(read_all(store)))
    assert ring.account(road)[0] >= 1
    monkeypatch.setattr(ring, "read_all", lambda store: {seq: later(what) for seq, what in read_all(store).items()})
    assert ring.account(road)[1] > 1000
    monkeypatch.undo()
    monkeypatch.setattr(ring, "SECTORS", 6)
    monkeypatch.setattr("tracker.store.journal.Journal._lose", lambda store: store._thinner.finish())
    assert ring.account(road)[0] > 1000


def test_cuts_that_hurt_are_counted(monkeypatch):
    counts = cuts.count(1499, 7, workers=1)
    assert counts["cuts"] > 30 and counts["recovery_cuts"] > 10
    assert counts["lost"] == counts["wrong"] == 0
    read_all = store_judge.read_all
    for fault, key in ((lose_one, "lost"), (make_one_up, "wrong")):
        faulty = lambda store, fault=fault: fault(read_all(store))  # noqa: E731
        monkeypatch.setattr(store_judge, "read_all", faulty)
        counts = cuts.count(1499, 10000, workers=1)
        assert counts[key] > 15 and counts["lost"] + counts["wrong"] <= counts["cuts"]


def lose_one(found):
    for seq in sorted(found)[-2:-1]:
        del found[seq]
    return found


def later(what):
    return (what[0], what[1] + 1, *what[2:])


def make_one_up(found):
    """A record with a number that nobody gave out."""
    return found | {seq + 500: what for seq, what in list(found.items())[:1]}


def test_a_store_without_its_check_is_caught(monkeypatch):
    monkeypatch.setattr("tracker.store.page.check_fits", lambda crc, buf, off: True)
    monkeypatch.setattr(store_cuts, "DRIVES", store_cuts.DRIVES[:1])  # made-up numbers of old records would be counted through for long
    counts = cuts.count(211, 10000, workers=1)
    assert counts["lost"] + counts["wrong"] > 0


@pytest.mark.vm32
def test_heap_of_the_codec_is_seen(tmp_path):
    sane, heavy = Fix(), Fix()
    heavy.speed_cms = 1 << 30  # not a small integer on 32 bits: sums of it cost heap
    for fix, most in ((sane, 0), (heavy, 1000)):
        vm.write_fixes(tmp_path / "fixes", [fix] * 70)
        n, size, heap, wrong = map(int, vm.run(32, "vm_codec.py", tmp_path / "fixes")[0])
        assert (n, wrong) == (70, 0)
        assert size == sum(size for _, size in codec.record_sizes([fix_record(fix)] * 70))
        assert heap == 0 if not most else heap > most


@pytest.mark.vm
def test_littlefs_pays_an_erase_a_fix(tmp_path):
    vm.write_fixes(tmp_path / "fixes", [Fix()] * 100)
    fixes, size, erases = map(int, vm.run(64, "vm_littlefs.py", tmp_path / "fixes")[0])
    assert fixes == 100 and size > 1000 * fixes and 95 < erases < 110
