"""CPython's sockets with MicroPython's calls: write(buf, off, n), readinto(buf), ipoll."""

import select as _select
import socket as _socket

AF_INET, SOCK_DGRAM = _socket.AF_INET, _socket.SOCK_DGRAM
POLLIN, POLLOUT, POLLERR, POLLHUP = (
    _select.POLLIN,
    _select.POLLOUT,
    _select.POLLERR,
    _select.POLLHUP,
)


def socket(*kind):
    return Socket(_socket.socket(*kind))


def poll():
    return Poller()


class Socket:
    opened = []  # for a test that asks whether each was closed

    def __init__(self, sock):
        self.sock = sock
        self.setblocking = sock.setblocking
        self.setsockopt = sock.setsockopt
        self.connect = sock.connect
        self.sendto = sock.sendto
        self.recvfrom = sock.recvfrom
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
