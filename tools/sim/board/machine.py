"""machine of the simulated board: the receiver's UART and the modem's, scripted pins, watchdog, RTC, resets, deep sleep."""

import io

import sim_clock
import sim_world
from sim_line import Line

PWRON_RESET, HARD_RESET, WDT_RESET, DEEPSLEEP_RESET, SOFT_RESET = 1, 2, 3, 4, 5
PIN_WAKE, EXT0_WAKE, EXT1_WAKE, TIMER_WAKE = 2, 2, 3, 4
_EINVAL = -22
_STREAM_POLL, _POLLIN, _POLLOUT = 3, 1, 4
_START_MS = 3000  # a receiver says nothing for so long after power-on
_OLD_MS = 10_000  # no burst that began earlier is still on the line
_NEVER = 0x3FFFFFFF

modem = None  # the SimModem of this board, for network.py
wakes = {}  # "ext0", "ext1" -> (pins, level, any of them, wake reason): esp32.wake_on_...
deep_sleep_hold = False  # esp32.gpio_deep_sleep_hold
_driven = {}  # output -> its level
_held = {}  # output that is held -> its level; it is held in the next boot, too


def reset():
    sim_world.reset(HARD_RESET)


def soft_reset():
    sim_world.reset(SOFT_RESET)


def reset_cause():
    return sim_world.state["cause"]


def wake_reason():
    return sim_world.state["woken_by"]


def deepsleep(time_ms=None):
    """Ends the VM. Pins that are not held float, and with them the supply that hangs on one."""
    for pin in list(_driven):
        if not (deep_sleep_hold and pin in _held):
            _supply(pin, None)
            _held.pop(pin, None)
    sim_world.state["held"] = {str(pin): level for pin, level in _held.items()}
    sim_world.sleep(time_ms, _wake_ms())


def _wake_ms():
    """When the scripted pins end the sleep, and how; the port tests the level, not the edge: at once if it is there."""
    due = []
    for pins, level, any_of, why in wakes.values():
        changes = sorted({sim_clock.ms} | {int(t_s * 1000) for pin in pins for t_s, _ in _steps_of(pin)})
        for at_ms in changes:
            levels = [_level(_steps_of(pin), 0, at_ms) for pin in pins]
            hit = level in levels if any_of else all(is_level == level for is_level in levels)
            if at_ms >= sim_clock.ms and hit:
                due.append((at_ms, why))
                break
    return min(due) if due else None


def unique_id():
    return bytes((0x24, 0x0A, 0xC4)) + (sim_world.script.get("device", 1) & 0xFFFFFF).to_bytes(
        3, "big"
    )


def freq(hz=None):
    return 160_000_000 if hz is None else None


def idle():
    sim_clock.wait(1)


class UART(io.IOBase):
    """The first UART made, or the script's gnss_uart, has the receiver, the modem's has that; others are silent."""

    _gnss = None
    _line = None
    _wire = None

    def __init__(self, id, baudrate=115200, **options):
        self._id = id
        self._rxbuf = 256
        wanted = sim_world.script.get("gnss_uart", UART._gnss)
        if sim_world.script.get("feed") and wanted in (None, id):
            UART._gnss = id
        self.init(baudrate, **options)

    def init(self, baudrate=115200, **options):
        """Timeouts are not simulated: the firmware polls. Bytes that wait are lost."""
        self._baud = baudrate
        self._rxbuf = options.get("rxbuf", self._rxbuf)
        if self._rxbuf <= 128:
            raise OSError(
                -0x102, "ESP_ERR_INVALID_ARG"
            )  # the driver wants more than the hardware's own 128 bytes
        self._mine = UART._line if UART._gnss == self._id else None
        if UART._wire and sim_world.script["modem"]["uart"] == self._id:
            self._mine = UART._wire
        if self._mine:
            self._mine.flush(sim_clock.ms, self._rxbuf)

    def deinit(self):
        self._mine = None

    def any(self):
        return self._pull()

    def readinto(self, buf, n=None):
        if not self._pull():
            return None
        return self._mine.take(buf, len(buf) if n is None else min(n, len(buf)))

    def read(self, n=-1):
        waiting = self._pull()
        if not waiting:
            return None
        buf = bytearray(waiting if n < 0 else min(n, waiting))
        self._mine.take(buf, len(buf))
        return bytes(buf)

    def readline(self):
        line = b""
        while not line.endswith(b"\n"):
            byte = self.read(1)
            if not byte:
                break
            line += byte
        return line or None

    def write(self, buf, off=0, n=None):
        n = len(buf) - off if n is None else n
        if self._mine:
            self._mine.hear(bytes(memoryview(buf)[off : off + n]), sim_clock.ms, self._baud)
        return n

    def txdone(self):
        return True

    def flush(self):
        pass

    def ioctl(self, op, arg):
        if op != _STREAM_POLL:
            return _EINVAL  # 0 would name the standard input where a file descriptor is asked for
        return arg & _POLLOUT | (arg & _POLLIN if arg & _POLLIN and self._pull() else 0)

    def next_ms(self):
        return self._mine.next_ms if self._mine else _NEVER

    def _pull(self):
        line = self._mine
        if line is None:
            return 0
        if sim_clock.ms >= line.next_ms:
            line.pull(sim_clock.ms, self._baud == line.baud)
        return line.count


def plug_in_receiver():
    """Before the firmware's heap is measured: on the chip the driver's ring is not on it."""
    script, state = sim_world.script, sim_world.state
    if state["cause"] != PWRON_RESET:
        _held.update({int(pin): level for pin, level in state["held"].items()})
    if script.get("modem"):
        _plug_in_modem(script, state)
    if not script.get("feed"):
        return
    silent_ms = max(state["power_on_ms"] + _START_MS, sim_clock.ms - _OLD_MS)
    receiver = _receiver(script, state)
    line = UART._line = Line(
        script["feed"], script.get("gnss_baud", 9600), silent_ms, script.get("seed", 1), receiver
    )
    _count(line, "uart")


def _count(line, name):
    """What went over this line is in the state at the boot's end."""
    names = [name + what for what in ("_dropped", "_bytes", "_tx")]
    before = [sim_world.state.get(key, 0) for key in names]

    def save():
        now = line.dropped, line.arrived, line.written
        sim_world.state.update({key: old + new for key, old, new in zip(names, before, now)})

    sim_world.saved.append(save)


def _plug_in_modem(script, state):
    """It keeps its state when only the chip is reset; its card counts wrong PINs for ever."""
    global modem
    from sim_modem import SimModem
    from sim_wire import Wire

    wired = script["modem"]
    kept = state.get("modem", {})
    if state["cause"] == PWRON_RESET:
        kept = {"tries": kept["tries"]} if kept else {}
    state["modem"] = kept
    faults = list(wired.get("faults", ()))
    faults += [{"what": "no_signal", "from_s": from_s, "until_s": to_s} for from_s, to_s in script.get("outages", ())]
    powered = "power" not in wired["pins"]
    modem = SimModem(wired["model"], faults, kept, sim_clock.ms, powered, wired.get("sim"), script.get("start_sec", 0))
    UART._wire = Wire(modem)
    _count(UART._wire, "modem")


def _receiver(script, state):
    """The one that can be talked to, if the script has one; it keeps its settings when only the chip is reset."""
    if not script.get("receiver"):
        return None
    from sim_receiver import SimReceiver

    if state["cause"] == PWRON_RESET:
        state["receiver"] = {}
    return SimReceiver(script["receiver"], state["receiver"])


def _drive(pin, level, hold):
    """An output's level, and what hangs on it. A pad that is held keeps its level until it is told hold=False."""
    if hold is not None:
        _held.pop(pin, None)
    if pin in _held:
        return _held[pin]
    _driven[pin] = level
    if hold:
        _held[pin] = level
    _supply(pin, level)
    return level


def _supply(pin, level):
    """What hangs on an output: the receiver's supply, the modem's pins. level None: it floats."""
    if modem:
        for name, number in sim_world.script["modem"]["pins"].items():
            if number == pin:
                if name == "reset":
                    level = level is not None and level == sim_world.script["modem"].get("reset_level", 1)
                modem.pin(name, int(level or 0), sim_clock.ms)
    receiver = UART._line and UART._line.receiver
    if receiver and sim_world.script["receiver"].get("power_pin") == pin:
        receiver.power(level, sim_clock.ms)


def _steps_of(pin):
    return sim_world.script.get("pins", {}).get(str(pin), ())


def _level(steps, level, at_ms=None):
    """What a list of [t_s, level] says about now, or about at_ms; the level given where it has not begun."""
    for t_s, to in steps:
        if t_s * 1000 > (sim_clock.ms if at_ms is None else at_ms):
            break
        level = to
    return level


class Pin:
    IN, OUT, OPEN_DRAIN = 1, 3, 7
    PULL_UP, PULL_DOWN = 2, 1
    IRQ_RISING, IRQ_FALLING = 1, 2

    def __init__(self, id, mode=-1, pull=-1, value=None, hold=None):
        self.id = id
        self.init(mode, pull, value, hold)

    def init(self, mode=-1, pull=-1, value=None, hold=None):
        self._steps = _steps_of(self.id)
        self._value = (1 if pull == Pin.PULL_UP else 0) if value is None else value
        if value is not None or hold is not None:
            self._value = _drive(self.id, self._value, hold)

    def value(self, level=None):
        if level is not None:
            self._value = _drive(self.id, 1 if level else 0, None)
        elif self._steps:
            self._value = _level(self._steps, self._value)
        return None if level is not None else self._value

    __call__ = value

    def on(self):
        self.value(1)

    def off(self):
        self.value(0)

    def irq(self, handler=None, trigger=3):
        """Taken and never called: the firmware polls its inputs."""


class ADC:
    """Reads what the script's "adc" says of the pin, [[t_s, microvolts], ...]; 0 if nothing."""

    ATTN_0DB, ATTN_2_5DB, ATTN_6DB, ATTN_11DB = 0, 1, 2, 3

    def __init__(self, pin, atten=0):
        self._steps = sim_world.script.get("adc", {}).get(str(getattr(pin, "id", pin)), ())

    def read_uv(self):
        return _level(self._steps, 0)

    def read_u16(self):
        return min(0xFFFF, self.read_uv() * 0xFFFF // 3_300_000)


class WDT:
    """Cannot be stopped; making it again only sets another time, as on the chip."""

    _due = None
    _timeout = 0

    def __init__(self, id=0, timeout=5000):
        WDT._timeout = timeout
        self.feed()
        sim_clock.at(WDT._due, _bite)

    def feed(self):
        WDT._due = sim_clock.ms + WDT._timeout


def _bite():
    if WDT._due <= sim_clock.ms:
        sim_world.reset(WDT_RESET)
    return WDT._due


class RTC:
    """Counts from 2000-01-01 after power-on; its 2048 bytes outlive resets, not power cuts."""

    def datetime(self, t=None):
        import time

        if t is None:
            y, mo, d, h, mi, s, wd, _ = time.gmtime()
            return (y, mo, d, wd, h, mi, s, sim_clock.ms % 1000 * 1000)
        sim_clock.rtc_lead_s = (
            time.mktime((t[0], t[1], t[2], t[4], t[5], t[6], 0, 0)) - sim_clock.ms // 1000
        )

    def memory(self, data=None):
        if data is None:
            return bytes(sim_world.rtc_memory[: sim_world.rtc_used])
        if len(data) > 2048:
            raise ValueError("buffer too long")
        sim_world.rtc_used = len(data)
        sim_world.rtc_memory[: len(data)] = data
