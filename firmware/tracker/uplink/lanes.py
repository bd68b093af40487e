"""What goes to the office and when: the journal in order, as blocks (the newest fix: live.py).

In: the journal and its acknowledged ranges, the station's answers. Out: publishes on the session.
Owns: the blocks between us and the database. A PUBACK only says that the broker has one; the
station's answer frees it.
"""

from micropython import const

from tracker.uplink.block import ACK, LACKS, RECORDS_MAX, REFUSED, TAG_SIZE
from tracker.uplink.block import ack_ranges, is_about, refused_range

_AGAIN_MS = const(600_000)  # first wait for the station's answer to a block; it doubles
_AGAIN_MAX_MS = const(21_600_000)
_ON_ITS_WAY_MS = const(20_000)  # so long after its PUBACK a block may lack because it was overtaken

_FREE = const(0)  # a place in the table without a block
_FLYING = const(1)  # sent, no PUBACK yet
_CUT = const(2)  # was flying when the connection ended: goes again with DUP and its packet id
_LANDED = const(3)  # the broker has it; the station has not answered


class HistoryLane:
    """The journal in order, as blocks, and a table of those that the database did not confirm."""

    def __init__(self, journal, writer, topic, settings, ticks_diff):
        self._journal = journal
        self._cursor = journal.cursor()
        self._writer = writer
        self._topic = topic
        self._settings = settings  # and so is batch_s
        self._late = ticks_diff
        n = settings.ahead_blocks  # ahead of the station's last answer
        self._places = range(n)
        self._state = [_FREE] * n
        self._first = [0] * n
        self._last = [0] * n
        self._from = [0] * n  # from here to the block's first number the journal has none
        self._pid = [0] * n
        self._since_ms = [0] * n  # of its PUBACK
        self._wait_ms = [0] * n  # from then until it is sent again
        self.rest_ms = 0  # of a parked truck: what waits goes when so long nothing was said
        self._next = 0  # what is below has gone out in this run, or needs no sending
        self._waits = False
        self._waits_ms = 0  # since when the record _next waits
        self.catching_up = False  # what has not gone yet goes at once
        self._ask_lo = 0  # what the office asked for again: the rest of it,
        self._ask_hi = -1
        self._ask_pid = self._ask_next = 0  # and the block of it that is under way, one at a time
        self.sent = self.again = self.freed = self.lost = self.unread = 0
        self.acks = self.refused = self.malformed = self.foreign = self.stale = self.unsent = self.forged = 0

    def ahead(self):
        """Blocks without an answer of the station's."""
        return len(self._state) - self._state.count(_FREE)

    # --- the connection --------------------------------------------------------------------------

    def connected(self, session, kept):
        """What has not gone yet goes at once. What was cut off, too: it keeps its packet id if the broker has kept our session,
        and is a new packet if not."""
        for i in self._places:
            if self._state[i] == _CUT:
                if kept:
                    session.reserve(self._pid[i])
                else:
                    self._state[i] = _LANDED
                    self._since_ms[i] = session.said_ms
                    self._wait_ms[i] = 0
        self.catching_up = True

    def disconnected(self):
        for i in self._places:
            if self._state[i] == _FLYING:
                self._state[i] = _CUT
        self._ask_pid = 0  # that block goes once more

    def on_puback(self, pid, now):
        if pid == self._ask_pid:
            self._ask_pid = 0
            self._ask_lo = self._ask_next
        for i in self._places:
            if self._state[i] == _FLYING and self._pid[i] == pid:
                self._state[i] = _LANDED
                self._since_ms[i] = now

    # --- sending ---------------------------------------------------------------------------------

    def pump(self, session, now):
        """Send one block, if one is due and the session takes it. One, because sixty records cost
        the board some 0.1 s."""
        if session.idle():
            i = self._due(session.free, now)
            if i >= 0:
                self._send_again(session, i, now)
            elif not self._send_next(session, now) and self._ask_lo <= self._ask_hi and not self._ask_pid:
                self._send_asked(session, now)

    def _due(self, free, now):
        """The place of the lowest block that is to be sent again, or -1. One that was cut off has
        its slot already."""
        found = -1
        for i in self._places:
            state = self._state[i]
            if state == _CUT or (
                state == _LANDED
                and free
                and not 0 <= self._late(now, self._since_ms[i]) < self._wait_ms[i]  # below 0: a week has passed
            ):
                if found < 0 or self._first[i] < self._first[found]:
                    found = i
        return found

    def _send_again(self, session, i, now):
        """The block of place i once more, as far as the ring still has it."""
        was_cut = self._state[i] == _CUT
        at = session.begin(self._topic, 1, self._pid[i] if was_cut else 0)
        first = max(self._first[i], self._journal.oldest_seq)
        most = self._last[i] - first + 1
        end = self._build(session.tx, at, first, most) if most > 0 else -1
        if end < 0 or self._writer.first > self._last[i]:
            self.lost += 1  # the ring has overwritten it; the journal says what that cost
            return self._drop(session, i)
        self.again += 1
        if not was_cut:
            self._wait_ms[i] = min(max(2 * self._wait_ms[i], _AGAIN_MS), _AGAIN_MAX_MS)
        last = self._last[i]
        self._fly(i, session.send(end, False, now))
        if self._last[i] < last:
            self._next = min(self._next, self._last[i] + 1)  # thinned since: the rest goes by itself

    def _send_next(self, session, now):
        """The next block of records that have not gone out yet, if there is one to send now; True if so."""
        if not session.free or not self._is_time(session.said_ms, now) or _FREE not in self._state:
            return
        first = self._journal.next_unacked(self._next)
        at = session.begin(self._topic, 1, 0)
        end = self._build(session.tx, at, first, RECORDS_MAX) if first >= 0 else -1
        if end < 0:
            if first < 0:
                self._next = self._journal.next_seq  # the database has all there is
            else:
                self.unread += 1  # nothing readable behind it yet: looked at again when the next batch is due
            self._waits = self.catching_up = False
            return
        i = self._state.index(_FREE)
        self._wait_ms[i] = _AGAIN_MS
        self._from[i] = first
        self._fly(i, session.send(end, False, now))
        self._next = self._last[i] + 1
        self._waits = False
        self.sent += 1
        return True

    def ask_again(self, lo, hi):
        """The office wants these numbers once more: how many of them the ring may have. Behind all that is new, one block at
        a time, and none of it counts as unconfirmed. While one such wish is being served the next has to wait: -1."""
        if self._ask_lo <= self._ask_hi:
            return -1
        self._ask_lo = max(lo, self._journal.oldest_seq)
        self._ask_hi = min(hi, self._journal.next_seq - 1)
        return max(self._ask_hi - self._ask_lo + 1, 0)

    def _send_asked(self, session, now):
        """What has not gone out yet goes by itself, in order."""
        most = min(self._ask_hi, self._next - 1) - self._ask_lo + 1
        at = session.begin(self._topic, 1, 0) if most > 0 else 0
        if at < 0:
            return
        end = self._build(session.tx, at, self._ask_lo, min(most, RECORDS_MAX)) if most > 0 else -1
        if end < 0 or self._writer.first > self._ask_hi:
            self._ask_hi = -1  # that was all
            return
        self._ask_next = self._writer.first + self._writer.count
        self._ask_pid = session.send(end, False, now)

    def _is_time(self, said_ms, now):
        rest_ms = self.rest_ms
        waiting = self._journal.next_seq - self._next
        if waiting <= 0:
            self._waits = self.catching_up = False
            return False
        if not self._waits:
            self._waits = True
            self._waits_ms = now
        return (
            self.catching_up
            or waiting >= RECORDS_MAX
            or (not rest_ms and self._late(now, self._waits_ms) >= self._settings.batch_s * 1000)
            or (rest_ms and self._late(now, said_ms) >= rest_ms)
        )

    def _build(self, buf, at, first, most):
        return self._writer.history(buf, at, self._journal.journal_id, self._cursor, first, most)

    def _fly(self, i, pid):
        self._state[i] = _FLYING
        self._first[i] = self._writer.first
        self._last[i] = self._writer.first + self._writer.count - 1
        self._pid[i] = pid

    # --- the station's answers -------------------------------------------------------------------

    def on_message(self, session, buf, at, end):
        """Anything can come in here; what is not an answer about this journal, signed with our key, changes a counter
        and nothing else."""
        if not self._writer.tagger.is_right(b"ack\0", buf, at, end):
            self.forged += 1
            return
        end -= TAG_SIZE
        ours = is_about(buf, at, end, self._journal.journal_id)
        if ours is None:
            self.malformed += 1
        elif not ours:
            self.foreign += 1
        elif buf[at] == ACK or buf[at] == LACKS:
            self._on_ranges(session, buf, at, end)
        elif buf[at] == REFUSED:
            self._on_refused(session, buf, at, end)
        else:
            self.malformed += 1

    def _on_ranges(self, session, buf, at, end):
        """What the station has, of what it was sent; or, at its start and ours, what it lacks: that goes again at once, except for
        what has only just landed, and may be on its way to it."""
        ranges = ack_ranges(buf, at, end)
        if not ranges:
            self.malformed += 1
            return
        self.acks += 1
        known = 0
        for lo, hi in ranges:
            if buf[at] == ACK:
                self._ack(lo, hi)
                continue
            self._ack(known, min(lo, self._next) - 1)
            known = hi + 1
            for i in self._places:
                if lo <= self._last[i] and self._first[i] <= hi:
                    self._wait_ms[i] = min(self._wait_ms[i], _ON_ITS_WAY_MS)
        for i in self._places:
            if self._state[i] != _FREE and not self._has_unacked(self._first[i], self._last[i]):
                self.freed += 1
                self._drop(session, i)

    def _ack(self, lo, hi):
        """Only what went out in this run counts: no answer frees a record that never left."""
        if hi >= self._next:
            self.unsent += 1
            hi = self._next - 1
        if lo > hi:
            return
        for i in self._places:
            if self._state[i] != _FREE and lo <= self._first[i] <= hi:
                lo = min(lo, self._from[i])  # a hole that no record will fill is passed over
        if self._has_unacked(lo, hi):
            self._journal.ack(lo, hi)
        else:
            self.stale += 1

    def _has_unacked(self, lo, hi):
        seq = self._journal.next_unacked(lo)
        return 0 <= seq <= hi

    def _on_refused(self, session, buf, at, end):
        """The station cannot take a block: the journal keeps it, this run does not repeat it."""
        lo, hi = refused_range(buf, at, end)
        if hi < 0:
            self.malformed += 1
            return
        for i in self._places:
            if self._state[i] != _FREE and lo <= self._first[i] and self._last[i] <= hi:
                self.refused += 1
                self._drop(session, i)

    def _drop(self, session, i):
        if self._state[i] == _CUT:
            session.release(self._pid[i])
        self._state[i] = _FREE
