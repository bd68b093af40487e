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


DIFFERENCES = {  # of single sentences, by reason, per log: docs/gnss.md has the same table
    "gpsd_quectel-eg25-g": {"no satellites": 37, "sixth decimal": 6},
    "car_hangzhou_gps_bds_1hz": {},
    "car_reno_garmin_2s": {},
    "car_stpetersburg_dashcam_1hz": {},
    "gpsd_firefly-II": {},
    "gpsd_gpsdf": {},
    "gpsd_ublox-neo-m9n-nmea": {},
}


def what_it_says(make_parser, text):
    """The numbers that a parser finds in one RMC or GGA, None if it gives no answer."""
    from tracker.gnss import scan

    parser = make_parser(Fix(), None)
    buf = bytearray(text)
    parser.feed(buf, len(buf))
    kind = scan.RMC if text[3:6] == b"RMC" else scan.GGA
    if parser.now[0] != kind:
        return None
    cells = parser.slots[kind].cells
    says = {"second": cells[scan.SECOND], "kind": cells[scan.KIND]}
    if says["second"] != scan.EMPTY:
        says["ms"] = cells[scan.MS]
    if kind == scan.RMC:
        says["days"] = cells[scan.DAYS]
    if says["kind"]:
        says.update(lat=cells[scan.LAT], lon=cells[scan.LON])
        says.update((f, cells[scan.FIELD + f]) for f in ((7, 8) if kind == scan.RMC else (7, 8, 9)))
    return says


def reason_of(text, ours, theirs):
    if theirs is None and text[3:6] == b"GGA" and ours["kind"] == 0 and text.split(b",")[7] == b"":
        return "no satellites"
    different = [name for name in ours if ours[name] != theirs[name]] if ours and theirs else ["one has no answer"]
    if set(different) <= {"lat", "lon"} and all(abs(ours[name] - theirs[name]) == 1 for name in different):
        minutes = text.split(b",")[3 if text[3:6] == b"RMC" else 2].partition(b".")[2]
        if len(minutes) > 5:
            return "sixth decimal"
    return "unexplained: %s %s %s" % (text, ours, theirs)


@pytest.mark.logs
@pytest.mark.parametrize("name", DIFFERENCES)
def test_the_same_answer_to_every_whole_sentence_of_the_logs(name, logs_folder):
    from bench import damage
    from tracker.gnss.nmea_micropygps import MicropyGPSParser

    different = {}
    sentences = list(damage.valid_sentences((logs_folder / (name + ".nmea")).read_bytes()))
    for _, text in sentences:
        ours, theirs = what_it_says(NmeaParser, text), what_it_says(MicropyGPSParser, text)
        assert ours is not None, text
        if ours != theirs:
            reason = reason_of(text, ours, theirs)
            different[reason] = different.get(reason, 0) + 1
    assert len(sentences) > 20 and different == DIFFERENCES[name]
