"""network of the simulated board: one access point, in range when there is no outage."""

import sim_clock
import sim_world

STA_IF, AP_IF = 0, 1
STAT_IDLE, STAT_CONNECTING, STAT_GOT_IP, STAT_NO_AP_FOUND, STAT_WRONG_PASSWORD = (
    1000,
    1001,
    1010,
    201,
    202,
)
_JOIN_MS = 3000
_up = None  # the WLAN that has an address


def linked():
    """Do packets go out now? For socket.py."""
    return _up is not None and _up.isconnected()


class WLAN:
    IF_STA, IF_AP = 0, 1
    PM_NONE = 0
    _of = {}

    def __new__(cls, interface=STA_IF):
        if interface not in cls._of:
            cls._of[interface] = object.__new__(cls)
            cls._of[interface]._reset()
        return cls._of[interface]

    def _reset(self):
        self._active = False
        self._asked_ms = None  # when connect() was called; None: nobody wants a connection
        self._wrong = False

    def active(self, on=None):
        if on is None:
            return self._active
        if not on:
            self._reset()
        self._active = bool(on)

    def connect(self, ssid=None, key=None, **options):
        if not self._active:
            raise OSError("Wifi Not Started")
        if self._asked_ms is not None and not self.isconnected():
            raise OSError(
                "Wifi Internal Error"
            )  # the driver refuses a second connect while it is at the first
        global _up
        _up = self
        self._asked_ms = sim_clock.ms
        self._wrong = sim_world.script.get("wifi_password", key) != key

    def disconnect(self):
        self._asked_ms = None

    def isconnected(self):
        """The driver goes on trying by itself after the access point was lost."""
        return self._asked_ms is not None and not self._wrong and sim_clock.ms >= self._joined_ms()

    def status(self, what=None):
        if what == "rssi":
            return -60
        if self._asked_ms is None:
            return STAT_IDLE
        if self.isconnected():
            return STAT_GOT_IP
        if self._wrong:
            return STAT_WRONG_PASSWORD
        return STAT_NO_AP_FOUND if sim_world.outage() else STAT_CONNECTING

    def ifconfig(self, *_):
        own = "10.0.0.2" if self.isconnected() else "0.0.0.0"
        return (own, "255.255.255.0", "10.0.0.1", "10.0.0.1")

    def ipconfig(self, *what, **_):
        own = self.ifconfig()
        return {"addr4": own[:2], "gw4": own[2]}.get(what[0]) if what else None

    def config(self, *what, **_):
        return b"\x24\x0a\xc4\x00\x00\x01" if what == ("mac",) else None

    def _joined_ms(self):
        """When the address is there, counted from connect() or from the end of an outage since."""
        since_ms = self._asked_ms
        for from_s, to_s in sim_world.script.get("outages", ()):
            if from_s * 1000 <= sim_clock.ms and to_s * 1000 > since_ms:
                since_ms = int(to_s * 1000)
        return since_ms + _JOIN_MS


def ipconfig(what):
    return "10.0.0.1" if linked() else "0.0.0.0"  # "dns", the only word that the port knows here


def hostname(name=None):
    return "lacak"


def country(code=None):
    return "ID"
