"""socket of the simulated board: real TCP, as long as the world's script has a link; UDP is sim_names.

In: the calls of the port's socket, blocking or not.
Out: bytes on a real connection, counted; OSError as the chip gives it.
Owns: what an outage does. On a connection that was open nothing comes any more, what is written
    vanishes, and it stays so afterwards.
"""

import errno
import io

import network
import sim_clock
import sim_world
import uselect
import usocket
from sim_hold import Hold
from sim_names import Datagrams
from sim_ppp_api import release
from usocket import (
    AF_INET,
    AF_INET6,
    SO_KEEPALIVE,
    SO_REUSEADDR,
    SOCK_DGRAM,
    SOCK_STREAM,
    SOL_SOCKET,
)

IPPROTO_TCP = 6
_NO_NAME = -202  # lwIP's EAI_FAIL, as the ESP32 raises it
_REAL_CONNECT_S = 5
_DNS_MS = 14_000  # lwIP asks four times before it gives up
_SYN_MS = 19_000  # and tries so long to open a connection
_DNS_BUG = (1, 26), (1, 28)  # micropython issue 18737: nobody reads PPP's UART while getaddrinfo waits
_STREAM_POLL, _STREAM_CLOSE = 3, 4
_BROKEN = uselect.POLLERR | uselect.POLLHUP

_hold = sim_clock.hold = Hold()


def getaddrinfo(host, port, *more):
    if network.route() is None:
        raise OSError(_NO_NAME)
    if not host.replace(".", "").isdigit() and (not network.linked() or _deaf_while_asking()):
        sim_clock.wait(_DNS_MS)
        raise OSError(_NO_NAME)
    return usocket.getaddrinfo(*_elsewhere(host, port))


def _deaf_while_asking():
    version = release(sim_world.script.get("micropython", "1.27"))
    return network.by_ppp() and _DNS_BUG[0] <= version <= _DNS_BUG[1]


def _elsewhere(host, port):
    """The script's broker stands for every host: a truck's settings can stay as they are."""
    broker = sim_world.script.get("broker")
    return (broker["host"], broker.get("port", port)) if broker else (host, port)


def socket(family=AF_INET, kind=SOCK_STREAM, proto=0):
    return Datagrams() if kind == SOCK_DGRAM else _Connection()


class _Connection(io.IOBase):
    def __init__(self):
        self._real = usocket.socket()
        self._timeout_ms = None  # None: wait without end; 0: never wait
        self._outages = 0
        self._route = None
        self._unanswered = False  # it was opened into nothing
        self._error = 0  # of a connect that did not wait
        self._watch = None
        self._poll = uselect.poll()

    def connect(self, address):
        if network.route() is None:
            raise OSError(errno.EHOSTUNREACH)
        if not network.linked():
            self._open_into_nothing()
        if isinstance(address, tuple):
            address = usocket.getaddrinfo(*_elsewhere(*address[:2]))[0][-1]
        self._real.settimeout(_REAL_CONNECT_S)
        try:
            self._real.connect(address)
        except OSError as error:
            self._error = errno.ETIMEDOUT if error.errno == errno.EINPROGRESS else error.errno
        self._real.setblocking(False)
        self._outages = sim_world.outages_begun()
        self._route = network.route()
        if not self._error:
            self._poll.register(self._real, uselect.POLLIN | uselect.POLLOUT)
            self._watch = _hold.watch(self._real)
            sim_world.state["connects"] += 1
            bearer = "connects_" + self._route[0]
            sim_world.state[bearer] = sim_world.state.get(bearer, 0) + 1
        if self._timeout_ms == 0:
            raise OSError(errno.EINPROGRESS)
        self._raise_error()

    def _open_into_nothing(self):
        """The route is there and nothing comes back."""
        self._unanswered = True
        if self._timeout_ms == 0:
            raise OSError(errno.EINPROGRESS)
        sim_clock.wait(_SYN_MS if self._timeout_ms is None else min(_SYN_MS, self._timeout_ms))
        raise OSError(errno.ETIMEDOUT)

    def settimeout(self, seconds):
        self._timeout_ms = None if seconds is None else int(seconds * 1000)

    def setblocking(self, on):
        self._timeout_ms = None if on else 0

    def setsockopt(self, *option):
        self._real.setsockopt(*option)

    def fileno(self):
        return self._real.fileno()

    def makefile(self, *mode):
        return self

    def close(self):
        if self._watch is not None:
            _hold.forget(self._real)
            self._watch = None
        self._real.close()

    def ioctl(self, op, arg):
        if op == _STREAM_CLOSE:
            self.close()
            return 0
        if op != _STREAM_POLL:
            return (
                -errno.EINVAL
            )  # also to the question for a file descriptor: an outage must be seen by poll
        if self._error:
            return _BROKEN
        if self._unanswered:
            return 0
        if self._lost():
            return arg & uselect.POLLOUT
        for _, events in self._poll.ipoll(0):
            return events & (arg | _BROKEN)
        return 0

    # bytes down

    def readinto(self, buf, n=None):
        return self._read(buf, len(buf) if n is None else n, True)

    def read(self, n=-1):
        if n < 0:
            return self._read_all()
        buf = bytearray(n)
        got = self._read(buf, n, True)
        return None if got is None else bytes(buf[:got])

    def recv(self, n, flags=0):
        buf = bytearray(n)
        got = self._read(buf, n, False)
        if got is None:
            raise OSError(errno.EAGAIN)
        return bytes(buf[:got])

    def readline(self):
        line = b""
        while not line.endswith(b"\n"):
            byte = self.read(1)
            if not byte:
                return line or byte
            line += byte
        return line

    def _read_all(self):
        parts = b""
        while True:
            part = self.read(256)
            if not part:
                return parts or part
            parts += part

    def _read(self, buf, n, fill):
        """As the port: not waiting, what is there or None; else all n bytes (fill) or some."""
        done = 0
        began_ms = sim_clock.ms
        view = buf
        while done < n:
            got = self._read_now(view, n - done)
            if got == 0:
                break
            if got:
                done += got
                if not fill:
                    break
                view = memoryview(buf)[done:]
            elif self._timeout_ms == 0:
                return done or None
            else:
                self._wait(uselect.POLLIN, began_ms)
        return done

    def _read_now(self, buf, n):
        self._raise_error()
        if self._lost():
            return None
        got = self._real.readinto(buf, n)
        if got:
            sim_world.state["wire_down"] += got
            self._watch.got(buf, got)
        return got

    # bytes up

    def send(self, buf, flags=0):
        done = self.write(buf)
        if done is None:
            raise OSError(errno.EAGAIN)
        return done

    sendall = send

    def write(self, buf, off=0, n=None):
        """write(buf), write(buf, n) or write(buf, off, n), as the port's streams have it."""
        end = len(buf)
        if n is not None:
            end = min(end, off + n)
        elif off:
            off, end = 0, min(end, off)
        began, began_ms = off, sim_clock.ms
        while off < end:
            done = self._write_now(buf, off, end - off)
            off += done or 0
            if self._timeout_ms == 0:
                return off - began or None
            if not done:
                self._wait(uselect.POLLOUT, began_ms)
        return off - began

    def _write_now(self, buf, off, n):
        self._raise_error()
        if self._lost():
            return n
        done = self._real.write(buf, off, n)
        if done:
            sim_world.state["wire_up"] += done
            self._watch.sent(buf, off, done)
        return done

    def _wait(self, flag, began_ms):
        left_ms = None if self._timeout_ms is None else began_ms + self._timeout_ms - sim_clock.ms
        if left_ms is not None and left_ms <= 0:
            raise OSError(errno.ETIMEDOUT)
        sim_clock.wait(
            left_ms, lambda: self.ioctl(_STREAM_POLL, flag), lambda: sim_clock.ms + 1000
        )

    def _lost(self):
        if self._outages != sim_world.outages_begun() or self._route != network.route():
            return True  # of another bearer, of another session: its packets have the wrong sender
        return not network.linked()

    def _raise_error(self):
        if self._error:
            raise OSError(self._error)
        if self._watch is None:
            raise OSError(errno.ENOTCONN)
