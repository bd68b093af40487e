"""Whole IP packets of one truck, split by what they were sent for.

In: packets from the truck's interface, as they went; what the firmware's session said in clear (board_wire.py).
Out: {cause: bytes}, both ways. All bytes of a packet belong to the causes of its payload, in proportion; a bare
    acknowledgement of TCP belongs to the cause of what it answers.
Owns: which bytes of a TLS stream are which bytes of MQTT: the records come in the order in which they were written.
"""

import struct
from collections import Counter, defaultdict

CONNECTING, CLOSING, LOST, KEEPING = "connecting", "closing", "lost with the link", "keep-alive"
SUBSCRIBING, LIVE, HISTORY, ANSWERS, STATE, OTHER = "subscribing", "live", "history", "answers", "state", "other"
_LANES = {b"live": LIVE, b"hist": HISTORY, b"ack": ANSWERS, b"state": STATE}
_PUBLISH, _PUBACK, _SUBSCRIBE, _SUBACK, _PINGREQ, _PINGRESP = 3, 4, 8, 9, 12, 13
_FIN, _SYN, _RST = 1, 2, 4
_TLS_HEAD, _CHANGE, _HELLO, _DATA = 5, 20, 22, 23
_CONNACK = 4


class Session:
    """What the firmware said and heard on one connection after CONNACK."""

    def __init__(self, ms):
        self.ms = ms
        self.clear = {True: bytearray(), False: bytearray()}
        self.packets = []  # (ms, up, first byte, topic, or of a PUBACK its cause, payload)
        self.causes = {True: [], False: []}  # of each byte in clear
        self.writes = []  # bytes that were written at once
        self._asked = {}  # packet id of a publish -> its cause
        self._done = {True: 0, False: 0}

    def take(self, ms, up, data):
        clear = self.clear[up]
        clear += data
        if up:
            self.writes.append(len(data))
        while (end := packet_end(clear, self._done[up])) is not None:
            self._packet(ms, up, clear[self._done[up]], bytes(clear[self._done[up]:end]))
            self._done[up] = end

    def _packet(self, ms, up, first, packet):
        kind, body = first >> 4, body_of(packet)
        topic, payload, cause = None, b"", {_PINGREQ: KEEPING, _PINGRESP: KEEPING, _SUBSCRIBE: SUBSCRIBING,
                                            _SUBACK: SUBSCRIBING}.get(kind, OTHER)
        if kind == _PUBLISH:
            size = int.from_bytes(body[:2], "big")
            topic, at = body[2:2 + size], 2 + size
            cause = _LANES.get(topic.rpartition(b"/")[2], OTHER)
            if first & 6:
                self._asked[up, body[at:at + 2]] = cause
                at += 2
            payload = body[at:]
        elif kind == _PUBACK:
            cause = self._asked.get((not up, body), OTHER)
            if cause in (LIVE, STATE):  # asked for only to hear whether the broker is there
                cause = KEEPING
            topic = cause
        self.packets.append((ms, up, first, topic, payload))
        self.causes[up] += [cause] * len(packet)


def packet_end(data, at):
    """Behind the MQTT packet that begins at `at`; None: not whole yet."""
    size = shift = 0
    for i in range(at + 1, min(at + 5, len(data))):
        size |= (data[i] & 0x7F) << shift
        shift += 7
        if data[i] < 0x80:
            end = i + 1 + size
            return end if end <= len(data) else None
    return None


def body_of(packet):
    at = 1
    while packet[at] & 0x80:
        at += 1
    return packet[at + 1:]


def sessions_of(lines):
    """From the console's lines."""
    found = []
    for line in lines:
        if line.startswith("WIRE "):
            _, what, ms, *data = line.split()
            if what == "+":
                found.append(Session(int(ms)))
            else:
                found[-1].take(int(ms), what == "u", bytes.fromhex(data[0]))
    return found


class Split:
    """bytes by cause; packets and bare acknowledgements counted; what each connection cost from SYN to CONNACK."""

    def __init__(self, packets, sessions):
        self.bytes, self.packets, self.data_packets, self.bare, self.connections = Counter(), 0, 0, 0, []
        flows = defaultdict(list)
        for up, packet in packets:
            segment = Segment(up, packet)
            flows[segment.port].append(segment)
        sessions = iter(sessions)
        for flow in flows.values():
            connection = _Connection(flow)
            if connection.is_open:
                connection.match(next(sessions))
            self._count(connection, flow)

    def _count(self, connection, flow):
        connecting = 0
        for segment, causes in connection.shares(flow):
            self.packets += 1
            self.data_packets += bool(segment.data)
            self.bare += segment.size * segment.is_bare
            for cause, share in causes.items():
                self.bytes[cause] += segment.size * share
                connecting += segment.size * share * (cause == CONNECTING)
        self.connections.append(connecting)

    @property
    def total(self):
        return sum(self.bytes.values())


class Segment:
    def __init__(self, up, packet):
        ip = (packet[0] & 15) * 4
        self.up, self.size = up, int.from_bytes(packet[2:4], "big")
        source, target, self.number = struct.unpack(">HHI", packet[ip:ip + 8])
        self.port = source if up else target  # the truck's: another for each connection
        tcp = (packet[ip + 12] >> 4) * 4
        self.flags = packet[ip + 13]
        self.data = packet[ip + tcp:self.size]
        self.is_bare = not self.data and not self.flags & (_SYN | _FIN | _RST)


class _Connection:
    """The TLS records of both directions, and the cause of each byte of them."""

    def __init__(self, flow):
        self._causes = {}
        self._records = {}
        self._starts = {}
        for up in (True, False):
            stream, self._starts[up] = stream_of(flow, up)
            self._records[up] = list(records_of(stream))
            self._causes[up] = [CONNECTING] * len(stream)
        self._begin = {True: self._after_connect(), False: self._after_connack()}
        # A session's first word is its own; where there is none, the truck had given the connection up.
        self.is_open = self._begin[False] is not None and any(i >= self._begin[True] for i in self._data(True))

    def _data(self, up):
        return [i for i, (kind, *_) in enumerate(self._records[up]) if kind == _DATA]

    def _after_connack(self):
        """Behind the first record that holds four bytes; and so the cipher's own bytes are known."""
        for i in self._data(False):
            _, at, size = self._records[False][i]
            for extra in (8 + 16, 16, 1 + 16):  # TLS 1.2 by AES-GCM, by ChaCha20; 1.3
                if size - extra == _CONNACK and (extra == 17) == self._is_13():
                    self._extra = extra
                    return i + 1
        return None

    def _after_connect(self):
        """CONNECT is our first record of data; by 1.3 the second, behind Finished."""
        data = self._data(True)
        nth = 1 if self._is_13() else 0
        return data[nth] + 1 if len(data) > nth else len(self._records[True])

    def _is_13(self):
        """By 1.3 the server's certificate comes encrypted, so its only open handshake record is its hello."""
        return sum(kind == _HELLO for kind, *_ in self._records[False]) == 1

    def match(self, session):
        for up in (True, False):
            causes, done = session.causes[up], 0
            writes = iter(session.writes if up else ())
            for kind, at, size in self._records[up][self._begin[up]:]:
                # Ours are padded by 1.3, but each is one write; the broker's are as long as what is in them.
                n = next(writes, 0) if up and kind == _DATA else size - self._extra
                mine = causes[done:done + n] if kind == _DATA else [CLOSING]
                done += n if kind == _DATA else 0
                whole = _TLS_HEAD + size
                self._causes[up][at:at + whole] = _spread(mine or [LOST], whole)

    def shares(self, flow):
        """(segment, {cause: share of it}) in the order in which they went."""
        last = {True: CONNECTING, False: CONNECTING}
        for segment in flow:
            up = segment.up
            if segment.data:
                at = (segment.number - self._starts[up]) % (1 << 32)
                counted = Counter(self._causes[up][at:at + len(segment.data)])
                total = sum(counted.values())
                shares = {cause: n / total for cause, n in counted.items()}
                last[up] = max(counted, key=counted.get)
            elif segment.flags & (_FIN | _RST):
                shares = {CLOSING: 1}
                last[up] = CLOSING
            elif segment.flags & _SYN:
                shares = {CONNECTING: 1}
            else:
                shares = {last[not up]: 1}
            yield segment, shares


def stream_of(flow, up):
    """The bytes of one direction, each once, and the number of the first."""
    begin, stream = None, bytearray()
    for segment in flow:
        if segment.up == up:
            if segment.flags & _SYN:
                begin = (segment.number + 1) % (1 << 32)
            elif segment.data:
                at = (segment.number - begin) % (1 << 32)
                if at > len(stream):
                    raise ValueError("a packet is missing in the count")
                stream[at:at + len(segment.data)] = segment.data
    return bytes(stream), begin


def records_of(stream):
    """(type, where it begins, bytes behind its head) of each TLS record."""
    at = 0
    while at + _TLS_HEAD <= len(stream):
        size = int.from_bytes(stream[at + 3:at + 5], "big")
        yield stream[at], at, size
        at += _TLS_HEAD + size


def _spread(causes, n):
    """n bytes in proportion to these causes."""
    return [causes[i * len(causes) // n] for i in range(n)]
