"""The codec: records as bytes and back, each fix as its difference to the one before. Shared by flash and wire.

In: Record and a buffer. Out: the same as bytes, docs/protocol.md "Records".
Owns: the state that differences refer to. Never raises on what it reads; allocates nothing.
"""

from micropython import const

from tracker.record import BODY_MAX, FIX, TAIL, put_varint
from tracker.store.codes import (
    CODE_MAX, COURSE_MAX, alt_code, alt_of, count_code, count_of, course_code, course_of, is_sane, speed_code, speed_of,
)  # fmt: skip
from tracker.store.reader import Reader, unzigzag, zigzag

RECORD_MAX = const(207)  # bytes of the longest record: tag, length, time, BODY_MAX
FIX_MAX = const(38)  # bytes of the longest FIX

_DT = const(0x01)  # bits of a FIX record's first byte: what follows
_SPEED = const(0x02)
_COURSE = const(0x04)
_ALT = const(0x08)
_HDOP = const(0x10)
_SATS = const(0x20)
_MORE = const(0x40)

_HAS_FLAGS = const(0x10)  # bits of the byte that _MORE announces; the low four are the fix kind
_HAS_MS = const(0x20)

_DT_MAX = const(300)  # s; a longer step predicts nothing, so that the products below stay small integers
_STEP_MAX = const(1 << 20)  # udeg, about 115 km: no truck does that in 300 s


class Codec:
    def __init__(self):
        self._in = Reader()
        self.reset()

    def reset(self):
        """Forget everything: the next fix is absolute."""
        self.sec = 0
        self.lat = 0
        self.lon = 0
        self.dt = 1
        self.dlat = 0
        self.dlon = 0
        self.kind = 1
        self.speed = self.course = self.alt = self.hdop = self.sats = 0

    def copy(self, other):
        """Take over other's state."""
        self.sec = other.sec
        self.lat = other.lat
        self.lon = other.lon
        self.dt = other.dt
        self.dlat = other.dlat
        self.dlon = other.dlon
        self.kind = other.kind
        self.speed = other.speed
        self.course = other.course
        self.alt = other.alt
        self.hdop = other.hdop
        self.sats = other.sats

    def advance(self, rec):
        """Let the state follow a record that was written or read. Only fixes move it: others can be skipped unread."""
        if rec.kind != FIX:
            return
        fix = rec.fix
        dt = fix.sec - self.sec
        dlat = fix.lat_udeg - self.lat
        dlon = fix.lon_udeg - self.lon
        if 0 < dt <= _DT_MAX and -_STEP_MAX < dlat < _STEP_MAX and -_STEP_MAX < dlon < _STEP_MAX:
            self.dt = dt
            self.dlat = dlat
            self.dlon = dlon
        else:
            self.dt = 1
            self.dlat = self.dlon = 0
        self.sec = fix.sec
        self.lat = fix.lat_udeg
        self.lon = fix.lon_udeg
        self.kind = fix.kind & 15
        self.speed = speed_code(fix.speed_cms)
        self.course = course_code(fix.course_cdeg)
        self.alt = alt_code(fix.alt_dm)
        self.hdop = count_code(fix.hdop_x10)
        self.sats = count_code(fix.sats)

    # ---- writing

    def encode(self, rec, buf, off):
        """Write rec at buf[off]; the offset behind it, or -1 when it holds what no record can say."""
        kind = rec.kind
        if kind == FIX:
            return self._put_fix(rec.fix, buf, off)
        if kind == TAIL:
            end = self._put_fix(rec.fix, buf, off + 2)
        elif rec.n > BODY_MAX or not is_sane(rec.sec, 0, 0, 0):
            return -1
        else:
            end = put_varint(buf, off + 2, zigzag(rec.sec - self.sec))
            body = rec.body
            for i in range(rec.n):
                buf[end] = body[i]
                end += 1
        buf[off] = 0x80 | kind
        buf[off + 1] = (end - off - 2) & 0xFF
        return end

    def _put_fix(self, fix, buf, off):
        if not is_sane(fix.sec, fix.ms, fix.lat_udeg, fix.lon_udeg):
            return -1
        dt = fix.sec - self.sec
        tag = 0
        end = off + 1
        if dt != self.dt:
            tag = _DT
            end = put_varint(buf, end, zigzag(dt))
        end = put_varint(buf, end, zigzag(fix.lat_udeg - self.lat - self._ahead(self.dlat, dt)))
        end = put_varint(buf, end, zigzag(fix.lon_udeg - self.lon - self._ahead(self.dlon, dt)))

        # Changed fields: a nibble each, then in full those that a nibble cannot say.
        speed = zigzag(speed_code(fix.speed_cms) - self.speed)
        course = zigzag(course_code(fix.course_cdeg) - self.course)
        alt = zigzag(alt_code(fix.alt_dm) - self.alt)
        hdop = zigzag(count_code(fix.hdop_x10) - self.hdop)
        sats = zigzag(count_code(fix.sats) - self.sats)
        nibbles = end << 1
        if speed:
            tag |= _SPEED
            nibbles = _put_nibble(buf, nibbles, speed)
        if course:
            tag |= _COURSE
            nibbles = _put_nibble(buf, nibbles, course)
        if alt:
            tag |= _ALT
            nibbles = _put_nibble(buf, nibbles, alt)
        if hdop:
            tag |= _HDOP
            nibbles = _put_nibble(buf, nibbles, hdop)
        if sats:
            tag |= _SATS
            nibbles = _put_nibble(buf, nibbles, sats)
        end = nibbles + 1 >> 1
        if speed > 15:
            end = put_varint(buf, end, speed)
        if course > 15:
            end = put_varint(buf, end, course)
        if alt > 15:
            end = put_varint(buf, end, alt)
        if hdop > 15:
            end = put_varint(buf, end, hdop)
        if sats > 15:
            end = put_varint(buf, end, sats)

        if fix.flags or fix.ms or fix.kind != self.kind:
            tag |= _MORE
            end = _put_more(fix, buf, end)
        buf[off] = tag
        return end

    def _ahead(self, step, dt):
        """How far the last step (over self.dt) goes on in dt."""
        return step * dt // self.dt if 0 < dt <= _DT_MAX else 0

    # ---- reading

    def decode(self, buf, off, end, rec):
        """Read the record at buf[off] into rec; the offset behind it, or -1 when it is cut or none. Never raises."""
        if off >= end:
            return -1
        tag = buf[off]
        if tag < 0x80:
            stop = self._get_fix(buf, off, end, rec.fix)
            kind = FIX
        elif tag == 0x80 or tag == 0xFF or off + 1 >= end or off + 2 + buf[off + 1] > end:
            return -1
        else:
            kind = tag & 0x7F
            stop = off + 2 + buf[off + 1]
            if kind != TAIL:
                return self._get_event(buf, off + 2, stop, kind, rec)
            if self._get_fix(buf, off + 2, stop, rec.fix) != stop:
                return -1
        if stop >= 0:
            rec.kind = kind
            rec.sec = rec.fix.sec
        return stop

    def _get_event(self, buf, off, stop, kind, rec):
        data = self._in
        data.begin(buf, off, stop)
        sec = self.sec + data.signed()
        at = data.at
        if at < 0 or stop - at > BODY_MAX or not is_sane(sec, 0, 0, 0):
            return -1
        rec.kind = kind
        rec.sec = sec
        rec.n = stop - at
        body = rec.body
        for i in range(rec.n):
            body[i] = buf[at + i]
        return stop

    def _get_fix(self, buf, off, end, fix):
        if off >= end or buf[off] > 0x7F:
            return -1
        tag = buf[off]
        data = self._in
        data.begin(buf, off + 1, end)
        dt = data.signed() if tag & _DT else self.dt
        lat = self.lat + self._ahead(self.dlat, dt) + data.signed()
        lon = self.lon + self._ahead(self.dlon, dt) + data.signed()
        sec = self.sec + dt
        if data.at < 0:
            return -1

        nibble = data.at << 1
        changed = (tag >> 1 & 1) + (tag >> 2 & 1) + (tag >> 3 & 1) + (tag >> 4 & 1) + (tag >> 5 & 1)
        data.at += changed + 1 >> 1
        if data.at > end or changed & 1 and buf[data.at - 1] > 15:
            return -1
        speed = self.speed
        course = self.course
        alt = self.alt
        hdop = self.hdop
        sats = self.sats
        if tag & _SPEED:
            speed += self._delta(buf, nibble)
            nibble += 1
        if tag & _COURSE:
            course += self._delta(buf, nibble)
            nibble += 1
        if tag & _ALT:
            alt += self._delta(buf, nibble)
            nibble += 1
        if tag & _HDOP:
            hdop += self._delta(buf, nibble)
            nibble += 1
        if tag & _SATS:
            sats += self._delta(buf, nibble)
        kind = self.kind
        flags = ms = 0
        if tag & _MORE:
            more = data.byte()
            kind = more & 15
            if more & _HAS_FLAGS:
                flags = data.byte()
            if more & _HAS_MS:
                ms = data.varint()
            if more > 0x3F or flags > 0x7F:
                return -1

        if data.at < 0 or not is_sane(sec, ms, lat, lon) or not 0 <= course <= COURSE_MAX:
            return -1
        if not (0 <= speed <= CODE_MAX and 0 <= alt <= CODE_MAX and 0 <= hdop <= CODE_MAX and 0 <= sats <= CODE_MAX):
            return -1
        fix.sec = sec
        fix.ms = ms
        fix.lat_udeg = lat
        fix.lon_udeg = lon
        fix.speed_cms = speed_of(speed)
        fix.course_cdeg = course_of(course)
        fix.alt_dm = alt_of(alt)
        fix.hdop_x10 = count_of(hdop)
        fix.sats = count_of(sats)
        fix.kind = kind
        fix.flags = flags
        return data.at

    def _delta(self, buf, nibble):
        """The change that a nibble says, or that stands in full behind the nibbles."""
        byte = buf[nibble >> 1]
        value = byte >> 4 if nibble & 1 else byte & 15
        return unzigzag(value) if value else self._in.signed()


def _put_nibble(buf, nibble, value):
    if value > 15:
        value = 0  # no change would not be here, so 0 says: in full, behind the nibbles
    if nibble & 1:
        buf[nibble >> 1] |= value << 4
    else:
        buf[nibble >> 1] = value
    return nibble + 1


def _put_more(fix, buf, off):
    more = fix.kind & 15
    end = off + 1
    if fix.flags:
        more |= _HAS_FLAGS
        buf[end] = fix.flags & 0x7F
        end += 1
    if fix.ms:
        more |= _HAS_MS
        end = put_varint(buf, end, fix.ms)
    buf[off] = more
    return end
