"""The uplink's benchmark: which byte of a packet belongs to what, and the estimates' arithmetic."""

import pytest
from bench import uplink_day, uplink_history, uplink_peers, uplink_wire
from bench.uplink_wire import CLOSING, CONNECTING, HISTORY, KEEPING, LIVE, Session, Split
from tracker.fix import Fix

ACK, PSH, SYN, FIN = 16, 24, 2, 17


class Flow:
    """Packets of one connection, as an interface sees them."""

    def __init__(self):
        self.packets, self._next = [], {True: 100, False: 9000}

    def put(self, up, flags, data=b"", pieces=1):
        step = -(-len(data) // pieces) if data else 1
        for at in range(0, max(len(data), 1), step):
            piece = data[at:at + step]
            ports = (40000, 8883) if up else (8883, 40000)
            head = b"".join(n.to_bytes(2, "big") for n in ports) + self._next[up].to_bytes(4, "big") + bytes(4)
            tcp = head + bytes([0x50, flags]) + bytes(6)
            ip = bytes([0x45, 0]) + (40 + len(piece)).to_bytes(2, "big") + bytes(16)
            self.packets.append((up, ip + tcp + piece))
            self._next[up] += len(piece) + (flags & 3 != 0)


def record(kind, n):
    """A TLS record of n bytes behind its head."""
    return bytes([kind, 3, 3]) + n.to_bytes(2, "big") + bytes(n)


def publish(topic, payload, qos, pid=7):
    body = len(topic).to_bytes(2, "big") + topic + (pid.to_bytes(2, "big") if qos else b"") + payload
    return bytes([0x30 | qos << 1, len(body)]) + body


def talk(extra, handshake_up, handshake_down, padded=0):
    """A session: CONNECT, live, a block, PUBACK, ping; (Split, bytes of TLS around a message)."""
    flow, session = Flow(), Session(0)
    flow.put(True, SYN)
    flow.put(False, SYN | ACK)
    flow.put(True, PSH, handshake_up)
    flow.put(False, PSH, handshake_down)
    flow.put(True, PSH, record(23, 50 + extra))  # CONNECT
    flow.put(False, PSH, record(23, 4 + extra))
    live, block = publish(b"lacak/t/live", bytes(20), 0), publish(b"lacak/t/hist", bytes(80), 1)
    puback = b"\x40\x02\x00\x07"
    for up, message, pieces in ((True, live, 1), (True, block, 2), (False, puback, 1), (True, b"\xc0\0", 1),
                                (False, b"\xd0\0", 1)):
        session.take(5, up, message)
        flow.put(up, PSH, record(23, len(message) + extra + padded * up), pieces)
        flow.put(not up, ACK)
    flow.put(True, PSH, record(21, 2 + extra))
    flow.put(True, FIN)
    return Split(flow.packets, [session]), len(live), len(block)


@pytest.mark.parametrize("extra, up, down, padded", [
    (24, record(22, 300) + record(20, 1), record(22, 90) + record(22, 500), 0),
    (17, record(22, 300) + record(20, 1) + record(23, 53), record(22, 90) + record(20, 1) + record(23, 600), 9),
])
def test_each_byte_has_one_cause_and_none_is_lost(extra, up, down, padded):
    split, live, block = talk(extra, up, down, padded)
    head = 40 + 5 + extra
    assert round(split.bytes[LIVE]) == head + live + padded + 40
    assert round(split.bytes[HISTORY]) == head + block + padded + 40 + head + 4 + 40 + 40
    assert round(split.bytes[KEEPING]) == 2 * (head + 2 + 40) + padded
    assert round(split.bytes[CONNECTING]) == 2 * 40 + 40 + len(up) + 40 + len(down) + 2 * head + 54
    assert round(split.bytes[CLOSING]) == head + 2 + 40
    assert sum(split.bytes.values()) == pytest.approx(split.total)
    assert split.bare == 5 * 40


def test_a_packet_that_was_not_seen_is_noticed():
    flow = Flow()
    flow.put(True, SYN)
    flow.put(True, PSH, bytes(10))
    flow.put(True, PSH, bytes(10))
    segments = [uplink_wire.Segment(*packet) for packet in flow.packets]
    assert uplink_wire.stream_of(segments, True)[0] == bytes(20)
    with pytest.raises(ValueError):
        uplink_wire.stream_of(segments[:1] + segments[2:], True)


def test_estimates_of_the_peers():
    assert round(uplink_peers.codec8_fix()) == 67
    assert uplink_peers.owntracks_fix() == 356 and uplink_peers.osmand_fix() == 480
    found = uplink_peers.day(3600, 7200, 100, 2, 2000)
    assert found["OwnTracks, TLS"][0] == (360 + 2) * 356 + 3 * 2000 + 120 * 222
    assert found["OsmAnd, TLS"][0] == (360 + 2) * 480 + 3 * 2000


def test_what_a_block_holds_and_where_the_map_has_the_truck():
    payload = b"\x11" + bytes(8) + b"\x80\x01" + b"\x03" + bytes(33) + bytes(8)
    assert uplink_history.records_in(payload) == (3, 33)
    fix = Fix()
    fix.sec, fix.lat_udeg, fix.lon_udeg, fix.speed_cms, fix.course_cdeg = 0, 0, 0, 1000, 9000
    assert [round(x) for x in uplink_day.reckoned(fix, 90)] == [0, 5390]
    assert uplink_day.as_it_was(fix, 90) == (0, 0)


def test_a_longer_shift_has_the_same_way():
    class Round:
        network, length_m, stops, tunnels, ignition = None, 10.0, [(2, 5, "bins")], [], [(0, 1), (8, 0)]
        x, y = [0, 5, 5, 5, 5, 5, 10, 10], [0] * 8

    longer = uplink_day.lengthened(Round, [(2, 4)], 100)
    assert len(longer.x) == 108 and longer.stops == [(2, 105, "bins")] and longer.ignition == [(0, 1), (107, 0)]
    assert sum(uplink_day.steps_m(longer)) == sum(uplink_day.steps_m(Round)) == 10
