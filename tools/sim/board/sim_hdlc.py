"""PPP's frames on a serial line (RFC 1662), and the options inside a configure packet (1661).

In: bytes of the line, or a packet.  Out: the other.  Owns: nothing but the frame that is being read.
"""

_LARGEST = 1600  # a frame of the largest packet with all that goes round it


def fcs(data):
    """The 16-bit check of RFC 1662 over the bytes, as it is sent (low byte first)."""
    check = 0xFFFF
    for byte in data:
        check ^= byte
        for _ in range(8):
            check = check >> 1 ^ (0x8408 if check & 1 else 0)
    return check ^ 0xFFFF


def frame(protocol, body):
    """The bytes of the line for one packet; every control character escaped."""
    inner = b"\xff\x03" + bytes((protocol >> 8, protocol & 0xFF)) + body
    check = fcs(inner)
    out = bytearray(b"\x7e")
    for byte in inner + bytes((check & 0xFF, check >> 8)):
        if byte < 0x20 or byte in (0x7D, 0x7E):
            out.append(0x7D)
            byte ^= 0x20
        out.append(byte)
    out.append(0x7E)
    return bytes(out)


class Unframer:
    """Cuts the line's bytes into packets; whatever is not one is counted."""

    def __init__(self):
        self.bad = 0
        self._data = bytearray()
        self._escaped = False

    def feed(self, data):
        """[(protocol, body), ...]"""
        found = []
        for byte in data:
            if byte == 0x7E:
                packet = self._packet()
                if packet:
                    found.append(packet)
                self._data = bytearray()
                self._escaped = False
            elif byte == 0x7D:
                self._escaped = True
            elif len(self._data) < _LARGEST:
                self._data.append(byte ^ 0x20 if self._escaped else byte)
                self._escaped = False
        return found

    def _packet(self):
        data = bytes(self._data)
        if not data:
            return None  # two flags in a row
        check = len(data) >= 4 and fcs(data[:-2])
        if len(data) < 4 or self._escaped or (data[-2] | data[-1] << 8) != check:
            self.bad += 1
            return None
        data = data[2:-2] if data[:2] == b"\xff\x03" else data[:-2]
        if len(data) > 1 and not data[0] & 1:
            return data[0] << 8 | data[1], data[2:]
        return (data[0], data[1:]) if data and data[0] & 1 else None


def options(body):
    """[(type, value), ...] of a configure packet, or None if it can't be cut into options."""
    found = []
    while body:
        if len(body) < 2 or not 2 <= body[1] <= len(body):
            return None
        found.append((body[0], body[2 : body[1]]))
        body = body[body[1] :]
    return found


def packed(pairs):
    return b"".join(bytes((kind, 2 + len(value))) + value for kind, value in pairs)
