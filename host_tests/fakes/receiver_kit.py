"""A serial line with a simulated receiver on it, without a board: time goes in polls of 100 ms."""

from sim.board.sim_receiver import SimReceiver
from tracker.fix import Fix
from tracker.gnss.nmea import NmeaParser
from tracker.gnss.receiver import Receiver

POLL_MS = 100


def sentence(body):
    xor = 0
    for c in body.encode():
        xor ^= c
    return ("$%s*%02X\r\n" % (body, xor)).encode()


def burst(sec, ms=0):
    """All that a receiver says of a second when nobody has told it otherwise."""
    clock = "%02d%02d%02d.%02d" % (sec // 3600 % 24, sec // 60 % 60, sec % 60, ms // 10)
    place = "0612.00000,S,10636.00000,E"
    bodies = (
        "GPRMC,%s,A,%s,10.000,90.00,241126,,,A" % (clock, place),
        "GPVTG,90.00,T,,M,10.000,N,18.520,K,A",
        "GPGGA,%s,%s,1,09,0.90,16.0,M,18.9,M,," % (clock, place),
        "GPGSA,A,3,02,05,07,09,13,15,21,24,29,,,,1.71,0.90,1.44",
        "GPGSV,1,1,04,02,61,118,40,05,22,041,33,07,14,204,28,09,38,330,37",
        "GPGLL,%s,%s,A,A" % (place, clock),
    )
    return b"".join(sentence(body) for body in bodies)


class Line:
    """The UART and the receiver at its other end; step() is one poll."""

    def __init__(self, script, uart_baud=9600, power=False, modem=None):
        self.sim = SimReceiver(script) if script else None
        self.uart_baud = uart_baud
        self.now_ms = 5000
        self.powers = []
        self.written = []
        self.turns = []  # every rate that the UART was set to
        self.fixes = 0
        self._ring = b""
        self._sent = b""  # on its way at the line's speed
        self._parser = NmeaParser(Fix(), self._on_epoch)
        self.receiver = Receiver(
            self, self._parser, bytearray(256), uart_baud, self.set_baud, self._power if power else None, modem
        )

    def _on_epoch(self, fix):
        self.fixes += 1

    def _power(self, on):
        self.powers.append((self.now_ms, on))
        self.sim.power(on, self.now_ms)

    def set_baud(self, baud):
        self.uart_baud = baud
        self.turns.append(baud)
        self._ring = b""

    def write(self, data):
        self.written.append(bytes(data))
        if self.sim and self.uart_baud == self.sim.baud:
            self.sim.hear(data, self.now_ms)

    def readinto(self, buf):
        n = min(len(buf), len(self._ring))
        buf[:n] = self._ring[:n]
        self._ring = self._ring[n:]
        return n or None

    def step(self):
        self.now_ms += POLL_MS
        if self.sim and not self._sent:
            self._sent = bytes(self.sim.said)
            self.sim.said = bytearray()
        if self.sim and self.now_ms % 200 == 0:
            data = bytearray(burst(self.now_ms // 1000, self.now_ms % 1000))
            self._sent += bytes(data[: self.sim.shape(data, len(data), self.now_ms)])
        if self._sent:
            self._arrive(self.sim.baud * POLL_MS // 10_000)
        self.receiver.poll(self.now_ms)

    def _arrive(self, n):
        data, self._sent = self._sent[:n], self._sent[n:]
        if self.uart_baud != self.sim.baud:
            data = bytes((c * 37 + 11 | 0x80) & 0xFF for c in data)
        self._ring += data

    def run(self, seconds, until=None):
        """Polls until the time is over or until() is true; how many seconds it took."""
        began = self.now_ms
        while self.now_ms - began < seconds * 1000 and not (until and until()):
            self.step()
        return (self.now_ms - began) / 1000
