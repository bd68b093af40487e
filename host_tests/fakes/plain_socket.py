"""CPython's sockets with MicroPython's calls: write(buf, off, n), readinto(buf), ipoll."""

import select as _select
import socket as _socket

SOCK_STREAM = _socket.SOCK_STREAM
POLLIN, POLLOUT, POLLERR, POLLHUP = (
    _select.POLLIN,
    _select.POLLOUT,
    _select.POLLERR,
    _select.POLLHUP,
)
getaddrinfo = _socket.getaddrinfo


def socket(family, kind, proto):
    return Socket(_socket.socket(family, kind, proto))


def poll():
    return Poller()


class Socket:
    opened = []  # for a test that asks whether each was closed

    def __init__(self, sock):
        self.sock = sock
        self.setblocking = sock.setblocking
        self.setsockopt = sock.setsockopt
        self.connect = sock.connect
        self.close = sock.close
        self.opened.append(sock)

    def write(self, buf, off, n):
        try:
            return self.sock.send(memoryview(buf)[off : off + n])
        except BlockingIOError:
            return None

    def readinto(self, buf):
        try:
            return self.sock.recv_into(buf)
        except BlockingIOError:
            return None


class Poller:
    def __init__(self):
        self._poll = _select.poll()

    def register(self, sock, flags):
        self._poll.register(sock.sock, flags)

    def ipoll(self, ms):
        return self._poll.poll(ms)
