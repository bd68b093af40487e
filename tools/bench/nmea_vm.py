"""Runs on the VM for bench nmea: nmea_vm.py passes|tries|fuzz|heap file [words].

Frames of the files of tries and fuzz: <u16 length><bytes>, as bench/nmea.py writes them.
"""

import gc
import sys

CHUNK = 256  # as a UART hands them over
FIELDS = ("sec", "ms", "lat_udeg", "lon_udeg", "kind", "speed_cms", "course_cdeg", "alt_dm", "hdop_x10", "sats")


class Fixes:
    def __init__(self):
        self.count = 0
        self.words = None  # a list: keep what comes

    def take(self, fix):
        self.count += 1
        if self.words is not None:
            self.words.append(text(fix))


def text(fix):
    return ",".join([str(getattr(fix, name)) for name in FIELDS])


def new_parser(fixes):
    from tracker.fix import Fix
    from tracker.gnss.nmea import NmeaParser

    return NmeaParser(Fix(), fixes.take)


def micropygps(fixes):
    """Character by character, as its README says."""
    from micropyGPS import MicropyGPS

    update = MicropyGPS().update

    def feed(buf, n):
        for c in buf:
            if update(chr(c)):
                fixes.count += 1

    return feed


def frames(path):
    with open(path, "rb") as file:
        while True:
            head = file.read(2)
            if not head:
                return
            yield bytearray(file.read(head[0] | head[1] << 8))


def chunks(path):
    with open(path, "rb") as file:
        data = file.read()
    return [bytearray(data[i : i + CHUNK]) for i in range(0, len(data), CHUNK)]


def passes(path, name, count):
    fixes = Fixes()
    pieces = chunks(path)
    feed = new_parser(fixes).feed if name == "ours" else micropygps(fixes)
    for _ in range(int(count)):
        for piece in pieces:
            feed(piece, len(piece))
    print(fixes.count)


def tries(path):
    """A line per frame: the fixes that a new parser makes of it."""
    for data in frames(path):
        fixes = Fixes()
        fixes.words = []
        parser = new_parser(fixes)
        parser.feed(data, len(data))
        parser.flush()
        print(";".join(fixes.words))


def fuzz(path):
    """Noise and a whole epoch by turns through one parser: bytes, exceptions, epochs whose fix did not come."""
    fixes = Fixes()
    fixes.words = []
    parser = new_parser(fixes)
    count = exceptions = missed = 0
    noise = None
    for data in frames(path):
        try:
            for i in range(0, len(data), CHUNK):
                piece = data[i : i + CHUNK]
                parser.feed(piece, len(piece))
        except Exception as error:
            sys.print_exception(error)
            exceptions += 1
        if noise is None:
            noise = data
            count += len(data)
        else:
            clock = data[7:13].decode()
            sec = int(clock[:2]) * 3600 + int(clock[2:4]) * 60 + int(clock[4:])
            missed += not fixes.words or int(fixes.words[-1].split(",")[0]) % 86400 != sec
            fixes.words.clear()
            noise = None
    print(count, exceptions, missed)


def heap(path):
    """Heap after 200 passes, and one pass with the heap locked: sentences a pass, bytes more."""
    import micropython

    parser = new_parser(Fixes())
    pieces = chunks(path)
    feed = parser.feed
    for piece in pieces:
        feed(piece, len(piece))
    sentences = parser.sentences
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    for _ in range(200):
        for piece in pieces:
            feed(piece, len(piece))
    used = gc.mem_alloc() - before
    micropython.heap_lock()
    try:
        for piece in pieces:
            feed(piece, len(piece))
    finally:
        micropython.heap_unlock()
    print(sentences * 200, used)


{"passes": passes, "tries": tries, "fuzz": fuzz, "heap": heap}[sys.argv[1]](*sys.argv[2:])
