"""Runs on the VM: heap that each room takes once loaded. In: the file rooms, a line each; prints name bytes."""

import gc
import sys

sys.path[:] = ["", "lib", ".frozen"]


def used():
    gc.collect()
    return gc.mem_alloc()


def load(modules):
    before = used()
    if "tracker.app" in modules:
        sys.modules["esp32"] = sys.modules["machine"] = sys  # built in on the board
    for name in modules:
        __import__(name)
    return used() - before


with open("rooms") as file:
    rooms = [line.split() for line in file]
for room, *modules in rooms:
    print(room, load(modules))
