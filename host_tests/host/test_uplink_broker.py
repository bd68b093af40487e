"""The uplink through a real broker in this process, to a station that answers."""

import asyncio
import contextlib
import random
from types import SimpleNamespace

import aiomqtt
import broker
import plain_socket
import pytest
from ports import free_port
from tracker.fix import Fix
from tracker.store.codec import Codec
from uplink_fakes import Link, ListJournal, answer, records_of, signed

pytestmark = pytest.mark.libs
RECORDS = 700


def make_uplink(port, journal, password="rahasia"):
    from tracker.uplink import clock
    from tracker.uplink.stream import Tcp
    from tracker.uplink.uplink import Uplink

    lines = []
    settings = SimpleNamespace(
        device_id="truck-1",
        device_key=bytes(32),
        broker_host="127.0.0.1",
        broker_port=port,
        broker_user="truk",
        broker_password=password,
        keepalive_s=60,
        keepalive_parked_s=900,
        ahead_blocks=32,
        live_s=10, live_m=50,
        batch_s=60,
    )
    trail = SimpleNamespace(newest=Fix(), newest_ms=0, hidden=False, is_off=lambda *_: False)
    trail.newest.sec = 200000000
    uplink = Uplink(
        settings,
        journal,
        trail,
        Tcp(plain_socket, plain_socket, clock),
        Link(),
        clock,
        random.Random(1).randrange,
        SimpleNamespace(info=lines.append, warn=lines.append),
        1,
    )
    return uplink, lines


async def station(port, heard, ready):
    """Confirms every block it hears, once it has it."""
    async with aiomqtt.Client("127.0.0.1", port, username="truk", password="rahasia") as client:
        await client.subscribe([("lacak/+/hist", 1), ("lacak/+/live", 0), ("lacak/+/state", 1)])
        ready.set()
        async for message in client.messages:
            lane = str(message.topic).rpartition("/")[2]
            heard.append((lane, message.payload))
            if lane == "hist":
                first, fixes = records_of(message.payload, Codec())
                said = signed(answer(0x13, [(first, first + len(fixes) - 1)]), b"truck-1", bytes(32))
                await client.publish("lacak/truck-1/ack", said, qos=1)


async def until(condition, timeout_s=10):
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.01)


async def with_broker(work):
    port = free_port()
    running = await broker.start(port, "truk", "rahasia")
    tasks = []
    try:
        await work(port, tasks)
    finally:
        for task in tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await running.shutdown()


def test_journal_arrives_and_is_freed():
    async def work(port, tasks):
        heard, ready, journal = [], asyncio.Event(), ListJournal(RECORDS)
        tasks.append(asyncio.create_task(station(port, heard, ready)))
        await asyncio.wait_for(ready.wait(), 5)
        uplink, lines = make_uplink(port, journal)
        tasks.append(asyncio.create_task(uplink.run(int)))
        await until(lambda: len(journal.acked) == RECORDS)
        assert uplink.history.ahead() == 0 and uplink.failures == 0
        lanes = [lane for lane, _ in heard]
        assert lanes[:2] == ["live", "state"] and lanes.count("hist") == 12
        seqs = []
        for lane, payload in heard:
            if lane == "hist":
                first, fixes = records_of(payload, Codec())
                seqs += range(first, first + len(fixes))
                assert [fix.sec for fix in fixes] == [
                    journal.records[seq].sec for seq in range(first, first + len(fixes))
                ]
        assert seqs == list(range(RECORDS))

    asyncio.run(with_broker(work))


def test_wrong_password_is_said_in_words_and_nothing_is_lost():
    async def work(port, tasks):
        journal = ListJournal(60)
        uplink, lines = make_uplink(port, journal, "salah")
        tasks.append(asyncio.create_task(uplink.run(int)))
        await until(lambda: uplink.failures)
        assert "check broker_user and broker_password" in uplink.trouble
        assert "salah" not in "".join(lines)
        assert journal.acked == set()

    asyncio.run(with_broker(work))
