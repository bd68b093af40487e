"""The trail: what the journal is told, so that every second of the truck's day is explained.

In: on_epoch(fix, uptime_ms) for every epoch of the receiver, tick(uptime_ms) a few times a second,
    commit() before a stop, ignition off, low supply or a reset that we order.
Out: FIX and GAP records and provisional tails in the journal; newest, newest_ms for the live lane.
Owns: the second up to which the trail is explained. Of uptime_ms only differences matter.
"""

from micropython import const

from tracker.fix import FORCED, HELD, RECOVERED, ROLLOVER, STOPPED, UNTIMED, Fix
from tracker.letgo import let_go
from tracker.record import CLOCK, FIX, NO_FIX, SILENT, Record
from tracker.sampling.ahead import is_off
from tracker.sampling.plane import udeg, within
from tracker.sampling.quality import DRIFT, OK

_TAIL_S = const(14)  # that the newest fix is ahead of flash: with a fix every 2 s a cut costs 15 s
_TELL_S = const(3600)  # a pause goes on: the office hears every hour why
_UPTIME_MASK = const(0x3FFFFFFF)  # ticks_ms wraps here on the board
_GAP_MAX = const(20)  # bytes of a gap's payload


class Trail:
    hidden = False  # the live lane has to show nothing: shift.py
    is_off = is_off  # is the map wrong by so many metres? (ahead.py)

    def __init__(self, journal, gate, quality, window, boot_reason, boot_detail, gap_after_s=5, boot=0, begun_ms=0):
        self.newest = None
        self.newest_ms = 0
        self.epochs = self.accepted = self.kept = self.gaps = 0
        self.no_fix = self.unbelieved = self.refused = 0  # epochs; quality tells why
        self._journal = journal
        self._gate = gate
        self._quality = quality
        self._window = window
        self._parked_s = window.silence_parked_s
        self._boot_reason = boot_reason
        self._boot_detail = boot_detail
        self._begun_ms = begun_ms  # up to this uptime the reason of the boot holds
        self._gap_after_s = gap_after_s
        self._record = Record(_GAP_MAX)
        self._newest = Fix()
        self._keep_fix = self._keep  # made once: each `self._keep` as a value would cost heap
        self._boot = boot
        self._untimed = None  # where good fixes come before the clock is believed
        self._stop = Fix()
        self._standing = False  # the journal has been told of the stop
        self._edge_sec = 0  # second of the first fix behind the last gap
        self._stand_sec = 0  # last second at which the truck surely stood
        self._started = False
        self._paused = False
        self._live_sec = 0  # last second with a position, new or standing
        self._live_ms = 0
        self._kept_sec = 0  # second of the last FIX or GAP record
        self._saved_sec = 0  # the same, tails included
        self._first_fix_ms = None  # uptime of the first fix since boot, believed or not,
        self._believed_ms = None  # and of the first believed one
        self._heard_ms = 0  # uptime of the last epoch of any kind
        self._forget_pause()
        self.told_sec = self._recover()

    def on_epoch(self, fix, uptime_ms):
        self.epochs += 1
        self._hear(uptime_ms)
        if fix.kind == 0:
            self.no_fix += 1
            self._blind = True
            if fix.sats is not None and fix.sats > self._sats_seen:
                self._sats_seen = fix.sats
            return
        if self._first_fix_ms is None:
            self._first_fix_ms = uptime_ms
        believed = self._gate.offer(fix, uptime_ms)
        timeless = self._believed_ms is None and not self._believe(fix, believed, uptime_ms)
        code = self._quality.offer(fix)
        if not believed:
            self.unbelieved += 1
            self._clock_doubted = True
            if timeless and (code == OK or code == DRIFT):
                self._keep_untimed(fix, code, uptime_ms)
        elif code == OK or (code == DRIFT and (self._window.keep_all or not self._standing)):
            self._accept(fix, uptime_ms)
        elif code == DRIFT:
            self._stand(fix, uptime_ms)
        else:
            self.refused += 1
            self._blind = True

    def tick(self, uptime_ms):
        """Positions have stopped coming: what is held is the edge of a gap."""
        if not self._started:
            return
        pause_ms = _since_ms(uptime_ms, self._live_ms)
        if not self._paused:
            if pause_ms > self._gap_after_s * 1000:
                self._paused = True
                self.commit()
        elif self._live_sec + pause_ms // 1000 - self._kept_sec >= _TELL_S:
            self.close(uptime_ms)

    def now_sec(self, uptime_ms):
        """What second it is; None while nobody knows."""
        if self._believed_ms is None:
            return None
        return self._live_sec + _since_ms(uptime_ms, self._live_ms) // 1000

    def close(self, uptime_ms):
        """Nothing up to now stays untold: for a stop, ignition off, low supply, an ordered reset."""
        self.commit()
        if self._believed_ms is None:
            return  # nobody knows what second it is: the next boot tells of this one
        sec = self._live_sec + _since_ms(uptime_ms, self._live_ms) // 1000
        if not self._started:
            self._explain_boot(sec, uptime_ms)
            self._started = self._paused = True
            self._forget_pause()
        elif self._paused:
            self._tell_pause(sec, uptime_ms)
            self._forget_pause()

    def commit(self):
        """Put the newest position on flash as a record."""
        self._window.flush(self._keep_fix)
        if self._standing and self._stand_sec > self._kept_sec:
            self._say_stop(STOPPED)

    def _believe(self, fix, believed, uptime_ms):
        """Until the first belief since boot a fix has the uptime for its time."""
        if not believed:
            fix.sec = uptime_ms // 1000
            fix.ms = uptime_ms % 1000
            fix.flags |= UNTIMED
            return False
        boot_sec = fix.sec - (uptime_ms - fix.ms) // 1000
        self._quality.retime(boot_sec, fix.ms)
        if self._untimed is not None:
            self._untimed.anchor(fix, uptime_ms)
            self._kept_sec = self._saved_sec = self._kept_sec + boot_sec
        self._believed_ms = self._live_ms = uptime_ms
        self._live_sec = fix.sec  # until a position is accepted, the clock alone counts the seconds
        return True

    def _keep_untimed(self, fix, code, uptime_ms):
        if self._untimed is None:
            from tracker.sampling.untimed import Untimed

            self._untimed = Untimed(self._journal, self._window, self._keep_fix, self._boot, self._gap_after_s)
        self._untimed.offer(fix, code, uptime_ms)

    def _hear(self, uptime_ms):
        """Note where a silence ends that began right behind the last position."""
        if _since_ms(uptime_ms, self._heard_ms) > self._gap_after_s * 1000:
            if not (self._blind or self._clock_doubted):
                self._silent_to_ms = uptime_ms
        self._heard_ms = uptime_ms

    def _accept(self, fix, uptime_ms):
        self.accepted += 1
        standing = self._quality.standing and not self._window.keep_all
        if self._bridge(fix, uptime_ms):
            fix.flags |= FORCED
            self._stop.copy(fix)
            self._edge_sec = fix.sec
        elif self._standing and self._stand_sec > self._kept_sec:
            self._say_stop(0)  # the truck leaves: up to here it stood
        if standing:
            fix.flags |= STOPPED | FORCED
            if self._quality.slow_sec == self._edge_sec:
                self._hold(fix)
            self._stop.copy(fix)
            self._stand_sec = fix.sec
        self._standing = standing
        self._window.offer(fix, self._keep_fix)
        self._alive(fix, fix.sec, uptime_ms)

    def _hold(self, fix):
        """It has not moved since the last gap: within the bound, from there to here are 0 m."""
        if within(fix, self._stop, udeg(self._window.bound_m)):
            fix.lat_udeg = self._stop.lat_udeg
            fix.lon_udeg = self._stop.lon_udeg
            fix.flags |= HELD

    def _stand(self, fix, uptime_ms):
        """One more second at the stop."""
        sec = fix.sec
        if self._bridge(fix, uptime_ms):
            self._stand_sec = sec
            self._say_stop(STOPPED)
        elif self._kept_sec < self._stand_sec and sec - self._kept_sec > self._parked_s:
            self._say_stop(STOPPED)  # this second would be too late
        if not self._quality.leaving:
            self._stand_sec = sec
        self._stop.sec = self._stand_sec
        self._stop.flags = STOPPED | HELD | self._stop.flags & ROLLOVER
        self._alive(self._stop, sec, uptime_ms)

    def _alive(self, fix, sec, uptime_ms):
        """Position fix is true now: remember it, and let it be the tail when one is due."""
        self._live_sec = sec
        self._live_ms = self.newest_ms = uptime_ms
        self._paused = False
        if self._blind or self._clock_doubted or self._silent_to_ms is not None:
            self._forget_pause()
        self._newest.copy(fix)
        self.newest = self._newest
        if fix.sec - self._saved_sec >= _TAIL_S:
            self._window.settle(self._keep_fix)
        if fix.sec - self._saved_sec >= _TAIL_S:
            self._journal.append_tail(fix)
            self._saved_sec = fix.sec

    def _say_stop(self, flag):
        """The stop's position again, at the last second at which the truck surely stood."""
        stop = self._stop
        stop.sec = self._stand_sec
        stop.ms = 0
        stop.flags = flag | HELD | FORCED | stop.flags & ROLLOVER
        self._window.offer(stop, self._keep_fix)

    def _bridge(self, fix, uptime_ms):
        """Explain the time before fix if that needs a gap; True when fix stands behind an edge."""
        sec = fix.sec
        if not self._started:
            self._started = True
            self._explain_boot(sec, uptime_ms)
            return True
        pause_s = sec - self._live_sec
        if 0 <= pause_s <= self._gap_after_s:
            return False
        self.commit()
        self._tell_pause(sec, uptime_ms)
        return True

    def _tell_pause(self, sec, uptime_ms):
        """The gap from the last record to second sec, in which no position came."""
        spoke_sec = self._kept_sec
        if self._silent_to_ms is not None:
            spoke_sec = sec - _since_ms(uptime_ms, self._silent_to_ms) // 1000
            self._gap(self._kept_sec, spoke_sec, SILENT, 0)
            spoke_sec = max(spoke_sec, self._kept_sec)
        if self._blind:
            self._gap(spoke_sec, sec, NO_FIX, self._sats_seen)
        else:
            self._gap(spoke_sec, sec, CLOCK if self._clock_doubted else SILENT, 0)

    def _explain_boot(self, sec, uptime_ms):
        """From the last record before the reset to the first position after it, without a hole."""
        boot_sec = sec - _since_ms(uptime_ms, self._begun_ms) // 1000
        last_sec = sec - uptime_ms // 1000 if self.told_sec is None else self.told_sec
        if last_sec >= sec:
            return
        self._gap(last_sec, boot_sec, self._boot_reason, self._boot_detail)
        start = max(last_sec, boot_sec)
        first_fix_sec = max(start, sec - _since_ms(uptime_ms, self._first_fix_ms) // 1000)
        believed_sec = max(start, sec - _since_ms(uptime_ms, self._believed_ms) // 1000)
        self._gap(start, first_fix_sec, NO_FIX if self.no_fix else SILENT, self._sats_seen)
        if self._untimed is not None:
            self._untimed.explain(self._gap, sec, uptime_ms, first_fix_sec)
            self._untimed = None
        else:
            self._gap(first_fix_sec, believed_sec, CLOCK, 0)
            self._gap(believed_sec, sec, NO_FIX, self._sats_seen)

    def _gap(self, from_sec, to_sec, reason, detail):
        if to_sec <= from_sec:
            return
        self._record.set_gap(from_sec, to_sec, reason, detail)
        self._journal.append(self._record)
        self.gaps += 1
        self._kept_sec = self._saved_sec = to_sec

    def _forget_pause(self):
        self._blind = False  # the receiver spoke, and gave no position that can be used
        self._clock_doubted = False
        self._silent_to_ms = None
        self._sats_seen = 0

    def _keep(self, fix):
        record = self._record
        record.kind = FIX
        record.sec = fix.sec
        record.fix.copy(fix)
        self._journal.append(record)
        self.kept += 1
        self._kept_sec = self._saved_sec = fix.sec

    def _recover(self):
        """The provisional tail becomes a record; the second up to which the day is told."""
        tail = self._journal.tail()
        if tail is None:
            from tracker.sampling.told import told_sec

            sec = told_sec(self._journal, Record())
            let_go("sampling.told")
            return sec
        tail.flags |= RECOVERED
        self._keep(tail)
        return tail.sec


def _since_ms(now_ms, then_ms):
    return (now_ms - then_ms) & _UPTIME_MASK
