"""The same fixes as others send them: Teltonika's Codec 8, and JSON as OwnTracks writes it.

Bytes that were made, not estimated.
"""

import json
import struct

_UNIX_2020 = 1577836800
_BLOCK = 60
_IGNITION = 239  # Teltonika's number of the input that their records usually carry


def codec8(fixes):
    """AVL packets of up to 60 records, each with one IO element of one byte; without TCP."""
    packets = []
    for start in range(0, len(fixes), _BLOCK):
        records = [_avl(fix) for fix in fixes[start : start + _BLOCK]]
        count = bytes([len(records)])
        data = b"\x08" + count + b"".join(records) + count
        packets.append(struct.pack(">II", 0, len(data)) + data + struct.pack(">I", _crc16(data)))
    return packets


def _avl(fix):
    position = struct.pack(
        ">iihHBH", fix.lon_udeg * 10, fix.lat_udeg * 10, (fix.alt_dm or 0) // 10,
        (fix.course_cdeg or 0) // 100, fix.sats or 0, (fix.speed_cms or 0) * 36 // 1000,
    )  # fmt: skip
    ios = bytes([0, 1, 1, _IGNITION, 1, 0, 0, 0])  # event, count; one of 1 byte, none of 2, 4, 8
    return struct.pack(">QB", _unix_ms(fix), 0) + position + ios


def _crc16(data):
    """CRC-16/ARC, which ends an AVL packet."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return crc


def owntracks(fixes):
    """One message a fix, without MQTT; what is unknown is left out."""
    return [json.dumps(_location(fix), separators=(",", ":")).encode() for fix in fixes]


def _location(fix):
    told = {
        "_type": "location",
        "tid": "t1",
        "tst": _unix_ms(fix) // 1000,
        "lat": fix.lat_udeg / 1e6,
        "lon": fix.lon_udeg / 1e6,
        "alt": _per(fix.alt_dm, 10),
        "vel": _per(fix.speed_cms, 1000 / 36),
        "cog": _per(fix.course_cdeg, 100),
        "hdop": fix.hdop_x10 and fix.hdop_x10 / 10,
        "sats": fix.sats,
    }
    return {name: value for name, value in told.items() if value is not None}


def _per(value, unit):
    return None if value is None else round(value / unit)


def _unix_ms(fix):
    return (_UNIX_2020 + fix.sec) * 1000 + fix.ms
