"""Bytes of a serial line to one checked NMEA sentence as integers: all that is done per byte.

In: chunks as the UART hands them over, cut anywhere; the memory of one sentence: cells and line.
Out: frame() finds a sentence and its fields, read() makes integers of them by a form, agree()
    says whether two sentences speak of one instant and place.
Owns: the layout of that memory.

viper compiles each function to machine code on words, 30 times faster than bytecode. `ptr8` and
`ptr32` are types to it, elsewhere names without a meaning. A cell that is read here is never
negative, because an array's word comes without its sign where machine words have 64 bits.
"""

import micropython
from micropython import const

RMC = const(1)  # verdicts of frame(): a good sentence of this type,
GGA = const(2)
GSV = const(3)
GSA = const(4)
BAD_CHECKSUM = const(5)  # or why there is none
CUT = const(6)  # ended before its checksum
TOO_LONG = const(7)

VERDICT = const(0)  # cells
SECOND = const(1)  # of the day
MS = const(2)
LAT = const(3)  # micro-degrees
LON = const(4)
DAYS = const(5)  # of these two this file knows only that they are there: epochs.py
KIND = const(6)
TYPE = const(7)  # RMC, GGA, ...
_OPEN = const(8)  # 1: between `$` and the end
_LENGTH = const(9)
_XOR = const(10)
_FIELDS = const(11)
GOOD = const(12)  # sentences with a right checksum so far
FIELD = const(13)  # cells[FIELD + f]: field f as an integer or letter; field 0 is the type
CELLS = const(37)
# 106 degrees 99.99999 minutes are no longitude, and more than any other field may be. The largest
# small integer of a board would not do: it is a longitude near Bandung.
EMPTY = const(1069999999)

_LINE = const(120)  # NMEA says 82; receivers with seven decimals and four systems go beyond
ENDS = const(120)  # line[ENDS + f]: offset of the comma or `*` behind field f
_FIELDS_MAX = const(24)
LINE_BYTES = const(144)


@micropython.viper
def frame(buf: ptr8, i: int, n: int, cells: ptr32, line: ptr8) -> int:
    """Read buf[i:n] up to the end of one sentence at most; returns the offset to go on from."""
    k = cells[_LENGTH]
    xor = cells[_XOR]
    cells[VERDICT] = 0
    if cells[_OPEN] == 0:
        while i < n and buf[i] != 0x24:
            i += 1
        if i == n:
            return n
        i += 1
        k = 0
        xor = 0
        cells[_FIELDS] = 0
        cells[_OPEN] = 1
    stop = i + _LINE - k
    if stop > n:
        stop = n
    while i < stop:
        c = buf[i]
        if c < 0x2D:
            f = cells[_FIELDS]
            if c == 0x2C:
                if f == 0:
                    letters = line[2] << 16 | line[3] << 8 | line[4]
                    type = 0
                    if letters == 0x524D43:
                        type = RMC
                    elif letters == 0x474741:
                        type = GGA
                    elif letters == 0x475356:
                        type = GSV
                    elif letters == 0x475341:
                        type = GSA
                    if type == 0 or k != 5 or line[0] == 0x50:  # $PGRMC is Garmin's own
                        cells[_OPEN] = 0
                        return i + 1
                    cells[TYPE] = type
                elif f == _FIELDS_MAX - 1:
                    cells[_OPEN] = 0
                    cells[VERDICT] = CUT
                    return i + 1
                line[ENDS + f] = k
                cells[_FIELDS] = f + 1
            elif c < 0x20 or c == 0x24:  # a `$` inside a damaged line begins the next sentence
                cells[_OPEN] = 0
                if f:
                    cells[VERDICT] = CUT
                    if k >= 9 and line[k - 3] == 0x2A:
                        line[ENDS + f] = k - 3
                        cells[_FIELDS] = f + 1
                        # the checksum's own characters went into it: take them out again
                        xor ^= 0x2A ^ line[k - 2] ^ line[k - 1]
                        high = (xor >> 4) + 0x30
                        low = (xor & 15) + 0x30
                        if high > 0x39:
                            high += 7
                        if low > 0x39:
                            low += 7
                        a = line[k - 2]
                        b = line[k - 1]
                        cells[VERDICT] = BAD_CHECKSUM
                        if a == high or (high > 0x40 and a == high + 0x20):  # or lower case
                            if b == low or (low > 0x40 and b == low + 0x20):
                                cells[VERDICT] = cells[TYPE]
                                cells[GOOD] += 1
                return i
        line[k] = c
        xor ^= c
        k += 1
        i += 1
    if k == _LINE:
        cells[VERDICT] = TOO_LONG
        cells[_OPEN] = 0
    cells[_LENGTH] = k
    cells[_XOR] = xor
    return i


@micropython.viper
def read(cells: ptr32, line: ptr8, form: ptr32) -> int:
    """Every field as an integer: 0 malformed, 1 time or place not known, 2 both known.

    form: fewest and most fields; then two words per field: fewest digits (bits 8..11), most digits
    (12..15), decimals kept (16..19) and what it may be (1 fraction, 2 minus, 4 letter, 8 empty,
    16 rounded); its limit, or a bit per letter; last the latitude's field, or 0.
    A fifth decimal of a minute is 1/6 micro-degree, so minutes * 100000 / 6 rounded half up cannot
    be changed by a later digit: five are exact. A leap second, 23:59:60, is the next day's first.
    """
    fields = cells[_FIELDS]
    if fields < form[0] or fields > form[1]:
        return 0
    a = line[ENDS] + 1
    f = 1
    while f < form[1]:
        v = EMPTY
        b = a
        if f < fields:
            b = line[ENDS + f]
        may = form[f + f]
        if a == b:
            if may & 8 == 0 and f < fields:
                return 0
        elif may & 4:
            v = line[a] - 0x41
            if b != a + 1 or v < 0 or v > 25 or form[f + f + 1] >> v & 1 == 0:
                return 0
            v += 0x41
        else:
            minus = line[a] == 0x2D
            if minus:
                if may & 2 == 0:
                    return 0
                a += 1
            v = 0
            d = a
            c = 0
            while a < b:
                c = line[a] - 0x30
                if c < 0 or c > 9:
                    break
                v = v * 10 + c
                a += 1
            d = a - d
            if d < may >> 8 & 15 or d > may >> 12 & 15:
                return 0
            d = may >> 16 & 15
            if d == 5 and v > 20000:  # with five decimals more than a word holds
                return 0
            up = 0
            if a < b:
                if may & 1 == 0 or c != -2 or a + 1 == b:
                    return 0
                a += 1
                while a < b:
                    c = line[a] - 0x30
                    if c < 0 or c > 9:
                        return 0
                    if d > 0:
                        v = v * 10 + c
                    elif d == 0 and c > 4:
                        up = may >> 4 & 1
                    d -= 1
                    a += 1
            while d > 0:
                v *= 10
                d -= 1
            v += up
            if v > form[f + f + 1]:
                return 0
            if minus:
                v = -v
        cells[FIELD + f] = v
        a = b + 1
        f += 1
    f = form[f + f]
    if f == 0:
        return 1
    known = 2
    time = cells[FIELD + 1]
    if time == EMPTY:
        known = 1
        cells[SECOND] = EMPTY
    else:
        second = time // 1000
        cells[MS] = time - second * 1000
        minute = second // 100
        hour = minute // 100
        second -= minute * 100
        minute -= hour * 100
        if minute > 59 or second > 60:
            return 0
        minute += hour * 60
        if second == 60 and minute != 1439:
            return 0
        cells[SECOND] = minute * 60 + second
    if cells[FIELD + f] == EMPTY:
        return 1 if cells[FIELD + f + 2] == EMPTY else 0
    angle = LAT
    while angle <= LON:
        minutes = cells[FIELD + f]
        degrees = minutes // 10000000
        minutes -= degrees * 10000000
        v = degrees * 1000000 + (minutes + 3) // 6
        side = cells[FIELD + f + 1]
        if minutes > 5999999 or side == EMPTY:
            return 0
        if side == 0x53 or side == 0x57:
            v = -v
        cells[angle] = v
        angle += 1
        f += 2
    return known


@micropython.viper
def agree(a: ptr32, line_a: ptr8, b: ptr32, line_b: ptr8) -> int:
    """Two sentences say, by their characters: 0 two times, 1 one time, 2 one time and place."""
    same = 0
    f = 1
    g = 1
    last = 1
    while same < 2:
        p = line_a[ENDS - 1 + f] + 1
        q = line_b[ENDS - 1 + g] + 1
        end = line_a[ENDS + last] + 1  # the comma behind it belongs to the comparison
        while p < end:
            if line_a[p] != line_b[q]:
                return same
            p += 1
            q += 1
        same += 1
        f = 4 - a[TYPE]  # latitude is field 3 of an RMC and 2 of a GGA
        g = 4 - b[TYPE]
        last = f + 3
    return same
