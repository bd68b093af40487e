"""The chaos's own tools: a bad line does what its fault says, what is forged says what it should, a station dies where it is told to."""

import asyncio
import random
import sqlite3
import subprocess
import sys

import pytest
from road import KEY
from sim import forgery, mortal
from sim.proxy import Line
from station import wire
from station.db import Database
from station.ingest import Ingest
from tracker.uplink.block import Tagger, ack_ranges, is_about, refused_range

DEVICE, JOURNAL = "truck-001", bytes(range(8))
HIST = forgery.publish(b"lacak/truck-001/hist", b"\x11" + JOURNAL + bytes((40, 3)) + bytes(30), 2, 7)


def line_with(*faults):
    """What a client sends and gets over a line on which these were armed, against a broker that says everything back."""

    async def talk(data):
        async def echo(reader, writer):
            while got := await reader.read(4096):
                seen.append(got)
                writer.write(got)
            writer.close()

        seen = []
        server = await asyncio.start_server(echo, "127.0.0.1", 0)
        line = Line(server.sockets[0].getsockname(), 1)
        await line.start()
        line.armed += [dict(fault) for fault in faults]
        reader, writer = await asyncio.open_connection(*line.at)
        writer.write(data)
        got = b""
        try:
            while part := await asyncio.wait_for(reader.read(4096), 0.3):
                got += part
                if len(got) >= len(data):
                    break
        except asyncio.TimeoutError:
            got += b" silence"
        except ConnectionResetError:
            got += b" reset"
        writer.close()
        await line.stop()
        server.close()
        return b"".join(seen), got, line

    return lambda data: asyncio.run(talk(data))


def test_a_line_without_a_fault_changes_nothing():
    seen, got, line = line_with()(HIST + b"\xc0\0" + HIST)
    assert seen == got == HIST + b"\xc0\0" + HIST
    assert (line.said.highest, line.said.ids, line.said.journal, line.said.prefix) == (42, {7}, JOURNAL, b"lacak/truck-001/")


def forged(kind):
    said = forgery.Said()
    said.note(HIST)
    return forgery.forge(kind, random.Random(1), said)


UP = {"way": "up", "type": forgery.PUBLISH, "topic": "hist"}


@pytest.mark.parametrize("fault, broker_sees, client_gets", [
    (dict(UP, what="swallow"), b"", b" silence"),
    (dict(UP, what="twice"), HIST + HIST, HIST),
    (dict(UP, what="delay", real_s=0.02), HIST, HIST),
    (dict(UP, what="drip"), HIST, HIST),
    (dict(UP, what="late", real_s=0.02), HIST, HIST),
    (dict(UP, what="lie"), b"", b"\x40\x02\0\x07" + forged("stored")[0]),
    ({"what": "deaf"}, b"", b" silence"),
    (dict(UP, what="twice", topic="live"), HIST, HIST),
])
def test_a_fault_does_what_it_says(fault, broker_sees, client_gets):
    seen, got, line = line_with(fault)(HIST)
    assert seen == broker_sees and got.startswith(client_gets)
    assert sum(line.played.values()) == (fault.get("topic") != "live")


def test_a_cut_ends_within_the_packet_by_a_reset():
    seen, got, _ = line_with(dict(UP, what="cut"))(HIST)
    assert len(seen) < len(HIST) and HIST.startswith(seen) and got.endswith(b" reset")


def test_packets_are_found_and_what_is_none_is_passed_on():
    assert forgery.packets(HIST + HIST[:9]) == ([HIST], HIST[:9])
    endless = b"\x30\xff\xff\xff\xff\xff"
    assert forgery.packets(endless) == ([endless], b"")
    assert b"".join(forgery.packets(forgery.publish(b"a", bytes(300)) + b"\xd0\0")[0])[-2:] == b"\xd0\0"


def test_nothing_that_is_forged_has_a_right_tag_and_all_would_be_read_with_one():
    said = forgery.Said()
    said.note(HIST)
    said.note(forgery.publish(b"lacak/truck-001/state", b"online 1 x 0 0 50 1"))
    assert said.highest == 49
    rng, tagger, confirmed = random.Random(5), Tagger(DEVICE.encode(), bytes.fromhex(KEY)), set()
    for kind in forgery.KINDS:
        for _ in range(20):
            for packet in forgery.forge(kind, rng, said):
                if forgery.topic_of(packet) == "ack":
                    body = forgery._topic_and_body(packet)[1]
                    assert not tagger.is_right(b"ack\0", body, 0, len(body))
                    end = len(body) - 8
                    if body[0] in (0x13, 0x15) and is_about(body, 0, end, JOURNAL):
                        confirmed.update((body[0], *span) for span in ack_ranges(body, 0, end) or ())
    assert {(0x13, 0, 49), (0x15, 50, (1 << 30) - 1)} <= confirmed


def test_a_refusal_is_one():
    body = forgery._topic_and_body(forged("refusals")[0])[1]
    lo, hi = refused_range(body, 0, len(body) - 8)
    assert 0 <= lo <= 42 <= hi or hi - lo in (0, 60)


@pytest.mark.parametrize("where, stored", [("before", 0), ("inside", 0), ("after", 2)])
def test_a_station_dies_where_it_is_told_to(where, stored, tmp_path):
    """before, inside: nothing is stored; after: all is, and nobody was answered. The process is gone each time."""
    program = (
        "import sys; sys.path[:0] = %r\n"
        "from station.db import Database\nfrom station.ingest import Ingest\nfrom sim.mortal import Fate\n"
        "ingest = Ingest(Database(%r), None)\nFate(ingest, {'dies': (%r, 1)})\n"
        "print(ingest.commit([(%r, bytes.fromhex(%r))]))\n"
    ) % (mortal._PATH, str(tmp_path / "db"), where, "lacak/truck-001/hist", block(2).hex())
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30)
    assert done.returncode == -9 and done.stdout == "", done.stderr
    assert sqlite3.connect(tmp_path / "db").execute("SELECT count(*) FROM records").fetchone()[0] == stored


@pytest.mark.parametrize("what, words", [("full", "full"), ("locked", "locked")])
def test_a_database_takes_nothing_for_a_while(what, words, tmp_path):
    ingest = Ingest(Database(str(tmp_path / "db"), busy_s=0.02), None)
    mortal.Fate(ingest, {what: (1, 2)})
    batch = [("lacak/truck-001/hist", block(60))] * 1
    for _ in range(2):
        with pytest.raises(sqlite3.OperationalError, match=words):
            ingest.commit(batch)
    answers = ingest.commit(batch)[0]
    assert [topic for topic, *_ in answers] == ["lacak/truck-001/ack"]


def block(count):
    from tracker.record import TEXT, Record
    from tracker.store.codec import Codec

    buf, codec, rec = bytearray(20_000), Codec(), Record()
    codec.reset()
    at = 0
    rec.kind = TEXT
    for n in range(count):
        rec.sec = 1000 + n
        rec.body[:50], rec.n = bytes(50), 50
        at = codec.encode(rec, buf, at)
        codec.advance(rec)
    head = b"\x11" + JOURNAL + bytes((0, count)) + bytes(buf[:at])
    return head + wire.block_tag(DEVICE, bytes.fromhex(KEY), head)
