"""micropyGPS behind our interface gives the fixes that our own parser gives."""

import pytest

from tracker.fix import Fix
from tracker.gnss.nmea import NmeaParser

pytestmark = pytest.mark.libs

FIELDS = ("sec", "ms", "lat_udeg", "lon_udeg", "alt_dm", "speed_cms", "course_cdeg", "hdop_x10", "sats", "kind", "flags")


def sentence(body):
    xor = 0
    for c in body.encode():
        xor ^= c
    return b"$%s*%02X\r\n" % (body.encode(), xor)


def drive(seconds):
    """RMC and GGA of a made-up drive around Tangerang, with what receivers leave empty."""
    data = b""
    for i in range(seconds):
        time = "%02d%02d%02d.%02d" % (i // 3600, i // 60 % 60, i % 60, i * 7 % 100)
        place = "%02d%02d.%05d,%s,%03d%02d.%05d,%s" % (
            i % 90, i * 7 % 60, i * 997 % 100000, "NS"[i % 2], i % 180, i * 11 % 60, i * 7919 % 100000, "EW"[i // 2 % 2],
        )  # fmt: skip
        course = "" if i % 5 == 0 else "%.2f" % (i * 37.77 % 360)
        status = "AAAAAAAV"[i % 8]
        data += sentence("GNRMC,%s,%s,%s,%.3f,%s,240626,,,%s" % (time, status, place, i * 1.234 % 80, course, "ADEF"[i % 4]))
        data += sentence("GNGGA,%s,%s,1,%02d,%.2f,%.1f,M,6.9,M,," % (time, place, i % 20, i % 30 / 10, i * 1.7 - 50))
        data += sentence("GPGSV,1,1,04,01,03,010,08,02,08,151,25,03,06,037,,06,28,114,38")
    return data


def fixes(make_parser, data):
    found = []
    parser = make_parser(Fix(), lambda fix: found.append({name: getattr(fix, name) for name in FIELDS}))
    buf = bytearray(data)
    parser.feed(buf, len(buf))
    parser.flush()
    return found, parser


def both(data):
    from tracker.gnss.nmea_micropygps import MicropyGPSParser

    ours, parser = fixes(NmeaParser, data)
    theirs, other = fixes(MicropyGPSParser, data)
    assert other.sentences >= parser.sentences and other.bad_checksum >= parser.bad_checksum
    return ours, theirs


def test_the_same_fixes():
    ours, theirs = both(drive(2000))
    assert len(ours) == 2000 and ours == theirs


def test_refused_dates_are_refused_by_both():
    body = "GPRMC,00000%d,A,0612.5,S,10636.0,E,1,2,%s,,,A"
    data = sentence(body % (0, "060180")) + sentence(body % (1, "050154"))
    ours, theirs = both(data)
    assert len(ours) == 2 and ours == theirs


def test_five_decimals_survive_the_boards_32_bit_floats():
    """As on the board: minutes rounded to a 32-bit float, the product too."""
    import struct

    def single(value):
        return struct.unpack("f", struct.pack("f", value))[0]

    for hundred_thousandths in range(0, 6000000, 7):
        minutes = single(hundred_thousandths / 100000)
        assert int(single(single(minutes * 100000) + 0.5)) == hundred_thousandths


@pytest.mark.logs
def test_the_same_fixes_from_real_receivers(logs_folder):
    for name, most_udeg in (
        ("car_hangzhou_gps_bds_1hz", 0),
        ("car_reno_garmin_2s", 0),
        ("car_stpetersburg_dashcam_1hz", 0),
        ("gpsd_ublox-neo-m9n-nmea", 0),
        ("gpsd_gpsdf", 1),  # six decimals, as in the next: its float is rounded where ours is cut
        ("gpsd_quectel-eg25-g", 1),
    ):
        ours, theirs = both((logs_folder / (name + ".nmea")).read_bytes())
        ours = [fix for fix in ours if fix["kind"]]
        theirs = [fix for fix in theirs if fix["kind"]]
        assert len(ours) == len(theirs), name
        for a, b in zip(ours, theirs):
            assert abs(a.pop("lat_udeg") - b.pop("lat_udeg")) <= most_udeg, name
            assert abs(a.pop("lon_udeg") - b.pop("lon_udeg")) <= most_udeg, name
            assert a == b, name
