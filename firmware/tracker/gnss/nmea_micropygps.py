"""micropyGPS as the parser, behind the same interface as nmea.NmeaParser: same bytes, same fixes.

In: feed(buf, n); flush().
Out: on_epoch(fix), by the same merging (epochs.py).
Owns: the way from micropyGPS's attributes to a Fix. It takes about 2.4 KB of heap a sentence; its
    decimal degrees are 32-bit floats on the board (0.85 m steps at 120 degrees east), so degrees
    and minutes are read instead. Up to five decimals of a minute give the micro-degrees of our own
    parser, more may round one micro-degree apart.
"""

from micropyGPS import MicropyGPS

from tracker.gnss.date import REFUSED, days_since_2020
from tracker.gnss.epochs import Epochs
from tracker.gnss.scan import DAYS, EMPTY, ENDS, FIELD, GGA, KIND, LAT, LON, MS, RMC, SECOND, TYPE

_FIRST_YEAR = 1987
_LAST_YEAR = 2053


class MicropyGPSParser(Epochs):
    def __init__(self, fix, on_epoch):
        super().__init__(fix, on_epoch)
        self._gps = MicropyGPS()
        self.malformed = 0
        self.too_long = 0

    @property
    def sentences(self):
        return self._gps.clean_sentences

    @property
    def bad_checksum(self):
        return self._gps.crc_fails

    def feed(self, buf, n):
        update = self._gps.update
        for i in range(n):
            sentence = update(chr(buf[i]))
            if sentence:
                self._take(sentence[2:])

    def _take(self, kind):
        if kind == "RMC":
            self._take_rmc(self._gps)
        elif kind == "GGA":
            self._take_gga(self._gps)
        elif kind == "GSV":
            gps = self._gps
            self.gsv_in(gps.gps_segments[0], gps.last_sv_sentence, gps.satellites_in_view, 0)

    def _take_rmc(self, gps):
        text = gps.gps_segments  # it says 0 for an empty field; the text tells
        day, month, year = gps.date
        days = EMPTY
        if text[9]:
            year += 1900 if year >= 80 else 2000
            if _FIRST_YEAR <= year <= _LAST_YEAR and 1 <= month <= 12:
                days = days_since_2020(year, month, day)
            else:
                self.date_refused += 1
                days = REFUSED
        cells = self._cells(RMC, gps, text)
        cells[DAYS] = days
        cells[KIND] = _kind(gps, text)
        cells[FIELD + 7] = _scaled(gps.speed[0], 1000) if text[7] else EMPTY
        cells[FIELD + 8] = _scaled(gps.course, 100) if text[8] else EMPTY
        self.rmc_in()

    def _take_gga(self, gps):
        text = gps.gps_segments
        cells = self._cells(GGA, gps, text)
        cells[KIND] = gps.fix_stat
        cells[FIELD + 7] = gps.satellites_in_use
        cells[FIELD + 8] = _scaled(gps.hdop, 10) if text[8] else EMPTY
        cells[FIELD + 9] = _scaled(gps.altitude, 10) if text[9] else EMPTY
        self.gga_in()

    def _cells(self, kind, gps, text):
        """Time and place, as numbers and as the characters that RMC and GGA are compared by."""
        slot = self.slots[0]
        cells = slot.cells
        _set_text(slot.line, ",".join(text[:8]))
        cells[TYPE] = kind
        hours, minutes, seconds = gps.timestamp
        cells[SECOND] = (hours * 60 + minutes) * 60 + int(seconds) if text[1] else EMPTY
        cells[MS] = int(seconds * 1000 + 0.01) % 1000
        cells[LAT] = _udeg(gps.latitude)
        cells[LON] = _udeg(gps.longitude)
        return cells


def _kind(gps, text):
    if not gps.valid:
        return 0
    mode = text[12] if len(text) > 13 else ""  # the last segment is the checksum
    return {"N": 0, "D": 2, "P": 2, "R": 4, "F": 5, "E": 6, "M": 7, "S": 8}.get(mode, 1)


def _set_text(line, text):
    """What agree() compares: the fields up to the one behind the place, and where each ends."""
    f = 0
    for i in range(len(text)):
        line[i] = ord(text[i])
        if text[i] == ",":
            line[ENDS + f] = i
            f += 1


def _udeg(degrees_minutes):
    degrees, minutes, side = degrees_minutes
    udeg = degrees * 1000000 + (_scaled(minutes, 100000) + 3) // 6
    return udeg if side in "NE" else -udeg


def _scaled(value, factor):
    """Half away from zero, so that the float of a short decimal finds its integer again."""
    return int(value * factor + (0.5 if value >= 0 else -0.5))
