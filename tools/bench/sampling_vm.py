"""Runs on the VM: heap bytes and microseconds that a fix costs from clock gate to journal."""

import gc
import time

from tracker.fix import Fix
from tracker.gnss.clock import ClockGate
from tracker.sampling.quality import Quality
from tracker.sampling.trail import Trail
from tracker.sampling.window import Window

T = 200086400
FIXES = 3000


class NoJournal:
    oldest_seq = next_seq = 0

    def append(self, rec):
        return 0

    def append_tail(self, fix):
        return True

    def tail(self):
        return None


def drive(trail, fix, first, count):
    """Bends and stops, east of 107.4 degrees, where 1e-7 degrees are no small integers."""
    for i in range(first, first + count):
        standing = i % 500 > 420
        fix.clear()
        fix.sec = T + i
        fix.lat_udeg = -6200000 + (0 if standing else i % 37 * 30)
        fix.lon_udeg = 119960000 + (0 if standing else i % 53 * 20)
        fix.speed_cms = 0 if standing else 400
        fix.kind = 1
        trail.on_epoch(fix, 5000 + i * 1000)
        trail.tick(5100 + i * 1000)


def measure():
    trail = Trail(NoJournal(), ClockGate(200000000), Quality(), Window(), 12, 0)
    fix = Fix()
    drive(trail, fix, 0, 600)
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    drive(trail, fix, 600, FIXES)
    heap = gc.mem_alloc() - before
    gc.enable()
    began_us = time.ticks_us()
    drive(trail, fix, 600 + FIXES, FIXES)
    print(heap / FIXES, time.ticks_diff(time.ticks_us(), began_us) / FIXES)


measure()
