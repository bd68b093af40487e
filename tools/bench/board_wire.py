"""Lies on the simulated board beside main.py: says what the firmware's session hands to TLS and gets from it.

Out, on the console: `WIRE + <world ms>` a session begins; `WIRE u|d <world ms> <hex>` bytes up or down.
Owns: the simulator's clock under TLS. It sees the answers in clear, so the clock is held as long as one is on its way and
    no longer. And the truck's bare acknowledgements of TCP, which the kernel sends in real time: here they go as lwIP's do,
    of each second record at once, of one alone after 250 ms of the world, unless something of ours carries it.
"""

from binascii import hexlify

import sim_clock
import sim_hold
from tracker.uplink import mqtt

_DELAYED_ACK_MS = 250  # lwIP: TCP_TMR_INTERVAL
_TCP, _QUICKACK = 6, 12
sim_hold._QUIET_MS = 500  # of a handshake: longer than the slowest round trip of the benchmark


class Clear:
    def __init__(self, stream):
        self._stream = stream
        hold = sim_clock.hold
        raw = getattr(stream, "_raw", stream)
        raw._watch = self  # in place of the one that sees TLS
        self._real = raw._real
        self._owes = 0  # the record that is not acknowledged yet, by its moment
        self._watch = watch = sim_hold.Watch(hold, *hold._bodies)
        watch._up = sim_hold._Packets(watch._asked, hold._bodies[0])
        watch._down = sim_hold._Packets(watch._answered, hold._bodies[1])
        hold.open.clear()
        print("WIRE +", sim_clock.ms)

    def write(self, buf, off, n):
        done = self._stream.write(buf, off, n)
        if done:
            self._owes = 0
            self._watch.sent(buf, off, done)
            print("WIRE u", sim_clock.ms, hexlify(buf[off : off + done]).decode())
        return done

    def readinto(self, buf):
        n = self._stream.readinto(buf)
        if n:
            self._watch.got(buf, n)
            print("WIRE d", sim_clock.ms, hexlify(buf[:n]).decode())
            if self._owes:
                self._acknowledge()
            else:
                self._owes = sim_clock.ms
                sim_clock.at(sim_clock.ms + _DELAYED_ACK_MS, self._late)
        return n

    def _late(self):
        if self._owes and sim_clock.ms - self._owes >= _DELAYED_ACK_MS:
            self._acknowledge()

    def _acknowledge(self):
        self._owes = 0
        try:
            self._real.setsockopt(_TCP, _QUICKACK, 1)  # what waits goes now,
            self._real.setsockopt(_TCP, _QUICKACK, 0)  # and the next may wait again
        except OSError:
            pass  # closed meanwhile

    def sent(self, *_):
        pass

    got = sent


def _attach(inner):
    def attach(self, stream, *more):
        inner(self, Clear(stream), *more)

    return attach


mqtt.Session.attach = _attach(mqtt.Session.attach)
