"""Power: when the truck is awake, parked, asleep; what a low supply does and a starter does not; the note across a sleep."""

import asyncio

from tracker.fix import Fix
from tracker.system.power import ASLEEP, AWAKE, PARKED, Power
from tracker.system.retained import Retained
from tracker.system.sleep import fall_asleep, woken, woken_words
from tracker.system.supply import Supply

MIN = 60_000


class Trail:
    def __init__(self):
        self.closed = []
        self.newest = None
        self.newest_ms = 0

    def close(self, now_ms):
        self.closed.append(now_ms)


class Journal:
    acked_low = next_seq = 7
    flushed = ()

    def flush_acks(self, now_ms, at_once=False):
        self.flushed += (at_once,)


class Log:
    def __init__(self):
        self.lines = []
        self.warn = self.info = self.lines.append


class Truck:
    """A board whose readings are attributes; second by second."""

    def __init__(self, ignition=1, mv=None, sleep_after_min=10, by_timer=False, has_input=True, wakes=True, low_mv=0):
        self.now_ms = (1 << 30) - 30_000  # the uptime wraps in every test
        self.ignition = ignition
        self.mv = mv
        self.holds = []
        self.slept = []
        self.trail = Trail()
        self.journal = Journal()
        self.supply = Supply(low_mv)
        read = (lambda: self.mv) if mv is not None else None
        lock = (lambda: self.ignition) if has_input else None
        self.log = Log()
        self.power = Power(self.log, self.trail, self.journal, self.supply, self.holds.append, lambda: self.now_ms,
                           self.slept.append if wakes else None, lock, read, sleep_after_min, 60, by_timer)

    def run(self, seconds, **readings):
        for name in readings:
            setattr(self, name, readings[name])
        for _ in range(2 * seconds):
            self.power.step(self.now_ms)
            self.now_ms = self.now_ms + 500 & 0x3FFFFFFF
        return self.power.state

    def moves(self, speed_cms):
        fix = Fix()
        fix.speed_cms = speed_cms
        self.trail.newest, self.trail.newest_ms = fix, self.now_ms


def test_ignition_off_closes_the_trail_at_once_and_sleeps_after_its_time():
    truck = Truck()
    assert truck.run(60) == AWAKE and truck.trail.closed == []
    assert truck.run(1, ignition=0) == PARKED and len(truck.trail.closed) == 1
    assert truck.run(598) == PARKED
    assert truck.run(3) == ASLEEP and len(truck.trail.closed) == 1


def test_the_ignition_begins_the_waiting_anew():
    truck = Truck()
    truck.run(10)
    truck.run(590, ignition=0)
    assert truck.run(1, ignition=1) == AWAKE
    assert truck.run(590, ignition=0) == PARKED


def test_no_minutes_or_nothing_that_wakes_it_is_no_sleep():
    for more in ({"sleep_after_min": 0}, {"wakes": False}):
        assert Truck(0, **more).run(3600) == PARKED


def test_who_is_parked_at_boot_sleeps_too():
    assert Truck(0).run(599) == PARKED and Truck(0).run(601) == ASLEEP


def test_a_truck_that_moves_is_awake_whatever_its_ignition_says():
    truck = Truck(0)
    truck.moves(900)
    assert truck.run(5) == AWAKE
    assert truck.run(11) == PARKED  # the fix is old
    truck.moves(200)  # noise
    assert truck.run(1) == PARKED
    truck.moves(None)
    assert truck.run(1) == PARKED


def test_without_an_input_the_alternator_tells():
    truck = Truck(has_input=False, mv=25_200)
    assert truck.run(5) == PARKED
    assert truck.run(5, mv=27_400) == AWAKE
    assert truck.run(5, mv=25_900) == AWAKE  # lamps and fan at idle
    assert truck.run(5, mv=25_300) == PARKED
    car = Truck(has_input=False, mv=12_600)
    assert car.run(5) == PARKED and car.run(5, mv=13_900) == AWAKE
    with_input = Truck(0, mv=27_400)
    assert with_input.run(5) == PARKED


def test_a_heartbeat_ends_when_all_is_sent_and_not_later_than_its_time():
    truck = Truck(0, by_timer=True)
    truck.journal.acked_low = 3
    assert truck.run(59) == PARKED and truck.trail.closed == []
    assert truck.run(60) == PARKED and len(truck.trail.closed) == 1  # told at 60 s, so that it is sent now
    truck.journal.acked_low = 7
    assert truck.run(1) == ASLEEP
    truck = Truck(0, by_timer=True)
    truck.journal.acked_low = 3
    assert truck.run(178) == PARKED and truck.run(4) == ASLEEP
    truck = Truck(0, by_timer=True, sleep_after_min=0)  # switched off by a setting that came meanwhile: still a heartbeat
    assert truck.run(200) == ASLEEP


def test_the_ignition_ends_a_heartbeat():
    truck = Truck(0, by_timer=True)
    truck.run(30)
    assert truck.run(5, ignition=1) == AWAKE
    assert truck.run(590, ignition=0) == PARKED


def test_low_supply_puts_the_tail_on_flash_then_switches_the_radio_off_and_on_again():
    truck = Truck(mv=27_000)
    truck.run(60)
    truck.run(1, mv=20_500)
    assert len(truck.trail.closed) == 1 and truck.holds == []
    truck.run(4)
    assert truck.holds == [True] and truck.power.held and len(truck.trail.closed) == 1
    truck.run(60, mv=21_300)  # within the 3 %
    assert truck.holds == [True]
    truck.run(9, mv=24_000)
    assert truck.holds == [True]
    truck.run(3)
    assert truck.holds == [True, False] and not truck.power.held
    assert (truck.supply.mv, truck.supply.min_mv, truck.supply.lows) == (24_000, 20_500, 1)
    assert len(truck.log.lines) == 2 and "20500 mV" in truck.log.lines[0] and "24000 mV" in truck.log.lines[1]


def test_a_starter_costs_one_record_and_no_radio():
    truck = Truck(mv=25_000)
    truck.run(60)
    for _ in range(8):  # cranks and fails
        truck.run(1, mv=14_000)
        truck.run(1, mv=23_000)
    assert truck.holds == [] and truck.supply.dips == len(truck.trail.closed) == 2  # 16 s: one in ten seconds
    assert truck.supply.min_mv == 14_000


def test_twelve_volts_are_low_at_half_and_a_cable_is_no_supply():
    car = Truck(mv=12_600)
    car.run(60)
    assert car.holds == [] and car.run(5, mv=10_300) == AWAKE and car.holds == [True]
    bench = Truck(mv=90)
    bench.run(600)
    assert bench.holds == [] and bench.trail.closed == [] and bench.supply.min_mv is None
    set_by_hand = Truck(mv=12_600, low_mv=11_800)
    set_by_hand.run(10)
    set_by_hand.run(5, mv=11_700)
    assert set_by_hand.holds == [True]


def test_falling_asleep_closes_the_trail_says_goodbye_and_flushes_the_acks():
    truck = Truck(0)

    async def fall():
        await truck.power._fall_asleep(lambda: None)

    asyncio.run(fall())
    assert len(truck.trail.closed) == 1 and truck.holds == [True] and truck.journal.flushed == (True,)
    assert truck.slept == [60]
    truck = Truck(0)
    truck.ignition = 1  # in these two seconds
    asyncio.run(fall())
    assert truck.slept == [] and truck.holds == [True, False]


class Rtc:
    def __init__(self, data=b""):
        self.data = data

    def memory(self, data=None):
        if data is None:
            return self.data
        self.data = bytes(data)


class Asleep(Exception):
    pass


class Chip:
    """What is called of machine and of esp32, in one; deepsleep() does not come back."""

    def __init__(self):
        self.said = []
        self.Pin = _Pin

    def gpio_deep_sleep_hold(self, on):
        self.said.append(("hold", on))

    def wake_on_ext0(self, pin, level):
        self.said.append(("wake", pin.number, level))

    def deepsleep(self, ms=None):
        self.said.append(("sleep", ms))
        raise Asleep


class _Pin:
    IN, OUT = 1, 3
    held = []

    def __init__(self, number, mode, value=None, hold=None):
        self.number = number
        if hold:
            _Pin.held.append((number, value))


def _sleep(rtc, sec, chip_sec, minutes=60):
    chip = Chip()
    _Pin.held = []
    try:
        fall_asleep(chip, chip, _Pin(34, 1), {"level": 1, "hold": [[4, 0]]}, Retained(rtc), sec, chip_sec, minutes)
    except Asleep:
        pass
    return chip


def test_the_note_tells_after_the_sleep_about_what_second_it_is_and_how_wrong_it_may_be():
    rtc = Rtc()
    chip = _sleep(rtc, 217_000_000, 848_000_000)
    assert chip.said == [("hold", True), ("wake", 34, 1), ("sleep", 3_600_000)] and _Pin.held == [(4, 0)]
    assert woken(Retained(rtc), 848_003_600) == (217_003_600, 181)
    assert "14:46:40 UTC, give or take 181 s" in woken_words(Retained(rtc), 848_003_600)
    assert "Nobody" in woken_words(Retained(Rtc()), 848_003_600)
    assert _sleep(rtc, 217_000_000, 848_000_000, 0).said[-1] == ("sleep", None)
    assert woken(Retained(rtc), 847_999_999) is None  # the chip's clock was set meanwhile
    _sleep(rtc, None, 848_000_000)
    assert woken(Retained(rtc), 848_003_600) is None  # nobody knew the time


def test_rubbish_and_zeros_are_no_note():
    rtc = Rtc()
    assert woken(Retained(rtc), 848_003_600) is None
    _sleep(rtc, 217_000_000, 848_000_000)
    for at in range(16, 48):
        data = bytearray(rtc.data)
        data[at] ^= 0x10
        assert woken(Retained(Rtc(data)), 848_003_600) is None
