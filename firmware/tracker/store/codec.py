"""The codec: records as bytes and back, each fix as its difference to the one before. Shared by flash and wire.

In: Record and a buffer. Out: the same as bytes, docs/protocol.md "Records".
Owns: the state that differences refer to. Never raises on what it reads; allocates nothing.
"""

from micropython import const

from tracker.record import BODY_MAX, FIX, TAIL, put_varint

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
_LAT_MAX = const(90000000)
_LON_MAX = const(180000000)
_SEC_END = const(1 << 30)
_CODE_MAX = const(16383)
_ALT_ZERO = const(1001)  # code of 0 m; 1 is -1000 m, 0 is unknown


class Codec:
    def __init__(self):
        self._at = 0
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
        self.kind = fix.kind
        self.speed = _speed_code(fix)
        self.course = _course_code(fix)
        self.alt = _alt_code(fix)
        self.hdop = _code(fix.hdop_x10)
        self.sats = _code(fix.sats)

    # ---- writing

    def encode(self, rec, buf, off):
        """Write rec at buf[off]; the offset behind it, or -1 when it holds what no record can say."""
        kind = rec.kind
        if kind == FIX:
            return self._put_fix(rec.fix, buf, off)
        if kind == TAIL:
            end = self._put_fix(rec.fix, buf, off + 2)
        elif rec.n > BODY_MAX or not 0 <= rec.sec < _SEC_END:
            return -1
        else:
            end = put_varint(buf, off + 2, _zigzag(rec.sec - self.sec))
            body = rec.body
            for i in range(rec.n):
                buf[end] = body[i]
                end += 1
        buf[off] = 0x80 | kind
        buf[off + 1] = (end - off - 2) & 0xFF
        return end

    def _put_fix(self, fix, buf, off):
        if not _sane(fix.sec, fix.ms, fix.lat_udeg, fix.lon_udeg):
            return -1
        dt = fix.sec - self.sec
        tag = 0
        end = off + 1
        if dt != self.dt:
            tag = _DT
            end = put_varint(buf, end, _zigzag(dt))
        end = put_varint(buf, end, _zigzag(fix.lat_udeg - self.lat - self._ahead(self.dlat, dt)))
        end = put_varint(buf, end, _zigzag(fix.lon_udeg - self.lon - self._ahead(self.dlon, dt)))

        # Changed fields: a nibble each, then in full those that a nibble cannot say.
        speed = _zigzag(_speed_code(fix) - self.speed)
        course = _zigzag(_course_code(fix) - self.course)
        alt = _zigzag(_alt_code(fix) - self.alt)
        hdop = _zigzag(_code(fix.hdop_x10) - self.hdop)
        sats = _zigzag(_code(fix.sats) - self.sats)
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
            at = self._get_fix(buf, off, end, rec.fix)
            if at >= 0:
                rec.kind = FIX
                rec.sec = rec.fix.sec
            return at
        if tag == 0x80 or tag == 0xFF or off + 1 >= end:
            return -1
        stop = off + 2 + buf[off + 1]
        if stop > end:
            return -1
        if tag & 0x7F == TAIL:
            if self._get_fix(buf, off + 2, stop, rec.fix) != stop:
                return -1
            rec.kind = TAIL
            rec.sec = rec.fix.sec
            return stop
        self._at = off + 2
        sec = self.sec + _unzigzag(self._varint(buf, stop))
        at = self._at
        if at < 0 or stop - at > BODY_MAX or not 0 <= sec < _SEC_END:
            return -1
        rec.kind = tag & 0x7F
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
        self._at = off + 1
        dt = _unzigzag(self._varint(buf, end)) if tag & _DT else self.dt
        lat = self.lat + self._ahead(self.dlat, dt) + _unzigzag(self._varint(buf, end))
        lon = self.lon + self._ahead(self.dlon, dt) + _unzigzag(self._varint(buf, end))
        sec = self.sec + dt

        at = self._at
        if at < 0:
            return -1
        count = (tag >> 1 & 1) + (tag >> 2 & 1) + (tag >> 3 & 1) + (tag >> 4 & 1) + (tag >> 5 & 1)
        nibble = at << 1
        self._at = at + (count + 1 >> 1)
        if self._at > end or count & 1 and buf[self._at - 1] > 15:
            return -1
        speed = self.speed
        course = self.course
        alt = self.alt
        hdop = self.hdop
        sats = self.sats
        if tag & _SPEED:
            speed += self._delta(buf, nibble, end)
            nibble += 1
        if tag & _COURSE:
            course += self._delta(buf, nibble, end)
            nibble += 1
        if tag & _ALT:
            alt += self._delta(buf, nibble, end)
            nibble += 1
        if tag & _HDOP:
            hdop += self._delta(buf, nibble, end)
            nibble += 1
        if tag & _SATS:
            sats += self._delta(buf, nibble, end)
        kind = self.kind
        flags = ms = 0
        if tag & _MORE:
            more = self._byte(buf, end)
            kind = more & 15
            if more > 0x3F:
                return -1
            if more & _HAS_FLAGS:
                flags = self._byte(buf, end)
            if more & _HAS_MS:
                ms = self._varint(buf, end)
        at = self._at
        if at < 0 or flags > 0x7F or not _sane(sec, ms, lat, lon):
            return -1
        if not (0 <= speed <= _CODE_MAX and 0 <= course <= 180 and 0 <= alt <= _CODE_MAX):
            return -1
        if not (0 <= hdop <= _CODE_MAX and 0 <= sats <= _CODE_MAX):
            return -1
        fix.sec = sec
        fix.ms = ms
        fix.lat_udeg = lat
        fix.lon_udeg = lon
        fix.speed_cms = (speed - 1) * 10 if speed else None
        fix.course_cdeg = (course - 1) * 200 if course else None
        fix.alt_dm = (alt - _ALT_ZERO) * 10 if alt else None
        fix.hdop_x10 = hdop - 1 if hdop else None
        fix.sats = sats - 1 if sats else None
        fix.kind = kind
        fix.flags = flags
        return at

    # self._at is the reading position; -1 once something was cut, and then everything reads as 0.

    def _delta(self, buf, nibble, end):
        byte = buf[nibble >> 1]
        value = byte >> 4 if nibble & 1 else byte & 15
        return _unzigzag(value if value else self._varint(buf, end))

    def _byte(self, buf, end):
        at = self._at
        if at < 0 or at >= end:
            self._at = -1
            return 0
        self._at = at + 1
        return buf[at]

    def _varint(self, buf, end):
        at = self._at
        value = shift = 0
        while 0 <= at < end and shift < 35:
            byte = buf[at]
            at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                self._at = at
                return value
            shift += 7
        self._at = -1
        return 0


def _zigzag(value):
    return value << 1 if value >= 0 else ~(value << 1)


def _unzigzag(value):
    return ~(value >> 1) if value & 1 else value >> 1


def _sane(sec, ms, lat, lon):
    return (
        0 <= sec < _SEC_END
        and 0 <= ms <= 999
        and -_LAT_MAX <= lat <= _LAT_MAX
        and -_LON_MAX <= lon <= _LON_MAX
    )


def _code(value):
    """0 for unknown, else value + 1, held within what every reader accepts."""
    return 0 if value is None else min(max(value, 0), _CODE_MAX - 1) + 1


def _speed_code(fix):
    speed = fix.speed_cms
    return 0 if speed is None else min(max(speed + 5, 0) // 10, _CODE_MAX - 1) + 1


def _course_code(fix):
    course = fix.course_cdeg
    return 0 if course is None else (course + 100) // 200 % 180 + 1


def _alt_code(fix):
    alt = fix.alt_dm
    return 0 if alt is None else min(max((alt + 5) // 10 + _ALT_ZERO, 1), _CODE_MAX)


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
