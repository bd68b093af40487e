"""Safe mode: when the full road is tried again, and that the office hears of every change once."""

import asyncio

from tracker.system.log import Log
from tracker.system.safe import SafeMode


class _Room:
    off = True


class _Bench:
    def __init__(self, tries=0, ignition=True):
        self.now_ms = 0
        self.room = _Room()
        self.rooms = [self.room]
        self.tries = tries
        self.retries = []  # seconds
        self.on = 0
        self.told = []
        self.answer = True
        self.lives = False  # else it dies before anybody looks again
        log = Log(self._ticks, 2048, self._drop)
        self.safe = SafeMode(self, self, log, self._ticks, self._level if ignition else None, self._missing, self._tell)

    def run(self, seconds, each=None):
        """The room's coroutine, a second a beat."""

        async def main():
            until_ms = self.now_ms + seconds * 1000
            loop = asyncio.sleep

            def beat():
                self.now_ms += 1000
                if each:
                    each(self.now_ms // 1000)
                if self.now_ms >= until_ms:
                    raise OSError("enough")

            async def at_once(_):
                await loop(0)

            asyncio.sleep = at_once
            try:
                await self.safe.run(beat)
            except OSError:
                pass
            finally:
                asyncio.sleep = loop

        asyncio.run(main())

    # what it has of supervisor and resets

    def retry(self):
        self.retries.append(self.now_ms // 1000)
        self.room.off = not self.lives

    def tried(self):
        self.tries += 1

    def _missing(self):
        return " without uplink" if self.room.off else ""

    async def _tell(self, words, beat):
        self.told.append((self.now_ms // 1000, words))
        return self.answer

    def _ticks(self):
        return self.now_ms

    def _level(self):
        return self.on

    def _drop(self, line):
        pass


def test_the_first_attempt_is_after_ten_minutes_the_second_an_hour_later_then_each_ignition():
    bench = _Bench()

    def each(second):
        bench.on = 1 if second % 10_000 >= 8000 else 0

    bench.run(29_000, each)
    assert bench.retries == [601, 601 + 3601, 8000, 18_000, 28_000] and bench.tries == 5


def test_a_board_that_was_reset_meanwhile_goes_on_where_it_was():
    bench = _Bench(tries=1)
    bench.run(3650)
    assert bench.retries == [3601]


def test_without_an_ignition_it_is_every_hour():
    bench = _Bench(tries=2, ignition=False)
    bench.run(8000)
    assert bench.retries == [3601, 7202]


def test_what_runs_again_is_not_tried():
    bench = _Bench()
    bench.lives = True
    bench.run(9000)
    assert bench.retries == [601]


def test_the_office_is_told_once_of_each_change():
    bench = _Bench()
    bench.lives = True
    bench.run(1000)
    assert bench.told == [(0, " without uplink"), (602, "")]


def test_an_attempt_to_tell_that_failed_is_made_again_after_ten_minutes_at_the_soonest():
    bench = _Bench(tries=2)
    bench.answer = False
    bench.run(2000)
    assert [second for second, _ in bench.told] == [0, 601, 1202, 1803]


def test_what_could_not_be_tried_is_tried_as_soon_as_it_can():
    bench = _Bench(tries=2)
    bench.answer = None
    bench.run(30)
    assert len(bench.told) >= 29
