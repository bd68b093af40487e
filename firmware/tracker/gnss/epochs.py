"""RMC and GGA of one instant become one Fix; two are never mixed, what disagrees is refused.

In: the parser reads a sentence into slots[0], then calls rmc_in() or gga_in(); in any order,
    either of them missing.
Out: on_epoch(fix) once per epoch. fix is reused; kind 0: the receiver has no fix, then only the
    second, if known, and the satellites in view are set. UNTIMED in its flags: no date was given.
Owns: the open epoch, its sentences, and the belief in the date. Base of every parser.
"""

from array import array

from micropython import const

from tracker.fix import UNTIMED
from tracker.gnss.date import REFUSED

try:
    from tracker.gnss.scan import CELLS, LINE_BYTES, agree
except SyntaxError:  # no viper in this VM
    from tracker.gnss.plain import CELLS, LINE_BYTES, agree

_SECOND = const(1)  # cells, as scan.py has them
_MS = const(2)
_LAT = const(3)
_LON = const(4)
_DAYS = const(5)  # since 2020, REFUSED or _EMPTY
_KIND = const(6)  # RMC: kind of a Fix, 0 when the status is V. GGA: quality or _EMPTY
_FIELD = const(13)
_EMPTY = const(1069999999)

_FREE = const(0)  # slots: where the next sentence is read into, the last RMC, the last GGA
_RMC = const(1)  # also bits of now[_HAVE]: sentences of the open epoch
_GGA = const(2)
_APART = const(3)  # one of each, of two instants: the next sentence tells whose mate is missing

# What changes with every sentence is in a list: to store an attribute costs several times as much.
_HAVE = const(0)
_PAIRS = const(1)  # lone RMCs left until the receiver is taken for one that sends no GGA
_DAMAGED = const(2)  # something was refused since the last epoch
_LAST_SEC = const(3)  # of the newest epoch with a date, or None
_VIEW = const(4)
_CN0 = const(5)
_TALKER = const(6)  # of the last GSV
_PAIRS_MAX = const(8)

_HALF_DAY_S = const(43200)
_DAY_S = const(86400)
_ESTIMATED = const(6)


class Sentence:
    """The memory of one sentence."""

    def __init__(self):
        self.cells = array("i", [0] * CELLS)
        self.cells[_SECOND] = _EMPTY
        self.line = bytearray(LINE_BYTES)


class Epochs:
    """An epoch is closed when both sentences are in, when another time comes, or by flush()."""

    def __init__(self, fix, on_epoch):
        self.fix = fix
        self.on_epoch = on_epoch
        self.slots = [Sentence(), Sentence(), Sentence()]
        self.now = [0, 0, False, None, 0, 0, 0]
        self.mixed_epochs = 0  # refused: two places, or two times where one is due
        self.lone_gga = 0  # a GGA whose RMC never came has no date
        self.lone_rmc = 0  # refused: its GGA came damaged and cannot vouch for it
        self.date_refused = 0  # outside 1987..2053
        self.date_jumps = 0  # refused once; the second epoch in a row with that date is believed
        self.sats_in_view = 0
        self.best_cn0 = 0  # dB-Hz, the strongest satellite of the last GSVs
        self.dimension = 0  # of the last GSA: 1 no fix, 2, 3
        self._doubt = None  # days of the epoch that was refused for its date

    def flush(self):
        """Nothing more will come for the open epoch."""
        have = self.now[_HAVE]
        self.now[_HAVE] = 0
        if have == _RMC:
            self._emit_alone()
        elif have == _GGA:
            self.lone_gga += 1
        elif have:
            self.mixed_epochs += 1

    def rmc_in(self):
        """slots[0] holds a good RMC."""
        slots = self.slots
        new = slots[_FREE]
        if self.now[_HAVE] & _GGA:
            other = slots[_GGA]
            same = agree(new.cells, new.line, other.cells, other.line)
            self._meet(_RMC, same)
        elif new.cells[_SECOND] != slots[_RMC].cells[_SECOND] or not self._repeats(_RMC):
            if self.now[_HAVE]:
                self.flush()
            slots[_FREE] = slots[_RMC]
            slots[_RMC] = new
            self.now[_HAVE] = _RMC

    def gga_in(self):
        """slots[0] holds a good GGA."""
        slots = self.slots
        new = slots[_FREE]
        self.now[_PAIRS] = _PAIRS_MAX
        if self.now[_HAVE] & _RMC:
            other = slots[_RMC]
            same = agree(new.cells, new.line, other.cells, other.line)
            if same == 2 and self.now[_HAVE] == _RMC:  # the usual end of an epoch
                slots[_FREE] = slots[_GGA]
                slots[_GGA] = new
                self.now[_HAVE] = 0
                self._emit(other.cells, new.cells)
            else:
                self._meet(_GGA, same)
        elif new.cells[_SECOND] != slots[_GGA].cells[_SECOND] or not self._repeats(_GGA):
            if self.now[_HAVE]:
                self.flush()
            slots[_FREE] = slots[_GGA]
            slots[_GGA] = new
            self.now[_HAVE] = _GGA

    def _meet(self, which, same):
        """The new sentence meets one of the other type: of the same instant, or apart."""
        now = self.now
        slots = self.slots
        apart = now[_HAVE] == _APART
        if apart and not same:
            self.flush()
        elif apart and which == _RMC:
            self._emit_alone()
        elif apart:
            self.lone_gga += 1
        slots[_FREE], slots[which] = slots[which], slots[_FREE]
        if same:
            now[_HAVE] = 0
            self._emit_pair(same)
        else:
            now[_HAVE] = which if apart else _APART

    def gsv_in(self, talker, message, sats, cn0):
        """A system says its satellites in each message, and again for each of its signals."""
        now = self.now
        if message == 1 and talker != now[_TALKER]:
            now[_TALKER] = talker
            now[_VIEW] += sats
        if cn0 > now[_CN0]:
            now[_CN0] = cn0

    def _repeats(self, which):
        """Whether the new sentence, of the last one's second, is of the same known instant."""
        new = self.slots[_FREE].cells
        return new[_SECOND] != _EMPTY and new[_MS] == self.slots[which].cells[_MS]

    def _emit_alone(self):
        """The RMC has no GGA. Where one is due and damage was seen, nothing vouches for it."""
        now = self.now
        refused = now[_PAIRS] and now[_DAMAGED]
        if now[_PAIRS]:
            now[_PAIRS] -= 1
        if refused:
            self.lone_rmc += 1
            now[_DAMAGED] = False
        else:
            self._emit(self.slots[_RMC].cells, None)

    def _emit_pair(self, same):
        rmc = self.slots[_RMC].cells
        gga = self.slots[_GGA].cells
        if same < 2 and rmc[_KIND] and gga[_KIND]:
            self.mixed_epochs += 1
            self.now[_DAMAGED] = False
        else:
            self._emit(rmc, gga)

    def _emit(self, rmc, gga):
        if not self._dated(rmc):
            return
        fix = self.fix
        kind = rmc[_KIND]
        seen = 0
        if gga:
            value = gga[_FIELD + 7]
            fix.sats = None if value == _EMPTY else value
            seen = 0 if value == _EMPTY else value
            value = gga[_FIELD + 8]
            fix.hdop_x10 = None if value == _EMPTY else value
            value = gga[_FIELD + 9]
            fix.alt_dm = None if value == _EMPTY else value
            value = gga[_KIND]
            if value == 0 or (value != _EMPTY and 0 != kind != _ESTIMATED):
                kind = value
        else:
            fix.alt_dm = fix.hdop_x10 = fix.sats = None
        if self.now[_VIEW] or seen != self.sats_in_view:
            seen = self._viewed(seen)
        fix.kind = kind
        if kind:
            fix.lat_udeg = rmc[_LAT]
            fix.lon_udeg = rmc[_LON]
            value = rmc[_FIELD + 7]  # milliknots; a knot is 1852 m an hour: exactly 463/9 cm/s
            fix.speed_cms = None if value == _EMPTY else (value * 463 + 4500) // 9000
            value = rmc[_FIELD + 8]
            fix.course_cdeg = None if value == _EMPTY else value % 36000
        else:
            fix.lat_udeg = fix.lon_udeg = 0
            fix.alt_dm = fix.speed_cms = fix.course_cdeg = fix.hdop_x10 = None
            fix.sats = seen
        self.on_epoch(fix)

    def _dated(self, rmc):
        """Give the fix its time; False for a date that neither follows nor comes twice."""
        now = self.now
        fix = self.fix
        now[_DAMAGED] = False
        last = now[_LAST_SEC]
        if rmc[_DAYS] < REFUSED and rmc[_SECOND] != _EMPTY:
            sec = rmc[_DAYS] * _DAY_S + rmc[_SECOND]
            if last is not None and not -_HALF_DAY_S < sec - last < _DAY_S and self._doubts(rmc):
                return False
            now[_LAST_SEC] = fix.sec = sec
            fix.ms = rmc[_MS]
            fix.flags = 0
        else:
            if rmc[_KIND]:
                if last is not None and self._doubts(rmc):
                    return False
                now[_LAST_SEC] = None
            fix.sec = fix.ms = 0
            fix.flags = UNTIMED
        return True

    def _doubts(self, rmc):
        """The date does not follow from the last: refused unless the epoch before said it too."""
        days = rmc[_DAYS]
        if days == self._doubt:
            self._doubt = None
            return False
        self._doubt = days
        self.date_jumps += 1
        return True

    def _viewed(self, seen):
        now = self.now
        if now[_VIEW]:
            if now[_VIEW] > seen:
                seen = now[_VIEW]
            self.best_cn0 = now[_CN0]
            now[_VIEW] = now[_CN0] = now[_TALKER] = 0
        self.sats_in_view = seen
        return seen
