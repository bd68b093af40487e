"""The broker's name to an address, by a DNS question of our own.

The port's getaddrinfo stops the whole road for 14 s when no server answers, and never returns
under PPP with MicroPython 1.26 to 1.28 (micropython issues 18797, 18737).

In: servers(), the name servers' addresses, best first; kept, one number that outlives a reset.
Out: find(), an address as text.
Owns: the question's socket; the address at which the broker was last.
"""

import errno

from micropython import const

_PORT = const(53)
_WAIT_MS = const(2000)  # for one server, which is asked twice
_POLL_MS = const(20)
_SIZE = const(512)  # RFC 1035: what fits without an extension that we do not ask for
_FIXED = const(12)  # bytes before the question
_RECORD = const(10)  # type, class, time to live, length


class Names:
    def __init__(self, socket, clock, urandom, servers, kept):
        self._socket = socket
        self._clock = clock
        self._urandom = urandom
        self._servers = servers
        self._kept = kept
        self._found = None
        self.silences = 0  # questions without a usable answer
        self.strangers = 0  # packets that were no answer to our question
        self.from_memory = 0

    async def find(self, host, beat):
        """The servers' answer, else the address that was good last; OSError when there is none."""
        asked = query(self._urandom(2), host)
        trouble = "no name server is known: check the link, or set dns_server"
        for server in self._servers() * 2:
            try:
                address = await self._ask(server, asked, beat)
            except OSError:  # no road to this one
                address = None
            if address:
                self._found = address
                return address
            self.silences += 1
            trouble = "no name server answers"
            if address == "":
                trouble = "the name has no address: check broker_host"
        kept = self._kept.get()
        if kept is None:
            raise OSError(trouble)
        self.from_memory += 1
        self._found = None
        return "%d.%d.%d.%d" % (kept >> 24 & 255, kept >> 16 & 255, kept >> 8 & 255, kept & 255)

    def proven(self):
        """The broker was at the address that find() gave: worth keeping."""
        if self._found:
            a, b, c, d = [int(part) for part in self._found.split(".")]
            number = (a - (a >> 7 << 8)) << 24 | b << 16 | c << 8 | d  # signed, as NVS has it
            if number != self._kept.get():
                self._kept.set(number)
            self._found = None

    async def _ask(self, server, asked, beat):
        """An address, "" when the server says that there is none, None when it says nothing."""
        clock = self._clock
        begun_ms = clock.ticks_ms()
        sock = self._socket.socket(self._socket.AF_INET, self._socket.SOCK_DGRAM)
        try:
            sock.setblocking(False)
            sock.sendto(asked, (server, _PORT))
            while clock.ticks_diff(clock.ticks_ms(), begun_ms) < _WAIT_MS:
                beat()
                await clock.sleep_ms(_POLL_MS)
                try:
                    packet, source = sock.recvfrom(_SIZE)
                except OSError as error:
                    if error.args[0] != errno.EAGAIN:
                        raise
                    continue
                if source[:2] == (server, _PORT):
                    address = answer(packet, asked)
                    if address is not None:
                        return address
                self.strangers += 1
        finally:
            sock.close()


def query(ident, host):
    """The packet that asks for a name's IPv4 address."""
    packet = ident + b"\1\0\0\1\0\0\0\0\0\0"
    for label in host.encode().split(b"."):
        if not 0 < len(label) < 64:
            raise OSError("broker_host is neither a name nor an address")
        packet += bytes((len(label),)) + label
    return packet + b"\0\0\1\0\1"


def answer(packet, asked):
    """The first address in a packet that answers the question; "" when it has none; None when it
    is not our question's. Names are passed over and no pointer is followed, so nothing can loop."""
    end = len(packet)
    at = len(asked)
    if end < at or packet[:2] != asked[:2] or packet[4:6] != b"\0\1" or packet[2] & 0xF8 != 0x80:
        return None
    if packet[_FIXED:at] != asked[_FIXED:]:
        return None
    if packet[3] & 15:
        return ""
    for _ in range(packet[6] << 8 | packet[7]):
        while at < end and 0 < packet[at] < 0xC0:
            at += packet[at] + 1
        if at < end:
            at += 2 if packet[at] else 1
        size_at = at + _RECORD - 2
        if size_at + 2 > end:
            break
        size = packet[size_at] << 8 | packet[size_at + 1]
        if packet[at : at + 4] == b"\0\1\0\1" and size == 4 and size_at + 6 <= end:
            first = packet[size_at + 2]
            if 0 < first < 224:  # a filter's 0.0.0.0 and a multicast group are nobody's address
                return "%d.%d.%d.%d" % tuple(packet[size_at + 2 : size_at + 6])
        at = size_at + 2 + size
    return ""
