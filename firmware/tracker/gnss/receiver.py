"""The receiver's serial line: read what came, hand it to the parser, and see to it that something useful comes.

In: poll(uptime_ms) from the task that owns the line, every 50 to 100 ms.
Out: the parser's epochs; what had to be done for them, in counters.
Owns: the read buffer; when to look for the baud rate, to set the receiver up, to switch it off and on. How that is
    done is in hunt.py and dialects.py, which are loaded for it and then let go.
"""

from micropython import const

from tracker.gnss.clock import since_ms
from tracker.letgo import let_go

_READS_MAX = const(8)  # a poll is bounded even when the line never rests
_QUIET_POLLS = const(4)  # 200 ms at 50 ms: the burst is over, an RMC without GGA need not wait for the next second
_DEAF_MS = const(10_000)  # bytes for so long, and no sentence among them: the baud rate has changed
_SILENT_MS = const(60_000)
_OFF_MS = const(2000)  # the supply's capacitors are empty
_AGAIN_MS = const(10_000)  # a receiver that was set up says nothing superfluous for so long,
_REFUSED_MS = const(600_000)  # and one that takes no dialect is not asked more often

# Said by a receiver that has its own settings again: it has restarted.
_GSV = b"GSV,"
_GLL = b"GLL,"
_TXT = b"TXT,"


class Receiver:
    """set_baud(baud): None leaves the line and the receiver alone. power(level): its supply, where the board can."""

    def __init__(self, uart, parser, rxbuf, baud=0, set_baud=None, power=None, modem=None):
        self.bytes_read = 0
        self.baud = baud
        self.dialect = None  # name of the last one that was taken
        self.hunts = self.set_ups = self.refusals = self.silences = self.power_cycles = 0
        self._readinto = uart.readinto
        self._uart = uart
        self._parser = parser
        self._rxbuf = rxbuf
        self._set_baud = set_baud
        self._power = power
        self._modem = modem
        self._quiet = 0
        self.hunt = None  # while it is under way
        self._suspect = False
        self._off = False
        self._begun = False
        self._heard_ms = self._good_ms = self._rest_ms = self._rest_from_ms = 0
        self._sentences = 0

    def poll(self, uptime_ms=0):
        """Bytes read now. Zero heap on the steady road: one buffer, readinto, no slices."""
        rxbuf = self._rxbuf
        total = 0
        for _ in range(_READS_MAX):
            n = self._readinto(rxbuf)
            if not n:
                break
            self._parser.feed(rxbuf, n)
            if self.hunt is not None:
                self.hunt.hear(rxbuf, n)
            elif not self._suspect:
                self._suspect = _restarted(rxbuf, n)
            total += n
            if n < len(rxbuf):
                break
        if total:
            self._quiet = 0
            self.bytes_read = (self.bytes_read + total) & 0x3FFFFFFF
        elif self._quiet < _QUIET_POLLS:
            self._quiet += 1
            if self._quiet == _QUIET_POLLS:
                self._parser.flush()
        if self._set_baud is not None:
            self._tend(total, uptime_ms)
        return total

    def _tend(self, total, uptime_ms):
        """Whatever the line needs beside being read."""
        if not self._begun:
            self._begun = True
            self._heard_ms = uptime_ms
            self._begin_hunt(uptime_ms, False)
        elif total:
            if since_ms(uptime_ms, self._heard_ms) > _DEAF_MS:
                self._good_ms = uptime_ms  # it was silent; deafness counts from here
            self._heard_ms = uptime_ms
            if self._parser.sentences != self._sentences:
                self._sentences = self._parser.sentences
                self._good_ms = uptime_ms
        elif since_ms(uptime_ms, self._heard_ms) >= _SILENT_MS:
            self._silence(uptime_ms)
        if self._off:
            if since_ms(uptime_ms, self._heard_ms) >= _OFF_MS:
                self._off = False
                self._power(1)
        elif self.hunt is not None:
            if self.hunt.step(uptime_ms):
                self._end_hunt(uptime_ms)
        elif since_ms(self._heard_ms, self._good_ms) >= _DEAF_MS:
            self._begin_hunt(uptime_ms, False)
        elif self._suspect and since_ms(uptime_ms, self._rest_from_ms) >= self._rest_ms:
            self._begin_hunt(uptime_ms, True)

    def _silence(self, uptime_ms):
        """A minute without a byte: off and on again, and it may come back at another rate."""
        self.silences += 1
        self._heard_ms = self._good_ms = uptime_ms
        if self._power is not None:
            self.power_cycles += 1
            self._power(0)
            self._off = True
        self._begin_hunt(uptime_ms, False)

    def _begin_hunt(self, uptime_ms, found):
        from tracker.gnss.hunt import Hunt

        self.hunts += 1
        self._suspect = False
        self.hunt = Hunt(self._uart.write, self._set_baud, self.baud, self.dialect, self._modem)
        self.hunt.begin(uptime_ms, found)

    def _end_hunt(self, uptime_ms):
        hunt = self.hunt
        self.baud = hunt.baud
        if hunt.told:
            self.set_ups += 1
            self._rest_ms = _AGAIN_MS
            self.dialect = hunt.dialect
            if hunt.dialect is None:
                self.refusals += 1
                self._rest_ms = _REFUSED_MS
        self._rest_from_ms = uptime_ms
        self._good_ms = self._heard_ms
        self.hunt = None
        let_go("gnss.hunt", "gnss.dialects", "gnss.ear")  # 6 KB on the board


def _restarted(buf, n):
    return buf.find(_GSV, 0, n) >= 0 or buf.find(_GLL, 0, n) >= 0 or buf.find(_TXT, 0, n) >= 0
