"""RMC and GGA of the same instant become one Fix; two instants are never mixed.

In: rmc_in() and gga_in() with checked values, in any order, either of them missing.
Out: on_epoch(fix) once per epoch. fix is reused; kind 0 means that the receiver has no fix, and then only the second,
    if known, and the satellites in view are set. UNTIMED in its flags: the receiver gave no date to be read.
Owns: the open epoch. Base of every parser.
"""

from micropython import const

from tracker.fix import UNTIMED, Fix

_RMC = const(1)
_GGA = const(2)
_BOTH = const(3)
_NO_TIME = const(-1)
_ESTIMATED = const(6)


class Epochs:
    """An epoch is closed when both its sentences are in, when a sentence of another time comes, or by flush()."""

    def __init__(self, fix, on_epoch):
        self.fix = fix
        self.on_epoch = on_epoch
        self.mixed_epochs = 0  # RMC and GGA of one time that name two places: refused
        self.lone_gga = 0  # a GGA whose RMC never came has no date
        self.date_refused = 0
        self.sats_in_view = 0
        self._gga = Fix()
        self._gga_kind = None  # quality, None if the receiver left it empty
        self._have = 0
        self._time_ms = _NO_TIME
        self._done_ms = _NO_TIME
        self._view = 0

    def flush(self):
        """Nothing more will come for the open epoch."""
        have = self._have
        self._have = 0
        if have & _RMC:
            self._emit(have == _BOTH)
        elif have:
            self.lone_gga += 1

    def rmc_in(self, time_ms, days, lat_udeg, lon_udeg, speed_cms, course_cdeg, kind):
        """time_ms, days: None when unknown. kind: as in a Fix, 0 when the status is V."""
        if not self._opens(_RMC, _NO_TIME if time_ms is None else time_ms):
            return
        fix = self.fix
        fix.clear()
        if time_ms is None or days is None:
            fix.flags = UNTIMED
        else:
            fix.sec = days * 86400 + time_ms // 1000
            fix.ms = time_ms % 1000
        fix.kind = kind
        if kind:
            fix.lat_udeg = lat_udeg
            fix.lon_udeg = lon_udeg
            fix.speed_cms = speed_cms
            fix.course_cdeg = course_cdeg
        self._joined(_RMC)

    def gga_in(self, time_ms, lat_udeg, lon_udeg, quality, sats, hdop_x10, alt_dm):
        if not self._opens(_GGA, _NO_TIME if time_ms is None else time_ms):
            return
        gga = self._gga
        self._gga_kind = quality
        if lat_udeg is not None:
            gga.lat_udeg = lat_udeg
            gga.lon_udeg = lon_udeg
        gga.kind = 0 if lat_udeg is None else 1
        gga.sats = sats
        gga.hdop_x10 = hdop_x10
        gga.alt_dm = alt_dm
        self._joined(_GGA)

    def gsv_in(self, sats):
        if sats > self._view:
            self._view = sats

    def _opens(self, which, time_ms):
        """Whether this sentence is to be used: it opens an epoch or completes the open one."""
        if self._have:
            if time_ms != self._time_ms or (time_ms == _NO_TIME and self._have & which):
                self.flush()
            elif self._have & which:
                return False  # a second talker repeats the instant
        if time_ms == self._done_ms and time_ms != _NO_TIME:
            return False
        self._time_ms = time_ms
        return True

    def _joined(self, which):
        self._have |= which
        if self._have == _BOTH:
            self.flush()

    def _emit(self, with_gga):
        self._done_ms = self._time_ms
        fix = self.fix
        if with_gga and not self._merge(fix, self._gga):
            self.mixed_epochs += 1
            return
        seen = self._view
        self._view = 0
        if with_gga and self._gga.sats is not None and self._gga.sats > seen:
            seen = self._gga.sats
        self.sats_in_view = seen
        if fix.kind == 0:
            fix.lat_udeg = fix.lon_udeg = 0
            fix.alt_dm = fix.speed_cms = fix.course_cdeg = fix.hdop_x10 = None
            fix.sats = seen
        self.on_epoch(fix)

    def _merge(self, fix, gga):
        """Complete RMC's fix from GGA; False when they name two places."""
        quality = self._gga_kind
        if quality == 0 or fix.kind == 0:
            fix.kind = 0
            return True
        if gga.kind and (gga.lat_udeg != fix.lat_udeg or gga.lon_udeg != fix.lon_udeg):
            return False
        if quality is not None and fix.kind != _ESTIMATED:
            fix.kind = quality
        fix.alt_dm = gga.alt_dm
        fix.hdop_x10 = gga.hdop_x10
        fix.sats = gga.sats
        return True


def knots_to_cms(milliknots):
    """One knot is 1852 m an hour: exactly 463/9 cm/s."""
    return (milliknots * 463 + 4500) // 9000
