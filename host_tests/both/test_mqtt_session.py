"""The session and a broker in memory: every deadline, and whatever a broker may send."""

import gc

from tracker.uplink.mqtt import Session
from uplink_fakes import Clock, Wire, puback, publish, suback

TOPIC = b"lacak/truck-1/hist"
SLOTS = 12


class Rig:
    """A session, attached to a stream in memory, and what it reported."""

    def __init__(self, ms=0, keepalive_s=60):
        self.clock = Clock(ms)
        self.acked = []
        self.messages = []
        self.session = Session(self.clock.ticks_diff, self._on_puback, self._on_message, 300, 64)
        self.keepalive_s = keepalive_s
        self.attach()

    def attach(self):
        self.wire = Wire()
        self.session.attach(self.wire, self.keepalive_s, self.clock.ticks_ms())

    def _on_puback(self, pid, now):
        self.acked.append(pid)

    def _on_message(self, buf, topic_at, topic_n, at, end):
        self.messages.append((bytes(buf[topic_at : topic_at + topic_n]), bytes(buf[at:end])))

    def publish(self, payload=b"data", qos=1, again_pid=0, retain=False):
        """The packet id, or -1 when the session takes nothing now."""
        at = self.session.begin(TOPIC, qos, again_pid)
        if at < 0:
            return -1
        self.session.tx[at : at + len(payload)] = payload
        return self.session.send(at + len(payload), retain, self.clock.ticks_ms())

    def pump(self, s=0):
        self.clock.ms += 1000 * s
        return self.session.pump(self.clock.ticks_ms())

    def reason_after(self, data):
        self.wire.give(data)
        self.pump()
        return self.session.reason


def test_publish_is_one_write_and_says_what_was_asked():
    rig = Rig()
    pid = rig.publish(b"x" * 5)
    rig.publish(b"y" * 150)
    rig.publish(b"z", 0, 0, True)
    assert rig.wire.writes == 3
    short, long, live = rig.wire.taken()
    assert (short.op, short.topic, short.pid, short.payload) == (0x32, TOPIC, pid, b"xxxxx")
    assert (long.op, long.payload) == (0x32, b"y" * 150)
    assert (live.op, live.topic, live.payload) == (0x31, TOPIC, b"z")


def test_length_on_both_sides_of_127():
    for n in (127, 128, 129):
        rig = Rig()
        rig.publish(b"p" * (n - 2 - len(TOPIC) - 2))
        (packet,) = rig.wire.taken()
        assert len(packet.body) == n and packet.payload == b"p" * (n - 22)


def test_twelve_in_flight_and_pubacks_in_any_order():
    rig = Rig()
    pids = [rig.publish() for _ in range(SLOTS)]
    assert len(set(pids)) == SLOTS and 0 not in pids and -1 not in pids
    assert rig.publish() == -1
    for pid in reversed(pids):
        rig.wire.give(puback(pid))
    assert rig.pump()
    assert rig.acked == list(reversed(pids))
    assert rig.session.free == SLOTS
    assert rig.publish() > 0


def test_qos0_needs_no_slot():
    rig = Rig()
    for _ in range(SLOTS):
        rig.publish()
    assert rig.publish(b"live", 0) == 0


def test_ids_wrap_and_skip_those_in_flight():
    """70,000 publishes; one of the first stays unanswered until after the wrap."""
    rig = Rig()
    kept = [rig.publish(), rig.publish()]
    assert kept == [1, 2]
    rig.session.subscribe((b"lacak/truck-1/ack",), 0)
    subscribed = rig.wire.taken()[2].pid
    wire = rig.wire
    session = rig.session
    previous = subscribed
    ack = bytearray(b"\x40\x02\0\0")
    seen_max = 0
    for _ in range(70000):
        pid = session.send(session.begin(TOPIC, 1, 0), False, 0)
        wire.sent = bytearray()
        expected = previous % 65535 + 1
        while expected in (1, 2, subscribed):
            expected += 1
        assert pid == expected
        previous = pid
        seen_max = max(seen_max, pid)
        ack[2] = pid >> 8
        ack[3] = pid & 0xFF
        wire.waiting = ack
        session.pump(0)
    assert seen_max == 65535
    assert session.reason is None and session.free == SLOTS - 2
    assert len(rig.acked) == 70000


def test_publish_costs_no_heap():
    """On the VM: 1,000 publishes and their PUBACKs without one block of heap."""
    if not hasattr(gc, "mem_alloc"):
        return
    stream = _Echo()
    session = Session(lambda a, b: a - b, stream.on_puback, None, 300, 64)
    session.attach(stream, 60, 0)
    _publish_and_pump(session, 10)
    gc.collect()
    gc.disable()
    try:
        before = gc.mem_alloc()
        before = gc.mem_alloc()
        _publish_and_pump(session, 1000)
        after = gc.mem_alloc()
    finally:
        gc.enable()
    assert stream.acked == 1010 and session.reason is None
    assert after - before == 0, after - before


def _publish_and_pump(session, n):
    for i in range(n):
        session.send(session.begin(TOPIC, 1, 0) + 200, False, i)
        session.pump(i)


class _Echo:
    """Takes a publish in two writes and answers it, without heap."""

    def __init__(self):
        self.acked = 0
        self._pid_at = 3 + 2 + len(TOPIC)
        self._high = self._low = 0
        self._full = self._has = False

    def on_puback(self, pid, now):
        self.acked += 1

    def write(self, buf, off, n):
        if n > 100:  # the packet's first part
            self._high = buf[off + self._pid_at]
            self._low = buf[off + self._pid_at + 1]
            return n - 7
        self._has = True
        return n

    def readinto(self, buf):
        if not self._has:
            return None
        self._has = False
        buf[0] = 0x40
        buf[1] = 2
        buf[2] = self._high
        buf[3] = self._low
        return 4


def test_partial_writes_keep_packets_whole():
    rig = Rig()
    rig.wire.write_room = 7
    assert rig.publish(b"first") > 0
    assert rig.publish(b"second") == -1
    for _ in range(5):
        rig.pump()
    assert rig.publish(b"second") > 0
    rig.wire.write_room = 1000
    rig.pump()
    assert [packet.payload for packet in rig.wire.taken()] == [b"first", b"second"]


def test_bytes_that_drip_one_at_a_time():
    rig = Rig()
    pid = rig.publish()
    rig.wire.read_room = 1
    data = (
        puback(pid)
        + publish(b"lacak/truck-1/ack", b"hello", 1, 77)
        + publish(b"t", b"", 0)
        + b"\xd0\0"
    )
    rig.wire.give(data)
    for _ in range(len(data)):
        assert rig.pump()
    assert rig.acked == [pid]
    assert rig.messages == [(b"lacak/truck-1/ack", b"hello"), (b"t", b"")]


def test_messages_are_answered_in_order_in_one_write_and_no_more_are_read_than_can_be():
    rig = Rig()
    for pid in range(300, 320):
        rig.wire.give(publish(b"a", b"m%d" % pid, 1, pid))
    for _ in range(3):
        writes = rig.wire.writes
        rig.pump()
        assert rig.wire.writes == writes + 1
    assert [(packet.op, packet.pid) for packet in rig.wire.taken()] == [
        (0x40, pid) for pid in range(300, 320)
    ]
    assert len(rig.messages) == 20


def test_while_a_packet_is_stuck_nothing_is_read_beyond_what_can_be_answered():
    rig = Rig()
    rig.wire.write_room = 0
    rig.publish()
    for pid in range(1, 41):
        rig.wire.give(publish(b"a", b"m", 1, pid))
    for _ in range(10):
        assert rig.pump()
    assert len(rig.messages) == 8
    rig.wire.write_room = 1000
    for _ in range(10):
        rig.pump()
    assert len(rig.messages) == 40


def test_subscribe():
    rig = Rig()
    rig.session.subscribe((b"lacak/truck-1/ack",), 0)
    (packet,) = rig.wire.taken()
    assert packet.op == 0x82 and bytes(packet.body[2:]) == b"\0\x11lacak/truck-1/ack\1"
    rig.wire.give(suback(packet.pid, 1))
    assert rig.pump(0)
    for _ in range(3):
        rig.wire.give(b"\xd0\0")
        assert rig.pump(25)  # no SUBACK deadline any more


def test_subscribe_to_two_topics_in_one_packet():
    rig = Rig()
    rig.session.subscribe((b"a/ack", b"a/cmd"), 0)
    (packet,) = rig.wire.taken()
    assert bytes(packet.body[2:]) == b"\0\x05a/ack\1\0\x05a/cmd\1"
    rig.wire.give(suback(packet.pid, 1, 1))
    assert rig.pump(0)


def test_subscription_refused_in_words():
    for codes in ((0x80, 1), (1, 0x80)):
        rig = Rig()
        rig.session.subscribe((b"t", b"u"), 0)
        assert "access list" in rig.reason_after(suback(rig.wire.taken()[0].pid, *codes))


def test_a_suback_that_nobody_waits_for_or_for_another_number_of_topics_ends_the_session():
    for codes, pid in (((1,), 1), ((1, 1, 1), 1), ((), 1), ((1, 1), 2), ((), 0), ((1, 1), 0)):
        rig = Rig()
        rig.session.subscribe((b"t", b"u"), 0)
        assert "malformed" in rig.reason_after(suback(pid and rig.wire.taken()[0].pid + pid - 1, *codes)), codes
    rig = Rig()
    assert "malformed" in rig.reason_after(suback(0))


def test_no_suback_ends_the_session():
    rig = Rig()
    rig.session.subscribe((b"t",), 0)
    assert rig.pump(19)
    assert not rig.pump(1) and "SUBACK" in rig.session.reason


def test_no_puback_ends_the_session_though_the_broker_talks():
    rig = Rig()
    first, second = rig.publish(), rig.publish()
    rig.pump(10)
    rig.wire.give(puback(second) + publish(b"t", b"chatter", 0))
    assert rig.pump(9)
    assert not rig.pump(1) and "PUBACK" in rig.session.reason
    assert first not in rig.acked


def test_packet_that_does_not_leave_ends_the_session():
    rig = Rig()
    rig.wire.write_room = 5
    rig.publish(b"live", 0)
    rig.wire.write_room = 0
    assert rig.pump(19)
    assert not rig.pump(1) and "leave" in rig.session.reason


def test_ping_when_we_are_silent_and_no_answer_ends_the_session():
    rig = Rig()
    assert rig.pump(67)
    assert rig.wire.taken() == []
    rig.pump(1)
    assert [packet.op for packet in rig.wire.taken()] == [0xC0]
    rig.wire.give(b"\xd0\0")
    assert rig.pump(29)
    rig.pump(39)
    assert [packet.op for packet in rig.wire.taken()] == [0xC0]
    assert rig.pump(29)
    assert not rig.pump(1) and "PINGRESP" in rig.session.reason


def test_half_open_connection_is_noticed_though_live_fixes_go_out():
    """QoS 0 is never answered: without a ping of its own a dead connection would swallow it for
    ever."""
    rig = Rig()
    s = 0
    while rig.pump(5) and s < 200:
        rig.publish(b"live", 0)
        s += 5
    assert "PINGRESP" in rig.session.reason
    assert s <= 105


def test_clock_that_wraps_is_no_reason():
    rig = Rig((1 << 30) - 5000)
    rig.publish()
    assert rig.pump(10)
    assert not rig.pump(10) and "PUBACK" in rig.session.reason


def test_strange_pubacks_are_counted_and_harmless():
    rig = Rig()
    pid = rig.publish()
    rig.wire.give(puback(pid) + puback(pid) + puback(0) + puback(999))
    assert rig.pump()
    assert rig.acked == [pid] and rig.session.strange_pubacks == 3 and rig.session.free == SLOTS


def test_malformed_packets_end_the_session():
    head = b"\x32\x05\0\1t"
    cases = {
        b"\x00\x00": "type 0",
        b"\x20\x02\0\0": "malformed",  # a second CONNACK
        b"\x40\x03\0\1\0": "malformed",
        b"\x41\x02\0\1": "malformed",
        b"\x90\x03\0\5\1": "malformed",  # nobody subscribed
        b"\xd0\x01\0": "malformed",
        b"\x30\x00": "malformed",
        b"\x30\x03\0\5a": "malformed",  # a topic longer than its packet
        b"\x34\x09\0\1t\0\1long": "malformed",  # QoS 2
        b"\x36\x09\0\1t\0\1long": "malformed",
        b"\x32\xc8\x01\0\xb4" + bytes(198): "malformed",  # a topic that the buffer does not hold
        head + b"\0\0": "malformed",  # packet id 0
        b"\x32\x04\0\1t\0": "malformed",
        b"\x30\xff\xff\xff\xff\x01": "without an end",
        b"\x30\xff\xff\xff\x7f": "268435455 bytes",
    }
    for data in cases:
        rig = Rig()
        reason = rig.reason_after(data + b"\xd0\0")
        assert reason and cases[data] in reason, (data, reason)
        assert not rig.pump()
    assert Rig().reason_after(head + b"\0\1") is None


def test_oversize_message_is_read_past_answered_and_counted():
    rig = Rig()
    big = publish(b"lacak/truck-1/ack", b"B" * 3000, 1, 5)
    assert rig.reason_after(big + publish(b"t", b"next", 0)) is None
    for _ in range(20):
        rig.pump()
    assert rig.messages == [(b"t", b"next")] and rig.session.oversize == 1
    assert [packet.pid for packet in rig.wire.taken()] == [5]


def test_garbage_never_raises():
    seed = 12345
    for _ in range(200):
        rig = Rig()
        rig.publish()
        data = bytearray()
        for _ in range(60):
            seed = (seed * 1103 + 12347) % 1000003
            data.append(seed & 0xFF)
        rig.wire.give(data)
        rig.wire.eof = True
        for _ in range(8):
            rig.pump()
        assert rig.session.reason


def test_end_of_stream_and_errors_in_words():
    rig = Rig()
    rig.wire.eof = True
    assert not rig.pump() and "closed the connection" in rig.session.reason
    rig = Rig()
    rig.wire.error = 104
    assert not rig.pump() and "cut the connection" in rig.session.reason
    rig = Rig()
    rig.wire.error = 104
    assert rig.publish() > 0 and "cut the connection" in rig.session.reason
    assert rig.publish() == -1


def test_only_a_reserved_publish_goes_again_with_dup_and_its_id():
    rig = Rig()
    pids = [rig.publish() for _ in range(SLOTS)]
    rig.session.close("cut")
    rig.attach()
    assert rig.session.free == SLOTS
    for pid in pids[2:]:
        rig.session.reserve(pid)
    assert rig.publish(b"again", 1, pids[5]) == pids[5]
    rig.session.release(pids[6])
    new = [rig.publish(b"new") for _ in range(4)]
    assert new[3] == -1 and not set(new) & set(pids[2:6] + pids[7:])
    again, first, second, third = rig.wire.taken()
    assert (again.op, again.pid) == (0x3A, pids[5])
    assert [first.op, second.op, third.op] == [0x32] * 3


def test_first_reason_stays():
    rig = Rig()
    rig.session.close("one")
    rig.session.close("two")
    assert rig.session.reason == "one"
