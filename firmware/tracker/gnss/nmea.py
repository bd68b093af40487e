"""NMEA 0183 to Fix: any talker, RMC and GGA merged, integers only, no heap.

In: feed(buf, n) with whatever the UART gave; flush() when nothing more comes.
Out: on_epoch(fix) per epoch (epochs.py); every refusal in a counter; never an exception.
Owns: what a well-formed RMC, GGA, GSV and GSA is.
"""

from array import array

from micropython import const

from tracker.gnss import date
from tracker.gnss.epochs import Epochs

try:
    from tracker.gnss.scan import BAD_CHECKSUM, GGA, GSV, RMC, TOO_LONG, frame, read
except SyntaxError:  # no viper in this VM
    from tracker.gnss.plain import BAD_CHECKSUM, GGA, GSV, RMC, TOO_LONG, frame, read

_DAYS = const(5)  # cells, as scan.py has them
_KIND = const(6)
_GOOD = const(12)
_FIELD = const(13)
_EMPTY = const(1069999999)
_BAD = const(1069999997)  # of date.py, where the one behind it is REFUSED

_FRACTION = const(1)
_MINUS = const(2)
_LETTER = const(4)
_DAMAGED = const(2)  # of now, as epochs.py has it

_MAY_BE_EMPTY = const(8)
_ROUNDED = const(16)
_SIGNED = const(3)

_VALID = const(0x41)  # status A
# the letters NADPRFEMS of a mode: kind of a Fix
_MODES = {0x4E: 0, 0x41: 1, 0x44: 2, 0x50: 2, 0x52: 4, 0x46: 5, 0x45: 6, 0x4D: 7, 0x53: 8}


def _digits(fewest, most, limit=None, may=0, places=0):
    """So many digits before the point, in units of 10**-places, up to limit in that unit."""
    if limit is None:
        limit = 10 ** (most + places) - 1
    return (places << 16 | most << 12 | fewest << 8 | may | _MAY_BE_EMPTY, limit)


def _decimal(most, limit, places, sign=0):
    return _digits(1, most, limit, _FRACTION | _ROUNDED | sign, places)


def _letter(allowed, may=_MAY_BE_EMPTY):
    return (_LETTER | may, sum(1 << ord(c) - 0x41 for c in allowed))


def _form(fewest, most, latitude, *fields):
    words = [fewest, most]
    for field in fields:
        words.extend(field)
    words.append(latitude)
    return array("i", words)


_TIME = _digits(6, 6, 235960999, _FRACTION, 3)
_LAT = _digits(4, 4, 900000000, _FRACTION, 5), _letter("NS")
_LON = _digits(5, 5, 1800000000, _FRACTION, 5), _letter("EW")
_TENTHS = _decimal(5, 999999, 1, _MINUS)
_FORMS = (
    None,
    _form(  # RMC: time, status, place, knots, course, date, variation[, mode[, nav status]]
        12, 14, 3, _TIME, _letter("AV", 0), *_LAT, *_LON,
        _decimal(4, 1000000, 3), _decimal(3, 36000, 2), _digits(6, 6), _TENTHS, _letter("EW"),
        _letter("NADPRFEMS"), _letter("SCUV"),
    ),
    _form(  # GGA: quality, satellites, HDOP, altitude, geoid, age and station of the correction
        15, 15, 2, _TIME, *_LAT, *_LON,
        _digits(1, 1, 8), _digits(1, 2), _decimal(4, 10000, 1), _TENTHS, _letter("M"),
        _TENTHS, _letter("M"), _TENTHS, _digits(1, 4),
    ),
    _form(  # GSV: messages, this one, satellites; 4 times number, elevation, azimuth, C/N0; signal
        4, 21, 0, _digits(1, 2), _digits(1, 2), _digits(1, 3),
        *(_digits(1, 3), _decimal(3, 90, 0, _MINUS), _decimal(3, 360, 0), _decimal(2, 99, 0)) * 4,
        _digits(1, 2),
    ),
    _form(  # GSA: manual or automatic, dimension, twelve satellites used, PDOP, HDOP, VDOP; system
        18, 19, 0, _letter("MA"), _digits(1, 1, 3), *(_digits(1, 3),) * 12,
        *(_decimal(4, 10000, 1),) * 3, _digits(1, 2),
    ),
)  # fmt: skip
del _digits, _decimal, _letter, _form, _TIME, _LAT, _LON, _TENTHS  # the forms are made: 0.8 KB on the board


class NmeaParser(Epochs):
    def __init__(self, fix, on_epoch):
        super().__init__(fix, on_epoch)
        self.bad_checksum = 0
        self.malformed = 0  # cut, or right in checksum and wrong in form
        self.too_long = 0
        self._date = [0, _BAD]  # the last one read, as in the sentence and in days

    @property
    def sentences(self):
        """RMC, GGA, GSV and GSA with a right checksum."""
        slots = self.slots
        return slots[0].cells[_GOOD] + slots[1].cells[_GOOD] + slots[2].cells[_GOOD]

    def feed(self, buf, n):
        """Read buf[:n]."""
        i = 0
        while i < n:
            free = self.slots[0]
            i = frame(buf, i, n, free.cells, free.line)
            if free.cells[0]:
                self._judge(free.cells, free.line)

    def _judge(self, cells, line):
        verdict = cells[0]
        if verdict < BAD_CHECKSUM:
            known = read(cells, line, _FORMS[verdict])
            if known:
                if verdict == RMC:
                    known = self._rmc_read(cells, known)
                elif verdict == GGA:
                    cells[_KIND] = cells[_FIELD + 6]
                    if known == 2 or cells[_KIND] == 0:
                        self.gga_in()
                    else:
                        known = 0
                else:
                    known = self._view_read(verdict, cells, line)
                if known:
                    return
            self.malformed += 1
        elif verdict == BAD_CHECKSUM:
            self.bad_checksum += 1
        elif verdict == TOO_LONG:
            self.too_long += 1
        else:
            self.malformed += 1
        self.now[_DAMAGED] = True

    def _rmc_read(self, cells, known):
        """False if the date makes no sense, or the status is A and not all is there."""
        last = self._date
        if cells[_FIELD + 9] != last[0]:
            last[0] = cells[_FIELD + 9]
            last[1] = _EMPTY if last[0] == _EMPTY else date.days(last[0])
        days = last[1]
        # status is field 2; the nav status in field 13 is V on most receivers even with a good fix
        kind = 0
        if cells[_FIELD + 2] == _VALID:
            mode = cells[_FIELD + 12]
            kind = 1 if mode == _VALID or mode == _EMPTY else _MODES[mode]
            if kind and (known < 2 or days == _EMPTY):
                return False
        if _BAD <= days < _EMPTY:
            if days == _BAD:
                return False
            self.date_refused += 1
        cells[_DAYS] = days
        cells[_KIND] = kind
        self.rmc_in()
        return True

    def _view_read(self, verdict, cells, line):
        """GSV: satellites in view, and the strongest of them. GSA: the dimension."""
        if verdict != GSV:
            if cells[_FIELD + 2] != _EMPTY:
                self.dimension = cells[_FIELD + 2]
            return True
        if cells[_FIELD + 3] == _EMPTY:
            return False
        best = _strongest(cells)
        self.gsv_in(line[0] << 8 | line[1], cells[_FIELD + 2], cells[_FIELD + 3], best)
        return True


def _strongest(cells):
    """C/N0 of a GSV's best satellite; 0 when it has none."""
    best = 0
    for f in range(_FIELD + 7, _FIELD + 20, 4):
        if best < cells[f] < _EMPTY:
            best = cells[f]
    return best
