"""NMEA bytes to Fix: every legal form is read, every damage is counted, two seconds are never mixed, no heap."""

import gc

from tracker.fix import UNTIMED, Fix
from tracker.gnss.date import days_since_2020
from tracker.gnss.nmea import NmeaParser

RMC = "GNRMC,072622.00,A,0612.50000,S,10636.00000,E,19.438,78.03,240626,,,A"
GGA = "GNGGA,072622.00,0612.50000,S,10636.00000,E,1,12,0.60,22.5,M,6.9,M,,"
DAY_SEC = days_since_2020(2026, 6, 24) * 86400
SEC = DAY_SEC + 7 * 3600 + 26 * 60 + 22


def sentence(body):
    xor = 0
    for c in body.encode():
        xor ^= c
    return ("$%s*%02X\r\n" % (body, xor)).encode()


class Parsed:
    """A parser and the fixes it gave, as tuples."""

    def __init__(self):
        self.fixes = []
        self.parser = NmeaParser(Fix(), self._take)

    def _take(self, fix):
        self.fixes.append(
            (
                fix.sec, fix.ms, fix.lat_udeg, fix.lon_udeg, fix.speed_cms, fix.course_cdeg,
                fix.alt_dm, fix.hdop_x10, fix.sats, fix.kind, fix.flags,
            )
        )  # fmt: skip

    def bytes(self, data):
        buf = bytearray(data)
        self.parser.feed(buf, len(buf))
        return self

    def say(self, *bodies):
        for body in bodies:
            self.bytes(sentence(body))
        return self

    def refused(self, counter, count=1):
        self.parser.flush()
        assert self.fixes == [], self.fixes
        assert getattr(self.parser, counter) == count, counter
        return True


BOTH = (SEC, 0, -6208333, 106600000, 1000, 7803, 225, 6, 12, 1, 0)
RMC_ONLY = (SEC, 0, -6208333, 106600000, 1000, 7803, None, None, None, 1, 0)


def swap(body, field, value):
    fields = body.split(",")
    fields[field] = value
    return ",".join(fields)


def test_rmc_and_gga_make_one_fix():
    assert Parsed().say(RMC, GGA).fixes == [BOTH]


def test_gga_may_come_first():
    assert Parsed().say(GGA, RMC).fixes == [BOTH]


def test_chunks_may_be_cut_anywhere():
    data = sentence(RMC) + sentence(GGA)
    for size in (1, 2, 7, 64):
        parsed = Parsed()
        for i in range(0, len(data), size):
            parsed.bytes(data[i : i + size])
        assert parsed.fixes == [BOTH], size


def test_only_the_first_n_bytes_of_a_chunk_are_read():
    parsed = Parsed()
    stale = bytearray(sentence(RMC) + sentence(GGA))
    parsed.parser.feed(stale, len(sentence(RMC)))
    parsed.parser.flush()
    assert parsed.fixes == [RMC_ONLY]
    parsed = Parsed()
    parsed.parser.feed(bytearray(b"xx" + sentence(RMC)), 2)
    parsed.bytes(sentence(RMC)[1:])
    assert parsed.refused("sentences", 0)


def test_a_receiver_with_rmc_only():
    later = swap(RMC, 1, "072623.00")
    parsed = Parsed().say(RMC)
    assert parsed.fixes == []
    parsed.say(later)
    assert parsed.fixes == [RMC_ONLY]
    parsed.parser.flush()
    assert parsed.fixes[1][0] == SEC + 1
    parsed.parser.flush()
    assert len(parsed.fixes) == 2


def test_any_talker_but_not_the_proprietary_ones():
    for talker in ("GP", "GL", "GA", "GB", "BD", "GQ", "GI", "GN", "QZ"):
        assert Parsed().say(talker + RMC[2:], talker + GGA[2:]).fixes == [BOTH], talker
    parsed = Parsed().say("PGRMC,A,0.0,A,,,,,A,3,1,1,4,30", "PQGSV,4,1,15,1", "P" + RMC[1:])
    parsed.parser.flush()
    assert parsed.fixes == [] and parsed.parser.sentences == 0 and parsed.parser.malformed == 0


def test_rmc_with_12_13_and_14_fields():
    head = RMC[:-4]  # without variation's side and mode
    for tail in (",,", ",,,A", ",,,A,V", ",15.2,E,D,S", ",15.2,E"):
        parsed = Parsed().say(head + tail)
        parsed.parser.flush()
        assert len(parsed.fixes) == 1, tail
    for tail in (",", ",,,A,V,", ",,,A,V,1"):
        assert Parsed().say(head + tail).refused("malformed"), tail


def test_nav_status_v_is_not_the_status():
    assert Parsed().say(RMC + ",V", GGA).fixes == [BOTH]
    assert Parsed().say(swap(RMC, 2, "V") + ",S", GGA).fixes[0][9] == 0


def test_quality_of_gga_decides_the_kind():
    for quality in "12345678":
        assert Parsed().say(RMC, swap(GGA, 6, quality)).fixes[0][9] == int(quality)
    assert Parsed().say(RMC, swap(GGA, 6, "0")).fixes[0][9] == 0
    assert Parsed().say(RMC, swap(swap(GGA, 6, "0"), 2, "0612.9")).fixes[0][9] == 0  # a stale place
    assert Parsed().say(RMC, swap(GGA, 6, "")).fixes == [BOTH]  # an old u-blox leaves it empty
    assert Parsed().say(RMC, swap(GGA, 6, "9")).parser.malformed == 1


def test_estimated_stays_dead_reckoning():
    assert Parsed().say(swap(RMC, 12, "E"), GGA).fixes[0][9] == 6
    assert Parsed().say(swap(RMC, 12, "N"), GGA).fixes[0][9] == 0


def test_without_a_fix_only_second_and_satellites():
    no_rmc = "GNRMC,072622.00,V,,,,,,,240626,,,N"
    no_gga = "GNGGA,072622.00,,,,,0,03,99.99,,,,,,"
    view = "GPGSV,3,1,09,01,03,010,08,02,08,151,25,03,06,037,,06,28,114,38"
    parsed = Parsed().say(view, no_rmc, no_gga)
    assert parsed.fixes == [(SEC, 0, 0, 0, None, None, None, None, 9, 0, 0)]
    assert parsed.parser.sats_in_view == 9
    parsed.say(swap(no_rmc, 1, "072623.00"), swap(no_gga, 1, "072623.00"))
    assert parsed.fixes[1][8] == 3  # what was in view a second ago is not said again


def test_the_view_is_the_sum_of_the_systems_and_its_best_signal():
    parsed = Parsed()
    for time in ("072622.00", "072623.00"):
        parsed.say(
            "GPGSV,2,1,05,01,03,010,08,02,08,151,25,03,06,037,,06,28,114,38,1",
            "GPGSV,2,2,05,07,-1,,44,1",
            "GPGSV,1,1,05,01,03,010,29,6",  # the same five, of their second signal
            "GLGSV,1,1,02,65,03,010,41,66,,,",
            "GNGSA,A,3,01,02,,,,,,,,,,,1.95,1.06,1.64,1",
            swap(RMC, 1, time),
            swap(GGA, 1, time),
        )
        assert (parsed.parser.sats_in_view, parsed.parser.best_cn0, parsed.parser.dimension) == (12, 44, 3)
        parsed.parser.sats_in_view = 0
    parsed.say(swap(RMC, 1, "072624.00"), swap(swap(GGA, 1, "072624.00"), 7, "09"))
    assert (parsed.parser.sats_in_view, parsed.parser.best_cn0) == (9, 44)
    only = Parsed().say("GPGSV,1,1,13,01,03,010,08", "GLGSV,1,1,04", RMC, GGA)
    assert only.parser.sats_in_view == 17
    for bad in ("GPGSV,1,1,", "GPGSV,1,1,x", "GPGSV,1,1,05,01,03,010,8x", "GNGSA,A,4,,,,,,,,,,,,,1,1,1", "GNGSA,A,3"):
        assert Parsed().say(bad).parser.malformed == 1, bad


def test_the_longitude_that_looks_like_nothing():
    """107 degrees 37.41823 is the largest small integer of a board; such a place exists, near Bandung."""
    for lon in ("10737.41823", "10737.41822", "10737.41824"):
        assert first(swap(RMC, 5, lon), swap(GGA, 4, lon))[3] == 107623637, lon
    for lon in ("10699.99999", "99999.99999", "21474.83647"):
        assert Parsed().say(swap(RMC, 5, lon)).refused("malformed"), lon


def test_without_time_each_pair_is_an_epoch():
    parsed = Parsed()
    for _ in range(3):
        parsed.say("GPGGA,,,,,,0,,,,,,,,", "GPRMC,,V,,,,,,,,,,N")
    assert parsed.fixes == [(0, 0, 0, 0, None, None, None, None, 0, 0, UNTIMED)] * 3
    for _ in range(2):
        parsed.say("GPRMC,,V,,,,,,,,,,N")
    parsed.parser.flush()
    assert len(parsed.fixes) == 5


def test_two_seconds_are_never_mixed():
    late = swap(swap(GGA, 1, "072623.00"), 9, "99.9")
    parsed = Parsed().say(RMC, late, swap(RMC, 1, "072623.00"))
    assert parsed.fixes[0] == RMC_ONLY
    assert parsed.fixes[1][0] == SEC + 1 and parsed.fixes[1][6] == 999


def test_two_places_of_one_time_are_refused():
    assert Parsed().say(RMC, swap(GGA, 2, "0612.50010")).refused("mixed_epochs")
    assert Parsed().say(swap(GGA, 5, "W"), RMC).refused("mixed_epochs")

def at(second, body):
    return swap(body, 1, "0726%05.2f" % second)


def test_time_and_place_agree_character_for_character():
    for field in range(2, 6):
        other = {2: "0612.50001", 3: "N", 4: "10636.00001", 5: "W"}[field]
        for pair in ((RMC, swap(GGA, field, other)), (swap(GGA, field, other), RMC)):
            assert Parsed().say(*pair).refused("mixed_epochs"), field
    for same_number in ((2, "0612.5"), (2, "0612.500000"), (4, "10636.0000")):
        assert Parsed().say(RMC, swap(GGA, *same_number)).refused("mixed_epochs"), same_number
    assert Parsed().say(RMC, swap(GGA, 1, "072622.0")).refused("mixed_epochs")
    assert Parsed().say(RMC, swap(swap(swap(swap(swap(GGA, 6, "0"), 2, ""), 3, ""), 4, ""), 5, "")).fixes[0][9] == 0


def test_a_changed_time_is_nobodys_lone_rmc():
    """Its GGA stands beside it without an RMC: the two were one epoch."""
    for first_pair in ((at(23, RMC), at(22, GGA)), (at(22, RMC), at(23, GGA)), (at(22, GGA), at(33, RMC))):
        parsed = Parsed().say(*first_pair).say(at(24, RMC), at(24, GGA))
        assert [fix[0] for fix in parsed.fixes] == [SEC + 2] and parsed.parser.mixed_epochs == 1, first_pair
        assert Parsed().say(*first_pair).refused("mixed_epochs"), first_pair


def test_one_of_them_missing_in_either_order():
    parsed = Parsed().say(RMC, GGA, at(23, RMC), at(24, RMC), at(24, GGA))
    assert [fix[0] - SEC for fix in parsed.fixes] == [0, 1, 2] and parsed.fixes[1][6] is None
    parsed = Parsed().say(GGA, RMC, at(23, RMC), at(24, GGA), at(24, RMC))
    assert [fix[0] - SEC for fix in parsed.fixes] == [0, 1, 2] and parsed.fixes[1][6] is None
    parsed = Parsed().say(GGA, RMC, at(23, GGA), at(24, GGA), at(24, RMC))
    assert [fix[0] - SEC for fix in parsed.fixes] == [0, 2] and parsed.parser.lone_gga == 1
    parsed = Parsed().say(RMC, GGA, at(23, GGA), at(24, RMC), at(24, GGA))
    assert [fix[0] - SEC for fix in parsed.fixes] == [0, 2] and parsed.parser.lone_gga == 1
    assert parsed.parser.mixed_epochs == 0
    slow = Parsed()  # RMC at 5 Hz, GGA at 1 Hz
    for tenth in range(0, 40, 2):
        slow.say(*(at(20 + tenth / 10, body) for body in ((RMC, GGA) if tenth % 10 == 0 else (RMC,))))
    slow.parser.flush()
    assert len(slow.fixes) == 20 and slow.parser.lone_rmc == 0


def test_an_rmc_whose_gga_came_damaged_is_not_believed_alone():
    broken = sentence(at(23, GGA)).replace(b"22.5", b"23.5")
    parsed = Parsed().say(RMC, GGA, at(23, RMC)).bytes(broken).say(at(24, RMC), at(24, GGA))
    assert [fix[0] - SEC for fix in parsed.fixes] == [0, 2] and parsed.parser.lone_rmc == 1
    parsed = Parsed().say(GGA, RMC)  # this one stops to send GGA; noise goes on
    for second in range(23, 43):
        parsed.bytes(broken).say(at(second, RMC))
    assert parsed.parser.lone_rmc == 8 and len(parsed.fixes) == 1 + 19 - 8


def test_a_date_out_of_order_is_believed_when_it_comes_twice():
    def day(date, *seconds):
        return [swap(at(second, body), 9, date) if body is RMC else at(second, body) for second in seconds for body in (RMC, GGA)]

    for date in ("250626", "230626", "240726", "240625", "060180"):
        parsed = Parsed().say(*day("240626", 22, 23)).say(*day(date, 24)).say(*day("240626", 25, 26))
        assert [fix[0] - SEC for fix in parsed.fixes] == [0, 1, 3, 4] and parsed.parser.date_jumps == 1, date
        parsed = Parsed().say(*day("240626", 22)).say(*day(date, 23, 24, 25))
        assert len(parsed.fixes) == 3 and parsed.parser.date_jumps == 1, date
    midnight = [swap(RMC, 1, "235959.00"), swap(swap(RMC, 1, "000000.00"), 9, "250626"), swap(swap(RMC, 1, "000001.00"), 9, "240626")]
    parsed = Parsed().say(*midnight)
    parsed.parser.flush()
    assert len(parsed.fixes) == 2 and parsed.fixes[1][0] - parsed.fixes[0][0] == 1


def test_a_second_talker_does_not_repeat_the_epoch():
    assert Parsed().say(RMC, "GP" + RMC[2:], GGA, "GL" + GGA[2:], RMC).fixes == [BOTH]
    assert Parsed().say(RMC, swap(RMC, 3, "0612.9"), GGA).fixes == [BOTH]


def test_a_gga_without_rmc_is_counted():
    assert Parsed().say(GGA).refused("lone_gga")


def test_5_hz_and_midnight():
    parsed = Parsed()
    for time, date in (("235959.80", "311226"), ("000000.00", "010127"), ("000000.20", "010127")):
        parsed.say(swap(GGA, 1, time), swap(swap(RMC, 1, time), 9, date))
    new_year = days_since_2020(2027, 1, 1) * 86400
    assert [fix[:2] for fix in parsed.fixes] == [(new_year - 1, 800), (new_year, 0), (new_year, 200)]


def first(*bodies):
    parsed = Parsed().say(*bodies)
    parsed.parser.flush()
    return parsed.fixes[0]


def test_dates():
    for date, days in (("010120", 0), ("311219", -1), ("290224", 1520), ("010100", -7305), ("010187", -12053)):
        assert first(swap(RMC, 9, date))[0] == days * 86400 + SEC - DAY_SEC, date
    assert first(swap(RMC, 9, "311253"))[0] == 12418 * 86400 + SEC - DAY_SEC
    for date in ("311286", "060180", "050154", "311279"):
        parsed = Parsed().say(swap(RMC, 9, date), GGA)
        assert parsed.parser.date_refused == 1
        assert parsed.fixes[0][0] == 0 and parsed.fixes[0][10] == UNTIMED and parsed.fixes[0][9] == 1
    for date in ("290226", "310426", "000126", "011326", "01012026", "0101", "01O126", ""):
        assert Parsed().say(swap(RMC, 9, date)).refused("malformed"), date


def test_times():
    for time, sec, ms in (("072622", 0, 0), ("072622.5", 0, 500), ("072622.96", 0, 960), ("072622.0019", 0, 1)):
        assert first(swap(RMC, 1, time))[:2] == (SEC + sec, ms), time
    assert first(swap(RMC, 1, "235960.00"))[0] == DAY_SEC + 86400  # leap second
    for time in ("240000", "076000", "072660", "072661", "07262", "0726221", "072622.", "072622x5", "07262x", ""):
        assert Parsed().say(swap(RMC, 1, time)).refused("malformed"), time


def test_minutes_with_any_number_of_decimals_round_half_up():
    for text, udeg in (
        ("0000", 0), ("0000.00003", 1), ("0000.00002", 0), ("0000.0000299", 0), ("0000.1", 1667),
        ("0612.5", 6208333), ("5959.99999", 60000000), ("5959.9999999", 60000000), ("9000.0000", 90000000),
        ("0612.500000000000", 6208333),
    ):  # fmt: skip
        assert first(swap(swap(RMC, 3, text), 4, "N"))[2] == udeg, text
        assert first(swap(RMC, 3, text))[2] == -udeg, text
    assert first(swap(RMC, 5, "18000.0000"))[3] == 180000000
    assert first(swap(swap(RMC, 5, "11957.46578"), 6, "W"))[3] == -119957763
    for text in ("9000.00003", "0660.0", "612.5", "00612.5", "0612.", "0612.5.5", "-612.5", "0612x5", "061:.5", ""):
        assert Parsed().say(swap(RMC, 3, text)).refused("malformed"), text
    for text in ("18000.0001", "1063.5", "10660.0", ""):
        assert Parsed().say(swap(RMC, 5, text)).refused("malformed"), text


def test_hemispheres_and_letters():
    for field, bad in (
        (4, "E"), (4, ""), (4, "n"), (4, "NN"), (6, "N"), (2, "B"), (2, ""), (2, "AA"), (12, "AA"), (12, "X"),
        (11, "N"), (10, "x"), (13, "X"),
    ):  # fmt: skip
        assert Parsed().say(swap(RMC + ",V", field, bad)).refused("malformed"), (field, bad)
    for field, bad in (
        (3, "E"), (5, "S"), (10, "F"), (12, "m"), (7, "123"), (7, "-1"), (14, "12345"), (13, "x"),
        (8, "1000.1"), (9, "1.x"), (9, "123456.0"),
    ):  # fmt: skip
        parsed = Parsed().say(swap(GGA, field, bad))
        assert parsed.parser.malformed == 1, (field, bad)
    for bad in (GGA + ",", GGA[:-1], swap(GGA, 2, ""), swap(GGA, 4, ""), swap(GGA, 1, "")):
        assert Parsed().say(bad).parser.malformed == 1, bad


def test_speed_course_altitude_hdop():
    for text, cms in (("0", 0), ("0.01", 1), ("19.438", 1000), ("1000", 51444), ("", None)):
        assert first(swap(RMC, 7, text))[4] == cms, text
    for text, cdeg in (("0", 0), ("359.99", 35999), ("359.995", 0), ("360.0", 0), ("", None)):
        assert first(swap(RMC, 8, text))[5] == cdeg, text
    for field, text in ((7, "-0.1"), (7, "1000.001"), (7, "1.2.3"), (7, "."), (8, "360.01"), (8, "12a"), (7, "+5")):
        assert Parsed().say(swap(RMC, field, text)).refused("malformed"), text
    for text, dm in (("-80.34", -803), ("-80.35", -804), ("1378.65", 13787), ("0", 0), ("", None)):
        assert first(RMC, swap(GGA, 9, text))[6] == dm, text
    for text, x10 in (("0.6", 6), ("0.65", 7), ("99.99", 1000), ("", None)):
        assert first(RMC, swap(GGA, 8, text))[7] == x10, text


def test_damage_is_counted_and_the_next_sentence_is_read():
    good = sentence(RMC) + sentence(GGA)
    for broken, counter in (
        (sentence(RMC).replace(b"19.4", b"19.5"), "bad_checksum"),
        (sentence(RMC)[:30], "malformed"),
        (sentence(RMC)[:30] + b"\r\n", "malformed"),
        (sentence(RMC)[:-4] + b"G0\r\n", "bad_checksum"),
        (b"$GPRMC," + b"1" * 200 + b"\r\n", "too_long"),
        (b"$GPGSV," + b"," * 40 + b"*00\r\n", "malformed"),
        (b"$GPRMC,1", "malformed"),
        (b"$GPR", None),
        (b"$" * 5, None),
        (bytes(range(256)) * 3, None),
        (b"\xb5\x62\x06\x01\x24\x0d\x0a", None),
    ):
        parsed = Parsed().bytes(broken + good)
        assert parsed.fixes == [BOTH], broken
        if counter:
            assert getattr(parsed.parser, counter) == 1, (counter, broken)


def test_glued_sentences_are_both_read():
    assert Parsed().bytes(sentence(RMC)[:-2] + sentence(GGA)).fixes == [BOTH]


def test_120_characters_are_read_and_no_more():
    pad = 120 - len("$*hh") - len(swap(RMC, 3, "0612.5"))
    assert first(swap(RMC, 3, "0612.5" + "0" * pad)) == RMC_ONLY
    assert Parsed().say(swap(RMC, 3, "0612.5" + "0" * (pad + 1))).refused("too_long")


def test_no_heap_per_sentence():
    """On the 32-bit VM longitudes beyond 107.37 degrees in 1e-7 would be heap objects; 1e-6 are not."""
    if not hasattr(gc, "mem_alloc"):
        return
    parser = NmeaParser(Fix(), lambda fix: None)
    noise = sentence(RMC)[:40] + b"$GPVTG,149.70,T,,M,18.692,N,34.618,K,A*3A\r\n"
    data = b""
    for time in ("072622.00", "072623.00"):
        for lon in ("10636.00000", "11957.46578"):
            rmc = swap(swap(RMC, 1, time), 5, lon)
            data += noise + sentence(rmc) + sentence(swap(swap(GGA, 1, time), 4, lon))
        data += sentence("GPGSV,3,1,09,01,03,010,08,02,08,151,25,03,06,037,,06,28,114,38")
    buf = bytearray(data)
    size = len(buf)
    parser.feed(buf, size)
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    for _ in range(500):
        parser.feed(buf, size)
    used = gc.mem_alloc() - before
    gc.enable()
    assert parser.sentences == 501 * 10
    assert used == 0, used
