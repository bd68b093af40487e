"""MQTT 3.1.1 after CONNACK: many publishes in flight, nothing blocks, every wait has an end.

In: pump(now) often; begin() and send() from the lanes. Out: on_puback(pid, now), on_message(buf,
topic_at, topic_n, at, end); reason, the words for why the session is over, or None while it lives.
Owns: packet ids, the packet being written, keep-alive. A publish costs no heap.
"""

from micropython import const

from tracker.uplink.packets import PacketReader
from tracker.uplink.stream import words

_ANSWER_MS = const(20_000)  # for PUBACK, SUBACK, and for a packet to leave us whole
_PING_MS = const(30_000)  # for PINGRESP
_SLOTS = const(12)  # publishes in flight: 12 blocks of 60 fixes in 300 ms are 2,400 fixes a second
_OWED = const(8)  # PUBACKs that we owe before we stop reading
_PACKETS = const(16)  # read in one pump, so that a chatty broker cannot hold the loop
_TOPIC_AT = const(5)  # room before it for type and length; the packet starts where they begin


class Session:
    """One set of buffers for the tracker's life; attach() begins a connection on it."""

    def __init__(self, ticks_diff, on_puback, on_message, tx_size, rx_size):
        self._late = ticks_diff
        self._on_puback = on_puback
        self._on_message = on_message
        self.tx = bytearray(tx_size)
        self._reader = PacketReader(rx_size)
        self._pids = [0] * _SLOTS  # in flight; 0 is a free slot
        self._sent_ms = [0] * _SLOTS
        self._owed = [0] * _OWED
        self._pid = 0
        self.free = 0  # slots
        self.reason = "not connected"
        self.strange_pubacks = 0
        self.oversize = 0
        self._bytes = 0

    def attach(self, stream, keepalive_s, now):
        """Begin on a stream whose CONNACK has been read. Packet ids go on counting."""
        self._write = stream.write
        self._reader.attach(stream)
        self.keepalive_ms = keepalive_s * 1000  # at most what CONNECT said
        self.reason = None
        for i in range(_SLOTS):
            self._pids[i] = 0
        self.free = _SLOTS
        self._owed_n = 0
        self._subscribe_pid = 0
        self._ping_ms = -1  # when the PINGREQ went out that is not answered yet
        self._at = self._end = 0  # what is left to write of tx
        self._subscribe_ms = self._begun_ms = self._tx_ms = self._rx_ms = self.said_ms = now

    def close(self, reason):
        """The session is over; the first reason stays. Whoever opened the stream closes it."""
        if self.reason is None:
            self.reason = reason
            self._write = None
            self._reader.detach()

    def say_goodbye(self, now):
        """DISCONNECT: the broker keeps the last will to itself."""
        self.tx[0] = 0xE0
        self.tx[1] = 0
        self._start(0, 2, now)
        self.close("the board sleeps")

    def take_bytes(self):
        """Of MQTT, sent and received since the last call."""
        n = self._bytes
        self._bytes = 0
        return n

    def busy(self):
        """An answer is awaited or a packet is under way: look again soon."""
        return self._end or self.free < _SLOTS

    def pump(self, now):
        """Write, read, answer, look at the deadlines; False when the session is over."""
        if self.reason is None:
            self._flush(now)
        if self.reason is None:
            self._receive(now)
        if self.reason is None:
            self._answer(now)
        if self.reason is None:
            self._check_deadlines(now)
        return self.reason is None

    def reserve(self, pid):
        """Keep the id of a publish that was cut off, until begin(topic, 1, pid) resends it."""
        slot = self._pids.index(0)
        self._pids[slot] = pid
        self._sent_ms[slot] = self._tx_ms
        self.free -= 1

    def release(self, pid):
        """A reserved publish will not be sent again after all."""
        self._pids[self._pids.index(pid)] = 0
        self.free += 1

    def idle(self):
        """Nothing is half written: a packet can be begun."""
        return self.reason is None and self._end == 0

    def doubt(self, now):
        """The QoS for what needs no answer: 1 when the broker was silent for long. Its PUBACK then spares a ping."""
        return 1 if self.free and self._late(now, self._rx_ms) >= self.keepalive_ms // 2 else 0

    def begin(self, topic, qos, again_pid):
        """Where the payload goes in tx, or -1 when there is no room now. again_pid is 0, or a
        reserved id: then DUP is set."""
        if not self.idle() or (qos and not again_pid and not self.free):
            return -1
        self._op = 0x30 | qos << 1 | (8 if again_pid else 0)
        self._again_pid = again_pid
        self._pid_at = self._put_topic(topic)
        return self._pid_at + 2 * qos

    def send(self, end, retain, now):
        """Send what begin() began, the payload ending at tx[:end]; its packet id, 0 for QoS 0."""
        tx = self.tx
        pid = 0
        if self._op & 2:
            pid = self._claim(now)
            tx[self._pid_at] = pid >> 8
            tx[self._pid_at + 1] = pid & 0xFF
        n = end - _TOPIC_AT
        at = _TOPIC_AT - 2
        if n > 0x7F:
            tx[at] = n & 0x7F | 0x80
            n >>= 7
            at -= 1
        tx[_TOPIC_AT - 1] = n
        tx[at] = self._op | (1 if retain else 0)
        self.said_ms = now
        self._start(at, end, now)
        return pid

    def subscribe(self, topics, now):
        """Ask for topics at QoS 1, all in one packet below 128 bytes; only when idle. Its id stands before the first topic,
        where a PUBLISH has its length."""
        tx = self.tx
        end = _TOPIC_AT
        for topic in topics:
            end = self._put_topic(topic, end)
            tx[end] = 1
            end += 1
        pid = self._subscribe_pid = self._next_pid()
        self._subscribe_n = len(topics)
        self._subscribe_ms = now
        tx[_TOPIC_AT - 4] = 0x82
        tx[_TOPIC_AT - 3] = end - _TOPIC_AT + 2
        tx[_TOPIC_AT - 2] = pid >> 8
        tx[_TOPIC_AT - 1] = pid & 0xFF
        self._start(_TOPIC_AT - 4, end, now)

    def _put_topic(self, topic, at=_TOPIC_AT):
        tx = self.tx
        n = len(topic)
        tx[at] = n >> 8
        tx[at + 1] = n & 0xFF
        for i in range(n):  # a slice costs heap up to MicroPython 1.25
            tx[at + 2 + i] = topic[i]
        return at + 2 + n

    def _next_pid(self):
        pid = self._pid % 65535 + 1
        while pid in self._pids or pid == self._subscribe_pid:
            pid = pid % 65535 + 1
        self._pid = pid
        return pid

    def _claim(self, now):
        pid = self._again_pid
        if pid:
            slot = self._pids.index(pid)
        else:
            pid = self._next_pid()
            slot = self._pids.index(0)
            self._pids[slot] = pid
            self.free -= 1
        self._sent_ms[slot] = now
        return pid

    def _start(self, at, end, now):
        self._at = at
        self._end = end
        self._begun_ms = now
        self._flush(now)

    def _flush(self, now):
        if not self._end:
            return
        try:
            done = self._write(self.tx, self._at, self._end - self._at)
        except OSError as error:
            return self.close(words(error))
        if done:
            self._tx_ms = now
            self._bytes += done
            self._at += done
            if self._at == self._end:
                self._at = self._end = 0

    def _answer(self, now):
        """The PUBACKs that we owe, in order, in one write; else a PINGREQ when it is time."""
        if self._end:
            return
        tx = self.tx
        if self._owed_n:
            for i in range(self._owed_n):
                tx[4 * i] = 0x40
                tx[4 * i + 1] = 2
                tx[4 * i + 2] = self._owed[i] >> 8
                tx[4 * i + 3] = self._owed[i] & 0xFF
            self._start(0, 4 * self._owed_n, now)
            self._owed_n = 0
        elif self._ping_ms < 0 and self._is_quiet(now):
            self._ping_ms = now
            tx[0] = 0xC0
            tx[1] = 0
            self._start(0, 2, now)

    def _is_quiet(self, now):
        """The broker must hear from us within 1.5 keep-alives; we from it, too, after QoS 0. A publish that is due each
        keep-alive goes first and spares the ping."""
        quiet_ms = self.keepalive_ms * 9 // 8
        return self._late(now, self._tx_ms) >= quiet_ms or self._late(now, self._rx_ms) >= quiet_ms

    def _check_deadlines(self, now):
        late = self._late
        for i in range(_SLOTS):
            if self._pids[i] and late(now, self._sent_ms[i]) >= _ANSWER_MS:
                return self.close("no PUBACK for 20 s: the connection is dead")
        if self._subscribe_pid and late(now, self._subscribe_ms) >= _ANSWER_MS:
            self.close("no SUBACK for 20 s: the connection is dead")
        elif self._end and late(now, self._begun_ms) >= _ANSWER_MS:
            self.close("a packet did not leave within 20 s: the connection is dead")
        elif self._ping_ms >= 0 and late(now, self._ping_ms) >= _PING_MS:
            self.close("no PINGRESP: the connection is dead")

    def _receive(self, now):
        for _ in range(_PACKETS):
            if self._owed_n == _OWED:
                return  # answer first
            op = self._reader.next()
            if op == 0:
                return
            if op < 0:
                return self.close(self._reader.why)
            self._rx_ms = now
            self._bytes += self._reader.length + 2
            if not self._packet(op, self._reader.body, self._reader.length):
                self.close("the broker sent a malformed packet of type %d" % (op >> 4))
            if self.reason is not None:
                return

    def _packet(self, op, body, n):
        """Act on a whole packet; False when it is not what MQTT allows."""
        if op & 0xF0 == 0x30:
            return self._message(op >> 1 & 3, body, n)
        pid = body[0] << 8 | body[1]
        if op == 0x40 and n == 2:
            self._puback(pid)
        elif op == 0x90 and pid and pid == self._subscribe_pid and n == 2 + self._subscribe_n:
            self._subscribe_pid = 0
            if max(body[2:n]) > 2:
                self.close("the broker refuses the subscription: check its access list")
        elif op == 0xD0 and n == 0:
            self._ping_ms = -1
        else:
            return False
        return True

    def _puback(self, pid):
        if pid == 0 or pid not in self._pids:
            self.strange_pubacks += 1
            return
        self._pids[self._pids.index(pid)] = 0
        self.free += 1
        self._on_puback(pid, self._rx_ms)

    def _message(self, qos, body, n):
        topic_n = body[0] << 8 | body[1]
        at = 2 + topic_n + 2 * qos
        if qos > 1 or at > n or at > len(body):
            return False
        if qos:
            pid = body[at - 2] << 8 | body[at - 1]
            if pid == 0:
                return False
            self._owed[self._owed_n] = pid
            self._owed_n += 1
        if n > len(body):
            self.oversize += 1
        else:
            self._on_message(body, 2, topic_n, at, n)
        return True
