"""A TCP connection that never blocks.

In: the board's socket and select modules; names, where the broker has a name. Out: a stream,
which is anything with write(buf, off, n), readinto(buf) and close(), where None means "not now"
and 0 from readinto means that the peer closed. MicroPython's non-blocking sockets are that already.
Owns: opening, with a deadline, and closing on every path; the words for what went wrong.
"""

import errno

from tracker.letgo import let_go

_IN_PROGRESS = (errno.EINPROGRESS, errno.EALREADY, errno.EAGAIN)
_POLL_MS = 20
_TCP = (
    6  # the numbers of IPPROTO_TCP and TCP_NODELAY on Linux and lwIP; not every build names them
)
_NODELAY = 1

_LOST = "the broker cut the connection"
_WORDS = {
    errno.ECONNREFUSED: "nothing listens there: check broker_host and broker_port",
    errno.EHOSTUNREACH: "no road to the broker",
    errno.ETIMEDOUT: "no answer in time",
    errno.ECONNRESET: _LOST,
    errno.ENOMEM: "out of memory",
    32: _LOST,  # EPIPE, which MicroPython's errno does not name
    101: "no road to the broker",  # ENETUNREACH, likewise
}


class Tcp:
    """Opens streams; secure.Secure opens them through TLS."""

    names = None  # a names.Names when the broker has a name and no address

    def __init__(self, socket, select, clock):
        self._socket = socket
        self._select = select
        self._clock = clock

    def ready(self):
        """Is there any sense in opening now?"""
        return True

    def proven(self):
        """What was opened last led to our broker."""
        if self.names:
            self.names.proven()

    async def open(self, host, port, timeout_ms, beat):
        """A connected stream; OSError when there is none by the deadline."""
        address = await self.names.find(host, beat) if self.names else host
        start_ms = self._clock.ticks_ms()
        sock = self._socket.socket()
        connected = False
        try:
            sock.setblocking(False)
            # Packets go out whole, several in a row: Nagle would hold each for the one before it.
            sock.setsockopt(_TCP, _NODELAY, 1)
            try:
                sock.connect((address, port))
            except OSError as error:
                if error.args[0] not in _IN_PROGRESS:
                    raise
            poller = self._select.poll()
            poller.register(sock, self._select.POLLOUT)
            while not self._is_connected(sock, poller):
                beat()
                if self._clock.ticks_diff(self._clock.ticks_ms(), start_ms) >= timeout_ms:
                    raise OSError(errno.ETIMEDOUT)
                await self._clock.sleep_ms(_POLL_MS)
            connected = True
            return sock
        finally:
            if not connected:
                sock.close()

    def _is_connected(self, sock, poller):
        for _, event in poller.ipoll(0):
            if event & (self._select.POLLERR | self._select.POLLHUP):
                sock.readinto(bytearray(1))  # raises the error that poll only hints at
                raise OSError(errno.ECONNREFUSED)
            return True
        return False


def is_address(host):
    """Four numbers with dots, for which no name server is asked."""
    parts = host.split(".")
    return len(parts) == 4 and all([part.isdigit() and int(part) < 256 for part in parts])


def words(error):
    """What went wrong, as a technician reads it: of an OSError, a ValueError, a MemoryError."""
    what = error.args[0] if error.args else None
    if isinstance(error, MemoryError):
        what = errno.ENOMEM
    elif isinstance(error, ValueError) or (isinstance(what, int) and what < 0):
        from tracker.uplink.tls_words import why  # TLS says it by texts and negative numbers

        what = why(error)
        let_go("uplink.tls_words")
    if isinstance(what, str):
        return what
    return _WORDS.get(what, "error %s" % what)
