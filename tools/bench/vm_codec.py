"""Runs on the VM: encodes a file of fixes in blocks of 60 and reads them back.

Prints fixes, bytes, heap bytes that it took, wrong fixes.
"""

import gc
import sys

from bench.vm_fixes import read_fixes
from tracker.record import FIX, Record
from tracker.store.codec import FIX_MAX, Codec

BLOCK = 60


def is_same(a, b):
    return a.sec == b.sec and a.lat_udeg == b.lat_udeg and a.lon_udeg == b.lon_udeg


def main(path):
    fixes = read_fixes(path)
    out, back = Codec(), Codec()
    rec, seen = Record(), Record()
    rec.kind = FIX
    buf = bytearray(FIX_MAX)
    size = wrong = 0
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    before = gc.mem_alloc()
    n = 0
    for fix in fixes:
        if n % BLOCK == 0:
            out.reset()
            back.reset()
        n += 1
        rec.fix.copy(fix)
        end = out.encode(rec, buf, 0)
        out.advance(rec)
        if back.decode(buf, 0, end, seen) != end or not is_same(seen.fix, fix):
            wrong += 1
        back.advance(seen)
        size += end
    print(n, size, gc.mem_alloc() - before, wrong)


main(sys.argv[1])
