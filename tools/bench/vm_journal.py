"""Runs on the VM: heap of a journal that has gone round a ring of so many sectors.

Prints bytes: the journal, a cursor that reads old records too, the window that thins, what a mount allocates on its way.
"""

import gc
import sys

from sim.board.nor import NorFlash
from store_kit import Mark, event_record, fix_record
from tracker.record import Record
from tracker.sampling.window import Window
from tracker.store.journal import Journal

SECTOR = 4096
LONG = 140  # bytes of payload: one record a page goes round a large ring soon
FIXES = 600


def used():
    gc.collect()
    return gc.mem_alloc()


def main(sectors):
    flash = NorFlash(sectors * SECTOR)
    mark = Mark()
    rec = Record()
    before = used()
    window = Window(20)
    window_size = used() - before
    before = used()
    journal = Journal(flash, lambda n: b"journal!"[:n], mark, window=lambda: window)
    journal.mount()
    for i in range(sectors * SECTOR // 256):
        journal.append(event_record(rec, i, size=LONG))
    for i in range(FIXES):
        journal.append(fix_record(rec, i))
    while not journal.thinned:
        i += 1
        journal.append(event_record(rec, i, size=LONG))
    size = used() - before
    cursor = journal.cursor()
    cursor.next(rec)
    cursor_size = used() - before - size
    gc.disable()
    begin = gc.mem_alloc()
    journal.mount()
    print(size, cursor_size, window_size, gc.mem_alloc() - begin)
    return cursor


main(int(sys.argv[1]))
