"""CONNECT and CONNACK by umqtt.simple, on a stream that never blocks.

umqtt waits on a blocking socket of its own. Here it sees no network at all: its module global
`socket` is a pipe in memory while it works. First it writes CONNECT into the pipe and is stopped
where it would wait. The bytes go out, the four bytes of CONNACK come in under a deadline, and then
it is asked again and judges them. Tested with 1.3.4; what later versions also call, such as
settimeout() and close(), the pipe takes.

In: a connected stream, who we are. Out: whether the broker kept our session, or an error in words.
"""

import errno

from micropython import const
from umqtt import simple

_CONNACK_SIZE = const(4)
_CUTS = (0, 32, errno.ECONNRESET, -0x7280)  # end of stream, EPIPE, and end of stream under TLS
_CUT = (
    "the broker hung up instead of an answer: check broker_port and broker_tls; with TLS it has to "
    "speak 1.2, and it may want client.crt"
)
_POLL_MS = 20
_REFUSALS = {
    1: "the broker does not speak MQTT 3.1.1",
    2: "the broker refuses the device id: check device",
    3: "the broker is not ready",
    4: "the broker refuses the password: check broker_user and broker_password",
    5: "the broker refuses the password: check broker_user and broker_password",
}


class Refused(Exception):
    """The broker answered, and the answer is no; the text says why in words."""


class _WouldWait(OSError):
    """umqtt has said all it has to say before the broker speaks."""


class _Pipe:
    """What umqtt takes for the socket module and for the socket."""

    def __init__(self):
        self.sent = bytearray()
        self.answer = None

    def socket(self, *_):
        return self

    def getaddrinfo(self, host, port, *_):
        return ((0, 0, 0, "", (host, port)),)

    def connect(self, _):
        pass

    def settimeout(self, _):
        pass

    def setblocking(self, _):
        pass

    def close(self):
        pass

    def write(self, data, n=None):
        self.sent.extend(data if n is None else data[:n])

    def read(self, n):
        if self.answer is None:
            raise _WouldWait
        taken = bytes(self.answer[:n])
        self.answer = self.answer[n:]
        return taken


class Connector:
    """Says CONNECT as one device; its last will is a retained "offline" on its state topic."""

    def __init__(self, clock, device, user, password, keepalive_s, will_topic):
        self._clock = clock
        self._device = device
        self._user = user or None
        self._password = password
        self._keepalive_s = keepalive_s
        self._will_topic = will_topic

    async def connect(self, stream, timeout_ms, beat):
        """True when the broker still has our session. Raises Refused or OSError."""
        client = simple.MQTTClient(
            self._device, "", user=self._user, password=self._password, keepalive=self._keepalive_s
        )
        client.set_last_will(self._will_topic, b"offline", True, 1)
        pipe = _Pipe()
        try:
            _run(client, pipe)
        except _WouldWait:
            pass
        start_ms = self._clock.ticks_ms()
        try:
            await self._send(stream, pipe.sent, start_ms, timeout_ms, beat)
            pipe.answer = await self._receive(stream, start_ms, timeout_ms, beat)
        except OSError as error:
            if error.args[0] in _CUTS:  # so ends what TLS or the port is for someone else
                raise Refused(_CUT)
            raise
        try:
            return bool(_run(client, pipe))
        except simple.MQTTException as error:
            code = error.args[0]
            raise Refused(_REFUSALS.get(code, "the broker refuses with code %d" % code))
        except AssertionError:
            raise Refused("what answers there does not speak MQTT: check broker_port")

    async def _send(self, stream, data, start_ms, timeout_ms, beat):
        done = 0
        while True:
            done += stream.write(data, done, len(data) - done) or 0
            if done == len(data):
                return
            await self._wait(start_ms, timeout_ms, beat)

    async def _receive(self, stream, start_ms, timeout_ms, beat):
        answer = bytearray(_CONNACK_SIZE)
        view = memoryview(answer)
        got = 0
        while True:
            # not a byte more: what follows CONNACK is the session's
            n = stream.readinto(view[got:])
            if n == 0:
                raise OSError(0)
            got += n or 0
            if got == _CONNACK_SIZE:
                return answer
            await self._wait(start_ms, timeout_ms, beat)

    async def _wait(self, start_ms, timeout_ms, beat):
        beat()
        if self._clock.ticks_diff(self._clock.ticks_ms(), start_ms) >= timeout_ms:
            raise OSError(errno.ETIMEDOUT)
        await self._clock.sleep_ms(_POLL_MS)


def _run(client, pipe):
    before = simple.socket
    simple.socket = pipe
    try:
        return client.connect(False)
    finally:
        simple.socket = before
