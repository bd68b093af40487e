"""The wiring: each room is imported and built inside its own supervised task, so that what breaks there is its own death.

In: board.json, settings.json, the chip.  Out: run().  Owns: every hardware object; nothing is decided here.
"""

import asyncio
import json
import os
import random
import time
from binascii import crc32, hexlify

import esp32
import machine
from micropython import const

from tracker.letgo import let_go
from tracker.record import ASLEEP, SAFE_MODE
from tracker.system.log import Log
from tracker.system.reset import APP_DIED, GNSS, HANDS, NEW_SETTINGS, ORDERED, Resets
from tracker.system.retained import Retained
from tracker.system.supervisor import WDT_MS, Supervisor
from tracker.version import BUILD_SEC, VERSION

_UART_RXBUF = const(2048)  # two seconds of the loudest receiver at 1 Hz, while a flash erase stalls Python for 0.4 s
_READ_BUF = const(256)
_GNSS_POLL_MS = const(100)
_GNSS_DEADLINE_MS = const(30_000)
_HUNT_S = const(30)  # for an uplink that has a link: longer hunts find nothing
_LINK_DEADLINE_MS = const(60_000)  # wlan.active() spins until the driver answers
_UPTIME_MASK = const(0x3FFFFFFF)
_CARE_MS = const(60_000)
_CARE_S = const(60)


class NvsNumber:
    """One small integer in NVS, as the journal's sequence mark and the boot counter need it. NVS may be gone: it is a help."""

    def __init__(self, nvs, name):
        self._nvs = nvs
        self._name = name
        self.refused = 0

    def get(self):
        """The number, or None when it was never set (or NVS was erased at boot)."""
        try:
            return self._nvs.get_i32(self._name)
        except OSError:
            return None

    def set(self, value):
        try:
            self._nvs.set_i32(self._name, value)
            self._nvs.commit()
        except OSError:
            self.refused += 1


class NoTrail:
    """What the live lane follows while there is no trail."""

    newest = None
    newest_ms = 0
    hidden = False


class App:
    """The constructor makes what last_words() and hands_off() need, and reads no file."""

    def __init__(self):
        self._tick_ms = time.ticks_ms()
        self._uptime_ms = 0
        watchdog = machine.WDT(timeout=WDT_MS)
        retained = self._retained = Retained(machine.RTC())
        self.log = Log(time.ticks_ms, retained=retained)
        self.resets = Resets(retained, machine.reset)
        self.reason, self.detail = self.resets.begin(machine.reset_cause())
        self.supervisor = Supervisor(watchdog.feed, self.resets, self.log, time.ticks_ms, self._close_trail)
        self._clock_set = False
        self._watched = {}  # health's table: name -> object with counters
        self._uart = self._partition = self.board = self.journal = self.trail = self.link = self.uplink = self.power = None
        self.health = self.supply = None

    async def run(self):
        """Until the power goes, the board resets, or a technician presses Ctrl-C."""
        self.nvs = esp32.NVS("lacak")
        self.trial = NvsNumber(self.nvs, "trial")
        on_trial = self.trial.get()
        if on_trial:
            from tracker.system import trial
            from tracker.system.settings import SettingsFile

            trial.at_start(SettingsFile(nvs=self.nvs), self.trial)
        self.settings = _settings(self.nvs, self.log)
        boots = NvsNumber(self.nvs, "boots")
        self.boot = (boots.get() or 0) + 1
        boots.set(self.boot)
        self.log.info("Lacak %s, device %s, boot %d" % (VERSION, self.settings.device_id, self.boot))
        self._look_around()
        if self.reason == ASLEEP:
            from tracker.system import sleep

            self.log.info(sleep.woken_words(self._retained, time.time()))
            let_go("system.sleep")
        add = self.supervisor.add
        if self._partition and self.board:
            add("gnss", self._gnss, _GNSS_DEADLINE_MS)
            add("power", self._power, _GNSS_DEADLINE_MS)
        add("link", self._link, _LINK_DEADLINE_MS)
        if self._partition:
            add("uplink", self._uplink, WDT_MS)
            add("health", self._health, WDT_MS)
            if on_trial:
                add("trial", self._try_settings, WDT_MS)
        if self.missing():
            add("safe", self._safe, _LINK_DEADLINE_MS)
        await self.supervisor.run()

    def last_words(self, error):
        """The road itself ended by an exception: leave the reason, commit what is held. main.py resets the board."""
        self.resets.note(APP_DIED)  # first: what comes next may fail, too
        self.log.exception("The program died.", error)
        self._close_trail()

    def hands_off(self):
        """A technician stopped the program: however the board starts again, that was no crash."""
        self.resets.note(HANDS)

    def _look_around(self):
        """What this board has. Whatever is missing, the rooms that can do without it run."""
        try:
            with open("board.json") as file:
                self.board = json.load(file)
        except (OSError, ValueError):
            pass
        if not isinstance(self.board, dict) or "gnss" not in self.board:  # of a cut file json may make an empty one
            self.board = {}
            self.log.error(
                "board.json is missing or cut: the receiver's pins are not known, nothing is recorded. "
                "What the journal holds is still sent. Flash the board again."
            )
        found = esp32.Partition.find(esp32.Partition.TYPE_DATA, label="journal")
        if found:
            self._partition = found[0]
        else:
            self.log.error("The flash has no partition 'journal': nothing can be recorded. Flash the board again, table too.")

    def missing(self):
        """What does not run here, in words for the office; "" when all does."""
        names = [room.name for room in self.supervisor.rooms if room.off or room.trial]
        if not self.board:
            names.append("board.json")
        if not self._partition:
            names.append("journal")
        return " without " + ",".join(names) if names else ""

    def _mounted(self):
        """The journal: whoever needs it first mounts it, GNSS unless that room is left out."""
        if self.journal is None:
            from tracker.sampling.window import Window
            from tracker.store.journal import Journal

            settings = self.settings
            thin = Window(2 * settings.bound_m, settings.silence_moving_s, settings.silence_parked_s)
            mark = NvsNumber(self.nvs, "seq")
            journal = Journal(self._partition, os.urandom, mark, keep_acked_days=settings.keep_acked_days, window=thin)
            journal.mount()
            self.journal = journal
        return self.journal

    async def _gnss(self, beat):
        """UART byte to flash byte."""
        if self.trail is None:
            self._build_gnss()
        cared_ms = 0
        while True:
            uptime_ms = self.uptime()
            self.receiver.poll(uptime_ms)
            self.trail.tick(uptime_ms)
            if (uptime_ms - cared_ms) & _UPTIME_MASK >= _CARE_MS:
                cared_ms = uptime_ms
                self._care(uptime_ms)
            beat()
            await asyncio.sleep_ms(_GNSS_POLL_MS)

    def _build_gnss(self):
        """Once: a task that starts anew goes on with the same objects, and only a reset makes new ones."""
        from tracker.fix import Fix
        from tracker.gnss.clock import ClockGate
        from tracker.gnss.receiver import Receiver
        from tracker.sampling.quality import Quality
        from tracker.sampling.window import Window

        settings, pins = self.settings, self.board["gnss"]
        shift = settings.shift_from_min, settings.shift_to_min, settings.utc_offset_min
        if shift[0] == shift[1]:
            from tracker.sampling.trail import Trail
        else:
            from tracker.sampling.shift import Shift, ShiftTrail as Trail
        journal = self._mounted()
        uart = self._uart = self._uart or machine.UART(
            pins["uart"], baudrate=settings.gnss_baud, rx=pins["rx"], tx=pins["tx"], rxbuf=_UART_RXBUF, timeout=0
        )
        parser = _parser(settings.parser)(Fix(), self._on_epoch)
        self.receiver = Receiver(
            uart, parser, bytearray(_READ_BUF), settings.gnss_baud, _baud_setter(uart), _supply_of(pins), pins.get("modem")
        )
        window = Window(
            settings.bound_m, settings.silence_moving_s, settings.silence_parked_s, settings.sample == "all"
        )
        gate = ClockGate(BUILD_SEC, journal.last_sec)
        quality = Quality()
        reason, detail = (SAFE_MODE, GNSS) if self.resets.off >> GNSS & 1 else (self.reason, self.detail)
        self.trail = Trail(
            journal, gate, quality, window, reason, detail, boot=self.boot, begun_ms=self.uptime() if reason == SAFE_MODE else 0
        )
        if shift[0] != shift[1]:
            self.trail.shift = Shift(*shift)
        if self.uplink is not None:
            self.uplink.live.trail = self.trail
        self._watched.update(parser=parser, gate=gate, quality=quality, receiver=self.receiver, trail=self.trail)

    async def _power(self, beat):
        while self.trail is None:
            beat()
            await asyncio.sleep(1)
        if self.power is None:
            from tracker.system.power import Power
            from tracker.system.supply import Supply

            settings, board = self.settings, self.board
            supply = self.supply = self._watched["supply"] = Supply(settings.supply_low_mv)
            self.power = Power(
                self.log, self.trail, self.journal, supply, self._hold_radio, self.uptime,
                self._fall_asleep if "sleep" in board else None, self._ignition(), _millivolts(board),
                settings.sleep_after_min, settings.heartbeat_min, self.reason == ASLEEP
            )
            self.power.goodbye = self._goodbye
        await self.power.run(beat)

    def _goodbye(self, minutes):
        if self.uplink is not None:
            self.uplink.rest(minutes)

    def _hold_radio(self, on):
        if self.link is not None:
            self.link.hold(on)

    def _fall_asleep(self, minutes):
        from tracker.system import sleep

        profile = self.board["sleep"]
        wake = machine.Pin(self.board["inputs"][profile["wake"]], machine.Pin.IN)
        now_sec = self.trail.now_sec(self.uptime())
        sleep.fall_asleep(machine, esp32, wake, profile, self._retained, now_sec, time.time(), minutes)

    async def _health(self, beat):
        """Once a minute how all is, and the log's tail; a room of its own, so that its faults are not GNSS's."""
        while self.journal is None:
            beat()
            await asyncio.sleep(1)
        import gc

        from tracker.system.health import Health

        health = self.health = Health(self.journal, self.boot, self.reason, self.detail, gc, esp32.idf_heap_info)
        watched = health.watched
        watched.update(resets=self.resets, settings=self.settings, loop=self.supervisor, log=self.log)
        for room in self.supervisor.rooms:
            watched[room.name] = room
        while True:
            watched.update(self._watched)  # who comes later
            health.look(self.uptime(), self.trail and self.trail.now_sec(self.uptime()))
            self.log.save()
            beat()
            await asyncio.sleep(_CARE_S)

    async def _link(self, beat):
        if self.link is None:
            import network

            from tracker.link.wifi import Wifi

            settings = self.settings
            self.link = Wifi(
                network.WLAN(network.STA_IF), settings.wifi_ssid, settings.wifi_password, self.log, time.ticks_ms
            )
            self._watched["wifi"] = self.link
            if self.power is not None and self.power.held:
                self.link.hold(True)
        await self.link.run(beat)

    async def _uplink(self, beat):
        # Loaded when there is a link to serve, and not beside the hunt for the receiver, which takes 7 KB and gives them back.
        patience_s = _HUNT_S
        while self.uplink is None and (self.link is None or not self.link.up() or (patience_s and self._is_hunting())):
            beat()
            await asyncio.sleep(1)
            patience_s = max(patience_s - 1, 0)
        if self.uplink is None:
            self.uplink = self._build_uplink()
            self._watched.update(session=self.uplink, history=self.uplink.history)
        await self.uplink.run(beat)

    def _is_hunting(self):
        return self.trail is not None and self.receiver.hunt is not None

    def _build_uplink(self):
        from tracker.uplink import clock
        from tracker.uplink.uplink import Uplink

        uplink = Uplink(
            self.settings, self._mounted(), self.trail or NoTrail, self._build_net(clock), self.link, clock, _randbelow,
            self.log, self.boot, self.missing
        )
        uplink.obey = self._obey
        return uplink

    def _obey(self, frame, uplink):
        """A command that our key has signed. What it needs is loaded for it, and let go."""
        try:
            from tracker.uplink import commands

            return commands.obey(frame, uplink.tagger, NvsNumber(self.nvs, "cmd"), self._do, uplink, self.journal)
        except MemoryError:
            self.log.error("uplink: too little memory to look at a command.")
        finally:
            let_go("uplink.commands")

    def _do(self, code, text):
        try:
            from tracker.system import orders

            return orders.run(self, code, text)
        finally:
            let_go(
                "system.orders", "system.trial", "system.settings_change", "system.settings", "system.schema", "system.strict"
            )

    async def _try_settings(self, beat):
        """Only after a change that could cut the truck off: it goes back unless the station confirms data."""
        from tracker.system import trial

        await trial.run(asyncio, self.trial, self._is_confirmed, self._report, self.start_anew, beat)
        let_go("system.trial")
        while True:  # no room ends by itself
            beat()
            await asyncio.sleep(_CARE_S)

    def _is_confirmed(self):
        return self.uplink is not None and self.uplink.history.freed

    def _report(self, text):
        from tracker.record import TEXT, Record

        self.log.info(text)
        rec = Record()
        rec.kind = TEXT
        rec.sec = self.trail and self.trail.now_sec(self.uptime()) or 0
        data = text.encode()
        rec.n = len(data)
        rec.body[: rec.n] = data
        self._mounted().append(rec)

    def start_anew(self):
        """A reset that the office, or a trial's end, asks for."""
        self._close_trail()
        self.resets.order(NEW_SETTINGS if self.trial.get() else ORDERED)

    def _build_net(self, clock):
        """What opens connections: through TLS unless the settings say no, by name unless they have an address."""
        import network
        import select
        import socket

        from tracker.uplink.stream import Tcp, is_address

        settings = self.settings
        if settings.broker_tls == "off":
            self.log.warn("'broker_tls' is off: anybody on the way can read, forge and pose as the broker. For a bench only.")
            net = Tcp(socket, select, clock)
        else:
            from tracker.uplink.secure import Secure

            net = self._watched["tls"] = Secure(socket, select, clock, _clock_is_set, _system_heap, self.log)
        if settings.broker_host and not is_address(settings.broker_host):
            from tracker.uplink.names import Names

            def servers():
                both = (network.ipconfig("dns"), settings.dns_server)
                return [server for server in both if is_address(server) and server != "0.0.0.0"]

            kept = NvsNumber(self.nvs, "ip%x" % crc32(settings.broker_host.encode()))  # another name, another address
            net.names = self._watched["names"] = Names(socket, clock, os.urandom, servers, kept)
        return net

    async def _safe(self, beat):
        """Only where something is missing: tries it again, tells the office."""
        from tracker.system.safe import SafeMode

        safe = SafeMode(self.supervisor, self.resets, self.log, time.ticks_ms, self._ignition(), self.missing, self._tell)
        await safe.run(beat)

    async def _tell(self, text, beat):
        """By the uplink if it runs, else by a client that needs nothing of ours. None: it could not be tried now."""
        running = [room.name for room in self.supervisor.rooms if not room.off]
        if "link" in running and (self.link is None or not self.link.up()):
            return None
        if "link" in running and "uplink" in running:
            if self.uplink is not None:
                self.uplink.told = False
            return True
        secured = None
        if self.settings.broker_tls != "off":
            if not _clock_is_set():
                return None
            secured = self._secured
        import network

        from tracker.system import tell

        try:
            return await tell.tell(self.settings, network.WLAN(network.STA_IF), text, self.boot, beat, secured)
        finally:
            let_go("system.tell")

    def _secured(self, sock):
        from tracker.uplink.secure import make_context

        return make_context().wrap_socket(sock, server_hostname=self.settings.broker_host)

    def _ignition(self):
        """The switch as a function of nothing; None on a board without one."""
        pin = self.board.get("inputs", {}).get("ignition")
        return None if pin is None else machine.Pin(pin, machine.Pin.IN).value

    def _care(self, uptime_ms):
        """Once a minute: the chip's clock, old sectors."""
        now_sec = self.trail.now_sec(uptime_ms)
        if now_sec is not None:
            if not self._clock_set:
                _set_rtc(now_sec)
                self._clock_set = True
                self._tell_cost(now_sec - uptime_ms // 1000)
            self.journal.erase_aged(now_sec)

    def _tell_cost(self, boot_sec):
        from tracker.system import cost

        words = cost.cost(self.reason, self.trail.told_sec, self.journal.skipped, boot_sec)
        if words:
            self.log.info(words)
        let_go("system.cost")

    def _close_trail(self):
        if self.trail is not None:
            self.trail.close(self.uptime())

    def _on_epoch(self, fix):
        self.trail.on_epoch(fix, self.uptime())

    def uptime(self):
        """Milliseconds since boot, as a small integer: after 12.4 days it begins again, and only its differences count."""
        now_ms = time.ticks_ms()
        self._uptime_ms = (self._uptime_ms + time.ticks_diff(now_ms, self._tick_ms)) & _UPTIME_MASK
        self._tick_ms = now_ms
        return self._uptime_ms


def _settings(nvs, log):
    """The values alone: what read and judged them is 11 KB on the board, and let go."""
    from tracker.system.settings import SettingsFile, secrets

    settings = SettingsFile(nvs=nvs).load("lacak-" + hexlify(machine.unique_id()).decode()[-6:])
    for secret in secrets(settings):
        log.hide(secret)
    for problem in settings.problems:
        log.warn(problem)
    settings.problems = None
    let_go("system.settings", "system.schema", "system.strict")
    return settings


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
    # hold=False: it was held low in a deep sleep
    return machine.Pin(pins["power"], machine.Pin.OUT, value=1, hold=False).value if "power" in pins else None


def _millivolts(board):
    """What measures the vehicle's supply; None on a board that can't."""
    if "supply" not in board:
        return None
    read_uv = machine.ADC(machine.Pin(board["adc"]["supply"]), atten=machine.ADC.ATTN_11DB).read_uv
    ratio = board["supply"]["divide_x100"]
    return lambda: read_uv() // 1000 * ratio // 100


def _randbelow(n):
    return random.randrange(n)


def _system_heap():
    return esp32.idf_heap_info(esp32.HEAP_DATA)


def _clock_is_set():
    """By a fix since the power came, in this boot or in one before: the chip's clock starts in 2000."""
    return time.time() - time.mktime((2020, 1, 1, 0, 0, 0, 0, 0)) >= BUILD_SEC


def _set_rtc(sec):
    """The chip's clock from the first believed fix: TLS needs it. mktime hides where the port's own epoch lies."""
    now = time.gmtime(time.mktime((2020, 1, 1, 0, 0, 0, 0, 0)) + sec)
    machine.RTC().datetime((now[0], now[1], now[2], 0, now[3], now[4], now[5], 0))
