"""Retained: the first 1024 bytes of RTC memory, read once at boot and written back whole.

In: rtc.memory().  Out: buf, save(), seal(), whole().  Owns: the layout.

A reset, the watchdog, a panic and deep sleep keep these bytes; a power cut and the EN button lose
them, and after a brown-out anything may stand there. So each part ends in its own check:

     0-15   the reset note (system/reset.py)
    16-47   clock and state across sleep
    48-63   free
    64-1023 the tail of the log
"""

from micropython import const

SIZE = const(1024)


class Retained:
    """rtc: memory() -> bytes, memory(buffer). machine.mem_backup() is the same bytes: not both."""

    def __init__(self, rtc):
        self._rtc = rtc
        self.before_save = None  # the log closes its part: its lines change more often than they are checked
        self.buf = bytearray(SIZE)
        data = rtc.memory()
        count = min(len(data), SIZE)
        self.buf[:count] = data[:count]

    def save(self):
        """The whole image back: one copy of 1 KB, no heap."""
        if self.before_save is not None:
            self.before_save()
        self._rtc.memory(self.buf)

    def seal(self, start, end):
        """Check the bytes start .. end - 3 by the two at end - 2; no heap."""
        check = crc16(self.buf, start, end - 2)
        self.buf[end - 2] = check & 0xFF
        self.buf[end - 1] = check >> 8

    def whole(self, start, end):
        """Does the part that seal(start, end) closed still have its check? Zeros never do."""
        check = crc16(self.buf, start, end - 2)
        return self.buf[end - 2] == check & 0xFF and self.buf[end - 1] == check >> 8


def crc16(buf, start, end):
    """CRC-16/CCITT-FALSE of buf[start:end], in small integers."""
    crc = 0xFFFF
    for at in range(start, end):
        x = crc >> 8 ^ buf[at]
        x ^= x >> 4
        crc = (crc << 8 ^ x << 12 ^ x << 5 ^ x) & 0xFFFF
    return crc
