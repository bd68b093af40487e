"""The open requests: while an answer is on its way, the simulated clock runs at real speed.

In: the bytes of each connection, both ways (MQTT 3.1.1; of anything else, such as TLS, only that
    bytes went or came).
Out: waiting() and sleep() for the clock.
Owns: which request is open, and that none holds the clock longer than hold_ms of real time.
"""

import network
import sim_world
import uselect
from utime import ticks_add, ticks_diff, ticks_ms

_MOST_MS = 5000  # the script's hold_ms, where many answers never come
_QUIET_MS = 250  # without a byte, on a connection into which we cannot see: no answer is on its way
_KEEP = 512  # bytes of a packet that are looked at
_CONNECT, _CONNACK, _PUBLISH, _PUBACK, _SUBSCRIBE, _SUBACK, _PINGREQ, _PINGRESP, _DISCONNECT = (
    1,
    2,
    3,
    4,
    8,
    9,
    12,
    13,
    14,
)
_BLOCK, _REFUSED, _ACK = (
    0x11,
    0x14,
    0x13,
)  # first bytes of a history block and of the station's answers (docs/protocol.md)
_STORED = 16  # awaited: the station's word on the numbers key..last
_ANY = 17  # awaited: any byte


class Hold:
    def __init__(self):
        self.open = []  # (awaited, key, last, real deadline), oldest first
        self._sockets = uselect.poll()
        self._outages = 0, None
        self._bodies = [
            bytearray(_KEEP),
            bytearray(_KEEP),
        ]  # made once: they are not the firmware's heap

    def watch(self, real):
        """A new connection. The one before is dead or closed: a tracker has one broker."""
        self._sockets.register(real, uselect.POLLIN)
        return Watch(self, *self._bodies)

    def forget(self, real):
        self._sockets.unregister(real)
        self.open.clear()

    def ask(self, awaited, key=0, last=0):
        self._drop_lost()
        most_ms = sim_world.script.get("hold_ms", _MOST_MS)
        self.open.append((awaited, key, last, ticks_add(ticks_ms(), most_ms)))

    def stir(self, ms):
        """Bytes went or came, and only they know what they mean."""
        self._drop_lost()
        self.open[:] = ((_ANY, 0, 0, ticks_add(ticks_ms(), ms)),)

    def answer(self, awaited, key=0):
        for request in self.open:
            if request[0] == awaited and request[1] == key:
                self.open.remove(request)
                return

    def stored(self, lo, hi):
        for request in self.open[:]:
            if request[0] == _STORED and lo <= request[2] <= hi:
                self.open.remove(request)

    def waiting(self):
        """Is an answer on its way? Not if it is in the board's buffer, late, or lost."""
        self._drop_lost()
        while self.open and ticks_diff(ticks_ms(), self.open[0][3]) >= 0:
            self.open.pop(0)
        if not self.open or sim_world.outage() or not network.linked():
            return False
        for _ in self._sockets.ipoll(0):
            return False
        return True

    def _drop_lost(self):
        """An answer to what was asked before an outage, or over another bearer, never comes."""
        now = sim_world.outages_begun(), network.route()
        if self._outages != now:
            self._outages = now
            self.open.clear()

    def sleep(self, ms):
        """Wait for a byte, at most ms of real time; returns how many passed."""
        began = ticks_ms()
        for _ in self._sockets.ipoll(ms):
            break
        return ticks_diff(ticks_ms(), began)


class Watch:
    """One connection: cuts both directions into packets and keeps the hold's list."""

    def __init__(self, hold, up_body, down_body):
        self._hold = hold
        self._bodies = (up_body, down_body)
        self._up = None
        self._down = None

    def sent(self, buf, off, n):
        if self._up is None and n:
            is_mqtt = buf[off] == _CONNECT << 4
            self._up = (
                _Packets(self._asked, self._bodies[0]) if is_mqtt
                else _Opaque(self._hold, _MOST_MS)
            )
            self._down = (
                _Packets(self._answered, self._bodies[1])
                if is_mqtt
                else _Opaque(self._hold, _QUIET_MS)
            )
        if n:
            self._up.feed(buf, off, n)

    def got(self, buf, n):
        if self._down and n:
            self._down.feed(buf, 0, n)

    def _asked(self, kind, flags, body, n):
        hold = self._hold
        if kind == _CONNECT:
            hold.ask(_CONNACK)
        elif kind == _SUBSCRIBE:
            hold.ask(_SUBACK, _u16(body, 0))
        elif kind == _PINGREQ:
            hold.ask(_PINGRESP)
        elif kind == _DISCONNECT:
            hold.open.clear()
        elif kind == _PUBLISH and flags & 6:
            at = 2 + _u16(body, 0)
            hold.ask(_PUBACK, _u16(body, at))
            if body[at - 5 : at] == b"/hist" and body[at + 2] == _BLOCK:
                first, at = _varint(body, at + 11)
                hold.ask(_STORED, first, first + _varint(body, at)[0] - 1)

    def _answered(self, kind, flags, body, n):
        if kind in (_SUBACK, _PUBACK):
            self._hold.answer(kind, _u16(body, 0))
        elif kind in (_CONNACK, _PINGRESP):
            self._hold.answer(kind)
        elif kind == _PUBLISH:
            at = 2 + _u16(body, 0)
            if at < _KEEP - 16 and body[at - 4 : at] == b"/ack":  # a hostile broker says any length
                self._ranges(body, at + (2 if flags & 6 else 0), n)

    def _ranges(self, body, at, n):
        count, off = _varint(body, at + 9) if body[at] == _ACK else (1, at + 9)
        while count > 0 and off < n:
            lo, off = _varint(body, off)
            more, off = _varint(body, off)
            self._hold.stored(lo, lo + more)
            count -= 1


class _Opaque:
    """Not MQTT to the eye: each byte may be a question or the answer to several."""

    def __init__(self, hold, first_ms):
        self._hold = hold
        self._ms = first_ms  # how long an answer to the first bytes is awaited

    def feed(self, buf, off, n):
        self._hold.stir(self._ms)
        self._ms = _QUIET_MS


class _Packets:
    """Cuts a stream into packets; on_packet(kind, flags, body, bytes of it that are there)."""

    def __init__(self, on_packet, body):
        self._on_packet = on_packet
        self._body = body
        self._kind = -1  # -1: the next byte begins a packet
        self._shift = 0  # bits of the length read so far; -1: it is complete
        self._length = self._have = 0

    def feed(self, buf, off, n):
        end = off + n
        while off < end:
            if self._kind < 0:
                self._kind = buf[off]
                self._shift = self._length = self._have = 0
                off += 1
                continue
            if self._shift >= 0:
                self._length |= (buf[off] & 0x7F) << self._shift
                self._shift = self._shift + 7 if buf[off] & 0x80 else -1
                off += 1
            else:
                off = self._collect(buf, off, end)
            if self._shift < 0 and self._have == self._length:
                self._on_packet(
                    self._kind >> 4, self._kind & 15, self._body, min(self._have, _KEEP)
                )
                self._kind = -1

    def _collect(self, buf, off, end):
        n = min(end - off, self._length - self._have)
        for i in range(min(n, _KEEP - self._have)):
            self._body[self._have + i] = buf[off + i]
        self._have += n
        return off + n


def _u16(body, at):
    return body[at] << 8 | body[at + 1]


def _varint(body, at):
    value = shift = 0
    while at < _KEEP:
        byte = body[at]
        value |= (byte & 0x7F) << shift
        at += 1
        shift += 7
        if byte < 0x80:
            break
    return value, at
