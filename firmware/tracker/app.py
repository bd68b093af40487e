"""The life of a boot: settings, what this board has, a supervised task for each room, the clock, the last words.

In: the chip.  Out: run().  Owns: every room's object; nothing is decided here. A room is imported and built inside its own
    task, so that what breaks there is its own death; build.py says how.
"""

import asyncio
import time

import esp32
import machine
from micropython import const

from tracker.chip import NvsNumber, clock_is_set, set_clock
from tracker.letgo import let_go
from tracker.record import ASLEEP
from tracker.system.log import Log
from tracker.system.reset import APP_DIED, HANDS, NEW_SETTINGS, ORDERED, Resets
from tracker.system.retained import Retained
from tracker.system.supervisor import WDT_MS, Supervisor
from tracker.version import VERSION

_GNSS_POLL_MS = const(100)
_GNSS_DEADLINE_MS = const(30_000)
_HUNT_S = const(30)  # for an uplink that has a link: longer hunts find nothing
_LINK_DEADLINE_MS = const(60_000)  # wlan.active() spins until the driver answers
_UPTIME_MASK = const(0x3FFFFFFF)
_CARE_MS = const(60_000)
_CARE_S = const(60)


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
        self.watched = {}  # health's table: name -> object with counters
        self.board = self.partition = self.uart = self.receiver = self.trail = self.journal = None
        self.link = self.uplink = self.power = self.supply = self.health = None  # made by build.py

    async def run(self):
        """Until the power goes, the board resets, or a technician presses Ctrl-C."""
        self.nvs = esp32.NVS("lacak")
        self.trial = NvsNumber(self.nvs, "trial")
        on_trial = self.trial.get()
        self._build("settings")
        boots = NvsNumber(self.nvs, "boots")
        self.boot = (boots.get() or 0) + 1
        boots.set(self.boot)
        self.log.info("Lacak %s, device %s, boot %d" % (VERSION, self.settings.device_id, self.boot))
        self._build("look_around")
        if self.reason == ASLEEP:
            from tracker.system import sleep

            self.log.info(sleep.woken_words(self._retained, time.time()))
            let_go("system.sleep")
        add = self.supervisor.add
        if self.partition and self.board:
            add("gnss", self._gnss, _GNSS_DEADLINE_MS)
            add("power", self._power, _GNSS_DEADLINE_MS)
        add("link", self._link, _LINK_DEADLINE_MS)
        if self.partition:
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

    def _build(self, what):
        """By code that is 5 KB on the board, and let go."""
        from tracker import build

        try:
            return getattr(build, what)(self)
        finally:
            let_go("build")

    def thin_window(self):
        """For the journal, when its ring runs full for the first time."""
        from tracker.sampling.window import Window

        values = self.settings
        return Window(2 * values.bound_m, values.silence_moving_s, values.silence_parked_s)

    def missing(self):
        """What does not run here, in words for the office; "" when all does."""
        names = [room.name for room in self.supervisor.rooms if room.off or room.trial]
        if not self.board:
            names.append("board.json")
        if not self.partition:
            names.append("journal")
        return " without " + ",".join(names) if names else ""

    async def _gnss(self, beat):
        """UART byte to flash byte."""
        if self.trail is None:
            self._build("gnss")
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

    async def _power(self, beat):
        while self.trail is None:
            beat()
            await asyncio.sleep(1)
        if self.power is None:
            self._build("power")
        await self.power.run(beat)

    def goodbye(self, minutes):
        if self.uplink is not None:
            self.uplink.rest(minutes)

    def hold_radio(self, on):
        if self.link is not None:
            self.link.hold(on)

    def fall_asleep(self, minutes):
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
        self._build("health")
        while True:
            self.health.watched.update(self.watched)  # who comes later
            self.health.look(self.uptime(), self.trail and self.trail.now_sec(self.uptime()))
            self.log.save()
            beat()
            await asyncio.sleep(_CARE_S)

    async def _link(self, beat):
        if self.link is None:
            self._build("link")
        await self.link.run(beat)

    async def _uplink(self, beat):
        # Loaded when there is a link to serve, and not beside the hunt for the receiver, which takes 7 KB and gives them back.
        patience_s = _HUNT_S
        while self.uplink is None and (self.link is None or not self.link.up() or (patience_s and self._is_hunting())):
            beat()
            await asyncio.sleep(1)
            patience_s = max(patience_s - 1, 0)
        if self.uplink is None:
            self._build("uplink")
        await self.uplink.run(beat)

    def _is_hunting(self):
        return self.trail is not None and self.receiver.hunt is not None

    def obey(self, frame, uplink):
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
        from tracker.system import orders

        await orders.try_settings(self, self._build, beat)
        let_go("system.orders", "system.trial")
        while True:  # no room ends by itself
            beat()
            await asyncio.sleep(_CARE_S)

    def report(self, text):
        from tracker.system import orders

        orders.report(self, self._build, text)
        let_go("system.orders")

    def ask_reset(self, words):
        """From a room that cannot help itself otherwise."""
        self.log.error("%s. The board is reset." % words)
        self.start_anew()

    def start_anew(self):
        """A reset that the office, or a trial's end, asks for."""
        self._close_trail()
        self.resets.order(NEW_SETTINGS if self.trial.get() else ORDERED)

    async def _safe(self, beat):
        """Only where something is missing: tries it again, tells the office."""
        await self._build("safe").run(beat)

    async def tell(self, text, beat):
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
            if not clock_is_set():
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

    def _care(self, uptime_ms):
        """Once a minute: the chip's clock, old sectors."""
        now_sec = self.trail.now_sec(uptime_ms)
        if now_sec is not None:
            if not self._clock_set:
                set_clock(now_sec)
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

    def on_epoch(self, fix):
        self.trail.on_epoch(fix, self.uptime())

    def uptime(self):
        """Milliseconds since boot, as a small integer: after 12.4 days it begins again, and only its differences count."""
        now_ms = time.ticks_ms()
        self._uptime_ms = (self._uptime_ms + time.ticks_diff(now_ms, self._tick_ms)) & _UPTIME_MASK
        self._tick_ms = now_ms
        return self._uptime_ms
