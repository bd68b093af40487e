"""The shift: nothing of a private drive is kept; entering and leaving at the second, across midnight, sleep and resets."""

import sys

sys.path.insert(0, __file__.rpartition("/")[0])

from trail_kit import BUILD_SEC, ListJournal, SpyWindow, make_fix, unexplained

from tracker.fix import UNTIMED
from tracker.gnss.clock import ClockGate
from tracker.record import ASLEEP, OFF_DUTY, SUPPLY
from tracker.sampling.quality import Quality
from tracker.sampling.shift import Shift, ShiftTrail

DAY = 86400
WIB_MIN = 420
MIDNIGHT = BUILD_SEC // DAY * DAY + 3 * DAY - WIB_MIN * 60  # in Tangerang
FROM_MIN, TO_MIN = 300, 840  # 05:00 to 14:00
START, END = MIDNIGHT + FROM_MIN * 60, MIDNIGHT + TO_MIN * 60


class Truck:
    def __init__(self, boot_sec, journal=None, reason=SUPPLY):
        self.journal = journal or ListJournal()
        self.window = SpyWindow(10, 60, 300, False)
        self.quality = Quality()
        gate = ClockGate(BUILD_SEC)
        self.trail = ShiftTrail(self.journal, gate, self.quality, self.window, reason, 0)
        self.trail.shift = Shift(FROM_MIN, TO_MIN, WIB_MIN)
        self.sec = self.boot_sec = boot_sec
        self.lat = -6200000

    def drive(self, to_sec, step_udeg=90, every_s=1):
        while self.sec < to_sec:
            self.lat += step_udeg * every_s
            self.trail.on_epoch(make_fix(self.sec, self.lat, speed_cms=1000 if step_udeg else 0), self.uptime_ms())
            self.trail.tick(self.uptime_ms() + 500)
            self.sec += every_s
        return self

    def uptime_ms(self):
        return (self.sec - self.boot_sec) * 1000 + 100

    def gaps(self):
        return [(a, b, reason) for a, b, reason, _ in self.journal.gaps()]


def test_a_day_a_night_and_the_shift_that_spans_midnight():
    day = Shift(FROM_MIN, TO_MIN, WIB_MIN)
    assert [day.off(sec) for sec in (START - 1, START, END - 1, END, START + DAY - 1, START + DAY)] == [True, False, False, True, True, False]
    assert day.next_edge(START - 1) == START and day.next_edge(START) == END == day.next_edge(END - 1)
    assert day.next_edge(END) == START + DAY
    night = Shift(1320, 240, WIB_MIN)  # 22:00 to 04:00
    ten, four = MIDNIGHT + 1320 * 60, MIDNIGHT + DAY + 240 * 60
    assert [night.off(sec) for sec in (ten - 1, ten, MIDNIGHT + DAY, four - 1, four)] == [True, False, False, False, True]
    assert night.next_edge(MIDNIGHT + DAY) == four and night.next_edge(four) == ten + DAY
    west = Shift(FROM_MIN, TO_MIN, -600)
    five = MIDNIGHT + (WIB_MIN + 600 + FROM_MIN) * 60
    assert [west.off(sec) for sec in (five - 1, five)] == [True, False]


def test_the_shift_ends_and_begins_at_the_second_and_nothing_between_is_kept():
    truck = Truck(END - 300).drive(END + 1800)  # home with it, and on
    truck.lat += 30_000
    truck.drive(START + DAY, every_s=2, step_udeg=45).drive(START + DAY + 200)
    truck.trail.commit()
    kept = [fix.sec for fix in truck.journal.fixes()]
    assert [sec for sec in kept if END <= sec < START + DAY] == []
    assert [fix.sec for fix in truck.window.offered if END <= fix.sec < START + DAY] == []
    assert max(sec for sec in kept if sec < END) == END - 1 and min(sec for sec in kept if sec > END) == START + DAY
    rest = [gap for gap in truck.gaps() if gap[0] >= END - 5]
    assert rest[0][0] == END - 1 and rest[-1][1] == START + DAY
    assert {reason for _, _, reason in rest} == {OFF_DUTY} and len(rest) <= 16  # one an hour: the office hears of it
    assert unexplained(truck.journal.records, kept[0]) == []


def test_its_tail_is_of_the_shift_too_and_the_map_stays_where_duty_ended():
    truck = Truck(END - 100).drive(END)
    place = truck.trail.newest.lat_udeg
    tails = len(truck.journal.tails)
    truck.drive(END + 1)
    assert truck.journal.fixes()[-1].sec == END - 1  # at once, not when the receiver has been silent for 5 s
    truck.drive(END + 600)
    assert truck.trail.newest.lat_udeg == place and truck.trail.newest.sec == END - 1
    assert len(truck.journal.tails) == tails


def test_who_stood_when_duty_ended_and_stands_elsewhere_when_it_begins_is_there():
    truck = Truck(END - 400).drive(END - 200).drive(END, step_udeg=0)
    truck.drive(END + 600).drive(START + DAY, step_udeg=0, every_s=5)
    home = truck.lat
    truck.drive(START + DAY + 400, step_udeg=0)
    truck.trail.commit()
    places = [fix.lat_udeg for fix in truck.journal.fixes() if fix.sec >= START + DAY]
    assert places and all(abs(lat - home) < 100 for lat in places)


def test_across_a_sleep_the_night_is_told_by_duty_and_rest():
    journal = ListJournal(last_sec=END - 3600)  # parked at 13:00, asleep from then on
    truck = Truck(START + DAY + 1800 - 5, journal, ASLEEP)  # woken at 05:30
    truck.sec += 5
    truck.drive(START + DAY + 2000)
    truck.trail.commit()
    gaps = truck.gaps()
    assert gaps[:3] == [(END - 3600, END, ASLEEP), (END, START + DAY, OFF_DUTY), (START + DAY, START + DAY + 1795, ASLEEP)]
    assert unexplained(journal.records, END - 3600) == []


def test_a_wake_off_duty_only_moves_the_story_on():
    journal = ListJournal(last_sec=END + 100)
    truck = Truck(END + 3700, journal, ASLEEP)
    truck.drive(END + 3760)
    truck.trail.close(truck.uptime_ms())
    assert journal.fixes() == [] and {reason for _, _, reason in truck.gaps()} == {OFF_DUTY}
    assert truck.gaps()[0][0] == END + 100 and truck.gaps()[-1][1] == END + 3760


def test_off_duty_nothing_is_kept_even_before_the_clock_is_believed():
    truck = Truck(END + 50)
    for i in range(60):  # a receiver that lives in 1980 with the right time of day
        fix = make_fix(END + 50 + i - 400 * DAY * 20, -6200000 + 90 * i)
        truck.trail.on_epoch(fix, 1000 * i)
        assert not fix.flags & UNTIMED
    assert truck.journal.records == [] and truck.trail.private == 60
    assert truck.trail.now_sec(60_000) is None  # and its date is not believed for that


def test_two_months_without_power_are_one_gap_and_three_days_are_six():
    journal = ListJournal(last_sec=START - 60 * DAY)
    truck = Truck(START, journal).drive(START + 60)
    assert [gap[2] for gap in truck.gaps() if gap[1] - gap[0] > 60] == [SUPPLY]
    journal = ListJournal(last_sec=START + 60)
    truck = Truck(START + 3 * DAY + 60, journal).drive(START + 3 * DAY + 120)
    assert [gap[2] for gap in truck.gaps() if gap[1] - gap[0] > 30] == [SUPPLY, OFF_DUTY] * 3 + [SUPPLY]


def test_the_last_place_on_duty_is_hidden_half_an_hour_after_the_shift_until_the_next_one():
    truck = Truck(END - 600)
    truck.drive(END - 1)
    assert not truck.trail.hidden
    seen = []
    for sec in (END, END + 1799, END + 1803, START + DAY - 60, START + DAY + 30):
        truck.sec = sec
        truck.trail.tick(truck.uptime_ms())
        seen.append(truck.trail.hidden)
    assert seen == [False, False, True, True, False]


def test_who_starts_off_duty_hides_as_soon_as_the_clock_is_believed():
    truck = Truck(END + 7200)
    assert not truck.trail.hidden
    truck.drive(truck.sec + 10)
    assert truck.trail.hidden
