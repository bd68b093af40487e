"""network.PPP as the port has it, in the shape of 1.25 and in that of 1.26 and later.

In: a UART, now() in milliseconds; pump() by whoever lets time pass.
Out: make_ppp(version, now): the class.
Owns: one end of the line (sim_ppp.Client). Runs on CPython too.
"""

import errno

try:
    import sim_ppp
except ImportError:  # on CPython
    from sim.board import sim_ppp

_BURST = 512


def release(version):
    """"1.26.1" -> (1, 26)"""
    return tuple(int(part) for part in version.split(".")[:2])


def make_ppp(version, now, born=None):
    """born(ppp) is called for each new object."""

    class Ppp(_Old if release(version) < (1, 26) else _New):
        _now = staticmethod(now)

        def __init__(self, uart):
            _Base.__init__(self, uart)
            if born:
                born(self)

    return Ppp


class _Base:
    SEC_NONE, SEC_PAP, SEC_CHAP = 0, 1, 2
    AUTH_NONE, AUTH_PAP, AUTH_CHAP = 0, 1, 2

    def __init__(self, uart):
        self._uart = uart
        self._end = None
        self._active = False
        self._buf = bytearray(_BURST)
        self._last = 0  # the error of the connection before
        self.asked_ms = None  # when the default route became ours
        self.sessions = 0

    def isconnected(self):
        return self._end is not None and self._end.phase == "up"

    def flows(self):
        """Does it still listen to the modem?"""
        return self.isconnected() and self._uart is not None

    def pump(self):
        """What has come is read, what has to go is written."""
        end = self._end
        if end is None or self._uart is None:
            return 0
        n = self._uart.readinto(self._buf) or 0
        if n:
            end.feed(memoryview(self._buf)[:n], self._now())
        end.tick(self._now())
        self._flush()
        return n

    def _flush(self):
        if self._uart is not None and self._end.out:
            out, self._end.out = self._end.out, bytearray()
            self._uart.write(bytes(out))

    def _dial(self, security, user, key):
        if self._end is not None and self._end.phase not in ("up", "dead"):
            raise OSError(errno.EALREADY)
        if self.isconnected():
            raise OSError(getattr(errno, "EISCONN", 106))
        if security == self.SEC_CHAP:
            raise ValueError("CHAP is not simulated")
        magic = bytes((0x4C, 0x41, self.sessions >> 8 & 0xFF, self.sessions & 0xFF))
        self._end = sim_ppp.Client(self._now(), _bytes(user), _bytes(key), security != 0, magic)
        self.sessions += 1
        self.asked_ms = self._now()
        self._flush()

    def _close(self):
        if self._end is not None:
            self._end.hang_up()
            self._flush()
            self._last = self._end.error
            self._end = None

    def config(self, *what, **to):
        if "stream" in to:
            self._uart = to["stream"]
        elif what == ("stream",):
            return self._uart
        elif what == ("ifname",):
            return "pp1"
        elif what or to:
            raise ValueError("unknown config param")

    def ifconfig(self, *_):
        own = _dotted(self._end.address) if self.isconnected() else "0.0.0.0"
        return (own, "255.255.255.255", "10.64.64.64", self.name_server() or "0.0.0.0")

    def ipconfig(self, *what, **_):
        own = self.ifconfig()
        return {"addr4": own[:2], "gw4": own[2]}.get(what[0]) if what else None

    def name_server(self):
        return _dotted(self._end.dns) if self.isconnected() else None


class _Old(_Base):
    """1.25: a task of its own reads the UART; active() begins and ends it all."""

    def active(self, on=None):
        if on is None:
            return self._active
        if not on:
            self._close()
        self._active = bool(on)

    def connect(self, authmode=0, username="", password=""):
        if not self._active:
            raise OSError(getattr(errno, "EPERM", 1))
        self._dial(authmode, username, password)

    def status(self):
        return None


class _New(_Base):
    """1.26 and later: connect() and disconnect(); the UART is read by poll(), which a pause on the line calls."""

    def active(self, on=None):
        if on is None:
            return self._active
        if not on:
            self._close()
        self._active = bool(on)

    def connect(self, security=0, user="", key="", authmode=None, username=None, password=None):
        self._active = True
        self._dial(security if authmode is None else authmode, username or user, password or key)

    def disconnect(self):
        if self._end is not None:
            self._end.hang_up()
            self._flush()

    def poll(self):
        self.pump()

    def pump(self):
        """Nothing is read any more once the connection has ended or failed: the bytes are for AT again."""
        if self._end is not None and self._end.phase == "dead":
            self._flush()
            return 0
        return _Base.pump(self)

    def status(self):
        end = self._end
        if end is None:
            return 1 if self._active else 0
        if end.phase == "dead":
            return -end.error
        return 4 if end.phase == "up" else 3


def _bytes(words):
    return (words or "").encode() if not isinstance(words, bytes) else words


def _dotted(address):
    return ".".join(str(part) for part in address)
