"""TLS under the session: the broker's certificate is checked against our CA and the settings' name.

In: a Tcp's parts; clock_is_set(); heap(), the system heap's regions as (size, free, largest, ...).
Out: streams, as stream.Tcp opens them. The handshake begins with the first write.
Owns: the one context, made from ca.der or ca.pem (and client.crt, client.key) beside the settings.
"""

import gc

import tls
from micropython import const

from tracker.uplink.stream import Tcp

# A session takes 16 + 4 KB of buffers and 15 KB more in the handshake, outside of Python's heap.
_FREE = const(46_080)
_PIECE = const(20_480)

_CLOCK = "The broker waits for the time of day, from the first fix: without it no certificate can be checked."


class Secure(Tcp):
    def __init__(self, socket, select, clock, clock_is_set, heap, log):
        Tcp.__init__(self, socket, select, clock)
        self._clock_is_set = clock_is_set
        self._heap = heap
        self._log = log
        self._context = None
        self._told = False
        self.poor = 0  # times that memory did not suffice

    def ready(self):
        """Before the clock is set no certificate is valid: not tried, and said once."""
        if self._clock_is_set():
            return True
        if not self._told:
            self._told = True
            self._log.info(_CLOCK)
        return False

    async def open(self, host, port, timeout_ms, beat):
        gc.collect()  # an old session's memory is given back by its finaliser
        self._must_have_room()
        if self._context is None:
            self._context = make_context()
        raw = await Tcp.open(self, host, port, timeout_ms, beat)
        wrapped = None
        try:
            wrapped = self._context.wrap_socket(
                raw, server_hostname=host, do_handshake_on_connect=False
            )
            return _Stream(raw, wrapped)
        finally:
            if wrapped is None:
                raw.close()

    def _must_have_room(self):
        regions = self._heap()
        free = sum([region[1] for region in regions])
        piece = max([region[2] for region in regions])
        if free < _FREE or piece < _PIECE:
            self.poor += 1
            raise OSError(
                "too little memory for TLS: %d KB free, %d in one piece, 45 and 20 are needed"
                % (free >> 10, piece >> 10)
            )


class _Stream:
    """The socket under TLS is closed by its own name: TLS that failed no longer knows it."""

    def __init__(self, raw, wrapped):
        self._raw = raw
        self._wrapped = wrapped
        self.write = wrapped.write
        self.readinto = wrapped.readinto

    def close(self):
        try:
            self._wrapped.close()
        finally:
            self._raw.close()


def make_context():
    """What is believed, and who we are; OSError in words when a file lacks or is none."""
    ca = _file("ca.der") or _file("ca.pem")
    if not ca:
        raise OSError("no ca.der and no ca.pem on the board: copy the CA's certificate to it")
    context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    context.verify_mode = tls.CERT_REQUIRED
    try:
        context.load_verify_locations(ca)
    except (OSError, ValueError):
        raise OSError("ca.der or ca.pem is no certificate: copy it again")
    certificate = _file("client.crt")
    if certificate:
        try:
            context.load_cert_chain(certificate, _file("client.key") or b"")
        except (OSError, ValueError):
            raise OSError("client.crt and client.key are no certificate and its key: copy again")
    return context


def _file(name):
    try:
        with open(name, "rb") as file:
            return file.read()
    except OSError:
        return None
