"""The trail: every second is inside the sampling bound or inside a gap with its reason; standing, tails, boots."""

import gc
import sys

sys.path.insert(0, __file__.rpartition("/")[0])

from trail_kit import BUILD_SEC, ListJournal, RESET_REASON, SUPPLY_REASON, make_fix, make_trail, unexplained, worst_error_m

from tracker.fix import FORCED, HELD, RECOVERED, STOPPED, UNTIMED, Fix
from tracker.gnss.clock import ClockGate
from tracker.record import CLOCK, DROPPED, FIX, GAP, INPUT, NO_FIX, SILENT
from tracker.sampling.quality import Quality
from tracker.sampling.trail import Trail
from tracker.sampling.window import Window

T = BUILD_SEC + 86400
LAT = -6200000
BOOT_S = 5  # the first fix comes this long after boot


class Truck:
    """Drives a trail second by second; boot was BOOT_S before T."""

    def __init__(self, journal=None, **settings):
        self.trail, self.journal, self.quality, self.window = make_trail(journal, **settings)
        self.sec = T
        self.boot_sec = T - BOOT_S
        self.lat = LAT

    def uptime_ms(self):
        return (self.sec - self.boot_sec) * 1000

    def step(self, fix=None):
        """One second, with the fix of it or with nothing from the receiver."""
        if fix is not None:
            self.trail.on_epoch(fix, self.uptime_ms())
        self.trail.tick(self.uptime_ms() + 500)
        self.sec += 1

    def drive(self, seconds, step_udeg=90, speed_cms=1000):
        for _ in range(seconds):
            self.lat += step_udeg
            self.step(make_fix(self.sec, self.lat, speed_cms=speed_cms))
        return self

    def stand(self, seconds):
        for i in range(seconds):
            self.step(make_fix(self.sec, self.lat + i * 3 % 60, speed_cms=10))
        return self

    def silent(self, seconds):
        for _ in range(seconds):
            self.step()
        return self

    def no_fix(self, seconds, sats=2):
        for _ in range(seconds):
            self.step(make_fix(0, 0, 0, kind=0, sats=sats))
        return self

    def done(self):
        self.trail.commit()
        return self

    def kept(self):
        return [(fix.sec - T, fix.flags) for fix in self.journal.fixes()]

    def gaps(self):
        return [(a - T, b - T, reason, detail) for a, b, reason, detail in self.journal.gaps()]

    def is_explained(self, from_sec=None):
        holes = unexplained(self.journal.records, T - BOOT_S if from_sec is None else from_sec)
        assert holes == [], holes
        return True


def test_the_rule_that_the_other_tests_lean_on():
    fix = lambda sec, flags=0: ("fix", make_fix(sec)) if not flags else ("fix", flagged(sec, flags))  # noqa: E731
    assert unexplained([fix(0), fix(62)]) == [] and unexplained([fix(0), fix(63)]) == [(0, 63)]
    assert unexplained([fix(0, STOPPED), fix(302)]) == [] and unexplained([fix(0, STOPPED), fix(303)]) == [(0, 303)]
    assert unexplained([fix(0), ("gap", 0, 50, 3, 0), ("gap", 50, 100, 6, 0), fix(100)]) == []
    assert unexplained([fix(0), ("gap", 1, 100, 3, 0), fix(100)]) == [(0, 100)]
    assert unexplained([fix(0), ("gap", 0, 99, 3, 0), fix(100)]) == [(99, 100)]
    assert unexplained([fix(9)], 0) == [(0, 9)] and unexplained([("gap", 0, 9, 4, 0), fix(9)], 0) == []


def flagged(sec, flags):
    fix = make_fix(sec)
    fix.flags = flags
    return fix


def test_first_boot_explains_the_time_since_boot():
    truck = Truck().drive(10).done()
    assert truck.gaps() == [(-5, 0, SILENT, 0), (0, 2, CLOCK, 0)]
    assert truck.kept()[0] == (2, FORCED) and truck.is_explained()


def test_a_boot_without_fix_tells_the_satellites_seen():
    truck = Truck().no_fix(20, 2).no_fix(20, 5).no_fix(5, 1).drive(5).done()
    assert truck.gaps() == [(-5, 45, NO_FIX, 5), (45, 47, CLOCK, 0)] and truck.is_explained()


def test_poor_positions_after_boot_are_no_matter_of_the_clock():
    truck = Truck()
    for _ in range(30):
        truck.step(make_fix(truck.sec, LAT, hdop_x10=90))
    truck.drive(5).done()
    assert truck.gaps() == [(-5, 0, SILENT, 0), (0, 2, CLOCK, 0), (2, 32, NO_FIX, 0)] and truck.is_explained()


def test_a_reset_leaves_no_hole():
    truck = Truck(ListJournal(T - 100)).drive(5).done()
    assert truck.gaps() == [(-100, -5, RESET_REASON, 3), (-5, 0, SILENT, 0), (0, 2, CLOCK, 0)]
    assert truck.is_explained(T - 100)


def test_a_reset_younger_than_the_last_record():
    truck = Truck(ListJournal(T - 3)).drive(5).done()
    assert truck.gaps() == [(-3, 0, SILENT, 0), (0, 2, CLOCK, 0)] and truck.is_explained(T - 3)


def test_a_clock_behind_the_journal_makes_no_gap():
    truck = Truck(ListJournal(T + 5000)).drive(5).done()
    assert truck.gaps() == [] and truck.kept()[0] == (2, FORCED)


def test_the_tail_of_before_the_cut_becomes_a_record():
    tail = flagged(T - 60, HELD)
    truck = Truck(ListJournal(T - 75, tail))
    assert truck.kept() == [(-60, HELD | RECOVERED)]
    truck.drive(5).done()
    assert truck.gaps()[0] == (-60, -5, RESET_REASON, 3) and truck.is_explained(T - 60)


def test_events_behind_the_last_fix_explain_nothing():
    """Up to 2,000 of them; what tells of dropped records lies in the past."""
    fix, gap = (FIX, T - 100, 0), (GAP, T - 90, SUPPLY_REASON)
    event, dropped = (INPUT, T - 50, 0), (GAP, T - 9000, DROPPED)
    for before, start in (
        ([fix, event], -100),
        ([fix, gap, event], -90),
        ([gap, (FIX, T - 80, 0), dropped], -80),
        ([fix, (FIX, T - 50, UNTIMED)], -100),
        ([fix] + [event] * 31, -100),
        ([fix] + [event] * 2000, -100),
    ):
        truck = Truck(ListJournal(before=before)).drive(5).done()
        assert truck.gaps()[0] == (start, -5, RESET_REASON, 3), (start, truck.gaps()[0])
        assert truck.is_explained(T + start)
    assert Truck(ListJournal(before=[event])).drive(5).done().gaps()[0] == (-5, 0, SILENT, 0)


def test_an_event_behind_the_tail_does_not_void_it():
    truck = Truck(ListJournal(T - 57, flagged(T - 60, 0))).drive(5).done()
    assert truck.kept()[0] == (-60, RECOVERED)
    assert truck.gaps()[0] == (-60, -5, RESET_REASON, 3) and truck.is_explained(T - 60)


def test_two_seconds_between_fixes_are_no_gap_and_six_are():
    truck = Truck()
    for i in range(60):
        truck.sec = T + 2 * i
        truck.lat += 180
        truck.step(make_fix(truck.sec, truck.lat))
    assert len(truck.gaps()) == 2
    truck.drive(5).silent(4).drive(3)
    assert len(truck.gaps()) == 2
    truck.silent(5).drive(3)
    assert len(truck.gaps()) == 3


def test_silence_is_a_gap_between_the_fixes_at_its_edges():
    truck = Truck().drive(33).silent(100).drive(20).done()
    assert truck.gaps()[2:] == [(32, 133, SILENT, 0), (133, 135, NO_FIX, 0)]
    assert (32, 0) in truck.kept() and (135, FORCED) in truck.kept() and truck.is_explained()


def test_a_stop_in_the_middle_of_a_pause_leaves_nothing_untold():
    truck = Truck().drive(33).silent(100)
    truck.trail.close(truck.uptime_ms())
    assert truck.gaps()[2:] == [(32, 133, SILENT, 0)]
    truck.no_fix(50).drive(20).done()
    assert truck.gaps()[3:] == [(133, 185, NO_FIX, 2)] and truck.is_explained()
    truck.trail.close(truck.uptime_ms())
    assert len(truck.gaps()) == 4  # it drives: there is no pause to tell


def test_a_stop_before_the_first_good_position_is_told_if_the_clock_is_believed():
    truck = Truck()
    truck.trail.close(truck.uptime_ms())
    assert truck.gaps() == []  # no clock yet
    for i in range(6):
        truck.step(make_fix(truck.sec, LAT, hdop_x10=300))
    truck.trail.close(truck.uptime_ms())
    assert truck.gaps() == [(-5, 0, SILENT, 0), (0, 2, CLOCK, 0), (2, 6, NO_FIX, 0)]
    truck.drive(20).done()
    assert truck.is_explained() and truck.gaps()[3][:2] == (6, 8)


def test_a_pause_of_a_night_is_told_every_hour():
    truck = Truck().drive(33).no_fix(8 * 3600)
    assert [(b - a, reason) for a, b, reason, _ in truck.gaps()[2:]] == [(3600, NO_FIX)] * 8
    truck.drive(20).done()
    assert truck.is_explained() and truck.gaps()[-1][2] == NO_FIX


def test_the_edge_is_on_flash_while_the_silence_lasts():
    truck = Truck().drive(33).silent(7)
    assert truck.kept()[-1] == (32, 0) and truck.window.held is None


def test_no_fix_in_a_tunnel():
    truck = Truck().drive(33).no_fix(40, 1).no_fix(1, 4).no_fix(40, 0).drive(20).done()
    assert truck.gaps()[2:] == [(32, 116, NO_FIX, 4)] and truck.is_explained()
    truck.no_fix(20, 3).drive(5).done()
    assert truck.gaps()[3:] == [(133, 156, NO_FIX, 3)] and truck.is_explained()  # the 4 is forgotten


def test_refused_positions_only():
    truck = Truck().drive(33)
    for _ in range(30):
        truck.step(make_fix(truck.sec, LAT, hdop_x10=90))
    truck.drive(20).done()
    assert truck.gaps()[2:] == [(32, 65, NO_FIX, 0)] and truck.trail.refused == 30 + 2 and truck.is_explained()


def test_a_disputed_clock():
    truck = Truck().drive(33)
    for _ in range(30):
        truck.lat += 90
        truck.step(make_fix(truck.sec + 5000, truck.lat, kind=6))
    truck.drive(20).done()
    assert truck.gaps()[2:] == [(32, 63, CLOCK, 0)]
    assert truck.trail.unbelieved == 32 and truck.is_explained()


def test_the_road_is_within_the_bound():
    truck = Truck()
    for i in range(20):
        truck.drive(7, 40 + i * 6).drive(6, -90 + i)
    truck.done()
    assert worst_error_m(truck.window.offered, truck.journal.fixes()) <= 10
    assert truck.trail.kept < truck.trail.accepted and truck.is_explained()


def test_a_stop_is_kept_said_again_and_left():
    truck = Truck().drive(30).stand(1000).drive(30).done()
    stop = [(sec, flags) for sec, flags in truck.kept() if flags & (STOPPED | HELD)]
    assert stop == [
        (35, STOPPED | FORCED),
        (335, STOPPED | HELD | FORCED),
        (635, STOPPED | HELD | FORCED),
        (935, STOPPED | HELD | FORCED),
        (1029, HELD | FORCED),
    ]
    places = {(fix.lat_udeg, fix.lon_udeg) for fix in truck.journal.fixes() if fix.flags & (STOPPED | HELD)}
    assert len(places) == 1
    assert truck.quality.drift == 1000 - 6 + 1 and len(truck.gaps()) == 2 and truck.is_explained()
    assert worst_error_m(truck.window.offered, truck.journal.fixes()) <= 10


def places(truck):
    return [(fix.lat_udeg - LAT, fix.flags & HELD > 0) for fix in truck.journal.fixes()]


def test_parked_at_boot_the_stop_is_where_the_first_fix_was():
    truck = Truck().stand(60).done()
    assert places(truck) == [(6, False), (6, True), (6, True)]


def test_a_few_metres_from_the_first_fix_is_another_place():
    truck = Truck().drive(8, 9, 100).stand(60).done()
    assert places(truck)[0][0] == 27 and places(truck)[1:] == [(72 + 15, False), (72 + 15, True)]


def test_a_stop_beyond_the_bound_from_the_first_fix_is_where_it_is():
    truck = Truck().drive(3, 0, 0).drive(4, 27, 0).drive(20, 0, 0).done()
    assert places(truck)[0] == (0, False) and places(truck)[-1] == (108, True)


def test_parked_eight_hours_with_seconds_missing_is_explained():
    truck = Truck().drive(30)
    for i in range(8 * 720):
        truck.silent(i * 31 % 5).stand(1)
    truck.drive(10).done()
    assert len(truck.gaps()) == 2 and truck.is_explained()


def test_parked_and_the_receiver_pauses():
    truck = Truck().drive(30).stand(100).silent(400).stand(100).drive(10).done()
    assert truck.gaps()[2:] == [(129, 530, SILENT, 0)] and truck.is_explained()
    assert (129, STOPPED | HELD | FORCED) in truck.kept() and (530, STOPPED | HELD | FORCED) in truck.kept()


def test_parked_and_carried_off_without_a_fix():
    truck = Truck().drive(30).stand(100).no_fix(400)
    truck.lat += 200000
    truck.drive(20).done()
    assert truck.gaps()[2][:3] == (129, 531, NO_FIX) and truck.is_explained()
    assert truck.kept()[-2][0] == 531 and not truck.trail.newest.flags & HELD


def test_a_stop_at_boot():
    truck = Truck().stand(700).done()
    assert truck.kept()[-3:] == [
        (307, STOPPED | HELD | FORCED),
        (607, STOPPED | HELD | FORCED),
        (699, STOPPED | HELD | FORCED),
    ]
    assert truck.is_explained()


def test_tails_come_within_15_seconds_and_carry_the_newest():
    truck = Truck()
    truck.drive(3)
    saved = []
    for i in range(200):
        if i < 100:
            truck.drive(1)
        else:
            truck.stand(1)
        newest = [fix.sec for fix in truck.journal.fixes()[-1:] + truck.journal.tails[-1:]]
        saved.append(truck.sec - 1 - max(newest))
    assert max(saved) < 15 and len(truck.journal.tails) <= 200 // 14
    assert truck.journal.tails[0].flags == 0
    assert truck.journal.tails[-1].flags == STOPPED | HELD
    assert truck.journal.tails[-1].lat_udeg == truck.journal.fixes()[-1].lat_udeg


def test_commit_puts_the_newest_on_flash():
    truck = Truck().drive(10).done()
    assert truck.kept()[-1] == (9, 0)
    truck.done()
    assert truck.kept()[-1] == (9, 0) and truck.trail.kept == len(truck.kept())


def test_keep_all_keeps_drift_too():
    truck = Truck(keep_all=True).drive(30).stand(100).drive(10).done()
    assert [sec for sec, _ in truck.kept()] == list(range(2, 140)) and truck.is_explained()
    assert all(fix.flags & (STOPPED | HELD) == 0 for fix in truck.journal.fixes())


def test_backwards_time_makes_no_negative_gap():
    truck = Truck().drive(50)
    back = 3600
    for _ in range(30):
        truck.lat += 90
        truck.step(make_fix(truck.sec - back, truck.lat))
    truck.done()
    assert all(a < b for a, b, _, _ in truck.gaps())
    assert truck.kept()[-2][1] == FORCED and truck.trail.unbelieved == 2 + 9


def test_newest_is_the_newest_accepted():
    truck = Truck()
    assert truck.trail.newest is None
    truck.drive(10)
    assert truck.trail.newest.sec == T + 9 and truck.trail.newest_ms == (9 + BOOT_S) * 1000
    truck.step(make_fix(truck.sec, LAT + 9000000))
    assert truck.trail.newest.sec == T + 9
    truck.stand(60)
    newest = truck.trail.newest
    assert newest.sec == truck.sec - 1 and newest.flags == HELD | STOPPED
    assert newest.lat_udeg == truck.journal.fixes()[-1].lat_udeg


class NullJournal:
    oldest_seq = next_seq = 0

    def append(self, rec):
        return 0

    def append_tail(self, fix):
        pass

    def tail(self):
        return None


def test_no_heap_per_fix():
    if not hasattr(gc, "mem_alloc"):
        return
    trail = Trail(NullJournal(), ClockGate(BUILD_SEC), Quality(), Window(), RESET_REASON, 0)
    fix = Fix()

    def drive(first, count):
        for i in range(first, first + count):
            standing = i % 500 > 420
            fix.clear()
            fix.sec = T + i
            fix.lat_udeg = LAT + (0 if standing else i % 37 * 30)
            fix.lon_udeg = 119960000 + (0 if standing else i % 53 * 20)
            fix.speed_cms = 0 if standing else 900
            fix.kind = 1
            trail.on_epoch(fix, 5000 + i * 1000)
            trail.tick(5100 + i * 1000)

    drive(0, 600)
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    drive(600, 3000)
    used = gc.mem_alloc() - before
    gc.enable()
    assert trail.kept > 100 and trail.accepted > 2000
    assert used == 0, used
