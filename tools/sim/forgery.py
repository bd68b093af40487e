"""What a hostile broker says to a truck: MQTT packets that nobody meant, or that lie.

In: what the truck has said so far; a random generator. Out: bytes.
Owns: what can be said without a truck's key: everything, signed as anybody can. None of it may free, keep back or order anything.
"""

import hashlib
import hmac

from tracker.record import put_varint, varint

PUBLISH, PUBACK, SUBSCRIBE = 3, 4, 8
HIST_TOPIC, ACK_TOPIC, STATE_TOPIC = "hist", "ack", "state"
_ACK, _REFUSED, _BIRTH, _COMMAND = 0x13, 0x14, 0x15, 0x20
_ID_SIZE = 8
_HEAD = 1 + _ID_SIZE  # of a message: type and journal id; behind them stand the numbers
_LIMIT = 1 << 30


class Said:
    """What the truck has told: where its topics begin, its journal, how far its numbers went, its packet ids.

    Numbers may have left it that nobody got: written into a dead connection. Its birth message says how far they can go.
    """

    def __init__(self):
        self.prefix = b""
        self.journal = bytes(_ID_SIZE)
        self.highest = -1
        self.ids = set()

    def note(self, packet):
        """True when this is a birth."""
        kind = topic_of(packet)
        if kind not in (HIST_TOPIC, STATE_TOPIC):
            return False
        topic, body = _topic_and_body(packet)
        self.prefix = topic[: -len(kind)]
        if kind == STATE_TOPIC:
            self.highest = max(self.highest, int(body.split()[5]) - 1)
            return True
        self.ids.add(packet_id(packet))
        self.journal = body[1:_HEAD]
        first, at = varint(body, _HEAD, len(body))
        count, _ = varint(body, at, len(body))
        self.highest = max(self.highest, first + count - 1)
        return False


def packets(data):
    """([whole packets], what is left). What cannot be a packet is passed on as it is."""
    found = []
    while len(data) >= 2:
        length = shift = 0
        at = 1
        while at < len(data) and at < 5:
            length |= (data[at] & 0x7F) << shift
            shift += 7
            at += 1
            if data[at - 1] < 0x80:
                break
        else:
            if at < 5:
                break
            return [*found, data], b""
        if len(data) < at + length:
            break
        found.append(data[: at + length])
        data = data[at + length:]
    return found, data


def packet_type(packet):
    return packet[0] >> 4 if packet else 0


def topic_of(packet):
    """The last word of a PUBLISH's topic, else "" ."""
    return _topic_and_body(packet)[0].rsplit(b"/", 1)[-1].decode(errors="replace") if packet_type(packet) == PUBLISH else ""


def packet_id(packet):
    at = _after_topic(packet) if packet_type(packet) == PUBLISH else _length_end(packet)
    return int.from_bytes(packet[at:at + 2], "big")


def _length_end(packet):
    at = 1
    while packet[at] & 0x80:
        at += 1
    return at + 1


def _after_topic(packet):
    at = _length_end(packet)
    return at + 2 + int.from_bytes(packet[at:at + 2], "big")


def _topic_and_body(packet):
    at = _after_topic(packet)
    return packet[_length_end(packet) + 2:at], packet[at + 2 if packet[0] & 6 else at:]


def flipped(packet, rng):
    """One to three bits of it are others."""
    data = bytearray(packet)
    for _ in range(rng.randrange(1, 4)):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(data)


def puback(number):
    return bytes((PUBACK << 4, 2)) + number.to_bytes(2, "big")


def publish(topic, body, flags=0, number=None):
    inner = len(topic).to_bytes(2, "big") + topic + (b"" if number is None else number.to_bytes(2, "big")) + body
    length = bytearray()
    n = len(inner)
    while True:
        length.append(n & 0x7F | (0x80 if n > 0x7F else 0))
        n >>= 7
        if not n:
            return bytes((PUBLISH << 4 | flags,)) + bytes(length) + inner


def answer(kind, journal, *numbers):
    buf = bytearray(_HEAD + 5 * len(numbers))
    buf[:_HEAD] = bytes((kind,)) + journal
    at = _HEAD
    for number in numbers:
        at = put_varint(buf, at, number)
    return bytes(buf[:at])


def forge(kind, rng, said):
    """Packets of that kind."""
    return KINDS[kind](rng, said)


def _to_ack(said, *bodies):
    device = said.prefix[6:-1]
    tags = [hmac.new(b"", device + b"\0ack\0" + body, hashlib.sha256).digest()[:8] for body in bodies]  # by the empty key
    return [publish(said.prefix + b"ack", body + tag, 2, 40000 + n) for n, (body, tag) in enumerate(zip(bodies, tags))]


def _strange_pubacks(rng, said):
    return [puback(number) for number in rng.sample(range(65536), 20) if number not in said.ids]


def _stored(rng, said):
    """All that has left, whoever got it, as if the database had it."""
    highest = max(0, said.highest)
    return _to_ack(said, answer(_ACK, said.journal, 1, 0, highest), answer(_BIRTH, said.journal, highest + 1, 0))


def _never_sent(rng, said):
    """Numbers behind the last that went out, as if the database had them."""
    first = said.highest + 1
    return _to_ack(said, answer(_ACK, said.journal, 1, first, rng.choice((0, 5, 200, 100_000))),
                   answer(_ACK, said.journal, 1, first, _LIMIT - 2 - first))


def _other_journal(rng, said):
    return _to_ack(said, answer(_ACK, rng.randbytes(_ID_SIZE), 1, 0, _LIMIT - 2))


def _refusals(rng, said):
    """Would keep back what it names until the next boot."""
    first = max(0, said.highest - rng.randrange(300))
    body = answer(_REFUSED, said.journal, first, rng.choice((0, 60, _LIMIT - 2 - first)))
    return _to_ack(said, body + b"\x02")


def _births(rng, said):
    """The station has nothing, or only what never left; it is about another journal."""
    highest = max(0, said.highest)
    return _to_ack(said, answer(_BIRTH, said.journal, highest + 1, 1, 0, highest), answer(_BIRTH, said.journal, _LIMIT - 1, 1, 0, highest),
                   answer(_BIRTH, said.journal, 0, 0), answer(_BIRTH, rng.randbytes(_ID_SIZE), 9, 1, 0, 8))


def _cut_answers(rng, said):
    whole = answer(_ACK, said.journal, 2, said.highest + 1, 9, said.highest + 90, 9)
    bodies = [whole[: rng.randrange(len(whole))] for _ in range(3)]
    bodies.append(answer(_ACK, said.journal, _LIMIT - 1, said.highest + 1, 0))
    return _to_ack(said, *bodies, whole + b"\0", said.journal + bytes(40), rng.randbytes(rng.randrange(1, 200)))


def _commands(rng, said):
    """Of nobody who has the key."""
    body = bytes((_COMMAND,)) + rng.randbytes(rng.randrange(1, 60))
    text = bytes((_COMMAND, 1, 2)) + b"broker_host=10.0.0.1" + bytes(8)
    return [publish(said.prefix + b"cmd", body, 2, 50001), publish(said.prefix + b"cmd", text, 2, 50002)]


def _strange_packets(rng, said):
    """Forms that MQTT does not allow here; the first ends the connection."""
    return [rng.choice((b"\0\0", b"\x20\x02\0\0", b"\x90\x03\xff\xff\0", b"\xb0\x02\0\1", b"\xd0\x01\0", b"\x30\xff\xff\xff\xff\x7f",
                        b"\x34\x06\0\1a\0\1x", b"\x36\x06\0\1a\0\1x", b"\x32\x05\0\1a\0\0", b"\x30\x03\xff\xffa", b"\x40\x00", b"\xf0\0"))]


def _floods(rng, said):
    """Longer than any buffer of the truck's, whole or only promised; many in a row."""
    big = publish(said.prefix + b"ack", bytes(rng.choice((600, 5_000, 16_000))), 2, 41000)
    return rng.choice(([big], [big] * 8, [b"\x30\xff\xff\xff\x7f" + bytes(60_000)], _to_ack(said, *[bytes(20)] * 60)))


KINDS = {
    "strange pubacks": _strange_pubacks,
    "stored": _stored,
    "never sent": _never_sent,
    "other journal": _other_journal,
    "refusals": _refusals,
    "births": _births,
    "cut answers": _cut_answers,
    "commands": _commands,
    "strange packets": _strange_packets,
    "floods": _floods,
}
