"""The wiring: builds every room from the board and the settings, and gives each task to the supervisor.

In: board.json, settings.json, the chip.  Out: run().  Owns: every hardware object; nothing is decided here.
"""

import asyncio
import json
import os
import random
import select
import socket
import time
from binascii import hexlify

import esp32
import machine
import network
from micropython import const

from tracker.fix import Fix
from tracker.gnss.clock import ClockGate
from tracker.gnss.receiver import Receiver
from tracker.link.wifi import Wifi
from tracker.sampling.quality import Quality
from tracker.sampling.trail import Trail
from tracker.sampling.window import Window
from tracker.store.journal import Journal
from tracker.system.log import Log
from tracker.system.reset import APP_DIED, Resets
from tracker.system.retained import Retained
from tracker.system.settings import SettingsFile
from tracker.system.supervisor import WDT_MS, Supervisor
from tracker.uplink import clock
from tracker.uplink.stream import Tcp
from tracker.uplink.uplink import Uplink
from tracker.version import BUILD_SEC, VERSION

_UART_RXBUF = const(2048)  # two seconds of the loudest receiver at 1 Hz, while a flash erase stalls Python for 0.4 s
_READ_BUF = const(256)
_GNSS_POLL_MS = const(100)
_GNSS_DEADLINE_MS = const(30_000)
_LINK_DEADLINE_MS = const(60_000)  # wlan.active() spins until the driver answers
_UPTIME_MASK = const(0x3FFFFFFF)
_CARE_MS = const(60_000)
_STEADY_MS = const(600_000)  # a start that lasts ten minutes was a good one


class NvsNumber:
    """One small integer in NVS, as the journal's sequence mark and the boot counter need it."""

    def __init__(self, nvs, name):
        self._nvs = nvs
        self._name = name

    def get(self):
        """The number, or None when it was never set (or NVS was erased at boot)."""
        try:
            return self._nvs.get_i32(self._name)
        except OSError:
            return None

    def set(self, value):
        self._nvs.set_i32(self._name, value)
        self._nvs.commit()


class App:
    def __init__(self):
        self.log = Log(time.ticks_ms)
        self._begun_ms = self._tick_ms = time.ticks_ms()
        self._uptime_ms = 0
        self._clock_set = False
        with open("board.json") as file:
            board = json.load(file)
        self.settings = SettingsFile().load("lacak-" + hexlify(machine.unique_id()).decode()[-6:])
        self.resets = Resets(Retained(machine.RTC()), machine.reset)
        reason, detail = self.resets.begin(machine.reset_cause())
        nvs = esp32.NVS("lacak")
        boots = NvsNumber(nvs, "boots")
        self.boot = (boots.get() or 0) + 1
        boots.set(self.boot)
        self.log.info("Lacak %s, device %s, boot %d" % (VERSION, self.settings.device_id, self.boot))
        for problem in self.settings.problems:
            self.log.warn(problem)
        self._build_road(board, nvs, reason, detail)
        self._build_uplink()
        self._supervise()

    def _build_road(self, board, nvs, reason, detail):
        settings = self.settings
        partition = esp32.Partition.find(esp32.Partition.TYPE_DATA, label="journal")[0]
        self.journal = Journal(partition, os.urandom, NvsNumber(nvs, "seq"), keep_acked_days=settings.keep_acked_days)
        self.journal.mount()
        window = Window(
            settings.bound_m, settings.silence_moving_s, settings.silence_parked_s, settings.sample == "all"
        )
        gate = ClockGate(BUILD_SEC, self.journal.last_sec)
        self.trail = Trail(self.journal, gate, Quality(), window, reason, detail, boot=self.boot)
        pins = board["gnss"]
        uart = machine.UART(
            pins["uart"], baudrate=settings.gnss_baud, rx=pins["rx"], tx=pins["tx"], rxbuf=_UART_RXBUF, timeout=0
        )
        parser = _parser(settings.parser)(Fix(), self._on_epoch)
        self.receiver = Receiver(
            uart, parser, bytearray(_READ_BUF), settings.gnss_baud, _baud_setter(uart), _supply_of(pins), pins.get("modem")
        )
        self.ignition = machine.Pin(board["inputs"]["ignition"], machine.Pin.IN)

    def _build_uplink(self):
        settings = self.settings
        self.link = Wifi(
            network.WLAN(network.STA_IF), settings.wifi_ssid, settings.wifi_password, self.log, time.ticks_ms
        )
        self.uplink = Uplink(
            settings, self.journal, self.trail, Tcp(socket, select, clock), self.link, clock, _randbelow, self.log, self.boot
        )

    def _supervise(self):
        watchdog = machine.WDT(timeout=WDT_MS)
        self.supervisor = Supervisor(watchdog.feed, self.resets.order, self.log, time.ticks_ms, self._close_trail)
        self.supervisor.add("gnss", self._gnss, _GNSS_DEADLINE_MS)
        self.supervisor.add("link", self.link.run, _LINK_DEADLINE_MS, essential=False)
        self.supervisor.add("uplink", self.uplink.run, WDT_MS, essential=False)

    async def run(self):
        """Until the power goes, the board resets, or a technician presses Ctrl-C."""
        await self.supervisor.run()

    def last_words(self, error):
        """The road itself ended by an exception: commit what is held, leave the reason, reset."""
        self.log.exception("The program died.", error)
        self._close_trail()
        self.resets.order(APP_DIED)

    async def _gnss(self, beat):
        """UART byte to flash byte, and the ignition switch, whose turning off puts the end of the trail on flash."""
        ignition = self.ignition
        was_on = ignition.value()
        cared_ms = 0
        while True:
            uptime_ms = self._uptime()
            self.receiver.poll(uptime_ms)
            self.trail.tick(uptime_ms)
            on = ignition.value()
            if was_on and not on:
                self._close_trail()
            was_on = on
            if (uptime_ms - cared_ms) & _UPTIME_MASK >= _CARE_MS:
                cared_ms = uptime_ms
                self._care(uptime_ms)
            beat()
            await asyncio.sleep_ms(_GNSS_POLL_MS)

    def _care(self, uptime_ms):
        """Once a minute: the chip's clock, old sectors, a start that was a good one."""
        now_sec = self.trail.now_sec(uptime_ms)
        if now_sec is not None:
            if not self._clock_set:
                _set_rtc(now_sec)
                self._clock_set = True
            self.journal.erase_aged(now_sec)
        if self.resets.crashes and uptime_ms > _STEADY_MS:
            self.resets.steady()

    def _close_trail(self):
        self.trail.close(self._uptime())

    def _on_epoch(self, fix):
        self.trail.on_epoch(fix, self._uptime())

    def _uptime(self):
        """Milliseconds since boot, as a small integer: after 12.4 days it begins again, and only its differences count."""
        now_ms = time.ticks_ms()
        self._uptime_ms = (self._uptime_ms + time.ticks_diff(now_ms, self._tick_ms)) & _UPTIME_MASK
        self._tick_ms = now_ms
        return self._uptime_ms


def _parser(name):
    """The class of the chosen parser; the other one is not loaded."""
    if name == "micropygps":
        from tracker.gnss.nmea_micropygps import MicropyGPSParser as parser
    else:
        from tracker.gnss.nmea import NmeaParser as parser
    return parser


def _baud_setter(uart):
    """The UART's other settings stay; a changed buffer size would install the driver anew."""

    def set_baud(baud):
        uart.init(baudrate=baud, rxbuf=_UART_RXBUF, timeout=0)

    return set_baud


def _supply_of(pins):
    """The pin that gives the receiver its power, as a function of the level; None on a board without one."""
    return machine.Pin(pins["power"], machine.Pin.OUT, value=1).value if "power" in pins else None


def _randbelow(n):
    return random.randrange(n)


def _set_rtc(sec):
    """The chip's clock from the first believed fix: TLS needs it. mktime hides where the port's own epoch lies."""
    now = time.gmtime(time.mktime((2020, 1, 1, 0, 0, 0, 0, 0)) + sec)
    machine.RTC().datetime((now[0], now[1], now[2], 0, now[3], now[4], now[5], 0))
