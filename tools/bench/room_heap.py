"""Runs on the VM: heap that each room's modules take once loaded. argv: rooms as name=module,module; prints name bytes."""

import gc
import sys


def used():
    gc.collect()
    return gc.mem_alloc()


def load(modules):
    before = used()
    for name in modules:
        __import__(name)
    return used() - before


for arg in sys.argv[1:]:
    room, modules = arg.split("=")
    print(room, load(modules.split(",")))
