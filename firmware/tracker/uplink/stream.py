"""A TCP connection that never blocks.

In: the board's socket and select modules. Out: a stream, which is anything with write(buf, off,
n), readinto(buf) and close(), where None means "not now" and 0 from readinto means that the peer
closed. MicroPython's non-blocking sockets are that already.
Owns: opening, with a deadline, and closing on every path; the words for what went wrong.
"""

import errno

_IN_PROGRESS = (errno.EINPROGRESS, errno.EALREADY, errno.EAGAIN)
_POLL_MS = 20
_TCP = (
    6  # the numbers of IPPROTO_TCP and TCP_NODELAY on Linux and lwIP; not every build names them
)
_NODELAY = 1

_WORDS = {
    errno.ECONNREFUSED: "nothing listens there: check broker_host and broker_port",
    errno.EHOSTUNREACH: "no road to the broker",
    errno.ETIMEDOUT: "no answer in time",
    errno.ECONNRESET: "the broker cut the connection",
    errno.ENOMEM: "out of memory",
    32: "the broker cut the connection",  # EPIPE, which MicroPython's errno does not name
    101: "no road to the broker",  # ENETUNREACH, likewise
}


class Tcp:
    """Opens streams. The uplink asks for open() only: a TLS opener can stand in its place."""

    def __init__(self, socket, select, clock):
        self._socket = socket
        self._select = select
        self._clock = clock

    async def open(self, host, port, timeout_ms, beat):
        """A connected stream; OSError when there is none by the deadline."""
        start_ms = self._clock.ticks_ms()
        info = self._socket.getaddrinfo(host, port, 0, self._socket.SOCK_STREAM)[0]
        sock = self._socket.socket(info[0], info[1], info[2])
        connected = False
        try:
            sock.setblocking(False)
            # Packets go out whole, several in a row: Nagle would hold each for the one before it.
            sock.setsockopt(_TCP, _NODELAY, 1)
            try:
                sock.connect(info[-1])
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


def words(error):
    """What an OSError means to a technician."""
    number = error.args[0] if error.args else None
    if number in _WORDS:
        return _WORDS[number]
    if isinstance(number, int) and number < 0:  # getaddrinfo's own numbers
        return "the name cannot be found: check broker_host"
    return "error %s" % number
