"""The receiver's line: one buffer, bounded polls, and an RMC-only second that does not wait for the next."""

import gc

from receiver_kit import Line, burst

from tracker.gnss.receiver import Receiver


class Uart:
    def __init__(self, data=b"", endless=False):
        self.data = data
        self.endless = endless
        self.reads = 0

    def readinto(self, buf):
        self.reads += 1
        if self.endless:
            return len(buf)
        n = min(len(buf), len(self.data))
        buf[:n] = self.data[:n]
        self.data = self.data[n:]
        return n or None


class Parser:
    def __init__(self):
        self.got = b""
        self.flushes = 0

    def feed(self, buf, n):
        self.got += bytes(buf[:n])

    def flush(self):
        self.flushes += 1


def test_a_poll_reads_all_that_waits():
    data = bytes(range(200))
    uart = Uart(data)
    parser = Parser()
    receiver = Receiver(uart, parser, bytearray(64))
    assert receiver.poll() == 200 and parser.got == data and uart.reads == 4
    assert receiver.poll() == 0 and receiver.bytes_read == 200


def test_a_poll_is_bounded():
    uart = Uart(endless=True)
    assert Receiver(uart, Parser(), bytearray(64)).poll() == 8 * 64 and uart.reads == 8


def test_quiet_after_a_burst_flushes_once():
    uart = Uart()
    parser = Parser()
    receiver = Receiver(uart, parser, bytearray(64))
    flushes = []
    for i in range(20):
        if i in (0, 2, 10):
            uart.data = b"x"
        receiver.poll()
        flushes.append(parser.flushes)
    assert flushes == [0] * 6 + [1] * 8 + [2] * 6


def test_a_steady_poll_costs_no_heap():
    line = Line({"family": "ublox6"})
    line.run(30)
    receiver = line.receiver
    assert receiver.hunt is None and receiver.set_ups == 1
    if not hasattr(gc, "mem_alloc"):
        return
    uart = Feed(bytes(burst(30)[:90]))
    receiver._readinto = uart.readinto
    now_ms = line.now_ms
    gc.collect()
    gc.disable()
    receiver.poll(now_ms)
    before = gc.mem_alloc()
    before = gc.mem_alloc()
    receiver.poll(now_ms)
    receiver.poll(now_ms)
    after = gc.mem_alloc()
    gc.enable()
    assert after - before == 0, after - before


class Feed:
    """The same bytes at every other read; allocates nothing."""

    def __init__(self, data):
        self.data = data
        self.turn = 0

    def readinto(self, buf):
        self.turn ^= 1
        if not self.turn:
            return None
        for i in range(len(self.data)):
            buf[i] = self.data[i]
        return len(self.data)
