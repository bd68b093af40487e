"""The simulated board without a link, each part shown by a few lines of stand-in firmware."""

import json
import subprocess
import sys
import textwrap
import time

import pytest
from sim import feed, power
from sim.power import Board

pytestmark = pytest.mark.vm

JOURNAL = """
class Journal:
    def __init__(self, flash):
        self.flash, self.at = flash, 0

    def append(self, rec):
        self.flash.writeblocks(self.at // 4096, b"%8d" % rec.sec, self.at % 4096)
        self.at += 8
        return self.at // 8 - 1

    def ack(self, lo, hi):
        pass
"""
WINDOW = """
class Window:
    def offer(self, fix, keep):
        keep(fix)
"""
RECORD = """
def gap_fields(rec):
    return (rec.sec - 7, rec.sec, 4, 2)
"""


@pytest.fixture
def board(tmp_path, mp64):
    """A board with this main.py; .lines has what it printed."""

    def make(main, world=None, files=(), vm=mp64, **more):
        firmware = tmp_path / "firmware"
        for name, text in dict(files, **{"main.py": main, "boot.py": 'print("boot")'}).items():
            (firmware / name).parent.mkdir(parents=True, exist_ok=True)
            (firmware / name).write_text(textwrap.dedent(text))
        made = Board(
            tmp_path / "run",
            vm,
            dict({"seed": 1, "duration_s": 60}, **world or {}),
            firmware=firmware,
            **more,
        )
        made.lay_out()
        made.lines = []
        made.end = made.run(made.lines.append, limit_s=30)
        made.said = [line for line in made.lines if line != "boot" and "REPL" not in line]
        assert not made.end["stopped"], made.lines
        return made

    return make


def wait_until(ready):
    end = time.monotonic() + 10
    while not ready() and time.monotonic() < end:
        time.sleep(0.05)
    assert ready()


def feed_file(tmp_path, frames):
    path = tmp_path / "feed.bin"
    feed.write(path, frames)
    return str(path)


TICKS = """
    import asyncio, time
    async def ticker():
        for _ in range(72000):
            await asyncio.sleep_ms(50)
        print(time.ticks_diff(time.ticks_ms(), began))
    began = time.ticks_ms()
    asyncio.run(ticker())
"""


def test_an_hour_of_ticks_takes_half_a_second(board):
    run = board(TICKS, {"duration_s": 3601})
    assert run.said == ["3600000"] and run.end["ended"] == "end"
    assert run.end["real_s"] < 1.0  # 0.15 s on an idle machine; the margin is for a busy one


@pytest.mark.vm32
def test_the_32_bit_vm_ticks_in_its_own_range(board, mp32):
    run = board(TICKS, {"duration_s": 3601}, vm=mp32)
    assert run.said == ["3600000"]


def test_a_task_that_waits_for_an_event_wakes_at_once(board):
    run = board("""
        import asyncio, time
        event = asyncio.Event()
        async def waiter():
            await event.wait()
            print(time.ticks_diff(time.ticks_ms(), began))
        async def setter():
            await asyncio.sleep_ms(20_000)
            event.set()
            await asyncio.sleep_ms(1000)
        async def main():
            asyncio.create_task(waiter())
            await setter()
        began = time.ticks_ms()
        asyncio.run(main())
    """)
    assert run.said == ["20000"]


def test_a_loop_that_only_asks_for_the_time_gets_on(board):
    run = board("""
        import time
        began = time.ticks_ms()
        while time.ticks_diff(time.ticks_ms(), began) < 5000:
            pass
        print("on")
    """)
    assert run.said == ["on"]


def test_time_begins_in_2000_and_the_rtc_sets_it(board):
    run = board("""
        import time, machine
        time.sleep(2)
        print(time.time(), time.gmtime()[:6], machine.RTC().datetime()[0])
        machine.RTC().datetime((2024, 3, 1, 0, 12, 30, 0, 0))
        time.sleep_ms(1500)
        since = time.time() - time.mktime((2024, 3, 1, 12, 30, 0, 0, 0))
        print(since, time.gmtime()[:6], machine.RTC().datetime()[:4])
    """)
    assert run.said == [
        "2 (2000, 1, 1, 0, 0, 2) 2000",
        "1 (2024, 3, 1, 12, 30, 1) (2024, 3, 1, 4)",
    ]


READ = """
    import time, machine, sim_clock
    uart = machine.UART(2, {baud}, rx=16, tx=17, rxbuf={rxbuf})
    buf = bytearray(4096)
    while sim_clock.ms < {until}:
        time.sleep_ms({every})
        n = uart.readinto(buf)
        if n is not None:
            print(sim_clock.ms, bytes(buf[:n]))
"""


def test_bytes_arrive_at_the_speed_of_the_line(board, tmp_path):
    path = feed_file(tmp_path, [(2999, b"lost"), (10_000, b"abcdefghij"), (10_001, b"KL")])
    run = board(READ.format(baud=9600, rxbuf=256, until=10_020, every=1), {"feed": path})
    got = [(int(line.split()[0]), eval(line.split(maxsplit=1)[1])) for line in run.said]
    assert b"".join(data for _, data in got) == b"abcdefghijKL"
    assert got[0] == (10_002, b"a")  # 960 B/s: the first byte is complete 1.04 ms after its start
    assert [ms for ms, data in got if b"j" in data] == [10_011]
    assert got[-1] == (10_014, b"L")  # a burst waits until the line is free: 11 ms + 2 bytes
    assert run.end["uart_bytes"] == 12 and run.end["uart_dropped"] == 0


def test_what_does_not_fit_is_dropped_and_counted(board, tmp_path):
    path = feed_file(tmp_path, [(4000, bytes(range(200)) * 3)])
    run = board(READ.format(baud=9600, rxbuf=256, until=9000, every=5000), {"feed": path})
    assert run.said == ["5000 %r" % (bytes(range(200)) + bytes(range(56)))]
    assert run.end["uart_dropped"] == 600 - 256 and run.end["uart_bytes"] == 600


def test_another_baud_rate_gives_garbage(board, tmp_path):
    path = feed_file(tmp_path, [(4000, b"$GPRMC" * 20)])
    run = board(READ.format(baud=115200, rxbuf=256, until=5000, every=1000), {"feed": path})
    data = eval(run.said[0].split(maxsplit=1)[1])
    assert len(data) == 120 and b"$" not in data


def test_asyncio_wakes_when_a_byte_is_there(board, tmp_path):
    path = feed_file(tmp_path, [(7000, b"line\n")])
    run = board(
        """
        import asyncio, machine, sim_clock
        async def main():
            print(await asyncio.StreamReader(machine.UART(2, 9600)).readline(), sim_clock.ms)
        asyncio.run(main())
        """,
        {"feed": path},
    )
    assert run.said == ["b'line\\n' 7006"]


def test_a_pin_follows_the_script(board):
    run = board(
        """
        import machine, time
        pin = machine.Pin(34, machine.Pin.IN)
        for _ in range(3):
            print(pin.value(), machine.Pin(5, machine.Pin.IN, machine.Pin.PULL_UP)())
            time.sleep(2)
        """,
        {"ignition": [[1, 1], [3, 0]]},  # board.json has the ignition on GPIO 34
    )
    assert run.said == ["0 1", "1 1", "0 1"]


CUT = """
    import esp32, machine, time, sim_clock
    chip = esp32.Partition.find(esp32.Partition.TYPE_DATA, label="journal")[0]
    nvs = esp32.NVS("lacak")
    print(machine.reset_cause(), sim_clock.ms, time.time(), machine.RTC().memory())
    print(chip.ioctl(4) * chip.ioctl(5))
    if machine.RTC().memory():
        machine.RTC().memory(b"")
        nvs.commit()
    try:
        print(nvs.get_i32("kept"), nvs.get_i32("set"))
    except OSError as error:
        print(error.errno == -0x1102)
    buf = bytearray(12)
    chip.readblocks(0, buf)
    print(bytes(buf))
    try:
        if sim_clock.ms == 0:
            nvs.set_i32("kept", 7)
            esp32.NVS("other").set_i32("x", 1)
            nvs.commit()
            nvs.set_i32("set", 8)
            machine.RTC().memory(b"note")
            time.sleep(5)
            chip.writeblocks(0, b"one", 0)
            chip.writeblocks(0, b"second", 3)
    except BaseException:
        print("outlived")
    finally:
        print("after")
"""


def test_a_cut_leaves_the_torn_flash_and_the_world_goes_on(board):
    cut = {"op": "program", "nth": 2, "byte": 4, "off_s": 9, "torn": "prefix"}
    run = board(CUT, {"cuts": [cut], "journal_bytes": 65536})
    assert run.said == [
        "1 0 0 b''",
        "65536",
        "True",
        "b'" + "\\xff" * 12 + "'",
        "1 14000 0 b''",  # 5 s of work and 9 s without power; the RTC and its memory are new
        "65536",
        "True",  # the set without commit is gone ...
        "b'oneseco" + "\\xff" * 5 + "'",
        "after",  # of the second boot only: nothing of the firmware ran after the cut
    ]
    assert (run.state_dir / "flash.bin").read_bytes()[:8] == b"oneseco\xff"
    assert json.loads((run.state_dir / "nvs.json").read_text()) == {
        "lacak": {"kept": 7}
    }  # ... the committed one is not
    assert (run.end["boots"], run.end["cuts_done"]) == (2, 1)
    assert (run.end["program_calls"], run.end["program_bytes"]) == (2, 9)


def test_a_reset_keeps_the_memory_and_the_clock(board):
    run = board("""
        import machine, time, sim_clock
        print(machine.reset_cause(), sim_clock.ms, time.time(), machine.RTC().memory())
        if machine.reset_cause() == machine.PWRON_RESET:
            machine.RTC().memory(b"note")
            time.sleep(5)
            machine.reset()
    """)
    assert run.said == ["1 0 0 b''", "2 6000 6 b'note'"]


SLEEP = """
    import machine, esp32, time, sim_clock
    print(machine.reset_cause(), machine.wake_reason(), sim_clock.ms, time.time(), machine.RTC().memory())
    machine.RTC().memory(b"night")
    time.sleep(10)
    {before}
    machine.deepsleep({ms})
    print("outlived")
"""


def test_deep_sleep_ends_by_its_timer_whose_clock_drifts_and_keeps_memory(board):
    run = board(SLEEP.format(before="", ms=100_000), {"duration_s": 150})
    assert run.said == [
        "1 0 0 0 b''",
        "4 4 111300 110 b'night'",  # 10 s awake, 101 s for a clock that is 1 % slow, 0.3 s to boot.py
    ]
    assert (run.end["sleeps"], run.end["ended"]) == (2, "end") and run.end["world_ms"] == 150_000
    fast = board(SLEEP.format(before="", ms=100_000), {"duration_s": 150, "rtc_drift": -0.02})
    assert fast.said[1] == "4 4 108300 110 b'night'"


def test_the_ignition_ends_a_deep_sleep_and_a_level_that_is_there_ends_it_at_once(board):
    wake = "esp32.wake_on_ext0(machine.Pin(34, machine.Pin.IN), 1)"
    world = {"duration_s": 90, "rtc_drift": 0, "ignition": [[0, 1], [5, 0], [40, 1], [61, 0]]}
    run = board(SLEEP.format(before=wake, ms=""), world)
    assert [line.split()[:3] for line in run.said] == [["1", "0", "0"], ["4", "2", "40300"], ["4", "2", "50600"], ["4", "2", "60900"]]
    assert run.end["asleep_ms"] == 30_000 + 90_000 - 70_900
    both = board(SLEEP.format(before=wake, ms=20_000), world)
    assert [line.split()[1] for line in both.said][:3] == ["0", "4", "2"]  # the timer was first, then the pin
    any_of = SLEEP.format(before="esp32.wake_on_ext1((machine.Pin(33), machine.Pin(34)), esp32.WAKEUP_ANY_HIGH)", ms="")
    assert board(any_of, world).said[1].startswith("4 3 40300")


def test_only_some_pins_can_end_a_deep_sleep(board):
    run = board("""
        import machine, esp32
        try:
            esp32.wake_on_ext0(machine.Pin(18, machine.Pin.IN), 1)
        except ValueError as error:
            print(error)
    """)
    assert run.said == ["invalid pin"]


def test_a_held_pin_keeps_its_level_across_sleep_until_it_is_let_go(board):
    run = board("""
        import machine, esp32
        if machine.reset_cause() == machine.PWRON_RESET:
            machine.Pin(25, machine.Pin.OUT, value=1, hold=True)
            machine.Pin(26, machine.Pin.OUT, value=1)
            esp32.gpio_deep_sleep_hold(True)
            machine.deepsleep(1000)
        pin = machine.Pin(25, machine.Pin.OUT, value=0)
        print(pin(), end=" ")
        print(machine.Pin(25, machine.Pin.OUT, value=0, hold=False)(), machine.Pin(26, machine.Pin.OUT)())
    """)
    assert run.said == ["1 0 0"]


def test_the_firmwares_boot_lets_go_of_what_was_held_in_a_deep_sleep(board):
    main = """
        import machine, esp32
        if machine.reset_cause() == machine.PWRON_RESET:
            with open("board.json", "w") as file:
                file.write('{"power_on": [[25, 1]]}')
            machine.Pin(25, machine.Pin.OUT, value=0, hold=True)
            esp32.gpio_deep_sleep_hold(True)
            machine.deepsleep(1000)
        import power_pins
        print(machine._driven.get(25))
    """
    boot = (power.ROOT / "firmware/boot.py").read_text()
    assert board(main, files={"power_pins.py": boot}).said == ["1"]


@pytest.mark.parametrize("hold, restarts", [(True, 0), (False, 1)])
def test_a_receiver_whose_supply_floats_in_deep_sleep_starts_anew(board, tmp_path, hold, restarts):
    path = feed_file(tmp_path, [(t_s * 1000, b"$GPRMC\r\n") for t_s in range(40)])
    run = board(
        """
        import machine, esp32, time
        uart = machine.UART(2, 9600)
        machine.Pin(25, machine.Pin.OUT, value=1, hold=%s)
        if machine.reset_cause() == machine.PWRON_RESET:
            time.sleep(5)
            esp32.gpio_deep_sleep_hold(True)
            machine.deepsleep(10_000)
        time.sleep(5)
        uart.any()
        """
        % hold,
        {"feed": path, "duration_s": 30, "receiver": {"family": "ublox6", "power_pin": 25}},
    )
    assert run.end["receiver"]["restarts"] == restarts


def test_an_unfed_watchdog_resets(board):
    run = board("""
        import machine, time, sim_clock
        print(machine.reset_cause(), sim_clock.ms)
        dog = machine.WDT(timeout=5000)
        if sim_clock.ms == 0:
            for _ in range(10):
                time.sleep(4)
                dog.feed()
            dog = machine.WDT(timeout=2000)
            raise ValueError("main.py died")
        while True:
            time.sleep(1)
            dog.feed()
        """)
    assert (
        run.said[0] == "1 0"
        and run.said[-1] == "3 43000"
        and "ValueError: main.py died" in run.said
    )
    assert run.end["resets"] == {"3": 1}


def test_heap_is_what_the_firmware_holds(board):
    run = board(
        """
        import time
        time.sleep(61)
    """,
        {"duration_s": 200},
    )
    small = run.end["heap_peak_bytes"]
    run = board(
        """
        import time
        hoard = bytearray(50_000)
        time.sleep(61)
        del hoard
        time.sleep(61)
    """,
        {"duration_s": 200},
    )
    assert 50_000 <= run.end["heap_peak_bytes"] < 52_000 and small < 5000


WITNESS = """
    import esp32, sim_clock, time
    from tracker.store.journal import Journal
    from tracker.sampling import window
    import tracker.record

    class Thing:
        kind = flags = 0
        lat_udeg, lon_udeg = -6_178_000, 106_630_000

    journal, window = Journal(esp32.Partition.find(1, label="journal")[0]), window.Window()
    journal.at = 800 if sim_clock.ms else 0
    rec, rec.fix = Thing(), Thing()
    def keep(fix):
        journal.append(rec)
    for _ in range(30):
        time.sleep(1)
        rec.sec = rec.fix.sec = sim_clock.ms // 1000
        window.offer(rec.fix, keep)
    rec.kind = 6
    journal.append(rec)
    rec.kind = 2
    journal.append(rec)
"""


def test_one_seed_gives_one_witness(board):
    files = {
        "tracker/store/journal.py": JOURNAL,
        "tracker/sampling/window.py": WINDOW,
        "tracker/record.py": RECORD,
    }
    world = {"cuts": [{"op": "program", "nth": 12, "byte": 3, "off_s": 5, "torn": "random"}]}
    logs = []
    for _ in range(2):
        run = board(WITNESS, world, files)
        logs.append(
            (run.state_dir / "witness.log").read_text()
            + str((run.state_dir / "flash.bin").read_bytes()[:2000])
        )
    assert logs[0] == logs[1]
    lines = logs[0].splitlines()
    assert lines[:3] == ["B 1 0", "F 1 -6178000 106630000", "T 0 1 -6178000 106630000 0"]
    assert lines[3] == "A 0 0 1 -6178000 106630000 0"
    cut = lines.index("B 2 17000")  # the twelfth append was torn: tried, not done
    assert lines[cut - 1].startswith("T 0 12 ") and "A 11 " not in "".join(lines[:cut])
    assert "A 130 6 47 40 4 2" in lines and "A 131 2 47 0 0 0" in lines


SIGN_OF_LIFE = """
import time, sim_clock
while True:
    if sim_clock.ms % 1_000_000 == 0:
        open("alive", "w").close()
    time.sleep(1)
"""
STARTER = """
import json, sys
sys.path.insert(0, sys.argv[1])
from sim.power import Board
world = {"seed": 1, "duration_s": 500_000_000}
Board(sys.argv[2], json.loads(sys.argv[3]), world, firmware=sys.argv[4]).run()
"""


def test_a_board_whose_starter_was_killed_ends_itself(tmp_path, mp64):
    firmware = tmp_path / "firmware"
    firmware.mkdir()
    (firmware / "main.py").write_text(SIGN_OF_LIFE)
    run_dir = tmp_path / "run"
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            STARTER,
            str(power.ROOT / "tools"),
            str(run_dir),
            json.dumps(mp64),
            str(firmware),
        ]
    )
    alive = run_dir / "board" / "alive"
    wait_until(alive.exists)
    process.kill()
    process.wait()
    time.sleep(0.5)
    alive.unlink()
    time.sleep(1)
    assert not alive.exists()
