"""Fixes before the clock is believed: kept with the uptime, stamped by an anchor, and every second still explained."""

import sys

sys.path.insert(0, __file__.rpartition("/")[0])

from store_kit import Mark, blank, fix_record, mounted
from trail_kit import BUILD_SEC, RESET_REASON, ListJournal, make_fix, make_trail

from tracker.fix import HELD, UNTIMED
from tracker.record import ANCHOR, CLOCK, NO_FIX, Record, varint

T = BUILD_SEC + 86400
LAT = -6200000
BOOT_SEC = T - 100  # the truck's true second at uptime 0
LATE_MS = 130  # from the second to the poll that read it


class Journal(ListJournal):
    """Keeps anchors too, as ("anchor", sec, boot, uptime_ms)."""

    def append(self, rec):
        if rec.kind != ANCHOR:
            return super().append(rec)
        boot, off = varint(rec.body, 0, rec.n)
        self.records.append(("anchor", rec.sec, boot, varint(rec.body, off, rec.n)[0]))
        return len(self.records) - 1

    def anchors(self):
        return [record[1:] for record in self.records if record[0] == "anchor"]


class Truck:
    """The second counts from boot; the receiver says what said() makes of the true one."""

    def __init__(self, **settings):
        self.journal = Journal(settings.pop("last_sec", None))
        self.trail, _, self.quality, self.window = make_trail(self.journal, **settings)
        self.uptime_s = 5
        self.lat = LAT

    def go(self, seconds, lag_s=0, step_udeg=90, flags=0, **fields):
        """lag_s: how far the receiver's clock is behind; None: it gives no date."""
        for _ in range(seconds):
            self.lat += step_udeg
            sec = 0 if lag_s is None else BOOT_SEC + self.uptime_s - lag_s
            fix = make_fix(sec, self.lat, speed_cms=1000 if step_udeg else 10, **fields)
            fix.flags = flags if lag_s is not None else UNTIMED
            self.trail.on_epoch(fix, self.uptime_s * 1000 + LATE_MS)
            self.trail.tick(self.uptime_s * 1000 + 500)
            self.uptime_s += 1
        return self

    def stamped(self):
        """(true second, fix) of every fix that the journal has, as a reader stamps them."""
        anchor = [a for a in self.journal.anchors() if a[0]]
        out = []
        for fix in self.journal.fixes():
            sec = fix.sec
            if fix.flags & UNTIMED:
                sec = (anchor[0][0] * 1000 - anchor[0][2] + sec * 1000 + fix.ms + 500) // 1000
            out.append((sec, fix))
        return out


def test_they_are_kept_between_two_anchors_and_stamped_right():
    for lag in (None, 86400 * 365 * 30, 500):
        truck = Truck()
        truck.go(60, lag if lag != 500 else 86400 * 500).go(60)
        kinds = [record[0] for record in truck.journal.records]
        first, last = [i for i, kind in enumerate(kinds) if kind == "anchor"]
        assert first == 0 and "gap" not in kinds[:last]
        assert [a[0] for a in truck.journal.anchors()] == [0, BOOT_SEC + 67]
        fixes = truck.journal.fixes()
        untimed = [fix for fix in fixes if fix.flags & UNTIMED]
        assert fixes[len(untimed)].sec == BOOT_SEC + 67  # what quality.py knows of the truck is not lost
        assert len(untimed) >= 4 and untimed == fixes[: len(untimed)]
        for sec, fix in truck.stamped():
            assert fix.lat_udeg == LAT + 90 * (sec - BOOT_SEC - 4), (lag, sec, fix.lat_udeg)
        assert truck.journal.gaps() == [
            (BOOT_SEC, BOOT_SEC + 5, 4, 0), (BOOT_SEC + 5, BOOT_SEC + 7, CLOCK, 0),
        ]  # fmt: skip


def test_a_start_that_is_believed_at_once_has_no_anchor():
    truck = Truck().go(60)
    assert truck.journal.anchors() == [] and not any(fix.flags & UNTIMED for fix in truck.journal.fixes())


def test_a_cut_costs_no_more_than_15_s_of_it():
    truck = Truck()
    for _ in range(120):
        truck.go(1, None)
        if truck.uptime_s > 8:
            assert truck.uptime_s - truck.journal.fixes()[-1].sec <= 15


def test_a_truck_that_stands_says_so_every_minute_from_its_place():
    truck = Truck().go(20, None).go(600, None, step_udeg=0)
    held = [fix for fix in truck.journal.fixes() if fix.flags & HELD]
    assert 9 <= len(held) <= 11 and all(fix.lat_udeg == held[0].lat_udeg for fix in held)
    secs = [fix.sec for fix in truck.journal.fixes()]
    assert max(b - a for a, b in zip(secs, secs[1:])) <= 62
    truck.go(60, step_udeg=0)
    assert truck.quality.standing


def test_what_is_no_good_is_not_kept():
    truck = Truck().go(30, None, hdop_x10=200)
    assert truck.journal.records == []


def test_a_break_among_them_is_a_gap():
    truck = Truck().go(30, None)
    truck.uptime_s += 40
    truck.go(30, None).go(10)
    assert truck.journal.gaps()[1:] == [
        (BOOT_SEC + 5, BOOT_SEC + 7, CLOCK, 0), (BOOT_SEC + 34, BOOT_SEC + 77, NO_FIX, 0),
    ]  # fmt: skip
    assert BOOT_SEC + 34 in [sec for sec, _ in truck.stamped()]  # the edge of the gap


def test_a_break_just_before_the_belief_is_a_gap():
    truck = Truck().go(30, None)
    truck.uptime_s += 40
    truck.go(10)
    assert (BOOT_SEC + 34, BOOT_SEC + 77, NO_FIX, 0) in truck.journal.gaps()


def test_of_many_breaks_the_last_gap_grows():
    truck = Truck()
    for _ in range(12):
        truck.go(5, None)
        truck.uptime_s += 20
    truck.go(5, None).go(10)
    gaps = [gap for gap in truck.journal.gaps() if gap[2] == NO_FIX]
    assert len(gaps) == 8 and gaps[-1][1] >= BOOT_SEC + 5 + 12 * 25


def test_never_believed_never_stamped():
    truck = Truck().go(300, None)
    assert [a[0] for a in truck.journal.anchors()] == [0] and truck.trail.newest is None


def test_all_is_kept_where_all_is_asked_for():
    truck = Truck(keep_all=True).go(30, None).go(5)
    assert len([fix for fix in truck.journal.fixes() if fix.flags & UNTIMED]) == 30  # 2 cold ones; 2 until the belief


def test_the_hole_before_the_boot_is_told():
    truck = Truck(last_sec=BOOT_SEC - 50).go(30, None).go(10)
    assert truck.journal.gaps()[0] == (BOOT_SEC - 50, BOOT_SEC, RESET_REASON, 3)


def test_a_stop_before_the_belief_leaves_the_newest_on_flash():
    truck = Truck().go(12, None)
    truck.trail.close(truck.uptime_s * 1000)
    assert truck.journal.fixes()[-1].sec == truck.uptime_s - 1 and truck.journal.gaps() == []


def test_a_stop_after_the_belief_tells_nothing_twice():
    truck = Truck().go(30, None).go(5, hdop_x10=200)  # believed, and no good position since
    truck.trail.close(truck.uptime_s * 1000)
    for _ in range(7200):
        truck.uptime_s += 1
        truck.trail.tick(truck.uptime_s * 1000)
    begins = [gap[0] - BOOT_SEC for gap in truck.journal.gaps()]
    assert begins[:3] in ([0, 5, 34], [-1, 5, 33]) and begins == sorted(begins), begins


def test_no_gap_begins_at_an_uptime():
    truck = Truck(last_sec=BOOT_SEC + 500).go(30, None).go(5, hdop_x10=200)  # the clock was ahead before the reset
    truck.trail.close(truck.uptime_s * 1000)
    for _ in range(7200):
        truck.uptime_s += 1
        truck.trail.tick(truck.uptime_s * 1000)
    assert truck.journal.gaps() and min(truck.journal.gaps())[0] >= BOOT_SEC


def test_the_journal_does_not_take_an_uptime_for_the_newest_second():
    flash, mark, rec = blank(), Mark(), Record()
    journal = mounted(flash, mark)
    journal.append(fix_record(rec, 0))
    newest = rec.fix.sec
    rec.set_anchor(0, 7, 9000)
    journal.append(rec)
    fix_record(rec, 1).fix.sec = 10
    rec.fix.flags = UNTIMED
    journal.append(rec)
    assert journal.last_sec == newest and mounted(flash, mark).last_sec == newest
