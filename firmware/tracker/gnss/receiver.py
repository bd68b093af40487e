"""The receiver's serial line: read what came, hand it to the parser.

In: poll() from the task that owns the line, every 50 to 100 ms.
Out: the parser's epochs.
Owns: the read buffer. (Finding the baud rate and setting the receiver up will live beside it.)
"""

from micropython import const

_READS_MAX = const(8)  # a poll is bounded even when the line never rests
_QUIET_POLLS = const(4)  # 200 ms at 50 ms: the burst is over, an RMC without GGA need not wait for the next second


class Receiver:
    def __init__(self, uart, parser, rxbuf):
        self._readinto = uart.readinto
        self._parser = parser
        self._rxbuf = rxbuf
        self._quiet = 0
        self.bytes_read = 0

    def poll(self):
        """Bytes read now. Zero heap: one buffer, readinto, no slices."""
        rxbuf = self._rxbuf
        total = 0
        for _ in range(_READS_MAX):
            n = self._readinto(rxbuf)
            if not n:
                break
            self._parser.feed(rxbuf, n)
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
        return total
