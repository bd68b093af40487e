"""PPP from either end: LCP (RFC 1661), PAP (1334), IPCP (1332, 1877); the frames are sim_hdlc.py's.

In: feed(bytes of the line, ms), tick(ms).
Out: out, a bytearray of bytes for the line; phase; error; what the two agreed on.
Owns: the negotiation. It has two ends: Client stands where lwIP is on the board, Peer behind the modem. Runs on CPython
    too. What is not here: CHAP, compression, IP itself (a packet of it is counted and dropped).
"""

try:
    from sim_hdlc import Unframer, frame, options, packed
except ImportError:  # on CPython
    from sim.board.sim_hdlc import Unframer, frame, options, packed

LCP, PAP, IPCP, IP = 0xC021, 0xC023, 0x8021, 0x0021
_REQ, _ACK, _NAK, _REJ, _TERM, _TERM_ACK, _CODE_REJ, _PROTO_REJ, _ECHO, _ECHO_REPLY = range(1, 11)
_MRU, _ACCM, _AUTH, _MAGIC, _PFC, _ACFC = 1, 2, 3, 5, 7, 8
_ADDRESS, _DNS1, _DNS2 = 3, 129, 131
_AGAIN_MS, _TRIES = 6000, 10  # lwIP's FSM_DEFTIMEOUT and FSM_DEFMAXCONFREQS
_LOOPS = 5  # own requests heard again: the modem is in command mode and echoes
# lwIP's reasons for an end
USER, AUTH_FAILED, PROTOCOL, PEER_DEAD, LOOPBACK = 5, 7, 8, 9, 12


class _End:
    """What both ends have in common. phase: "lcp", "auth", "ipcp", "up", "dead"."""

    takes = {LCP: (_MRU, _ACCM, _MAGIC, _PFC, _ACFC), IPCP: (_ADDRESS, _DNS1, _DNS2)}

    def __init__(self, ms, magic):
        self.out = bytearray()
        self.error = 0
        self.packets = 0  # of IP
        self.unframer = Unframer()
        self._magic = magic
        self._id = 0
        self._own_again = 0
        self._begin(ms)

    def _begin(self, ms):
        self._enter("lcp", ms)
        self.wants = {LCP: self.lcp_wants(), IPCP: self.ipcp_wants()}
        self._request(LCP, ms)

    def _enter(self, phase, ms):
        self.phase = phase
        self._mine = self._theirs = False  # is agreed on
        self._tries = 0
        self.again_ms = ms + _AGAIN_MS

    def _send(self, protocol, code, ident, body=b""):
        size = 4 + len(body)
        self.out += frame(protocol, bytes((code, ident, size >> 8, size & 0xFF)) + body)

    def _request(self, protocol, ms):
        self._id = self._id + 1 & 0xFF
        self._tries += 1
        self.again_ms = ms + _AGAIN_MS
        self._send(protocol, _REQ, self._id, packed(self.wants[protocol]))

    def die(self, error):
        self.phase = "dead"
        self.error = error

    def hang_up(self):
        """Say so to the other end."""
        if self.phase != "dead":
            self._send(LCP, _TERM, self._id, b"")
            self.die(USER)

    def tick(self, ms):
        if self.phase in ("up", "dead") or ms < self.again_ms:
            return
        if self._tries >= _TRIES:
            self.die(PROTOCOL)
        elif self.phase == "auth":
            self.authenticate(ms)
        else:
            self._request(LCP if self.phase == "lcp" else IPCP, ms)

    def feed(self, data, ms):
        for protocol, body in self.unframer.feed(data):
            if self.phase == "dead":
                return
            if protocol == IP:
                self.packets += 1
            elif len(body) >= 4 and 4 <= body[2] << 8 | body[3] <= len(body):
                self._packet(protocol, body[0], body[1], body[4 : body[2] << 8 | body[3]], ms)

    def _packet(self, protocol, code, ident, body, ms):
        if protocol == PAP:
            self.pap(code, ident, body, ms)
        elif protocol == LCP and code == _TERM:
            self._send(LCP, _TERM_ACK, ident)
            self.die(PEER_DEAD)
        elif protocol == LCP and code == _ECHO and self.phase != "lcp":
            self._send(LCP, _ECHO_REPLY, ident, self._magic)
        elif protocol == LCP and _REQ <= code <= _REJ:
            if self.phase != "lcp":
                if code != _REQ:
                    return
                self._begin(ms)  # the other end starts anew
            self._configure(LCP, code, ident, body, ms)
        elif protocol == IPCP and _REQ <= code <= _REJ and self.phase in ("ipcp", "up"):
            if self.phase == "up" and code == _REQ:
                self._enter("ipcp", ms)
                self._request(IPCP, ms)
            self._configure(IPCP, code, ident, body, ms)

    def _configure(self, protocol, code, ident, body, ms):
        pairs = options(body)
        if pairs is None:
            return
        if code == _REQ:
            if protocol == LCP and (_MAGIC, self._magic) in pairs:
                self._own_again += 1
                if self._own_again >= _LOOPS:
                    self.die(LOOPBACK)
                return
            self._answer(protocol, ident, pairs, body)
        elif ident != self._id or self._mine:
            return
        elif code == _ACK:
            self._mine = True
        else:
            self.refused(protocol, code, pairs)
            if self.phase != "dead":
                self._request(protocol, ms)
        if self._mine and self._theirs and self.phase in ("lcp", "ipcp"):
            self.agreed(protocol, ms)

    def _answer(self, protocol, ident, pairs, body):
        unknown = [pair for pair in pairs if not self.knows(protocol, pair[0])]
        better = [self.better(protocol, *pair) for pair in pairs]
        better = [pair for pair in better if pair]
        if unknown:
            self._send(protocol, _REJ, ident, packed(unknown))
        elif better:
            self._send(protocol, _NAK, ident, packed(better))
        else:
            self._theirs = True
            self._send(protocol, _ACK, ident, body)

    def knows(self, protocol, kind):
        return kind in self.takes[protocol]

    def better(self, protocol, kind, value):
        """What the option's value should be instead; None: it is right."""

    def refused(self, protocol, code, pairs):
        told = dict(pairs)
        wants = self.wants[protocol]
        if code == _REJ:
            self.wants[protocol] = [pair for pair in wants if pair[0] not in told]
        else:
            self.wants[protocol] = [(kind, told.get(kind, value)) for kind, value in wants]

    def to_ipcp(self, ms):
        self._enter("ipcp", ms)
        self._request(IPCP, ms)


class Client(_End):
    def __init__(self, ms, user=b"", key=b"", pap=False, magic=b"LACK"):
        self.address = self.dns = b"\0\0\0\0"
        self._who = bytes((len(user),)) + user + bytes((len(key),)) + key
        self._pap = pap
        self._asked = False  # the peer wants to know who we are
        _End.__init__(self, ms, magic)

    def lcp_wants(self):
        self._asked = False
        return [(_ACCM, b"\0\0\0\0"), (_MAGIC, self._magic), (_PFC, b""), (_ACFC, b"")]

    def ipcp_wants(self):
        return [(kind, b"\0\0\0\0") for kind in (_ADDRESS, _DNS1, _DNS2)]

    def knows(self, protocol, kind):
        return _End.knows(self, protocol, kind) or protocol == LCP and kind == _AUTH and self._pap

    def better(self, protocol, kind, value):
        if protocol == LCP and kind == _AUTH:
            self._asked = value == b"\xc0\x23"
            return None if self._asked else (_AUTH, b"\xc0\x23")

    def agreed(self, protocol, ms):
        if protocol == LCP:
            if self._asked:
                self._enter("auth", ms)
                self.authenticate(ms)
            else:
                self.to_ipcp(ms)
        else:
            told = dict(self.wants[IPCP])
            self.address, self.dns = told.get(_ADDRESS), told.get(_DNS1, b"\0\0\0\0")
            self.phase = "up"

    def authenticate(self, ms):
        self._tries += 1
        self.again_ms = ms + _AGAIN_MS
        self._send(PAP, _REQ, self._tries, self._who)

    def pap(self, code, ident, body, ms):
        if self.phase == "auth" and code == _ACK:
            self.to_ipcp(ms)
        elif self.phase == "auth":
            self.die(AUTH_FAILED)


class Peer(_End):
    """What sits behind the modem. who: (user, key) that it wants to hear, or None."""

    def __init__(self, ms, address, dns, who=None, magic=b"PEER", up=False):
        self.own, self.address, self.dns = b"\x0a\x40\x40\x40", address, dns
        self._who = who
        _End.__init__(self, ms, magic)
        if up:  # since long before
            self.phase, self.out = "up", bytearray()

    def lcp_wants(self):
        auth = [(_AUTH, b"\xc0\x23")] if self._who else []
        return [(_ACCM, b"\0\0\0\0"), (_MAGIC, self._magic)] + auth

    def ipcp_wants(self):
        return [(_ADDRESS, self.own)]

    def better(self, protocol, kind, value):
        if protocol == IPCP:
            right = self.address if kind == _ADDRESS else self.dns
            return None if value == right else (kind, right)

    def refused(self, protocol, code, pairs):
        if protocol == LCP and _AUTH in dict(pairs):
            self.hang_up()
            self.error = AUTH_FAILED
        else:
            _End.refused(self, protocol, code, pairs)

    def agreed(self, protocol, ms):
        if protocol == IPCP:
            self.phase = "up"
        elif self._who:
            self._enter("auth", ms)
        else:
            self.to_ipcp(ms)

    def authenticate(self, ms):
        self._tries += 1
        self.again_ms = ms + _AGAIN_MS  # it is the client's turn

    def pap(self, code, ident, body, ms):
        if self.phase not in ("auth", "ipcp") or code != _REQ or not self._who:
            return
        user, key = self._who
        right = body == bytes((len(user),)) + user + bytes((len(key),)) + key
        self._send(PAP, _ACK if right else _NAK, ident, b"\0")
        if not right:
            self.hang_up()
            self.error = AUTH_FAILED
        elif self.phase == "auth":
            self.to_ipcp(ms)
