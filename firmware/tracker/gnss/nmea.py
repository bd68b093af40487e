"""NMEA 0183 to Fix: any talker, RMC and GGA merged, integers only, no heap.

In: feed(buf, n) with whatever the UART gave; flush() when nothing more comes.
Out: on_epoch(fix) per epoch (epochs.py); every refusal in a counter; never an exception.
Owns: what a well-formed RMC, GGA and GSV is.
"""

from micropython import const

from tracker.gnss.epochs import Epochs, knots_to_cms
from tracker.gnss.fields import BAD, REFUSED, Fields
from tracker.gnss.framing import BAD_CHECKSUM, GGA, GOOD, RMC, TOO_LONG, Framer

_VALID = const(0x41)  # status A
_MILLIKNOTS_MAX = const(1000000)
_HDOP_X10_MAX = const(10000)

_MODES = b"NADPRFEMS"  # RMC field 12, in the order of the kinds below
_KINDS = b"\x00\x01\x02\x02\x04\x05\x06\x07\x08"


class NmeaParser(Epochs):
    def __init__(self, fix, on_epoch):
        super().__init__(fix, on_epoch)
        self.sentences = 0  # RMC, GGA and GSV with a right checksum
        self.bad_checksum = 0
        self.malformed = 0  # cut, or right in checksum and wrong in form
        self.too_long = 0
        self._framer = Framer()
        self._fields = Fields(self._framer)

    def feed(self, buf, n):
        """Read buf[:n]."""
        framer = self._framer
        i = 0
        while i < n:
            i = framer.take(buf, i, n)
            if framer.verdict:
                self._judge(framer.verdict)

    def _judge(self, verdict):
        if verdict == GOOD:
            self.sentences += 1
            if not self._read(self._framer.kind):
                self.malformed += 1
        elif verdict == BAD_CHECKSUM:
            self.bad_checksum += 1
        elif verdict == TOO_LONG:
            self.too_long += 1
        else:
            self.malformed += 1

    def _read(self, kind):
        if kind == RMC:
            return self._read_rmc()
        return self._read_gga() if kind == GGA else self._read_gsv()

    def _read_rmc(self):
        """time, status, lat, N/S, lon, E/W, knots, course, date, variation, E/W[, mode[, nav status]]."""
        if not 12 <= self._framer.fields <= 14:
            return False
        f = self._fields
        status = f.letter(2, b"AV")
        mode = f.letter(12, _MODES)
        if status is None or status == BAD or mode == BAD or not self._rmc_tail():
            return False
        time_ms = f.time_ms(1)
        days = f.days(9)
        lat = f.latitude(3)
        lon = f.longitude(5)
        speed = f.decimal(7, 3)
        course = f.decimal(8, 2)
        if time_ms == BAD or days == BAD or lat == BAD or lon == BAD:
            return False
        if speed == BAD or course == BAD:
            return False
        # status is field 2; the nav status in field 13 is V on most receivers even with a good fix
        kind = 0 if status != _VALID else 1 if mode is None else _kind(mode)
        if kind and (time_ms is None or days is None or lat is None or lon is None):
            return False
        if speed is not None:
            if not 0 <= speed <= _MILLIKNOTS_MAX:
                return False
            speed = knots_to_cms(speed)
        if course is not None:
            if not 0 <= course <= 36000:
                return False
            course %= 36000
        if days == REFUSED:
            self.date_refused += 1
            days = None
        self.rmc_in(time_ms, days, lat, lon, speed, course, kind)
        return True

    def _rmc_tail(self):
        f = self._fields
        return not (
            f.decimal(10, 1) == BAD or f.letter(11, b"EW") == BAD or f.letter(13, b"SCUV") == BAD
        )

    def _read_gga(self):
        """time, lat, N/S, lon, E/W, quality, satellites, HDOP, altitude, M, geoid, M, age, station."""
        if self._framer.fields != 15:
            return False
        f = self._fields
        time_ms = f.time_ms(1)
        lat = f.latitude(2)
        lon = f.longitude(4)
        quality = f.number(6, 1)
        sats = f.number(7, 2)
        hdop = f.decimal(8, 1)
        alt = f.decimal(9, 1)
        if time_ms == BAD or lat == BAD or lon == BAD or quality == BAD or quality == 9:
            return False
        if sats == BAD or hdop == BAD or alt == BAD:
            return False
        if (lat is None) != (lon is None) or not self._gga_tail():
            return False
        if quality and (time_ms is None or lat is None):
            return False
        if hdop is not None and not 0 <= hdop <= _HDOP_X10_MAX:
            return False
        self.gga_in(time_ms, lat, lon, quality, sats, hdop, alt)
        return True

    def _gga_tail(self):
        f = self._fields
        return not (
            f.letter(10, b"M") == BAD
            or f.decimal(11, 1) == BAD
            or f.letter(12, b"M") == BAD
            or f.decimal(13, 1) == BAD
            or f.number(14, 4) == BAD
        )

    def _read_gsv(self):
        """Only the total of satellites in view, field 3."""
        sats = self._fields.number(3, 3) if self._framer.fields > 3 else None
        if sats is None or sats == BAD:
            return False
        self.gsv_in(sats)
        return True


def _kind(mode):
    i = 0
    while _MODES[i] != mode:
        i += 1
    return _KINDS[i]
