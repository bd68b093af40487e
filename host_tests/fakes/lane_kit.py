"""A truck's two lanes on a session and a stream in memory; time passes when a test says so."""

import uplink_fakes
from tracker.sampling.ahead import is_off
from tracker.store.codec import Codec
from tracker.uplink.block import BlockWriter
from tracker.uplink.lanes import HistoryLane
from tracker.uplink.live import LiveLane
from tracker.uplink.mqtt import Session
from uplink_fakes import JOURNAL_ID, Clock, ListJournal, Wire, puback, publish, records_of, signed, varint_bytes

DEVICE, KEY = b"t", bytes(range(32))
HIST = b"lacak/t/hist"
LIVE = b"lacak/t/live"
LACKS = 0x15


class Trail:
    newest = None
    newest_ms = 0
    hidden = False
    is_off = is_off


class Settings:
    live_s = 10
    live_m = 500
    ahead_blocks = 32
    batch_s = 60


def answer(kind, ranges, journal_id=JOURNAL_ID):
    return signed(uplink_fakes.answer(kind, ranges, journal_id), DEVICE, KEY)


def lacks(behind, ranges=(), journal_id=JOURNAL_ID):
    """The station has all below `behind` except these ranges."""
    data = bytes((LACKS,)) + journal_id + varint_bytes(behind) + varint_bytes(len(ranges))
    for lo, hi in ranges:
        data += varint_bytes(lo) + varint_bytes(hi - lo)
    return signed(data, DEVICE, KEY)


class Rig:
    def __init__(self, n=0, journal=None):
        self.clock = Clock()
        self.journal = journal or ListJournal(n)
        self.trail = Trail()
        self.settings = Settings()
        self.boot()

    def boot(self):
        """A fresh uplink on the same journal, as after a reset."""
        writer = BlockWriter(Codec(), DEVICE, KEY)
        diff = self.clock.ticks_diff
        self.live = LiveLane(self.trail, writer, LIVE, self.settings, diff)
        self.history = HistoryLane(self.journal, writer, HIST, self.settings, diff)
        self.session = Session(diff, self.history.on_puback, self._on_message, 1100, 512)
        self.connect()

    def _on_message(self, buf, topic_at, topic_n, at, end):
        self.history.on_message(self.session, buf, at, end)

    def connect(self, kept=True):
        self.wire = Wire()
        self.session.attach(self.wire, 60, self.clock.ticks_ms())
        self.live.connected()
        self.history.connected(self.session, kept)

    def cut(self):
        self.session.close("cut")
        self.history.disconnected()

    def pump(self, s=0):
        """Time passes; the broker answers pings; the packets that were sent."""
        self.clock.ms += 1000 * s
        now = self.clock.ticks_ms()
        self.session.pump(now)
        self.live.pump(self.session, now)
        for _ in range(40):  # a pump sends one block at most
            self.history.pump(self.session, now)
        sent = self.wire.taken()
        for packet in sent:
            if packet.op == 0xC0:
                self.wire.give(b"\xd0\0")
        return [packet for packet in sent if packet.type == 3]

    def blocks(self, s=0):
        """[(first, last, packet), ...] of the history blocks that one pump sends."""
        return [span(packet) + (packet,) for packet in self.pump(s) if packet.topic == HIST]

    def pubacked(self, blocks):
        for block in blocks:
            self.wire.give(puback(block[2].pid))

    def station(self, data):
        self.wire.give(publish(b"lacak/t/ack", data, 0))

    def drain(self, most=100):
        """Send and PUBACK until nothing more goes out; the blocks."""
        all_blocks = []
        for _ in range(most):
            blocks = self.blocks()
            if not blocks:
                return all_blocks
            all_blocks += blocks
            self.pubacked(blocks)


def span(packet):
    first, fixes = records_of(packet.payload, Codec())
    return first, first + len(fixes) - 1


def spans(blocks):
    return [block[:2] for block in blocks]
