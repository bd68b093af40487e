"""The firmware's Modem on a simulated modem, with time that only the kit lets pass. Runs on CPython."""

from sim.board import sim_ppp_api
from sim.board.sim_modem import SimModem
from sim.board.sim_wire import Wire
from tracker.link.modem import Modem
from tracker.system.log import Log

_STEP_MS = 100
_TICKS = 1 << 30

# As in boards/: what the technician's board says of its modem (the simulator's own times are in sim_modems.py).
PROFILES = {
    "a7670": {"on_ms": 100, "off_ms": 3000, "boot_s": 15, "reset_ms": 2600, "auth": 'AT+CGAUTH=1,1,"PASSWORD","USER"'},
    "sim7600": {"on_ms": 500, "off_ms": 3000, "boot_s": 20, "auth": 'AT+CGAUTH=1,1,"PASSWORD","USER"'},
    "sim7000": {"on_ms": 1000, "off_ms": 1300, "boot_s": 15},
    "sim800": {"boot_s": 10, "reset_ms": 200},
}
PINS = {
    "a7670": ("pwrkey", "power", "reset", "dtr"),
    "sim7600": ("pwrkey", "dtr"),
    "sim7000": ("pwrkey", "dtr"),
    "sim800": ("reset",),
}


class Values:
    apn = "internet"
    apn_user = apn_password = sim_pin = ""


class Mark:
    """A number in NVS."""

    value = None

    def get(self):
        return self.value

    def set(self, value):
        self.value = value


class _Uart:
    def __init__(self, wire, now):
        self._wire, self._now, self.baud = wire, now, 115200

    def readinto(self, buf):
        self._wire.pull(self._now(), self.baud == self._wire.baud)
        return self._wire.take(buf, len(buf)) or None if self._wire.count else None

    def write(self, data):
        self._wire.hear(bytes(data), self._now(), self.baud)
        return len(data)


class _Port:
    def __init__(self, bench, pins):
        self._bench = bench
        self.uart = _Uart(bench.wire, bench.world_ms)
        for ours, theirs in (("key", "pwrkey"), ("power", "power"), ("reset", "reset"), ("dtr", "dtr")):
            setattr(self, ours, self._pin(theirs) if theirs in pins else None)

    def _pin(self, name):
        return lambda level: self._bench.sim.pin(name, level, self._bench.ms)

    def set_baud(self, baud):
        self.uart.baud = baud
        self._bench.wire.flush(self._bench.ms, 8192)


class Bench:
    def __init__(self, model="a7670", faults=(), sim=None, settings=None, version="1.27", mark=None, seed=0, board=True):
        self.ms = seed * 977 % 5000  # no two begin at the same phase of anything
        pins = PINS[model]
        self.sim = SimModem(model, faults, None, self.ms, "power" not in pins, sim, start_sec=217_000_000)
        self.wire = Wire(self.sim)
        self.wire.room = 8192
        self.port = _Port(self, pins)
        self.log = Log(self.ticks, 8192, self._drop)
        self.mark = mark or Mark()
        self.times, self.board_resets = [], []
        make = sim_ppp_api.make_ppp(version, self.world_ms)
        self.ppps = []

        def make_ppp(uart):
            self.ppps.append(make(uart))
            return self.ppps[-1]

        values = Values()
        for key in settings or {}:
            setattr(values, key, settings[key])
        self.modem = Modem(
            self.port, PROFILES[model], make_ppp, values, self.mark, self.log, self.ticks,
            lambda *time: self.times.append(time), self.board_resets.append
        )  # fmt: skip
        self.modem.hold(False)
        self.longest_down_ms = 0

    def world_ms(self):
        return self.ms

    def ticks(self):
        return (self.ms + _TICKS - 300_000) % _TICKS  # they come round after five minutes

    def _drop(self, line):
        pass

    def said(self, text):
        return len([line for line in self.log.lines() if text in line])

    def lines(self):
        return "\n".join(self.log.lines())

    def flows(self):
        """Is it up, and do packets get through?"""
        return self.modem.up() and self.sim.flows(self.ms) and not self.sim.deaf()

    def run(self, seconds, until=None):
        """Seconds of the world, or until(); how many passed."""
        begun_ms = self.ms
        while self.ms - begun_ms < seconds * 1000:
            if until and until():
                break
            self.modem.step()
            for ppp in self.ppps:
                ppp.pump()
            self.ms += _STEP_MS
        return (self.ms - begun_ms) / 1000

    def run_with_uplink(self, seconds, until=None):
        """The same beside an uplink that gives up on a link which says nothing for 90 s."""
        heard_ms = asked_ms = self.ms
        begun_ms = self.ms
        while self.ms - begun_ms < seconds * 1000 and not (until and until()):
            self.run(1)
            if self.flows():
                heard_ms = self.ms
                self.modem.proven()
            elif not self.modem.up():
                heard_ms = asked_ms = self.ms
            elif self.ms - heard_ms >= 90_000 and self.ms - asked_ms >= 30_000:
                asked_ms = self.ms
                self.modem.suspect()
        return (self.ms - begun_ms) / 1000
