"""What must not grow in a truck's life: heap, tasks, sockets, and a journal that goes forward only.

In: the looks of sim_hours. Out: what is not where it must be, in words.
"""

import statistics
from typing import NamedTuple

HEAP_SLACK = 512  # bytes: what is in flight at a look differs from hour to hour
MIN_LOOKS = 4  # hours of one boot from which growth can be told
SOCKETS = 2  # the broker's and, in passing, a question for its name


class Look(NamedTuple):
    boot: int
    world_ms: int
    heap: int
    sockets: int
    tasks: int
    next_seq: int
    acked_low: int
    sectors: int


def read_looks(path):
    return [Look(*map(int, line.split())) for line in path.read_text().splitlines()]


def growth(looks):
    """Boot -> bytes by which the later looks of a connected truck are above the earlier ones, the first hour aside (medians of both halves).

    Only boots that lived long enough: a truck without a link holds less, and what is in flight at a look comes and goes.
    """
    found = {}
    for boot in {look.boot for look in looks}:
        heaps = [look.heap for look in looks if look.boot == boot and look.sockets][1:]
        if len(heaps) >= MIN_LOOKS:
            half = len(heaps) // 2
            found[boot] = round(statistics.median(heaps[half:]) - statistics.median(heaps[:half]))
    return found


def judge(looks, sleepy=False, grows_until_ms=float("inf"), slack=HEAP_SLACK):
    """What is not where it must be, in words. sleepy: a boot may be too short to tell growth, which is looked at until a moment of the world."""
    faults = []
    grown = growth([look for look in looks if look.world_ms <= grows_until_ms])
    for boot, more in grown.items():
        if more > slack:
            faults.append("boot %d: the heap grew by %d B" % (boot, more))
    if not grown and not sleepy:
        faults.append("no boot lived %d hours: the heap's growth is not known" % (MIN_LOOKS + 1))
    if max(look.sockets for look in looks) > SOCKETS:
        faults.append("%d sockets open" % max(look.sockets for look in looks))
    living = [look for look in looks if look.next_seq >= 0]
    if not living:
        return ["the journal was never there"]
    fewest = min(look.tasks for look in living)
    if max(look.tasks for look in living) > fewest:
        faults.append("%d tasks, %d before" % (max(look.tasks for look in living), fewest))
    last = looks[-1]
    if last.acked_low != last.next_seq:
        faults.append("%d numbers without an answer at the end" % (last.next_seq - last.acked_low))
    if any(a.next_seq > b.next_seq or a.sectors > b.sectors for a, b in zip(living, living[1:])):
        faults.append("the journal went back")
    return faults
