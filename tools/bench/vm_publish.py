"""Runs on the VM: heap that publishes of both lanes take, over so many of them. Prints bytes, publishes."""

import gc
import sys
import time

from lane_kit import Rig
from tracker.fix import Fix


class Silent:
    """Takes all that is written, and has what the broker says, without heap."""

    def __init__(self):
        self.said = bytearray(4)
        self.n = 0

    def write(self, buf, off, n):
        if buf[off] & 0xF0 == 0x30 and buf[off] & 6:  # the id stands behind the topic; its length byte may be two
            at = off + (2 if buf[off + 1] < 0x80 else 3)
            at += 2 + (buf[at] << 8 | buf[at + 1])
            said = self.said
            said[0] = 0x40
            said[1] = 2
            said[2] = buf[at]
            said[3] = buf[at + 1]
            self.n = 4
        return n

    def readinto(self, buf):
        n, self.n = self.n, 0
        for i in range(n):
            buf[i] = self.said[i]
        return n or None

    def close(self):
        pass


def main(count):
    rig = Rig(64)
    rig.clock.ticks_diff = time.ticks_diff  # the tests' own makes large integers
    rig.boot()
    session, live, trail, topic = rig.session, rig.live, rig.trail, b"lacak/t/hist"
    session.attach(Silent(), 60, 0)
    trail.newest = fix = Fix()
    fix.kind, fix.sec, fix.lat_udeg, fix.lon_udeg, fix.speed_cms = 1, 200000000, -6178000, 106630000, 900
    now = 0
    for turn in range(2):
        gc.collect()
        gc.disable()
        begun, sent = gc.mem_alloc(), live.sent
        for _ in range(count if turn else 4):  # the first turn: what is made once
            now += 10_000
            fix.sec += 10
            trail.newest_ms = now
            session.pump(now)
            live.pump(session, now)
            at = session.begin(topic, 1, 0)
            session.send(at + 400, False, now)
        used = gc.mem_alloc() - begun
        gc.enable()
    print(used, count + live.sent - sent)


main(int(sys.argv[1]))
