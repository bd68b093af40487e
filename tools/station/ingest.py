"""From the broker into the database: check, store in batches, and answer only what is committed.

In: MQTT messages. Out: acknowledgements, after commit; the names of the trucks that changed.
Owns: the MQTT session of the station, its queue and its back-off.
"""

import asyncio
import contextlib
import logging
import random
import socket
import sqlite3
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

# aiomqtt: paho's protocol engine on our own event loop. paho alone would bring a thread and
# callbacks; the page, the queue and the answers all live on one loop.
import aiomqtt

from station import commands, wire

QUEUE_MAX = 5000  # messages; a truck sends again what is dropped here
BATCH_MAX = 500  # messages in one transaction
BACKOFF_S = (1, 60)
RETRY_S = (0.5, 30)
COMMANDS_S = 2  # between two looks at the queue of commands
FUTURE_S = 86400  # a live fix further ahead than this would hold the map
EPOCH_2020 = 1577836800
LOG_BYTES = 512  # of one piece
STATE_BYTES = 160  # the birth message: version, journal id, five numbers, what the truck has to do without
SILENT_S = 1800  # behind the second at which a word was due
LOOK_S = 60  # between two looks for silent trucks
# Answers are small packets in a row: Nagle would hold them for the other side's delayed ACK.
NO_DELAY = (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

log = logging.getLogger("station")


class Ingest:
    """What to do with messages; no network. keys: device -> bytes; None: tags go unchecked, and only trucks that have no key
    believe what we answer."""

    def __init__(self, db, keys=None):
        self.db = db
        self.keys = keys
        self.counters = Counter()
        self._births = {}  # of the batch: (device, journal) -> lowest number that the truck waits for
        self._fresh = True
        self.cleared = {}  # device -> when it was heard last before its live fix was taken from the broker

    def commit(self, messages, now=None):
        """Store a batch of (topic, payload, was it retained) in one transaction; [(topic, payload)] to publish, and who changed.

        Raises sqlite3.Error when the database cannot: nothing was stored, nobody may be answered.
        """
        now = time.time() if now is None else now
        answers, changed, counted = [], set(), Counter()
        acks = {}
        with self.db:
            self._births = {}
            for topic, payload, *kept in messages:
                self._fresh = not any(kept)
                self._one(topic, payload, now, acks, answers, changed, counted)
            answers += [self._signed(device, wire.lacks(journal, *self.db.lacking(device, journal, low)))
                        for (device, journal), low in self._births.items()]
            answers += commands.due(self.db, self.keys, now)
        self.counters.update(counted)
        for (device, journal), ranges in acks.items():
            answers.append(self._signed(device, wire.ack(journal, sorted(ranges))))
        return answers, changed

    def _signed(self, device, answer):
        key = b"" if self.keys is None else self.keys[device]
        return "lacak/%s/ack" % device, wire.signed(device, key, b"ack", answer)

    def _one(self, topic, payload, now, acks, answers, changed, counted):
        counted["messages"] += 1
        match = wire.TOPIC.fullmatch(topic)
        if not match:
            bad = wire.Bad("no topic of a truck")
            return self._refuse(topic, payload, bad, now, answers, counted)
        device, lane = match.groups()
        if self.keys is not None and device not in self.keys:
            bad = wire.Bad("no key for this truck")
        else:
            bad = getattr(self, "_" + lane)(device, payload, now, acks, counted)
        if bad:
            return self._refuse(topic, payload, bad, now, answers, counted)
        changed.add(device)

    def _hist(self, device, payload, now, acks, counted):
        block = wire.parse_block(device, payload, self.keys and self.keys[device])
        if isinstance(block, wire.Bad):
            return block
        merged, fresh = self.db.put_block(block, now)
        # A later block of this batch may have swallowed an earlier one's range: keep what stands.
        ranges = acks.setdefault((device, block.journal), set())
        ranges -= {old for old in ranges if merged[0] <= old[0] and old[1] <= merged[1]}
        ranges.add(merged)
        counted.update(blocks=1, stored=fresh, repeated=len(block.rows) - fresh)
        return None

    def _live(self, device, payload, now, acks, counted):
        if not payload:  # the retained fix was cleared
            return None
        row = wire.parse_live(payload)
        if isinstance(row, wire.Bad):
            return row
        if row.sec + EPOCH_2020 > now + FUTURE_S:
            return wire.Bad("the live fix is from the future")
        counted["live"] += self.db.put_live(device, row, now, self._fresh)
        return None

    def _state(self, device, payload, now, acks, counted):
        try:
            text = payload[:STATE_BYTES + 1].decode()
        except UnicodeDecodeError:
            return wire.Bad("the state is not text")
        if len(text) > STATE_BYTES or not text.isprintable():
            return wire.Bad("the state is not a short line")
        birth = wire.parse_state(text)
        if birth and birth.low < birth.next_seq:  # it waits for answers: is anything on its way to nowhere?
            self._births[device, birth.journal] = birth.low
        self.db.put_state(device, text, now, self._fresh and text != "offline")
        return None

    def _log(self, device, payload, now, acks, counted):
        if len(payload) > LOG_BYTES:
            return wire.Bad("a piece of a log is longer than %d bytes" % LOG_BYTES)
        if payload[:1] == bytes([commands.ANSWER]):
            return self._answer(device, payload, now, counted)
        self.db.put_log(device, payload.decode(errors="replace"), now)
        return None

    def _answer(self, device, payload, now, counted):
        answer = commands.parse_answer(device, payload, self.keys and self.keys[device])
        if isinstance(answer, wire.Bad):
            return answer
        asked = commands.answered(self.db, device, answer, now)
        counted["commands_answered" if asked else "answers_unasked"] += 1
        return None

    def silent(self, silent_s=SILENT_S, now=None):
        """[(topic, b"")] to be retained: trucks that should have spoken long ago are nowhere, not where they were."""
        now = time.time() if now is None else now
        out = []
        for device, state, heard in self.db.shown():
            birth = wire.parse_state(state)
            if now > heard + (birth and birth.every_s or 0) + silent_s and self.cleared.get(device) != heard:
                self.cleared[device] = heard
                out.append(("lacak/%s/live" % device, b""))
        return out

    def due(self, now=None):
        """[(topic, payload)]: commands that are due though no truck has said anything."""
        with self.db:
            return commands.due(self.db, self.keys, time.time() if now is None else now)

    def _refuse(self, topic, payload, bad, now, answers, counted):
        counted["refused"] += 1
        self.db.put_quarantine(topic, payload, bad.reason, now)
        if bad.answer:
            answers.append(self._signed(topic.split("/")[1], bad.answer))


class Inbox(asyncio.Queue):
    """Bounded; counts what it has to leave out."""

    dropped = 0

    def put_nowait(self, item):
        if self.full():
            self.dropped += 1
        super().put_nowait(item)


class Session:
    """Keeps the station on the broker. on_change(devices) after a commit; trouble: words."""

    def __init__(self, ingest, host, port, user, password, on_change, silent_s=SILENT_S):
        self.ingest = ingest
        self.host, self.port, self.user, self.password = host, port, user, password
        self.on_change = on_change
        self.silent_s = silent_s
        self.connected = asyncio.Event()
        self.trouble = None
        self.inbox = Inbox(QUEUE_MAX)  # outlives a connection: what has come is stored
        self._writer = ThreadPoolExecutor(1)  # a commit waits for the disk; the loop must not

    def close(self):
        """Waits for a commit under way: what is half written must not lose its connection."""
        self._writer.shutdown(wait=True, cancel_futures=True)

    async def run(self):
        """For ever: connect, take in, and come back after every loss of the broker."""
        pause_s = BACKOFF_S[0]
        while True:
            try:
                await self._serve()
            except aiomqtt.MqttError as error:
                if self.connected.is_set():
                    pause_s = BACKOFF_S[0]
                self._say("%s Trying again within %d s." % (self._words(error), pause_s))
            except Exception:  # the supervisor here: a batch is dropped, the trucks send it again
                log.exception("a fault of the station itself")
                self._say("A fault of the station, see its log. Again within %d s." % pause_s)
            finally:
                self.connected.clear()
            await asyncio.sleep(random.uniform(pause_s / 2, pause_s))
            pause_s = min(2 * pause_s, BACKOFF_S[1])

    async def _serve(self):
        async with aiomqtt.Client(
                self.host, self.port, username=self.user, password=self.password, timeout=10,
                identifier="station-%08x" % random.getrandbits(32),
                queue_type=lambda maxsize: self.inbox, socket_options=[NO_DELAY]) as client:
            await client.subscribe([("lacak/+/" + lane, 1) for lane in ("hist", "live", "state", "log")])
            self._say(None)
            self.connected.set()
            commanding = asyncio.create_task(self._command(client))
            try:
                await self._take_in(client)
            finally:
                commanding.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await commanding

    async def _take_in(self, client):
        dropped = self.inbox.dropped
        async for message in client.messages:
            batch = [_plain(message)]
            while len(batch) < BATCH_MAX and not self.inbox.empty():
                batch.append(_plain(self.inbox.get_nowait()))
            await self._publish(client, await self._commit(batch))
            if self.inbox.dropped > dropped and self.inbox.empty():  # the births once more: whoever was left out is told
                dropped = self.inbox.dropped
                await client.subscribe("lacak/+/state", 1)

    async def _command(self, client):
        """What was queued while no truck said anything. Whoever said something got its commands with the answer."""
        loop = asyncio.get_running_loop()
        look_at = loop.time()
        self.ingest.cleared.clear()  # what was not published when the broker went is due again
        while True:
            await asyncio.sleep(COMMANDS_S)
            with contextlib.suppress(sqlite3.Error, aiomqtt.MqttError):  # _take_in says it, or it is due again
                await self._publish(client, await loop.run_in_executor(self._writer, self.ingest.due))
                if loop.time() >= look_at:
                    look_at = loop.time() + LOOK_S
                    await self._publish(client, await loop.run_in_executor(self._writer, self.ingest.silent, self.silent_s))

    async def _publish(self, client, answers):
        await asyncio.gather(*(client.publish(topic, payload, 1, topic.endswith("/live")) for topic, payload in answers))

    async def _commit(self, batch):
        """Until the database takes it. What comes meanwhile waits, or is sent again."""
        loop, pause_s = asyncio.get_running_loop(), RETRY_S[0]
        while True:
            try:
                answers, changed = await loop.run_in_executor(
                    self._writer, self.ingest.commit, batch)
            except sqlite3.Error as error:
                self._say("The database takes nothing (%s): no truck is answered." % error)
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, RETRY_S[1])
                continue
            self._say(None)
            self.on_change(changed)
            return answers

    def _say(self, trouble):
        if trouble != self.trouble:
            log.warning(trouble) if trouble else log.info("The station takes in.")
        self.trouble = trouble

    def _words(self, error):
        where = "%s:%d" % (self.host, self.port)
        code = getattr(getattr(error, "rc", None), "value", getattr(error, "rc", None))
        if code in (4, 5, 134, 135):  # 3.1.1's codes, and what paho makes of them
            return "The broker at %s refuses the user name or the password." % where
        if self.connected.is_set():
            return "The broker at %s is gone." % where
        return "No broker answers at %s (%s)." % (where, error)


def _plain(message):
    return str(message.topic), message.payload or b"", message.retain
