"""Runs on the VM: heap that each room takes once loaded. argv: name=.module,.module of tracker; prints name bytes."""

import gc
import sys

sys.path[:] = ["", "lib", ".frozen"]


def used():
    gc.collect()
    return gc.mem_alloc()


def load(modules):
    before = used()
    for name in modules:
        __import__("tracker" + name)
    return used() - before


for arg in sys.argv[1:]:
    room, modules = arg.split("=")
    print(room, load(modules.split(",")))
