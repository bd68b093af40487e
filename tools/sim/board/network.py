"""network of the simulated board: one access point, in range when there is no outage, and PPP over the modem.

Out: WLAN, PPP, ipconfig, hostname as the port's; route() and linked() for socket.py.
Owns: which of the two has the default route: the one that got it last, and nothing gives it back.
"""

import machine
import sim_clock
import sim_ppp_api
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
_TALKING_MS, _IDLE_MS = 20, 500  # between two looks of PPP at its UART
_up = None  # the WLAN that connects
_ppp = None  # the PPP that had connect() called last
PPP = None  # the class of the script's version, once plug_in() has read it


def plug_in():
    global PPP
    PPP = sim_ppp_api.make_ppp(sim_world.script.get("micropython", "1.27"), lambda: sim_clock.ms, _born)


def _born(ppp):
    global _ppp
    _ppp = ppp

    def look():
        ppp.pump()
        return sim_clock.ms + (_IDLE_MS if ppp.isconnected() or not ppp.sessions else _TALKING_MS)

    sim_clock.at(sim_clock.ms + _TALKING_MS, look)


def by_ppp():
    """Has PPP the default route? connect() takes it, and it keeps it until Wi-Fi gets an address anew."""
    if _ppp is None or _ppp.asked_ms is None:
        return False
    return _up is None or not _up.isconnected() or _up.joined_ms() < _ppp.asked_ms


def route():
    """Where packets go now, different for each new connection of a bearer; None: nowhere."""
    if by_ppp():
        return ("ppp", _ppp.sessions) if _ppp.isconnected() else None
    return ("wifi", _up.joined_ms()) if _up is not None and _up.isconnected() else None


def linked():
    """Do packets get through now?"""
    if by_ppp():
        return _ppp.flows() and machine.modem is not None and machine.modem.flows(sim_clock.ms)
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
        return self._asked_ms is not None and not self._wrong and sim_clock.ms >= self.joined_ms()

    def status(self, what=None):
        if what == "rssi":
            return -60
        if self._asked_ms is None:
            return STAT_IDLE
        if self.isconnected():
            return STAT_GOT_IP
        if self._wrong:
            return STAT_WRONG_PASSWORD
        gone = any(from_s * 1000 <= sim_clock.ms < to_s * 1000 for from_s, to_s in _silences())
        return STAT_NO_AP_FOUND if gone else STAT_CONNECTING

    def ifconfig(self, *_):
        own = "10.0.0.2" if self.isconnected() else "0.0.0.0"
        return (own, "255.255.255.0", "10.0.0.1", "10.0.0.1")

    def ipconfig(self, *what, **_):
        own = self.ifconfig()
        return {"addr4": own[:2], "gw4": own[2]}.get(what[0]) if what else None

    def config(self, *what, **_):
        return b"\x24\x0a\xc4\x00\x00\x01" if what == ("mac",) else None

    def joined_ms(self):
        """When the address is there, counted from connect() or from the end of an outage since."""
        since_ms = self._asked_ms
        for from_s, to_s in _silences():
            if from_s * 1000 <= sim_clock.ms and to_s * 1000 > since_ms:
                since_ms = int(to_s * 1000)
        return since_ms + _JOIN_MS


def _silences():
    """When the access point is not heard."""
    return list(sim_world.script.get("outages", ())) + list(sim_world.script.get("wifi_away", ()))


def ipconfig(what):
    if by_ppp():
        return _ppp.name_server() or "0.0.0.0"
    return "10.0.0.1" if linked() else "0.0.0.0"  # "dns", the only word that the port knows here


def hostname(name=None):
    return "lacak"


def country(code=None):
    return "ID"
