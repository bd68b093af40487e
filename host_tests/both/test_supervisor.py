"""The supervisor: no death unseen, no silence fed, no endless restarting."""

import asyncio
from time import ticks_add

from tracker.system.log import Log
from tracker.system.reset import ROOM_DIED, ROOMS, UNKNOWN, WATCHDOG
from tracker.system.supervisor import WDT_MS, Supervisor

_GNSS, _UPLINK = ROOMS.index("gnss"), ROOMS.index("uplink")


class _Resets:
    """What the supervisor asks of system/reset.py, written down."""

    def __init__(self, orders):
        self.off = self.crashes = 0
        self.orders = orders
        self.notes = []
        self.inside = []
        self.steadies = []

    def order(self, detail, culprit):
        self.orders.append((detail, culprit))

    def note(self, intent, culprit=0):
        self.notes.append((intent, culprit))

    def enter(self, number):
        self.inside.append(number)

    def steady(self, off):
        self.steadies.append(off)


class _Bench:
    """A supervisor on a clock that the test turns; tasks run while the test awaits."""

    def __init__(self, commit=None, start_ms=5000, orders=None, off=0):
        self.now_ms = start_ms
        self.fed = 0
        self.orders = [] if orders is None else orders
        self.resets = _Resets(self.orders)
        self.resets.off = off
        self.log = Log(self.ticks, 8192, self._drop)
        self.supervisor = Supervisor(self._feed, self.resets, self.log, self.ticks, commit)

    def ticks(self):
        return self.now_ms

    def _feed(self):
        self.fed += 1

    def _drop(self, line):
        pass

    def said(self, *words):
        """How many lines of the log have all the words."""
        return len([line for line in self.log.lines() if all([word in line for word in words])])

    async def seconds(self, count):
        for _ in range(count):
            self.now_ms = ticks_add(self.now_ms, 1000)
            for _ in range(3):  # a task that was just made gets its turn
                await asyncio.sleep(0)
            self.supervisor.check()


class _Worker:
    """A room under test: beats while `alive`, does what `then` says when it is told to."""

    def __init__(self):
        self.starts = 0
        self.beats = True
        self.error = None
        self.end = False

    async def run(self, beat):
        self.starts += 1
        while not self.end:
            if self.error is not None:
                raise self.error
            if self.beats:
                beat()
            await asyncio.sleep(0)


def _with_worker(test, **options):
    """Run the coroutine test(bench, worker, room)."""
    name = options.pop("name", "gnss")
    bench = _Bench(**options)
    worker = _Worker()
    room = bench.supervisor.add(name, worker.run, 10_000)

    async def main():
        bench.supervisor.start()
        await test(bench, worker, room)
        bench.supervisor.stop()
        await asyncio.sleep(0)

    asyncio.run(main())


def test_a_room_that_beats_keeps_the_watchdog_fed():
    async def test(bench, worker, room):
        await bench.seconds(120)
        assert bench.fed == 120 and worker.starts == 1 and bench.log.lines() == []

    _with_worker(test)


def test_a_silent_room_is_named_once_and_the_watchdog_is_not_fed():
    async def test(bench, worker, room):
        worker.beats = False
        await bench.seconds(10)
        assert bench.fed == 10
        await bench.seconds(50)
        assert bench.fed == 10 and room.silences == 1
        assert bench.said("gnss", "silent", "10 s") == 1
        worker.beats = True
        await bench.seconds(5)
        assert bench.fed == 15 and bench.said("gnss", "back") == 1

    _with_worker(test)


def test_one_silent_room_of_two_is_enough():
    async def test(bench, worker, room):
        quiet = _Worker()
        quiet.beats = False
        bench.supervisor.rooms.insert(0, bench.supervisor.add("uplink", quiet.run, 2000))
        bench.supervisor.rooms.pop()
        bench.supervisor.start()
        await bench.seconds(20)
        assert bench.fed == 2 and bench.said("uplink", "silent") == 1 and bench.said("gnss") == 0

    _with_worker(test)


def test_a_death_is_told_with_its_traceback_and_the_room_comes_back():
    async def test(bench, worker, room):
        await bench.seconds(1)
        worker.error = ValueError("antena putus")
        await bench.seconds(1)
        worker.error = None
        assert bench.said("Room gnss died") == 1 and bench.said("ValueError", "antena putus") == 1
        assert bench.said("Traceback") == 1 and bench.said("test_supervisor") >= 1
        await bench.seconds(1)
        assert worker.starts == 1
        await bench.seconds(2)
        assert worker.starts == 2 and room.deaths == 1 and not room.task.done()
        assert bench.fed == 5

    _with_worker(test)


def test_a_room_that_ends_counts_as_dead():
    async def test(bench, worker, room):
        worker.end = True
        await bench.seconds(1)
        assert bench.said("gnss", "ended") == 1 and room.deaths == 1

    _with_worker(test)


def test_each_task_is_judged_anew():
    async def test(bench, worker, room):
        worker.beats = False
        await bench.seconds(12)
        worker.error = ValueError()
        await bench.seconds(1)
        worker.error = None
        await bench.seconds(13)
        assert room.silences == 2 and bench.said("is back") == 0
        worker.end = True
        await bench.seconds(2)
        assert bench.said("ended") == 1 and bench.said("died") == 1

    _with_worker(test)


def test_a_cancelled_room_comes_back():
    async def test(bench, worker, room):
        await bench.seconds(1)
        room.task.cancel()
        await bench.seconds(3)
        assert worker.starts == 2 and bench.said("ended") == 1 and bench.said("died") == 0

    _with_worker(test)


def test_back_off_doubles_up_to_a_minute_and_a_room_without_a_number_never_resets_the_board():
    async def test(bench, worker, room):
        worker.error = OSError(5)
        waits = []
        for _ in range(600):
            await bench.seconds(1)
            if not waits or waits[-1] != room.backoff_ms:
                waits.append(room.backoff_ms)
        assert waits == [1000, 2000, 4000, 8000, 16000, 32000, 60000]
        assert bench.orders == [] and bench.fed == 600 and len(room.deaths_ms) == 5

    _with_worker(test, name="safe")


def test_five_deaths_of_a_room_reset_the_board_after_the_commit():
    order = []

    async def test(bench, worker, room):
        worker.error = MemoryError()
        while room.deaths < 4:
            assert order == []
            await bench.seconds(1)
        assert order == []
        await bench.seconds(10)
        assert order == ["commit", (ROOM_DIED, _GNSS)] and room.deaths == 5
        assert bench.said("gnss", "5 times", "10 minutes") == 1

    _with_worker(test, commit=lambda: order.append("commit"), orders=order)


def test_a_commit_that_fails_does_not_stop_the_reset():
    def commit():
        raise OSError(28)

    async def test(bench, worker, room):
        worker.error = ValueError()
        await bench.seconds(30)
        assert bench.orders[0] == (ROOM_DIED, _GNSS) and bench.said("can't be committed") >= 1

    _with_worker(test, commit=commit)


def test_deaths_that_are_far_apart_are_forgiven():
    async def test(bench, worker, room):
        for _ in range(8):
            worker.error = ValueError()
            await bench.seconds(1)
            worker.error = None
            assert room.backoff_ms == 1000
            await bench.seconds(601)
            assert room.deaths_ms == []
        assert bench.orders == [] and room.deaths == 8

    _with_worker(test)


def test_a_blocked_loop_is_measured_and_not_held_against_the_rooms():
    async def test(bench, worker, room):
        await bench.seconds(5)
        bench.now_ms += 36_000  # a name look-up and a connect in one step
        bench.supervisor.check()
        assert bench.fed == 6 and room.silences == 0
        assert bench.supervisor.worst_block_ms == 35_000

    _with_worker(test)


def test_the_boards_clock_may_wrap():
    async def test(bench, worker, room):
        assert bench.now_ms > 1_000_000_000
        worker.beats = False  # it was silent before the clock began again, and is so after it
        await bench.seconds(15)
        assert bench.now_ms < 15_000 and bench.fed == 10 and room.silences == 1
        worker.beats = True
        await bench.seconds(15)
        assert bench.fed == 25

    _with_worker(test, start_ms=ticks_add(0, -5_500))


def test_no_deadline_outlasts_the_watchdog():
    supervisor = _Bench().supervisor
    supervisor.add("uplink", None, WDT_MS)
    try:
        supervisor.add("uplink", None, WDT_MS + 1)
    except ValueError as error:
        assert "uplink" in str(error)
    else:
        assert False, "accepted"


def test_the_silent_room_is_named_before_the_watchdog_bites():
    async def test(bench, worker, room):
        worker.beats = False
        await bench.seconds(10)
        assert bench.resets.notes == []
        await bench.seconds(20)  # of the 90 s that the watchdog still waits
        assert bench.resets.notes == [(WATCHDOG, _GNSS)]
        worker.beats = True
        await bench.seconds(2)
        assert bench.resets.notes[1:] == [(UNKNOWN, 0)]

    _with_worker(test)


def test_of_two_silent_rooms_the_one_that_stays_silent_is_named():
    async def test(bench, worker, room):
        other = _Worker()
        bench.supervisor.add("uplink", other.run, 20_000)
        bench.supervisor.start()
        worker.beats = other.beats = False
        await bench.seconds(30)
        worker.beats = True
        await bench.seconds(2)
        assert bench.resets.notes == [(WATCHDOG, _GNSS), (WATCHDOG, _UPLINK)]

    _with_worker(test)


def test_every_step_of_a_room_is_known_before_it_begins():
    seen = []

    async def test(bench, worker, room):
        async def run(beat):
            seen.append(bench.resets.inside[-1])  # also while it imports and builds
            await asyncio.sleep(0)
            seen.append(bench.resets.inside[-1])
            while True:
                await asyncio.sleep(0)

        bench.supervisor.add("uplink", run, 10_000)
        bench.supervisor.start()
        await bench.seconds(2)
        assert seen == [_UPLINK, _UPLINK] and _GNSS in bench.resets.inside

    _with_worker(test)


def test_a_room_that_is_left_out_has_no_task_and_no_fault():
    async def test(bench, worker, room):
        await bench.seconds(60)
        assert worker.starts == 0 and room.off and bench.fed == 60

    _with_worker(test, off=1 << _GNSS)


def test_a_room_that_is_tried_again_has_one_chance():
    async def test(bench, worker, room):
        worker.error = ValueError()
        bench.supervisor.retry()
        await bench.seconds(30)
        assert (worker.starts, room.off, bench.orders) == (1, True, []) and bench.said("stays off") == 1
        worker.error = None
        bench.supervisor.retry()
        await bench.seconds(30)
        assert worker.starts == 2 and not room.off

    _with_worker(test, off=1 << _GNSS)


def test_ten_minutes_without_a_death_or_a_silence_are_a_good_start():
    async def test(bench, worker, room):
        bench.resets.crashes = 3
        await bench.seconds(400)
        worker.error = ValueError()
        await bench.seconds(1)
        worker.error = None
        await bench.seconds(590)
        assert bench.resets.steadies == []
        await bench.seconds(15)
        assert bench.resets.steadies == [0]

    _with_worker(test)


def test_a_good_start_without_a_room_says_which():
    async def test(bench, worker, room):
        bench.resets.crashes = 5
        await bench.seconds(602)
        assert bench.resets.steadies == [1 << _GNSS]
        bench.supervisor.retry()
        await bench.seconds(602)
        assert bench.resets.steadies == [1 << _GNSS, 0]

    _with_worker(test, off=1 << _GNSS)


def test_ctrl_c_is_not_caught():
    async def main():
        bench = _Bench()
        worker = _Worker()
        worker.error = KeyboardInterrupt()
        room = bench.supervisor.add("gnss", worker.run, 1000)
        await bench.supervisor._guard(room)

    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        return
    assert False, "swallowed"


def test_run_starts_and_checks_by_itself():
    bench = _Bench()
    worker = _Worker()
    bench.supervisor.add("gnss", worker.run, 10_000)

    async def main():
        task = asyncio.create_task(bench.supervisor.run())
        await asyncio.sleep(1.2)
        task.cancel()
        bench.supervisor.stop()
        await asyncio.sleep(0)

    asyncio.run(main())
    assert worker.starts == 1 and bench.fed == 1
