"""One retained sentence for the office by the stock MQTT client alone: for a board whose own link or uplink is what crashes.

In: settings, a WLAN object, the sentence.  Out: True when it went out.
Owns: nothing. It holds up the loop for LONGEST_MS at most, so it is loaded and tried rarely (system/safe.py).
"""

import asyncio
import errno
import socket
from time import ticks_add, ticks_diff, ticks_ms

from micropython import const
from umqtt import simple

from tracker.version import VERSION

_JOIN_S = const(20)
_TALK_MS = const(10_000)
# A name look-up (14 s for each of two name servers), the talk, and its last wait, which may begin at its end.
LONGEST_MS = const(48_000)


class _Hurried:
    """What the client takes for the socket module and for the socket: every wait ends with the talk."""

    def __init__(self, secured):
        self._until_ms = 0
        self._sock = self._stream = None
        self._secured = secured

    def getaddrinfo(self, host, port, *_):
        found = socket.getaddrinfo(host, port)
        self._until_ms = ticks_add(ticks_ms(), _TALK_MS)
        return found

    def socket(self, *_):
        self._sock = socket.socket()
        return self

    def connect(self, address):
        self._in_time().connect(address)
        self._stream = self._secured(self._sock) if self._secured else self._sock

    def write(self, data, n=None):
        self._in_time()
        return self._stream.write(data if n is None else bytes(data[:n]))

    def read(self, n):
        data = b""
        while len(data) < n:
            self._in_time()
            more = self._stream.read(1)
            if not more:
                raise OSError(errno.ECONNRESET)
            data += more
        return data

    def settimeout(self, _):
        pass

    def setblocking(self, _):
        pass

    def close(self):
        if self._sock is not None:
            self._sock.close()

    def _in_time(self):
        left_ms = ticks_diff(self._until_ms, ticks_ms())
        if left_ms <= 0:
            raise OSError(errno.ETIMEDOUT)
        self._sock.settimeout(left_ms // 1000 + 1)
        return self._sock


async def tell(settings, wlan, text, boot, beat, secured=None):
    """Join the network if nobody has, say the sentence, leave it as it was. Never raises for want of a network.

    secured(socket) gives it TLS.
    """
    if not settings.broker_host:
        return False
    joined = wlan.isconnected()
    try:
        sentence = "safe %s boot %d%s" % (VERSION, boot, text)
        return (joined or await _join(settings, wlan, beat)) and _say(settings, sentence, beat, secured)
    except (OSError, ValueError, MemoryError, simple.MQTTException, AssertionError):
        return False
    finally:
        if not joined:
            wlan.active(False)


async def _join(settings, wlan, beat):
    if not settings.wifi_ssid:
        return False
    wlan.active(True)
    wlan.connect(settings.wifi_ssid, settings.wifi_password or None)
    for _ in range(_JOIN_S):
        beat()
        await asyncio.sleep(1)
        if wlan.isconnected():
            return True
    return False


def _say(settings, sentence, beat, secured):
    sock = _Hurried(secured)
    client = simple.MQTTClient(
        settings.device_id.encode(), settings.broker_host, settings.broker_port,
        settings.broker_user.encode() or None, settings.broker_password.encode(), keepalive=60,
    )
    before, simple.socket = simple.socket, sock
    beat()
    try:
        client.connect()
        client.publish(b"lacak/" + settings.device_id.encode() + b"/state", sentence.encode(), True)
        client.disconnect()
        return True
    finally:
        simple.socket = before
        sock.close()
