"""Which fixes say where the truck is, and when the truck stands.

In: every fix of the receiver, in order.
Out: OK, or why it is not accepted, counted; whether the truck stands, and seems to leave.
Owns: the last accepted place, the place of the stop. A speed is never changed.
"""

from micropython import const

from tracker.fix import Fix
from tracker.sampling.plane import udeg, within

OK = const(0)
DRIFT = const(1)  # standing, within the stop's radius: noise
COLD = const(2)  # first fixes after a start or a pause, not yet agreeing
JUMP = const(3)  # further than the truck can have come
HDOP = const(4)

_AGREE = const(3)  # fixes that agree make a new place true, so nothing freezes for ever
_PAUSE_S = const(10)  # after this long without a fix the first ones are as bad as after a start
_PATIENCE = const(30)  # fixes, after which positions that do not move as the speed says are taken
# A settled receiver's positions move as it says its speed is: 0.1 m/s apart at the median of four
# logs; a cold one's 11 m/s apart.
_CALM_CMS = const(40)
_CALM_CM = const(15)  # half the diagonal step of positions in 1e-4 minutes
_SATS_MIN = const(4)  # three satellites give a position only with a guessed height
_SLOW_CMS = const(80)
_FAST_CMS = const(100)  # twice: along bins a truck creeps at 1.4 m/s; at rest receivers say 0.5
_STAND_S = const(5)
_CREEP_M = const(4)  # 0.8 m/s for 5 s, where the receiver gives no speed
_SLACK_CM = const(2500)
_SHORT_CS = const(300)
_LONG_CS = const(60000)
_LEAVE = const(30)  # three fixes outside the radius; thirty where the receiver says that it stands
_LEAVE_MOVING = const(10)
_LEAVE_SLOW = const(1)


class Quality:
    def __init__(self, hdop_max_x10=60, speed_max_cms=6000, stop_radius_m=25):
        self.standing = False
        self.leaving = False  # standing, and this fix spoke against it
        self.slow_sec = 0  # standing: since when it was slow
        self.drift = self.cold = self.jump = self.hdop = 0
        self._hdop_max_x10 = hdop_max_x10
        self._speed_max_cms = speed_max_cms
        self._radius_udeg = udeg(stop_radius_m)
        self._settled = False
        self._cold_fixes = 0
        self._last = Fix()  # the last accepted
        self._new = Fix()  # the last of those that agree on another place
        self._agree = 0
        self._slow = False
        self._rest = Fix()  # where the truck became slow; while it stands, the stop
        self._fast = 0
        self._outside = 0

    def retime(self, by_s, ms):
        """The clock was put right: what is remembered moves with it, to the instant in a second at which fixes are made."""
        for fix in (self._last, self._new, self._rest):
            fix.sec += by_s
            fix.ms = ms
        self.slow_sec += by_s

    def offer(self, fix):
        if fix.hdop_x10 is not None and fix.hdop_x10 > self._hdop_max_x10:
            self.hdop += 1
            return HDOP
        if fix.sats is not None and fix.sats < _SATS_MIN:
            self.cold += 1
            return COLD
        code = self._offer_standing(fix) if self.standing else self._offer_moving(fix)
        if code == OK:
            self._last.copy(fix)
            self._agree = 0
            self._settled = True
            self._watch_rest(fix)
        elif code == DRIFT:
            self.drift += 1
        elif code == JUMP:
            self.jump += 1
        else:
            self.cold += 1
        return code

    def _offer_moving(self, fix):
        if self._settled and fix.sec - self._last.sec > _PAUSE_S:
            self._settled = False
            self._cold_fixes = 0
            self._agree = 0
        if self._settled and self._reachable(self._last, fix):
            return OK
        self._cold_fixes += 1
        self._agree = self._agree + 1 if self._agree and self._agrees(self._new, fix) else 1
        self._new.copy(fix)
        if self._agree >= _AGREE:
            return OK
        return JUMP if self._settled else COLD

    def _agrees(self, place, fix):
        """Whether the second of two fixes makes the first more likely."""
        if not self._reachable(place, fix):
            return False
        return self._settled or self._cold_fixes >= _PATIENCE or _is_calm(place, fix)

    def _reachable(self, place, fix):
        """Whether a truck can come from place to fix in the time between them."""
        cs = _cs_between(place, fix)
        speed = self._speed_max_cms
        if cs <= 0:
            cs = 100
        if cs <= _SHORT_CS and fix.speed_cms is not None and place.speed_cms is not None:
            speed = max(fix.speed_cms, place.speed_cms) * 3 // 2 + 300
        elif cs > _LONG_CS:
            cs = _LONG_CS
        return within(fix, place, (speed * cs // 100 + _SLACK_CM) * 9 // 100)

    def _watch_rest(self, fix):
        """Five slow seconds at one place are a stop."""
        speed = fix.speed_cms
        if speed is not None and speed >= _SLOW_CMS:
            self._slow = False
            return
        reach = udeg(_CREEP_M) if speed is None else self._radius_udeg
        if not self._slow or not within(fix, self._rest, reach):
            self._slow = True
            self._rest.copy(fix)
        elif fix.sec - self._rest.sec >= _STAND_S:
            self.slow_sec = self._rest.sec
            self._rest.copy(fix)
            self._slow = False
            self.standing = True
            self.leaving = False
            self._fast = self._outside = 0

    def _offer_standing(self, fix):
        speed = fix.speed_cms
        self._fast = self._fast + 1 if speed is not None and speed >= _FAST_CMS else 0
        inside = within(fix, self._rest, self._radius_udeg)
        if inside:
            self._outside = 0
        else:
            is_slow = speed is not None and speed < _SLOW_CMS
            self._outside += _LEAVE_SLOW if is_slow else _LEAVE_MOVING
        if self._fast >= 2 or self._outside >= _LEAVE:
            self.standing = False
            self.leaving = False
            return OK
        self.leaving = self._fast > 0 or not inside
        return DRIFT if inside else JUMP


def _cs_between(place, fix):
    return (fix.sec - place.sec) * 100 + (fix.ms - place.ms) // 10


def _is_calm(place, fix):
    """Whether the position moved as far as the receiver says that the truck did."""
    cs = _cs_between(place, fix)
    if place.speed_cms is None or fix.speed_cms is None or not 0 < cs <= _SHORT_CS:
        return True
    way_cm = (place.speed_cms + fix.speed_cms) * cs // 200
    slack_cm = _CALM_CMS * cs // 100 + _CALM_CM
    if not within(fix, place, (way_cm + slack_cm) * 9 // 100):
        return False
    return way_cm <= slack_cm or not within(fix, place, (way_cm - slack_cm) * 9 // 100)
