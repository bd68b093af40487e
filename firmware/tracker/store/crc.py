"""The three checks of the store, in small integers: CRC-15 of a record, CRC-32 of a header, P and Q of a page."""

from array import array

from micropython import const

_POLY15 = const(0x4599)  # CAN's: every burst of up to 15 bits is seen, so any one changed byte is
_FINAL15 = const(0x2A5A)  # so that a run of zeros is not a run of good records
_GF = const(0x11D)  # x^8 + x^4 + x^3 + x^2 + 1; 2 generates all 255 elements


def _table15():
    table = array("H", range(16))
    for i in range(16):
        crc = i << 11
        for _ in range(4):
            crc = crc << 1 ^ _POLY15 if crc & 0x4000 else crc << 1
        table[i] = crc & 0x7FFF
    return table


def _table32(shift):
    table = array("H", range(16))
    for i in range(16):
        hi = 0
        lo = i
        for _ in range(4):
            bit = lo & 1
            lo = lo >> 1 | (hi & 1) << 15
            hi >>= 1
            if bit:
                hi ^= 0xEDB8
                lo ^= 0x8320
        table[i] = hi if shift else lo
    return table


_T15 = _table15()
_HI32 = _table32(16)
_LO32 = _table32(0)


def crc15(crc, buf, off, end):
    """The running CRC-15 (top bit first, 0x4599) after buf[off:end]."""
    table = _T15
    for i in range(off, end):
        byte = buf[i]
        crc = (crc << 4 & 0x7FFF) ^ table[crc >> 11 ^ byte >> 4]
        crc = (crc << 4 & 0x7FFF) ^ table[crc >> 11 ^ byte & 15]
    return crc


def put_check(crc, buf, off):
    """Write a record's two check bytes. The last is below 0x80, never 0xFF: a cut record cannot look whole."""
    crc ^= _FINAL15
    buf[off] = crc & 0xFF
    buf[off + 1] = crc >> 8
    return off + 2


def check_fits(crc, buf, off):
    crc ^= _FINAL15
    return buf[off] == crc & 0xFF and buf[off + 1] == crc >> 8


def put_crc32(buf, end):
    """Write the CRC-32 (zlib's) of buf[:end] at end, low byte first, without an integer beyond 16 bits."""
    hi = lo = 0xFFFF
    for i in range(end):
        lo ^= buf[i]
        for _ in range(2):
            nibble = lo & 15
            lo = (lo >> 4 | (hi & 15) << 12) ^ _LO32[nibble]
            hi = hi >> 4 ^ _HI32[nibble]
    lo ^= 0xFFFF
    hi ^= 0xFFFF
    buf[end] = lo & 0xFF
    buf[end + 1] = lo >> 8
    buf[end + 2] = hi & 0xFF
    buf[end + 3] = hi >> 8


def parity(pq, buf, off, end):
    """Running P (sum in GF(256), low byte) and Q (Horner's sum with 2, high byte) after buf[off:end]."""
    p = pq & 0xFF
    q = pq >> 8
    for i in range(off, end):
        byte = buf[i]
        p ^= byte
        q <<= 1
        if q > 0xFF:
            q ^= _GF
        q ^= byte
    return q << 8 | p


def mend(buf, size):
    """Put right the one damaged byte of buf[:size] that P and Q behind it point at; its index, or -1.

    Undo it by XOR with the same call's P error: see Page. One wrong byte at distance k from the end changes P by e
    and Q by e * 2^k, which names both.
    """
    pq = parity(0, buf, 0, size)
    p_error = pq & 0xFF ^ buf[size]
    q_error = pq >> 8 ^ buf[size + 1]
    if not p_error or not q_error:
        return -1  # no error, or P or Q alone is wrong: the data is whole
    q = p_error
    for k in range(size):
        if q == q_error:
            buf[size - 1 - k] ^= p_error
            return size - 1 - k
        q <<= 1
        if q > 0xFF:
            q ^= _GF
    return -1
