"""Finding a receiver and telling it what to send, against a simulated one of each family."""

import gc
import sys

from receiver_kit import Line, burst, sentence
from sim.board import sim_dialects

from tracker.gnss import dialects
from tracker.gnss.ear import Ear
from tracker.gnss.hunt import BAUDS, Hunt

WANTED = {"RMC": 1, "GGA": 1, "GSA": 5, "GSV": 0, "GLL": 0, "VTG": 0}
TAKES = {
    "ublox6": "ubx", "ublox_nmea": "pubx", "ublox_m10": "valset", "mediatek": "pmtk",
    "casic": "pcas", "casic_long": "pcas", "airoha": "pair",
}  # fmt: skip


def settled(line, limit_s=120):
    """Seconds until nothing is left to do, or None."""
    line.step()
    took_s = line.run(limit_s, lambda: line.receiver.hunt is None)
    return took_s if line.receiver.hunt is None else None


def test_the_strings_are_those_of_the_makers():
    messages = [m for _, all_of in dialects.DIALECTS + dialects.MODEMS for m in all_of]
    assert len(messages) > 40
    for message in messages:
        text = message if isinstance(message, bytes) else message[0]
        if text[:2] == b"\xb5\x62":
            a = b = 0
            for c in text[2:-2]:
                a = (a + c) & 255
                b = (b + a) & 255
            assert text[-2:] == bytes((a, b)) and len(text) == 8 + text[4] + 256 * text[5], text
        elif text[:1] == b"$":
            assert text == sentence(text[1:-5].decode()), text
        else:
            assert text[:3] == b"AT+" and text[-2:] == b"\r\n", text
    assert all(len(m if isinstance(m, bytes) else m[0]) < 128 for m in messages)  # the UART's room is 256


def test_each_family_is_told_once_and_obeys():
    assert set(TAKES) | {"deaf"} == {name for name, row in sim_dialects.FAMILIES.items() if row[2]}
    for family, dialect in TAKES.items():
        line = Line({"family": family})
        took_s = settled(line)
        receiver = line.receiver
        assert took_s is not None and took_s < 30, (family, took_s)
        assert line.sim.state["rates"] == WANTED, (family, line.sim.state)
        assert (receiver.dialect, receiver.set_ups, receiver.refusals) == (dialect, 1, 0), family
        written = len(line.written)
        line.run(60)
        assert len(line.written) == written and receiver.hunts == 1, family


def test_it_is_found_at_every_rate_from_every_rate():
    for start in BAUDS:
        for baud in BAUDS:
            line = Line({"family": "mediatek", "baud": baud}, uart_baud=start)
            took_s = settled(line)
            assert took_s is not None and took_s < 5 * 2.5 + 16, (start, baud, took_s)
            assert line.receiver.baud == line.uart_baud == baud


def test_a_silent_line_says_nothing_about_its_rate():
    line = Line({"family": "ublox6"})
    line.sim.state["hung"] = 1
    line.run(50)
    assert line.uart_baud == 9600 and line.receiver.hunt is not None
    line.sim.restart(line.now_ms)
    assert settled(line) < 15 and line.sim.state["rates"] == WANTED and line.turns == []


def test_what_is_in_order_is_left_alone():
    line = Line({"family": "casic"})
    line.sim.state["rates"] = {"RMC": 1, "GGA": 1, "GSA": 5}
    assert settled(line) < 10
    assert line.written == [] and line.receiver.set_ups == 0


def test_a_receiver_without_gga_is_told_to_say_it():
    line = Line({"family": "mediatek"})
    line.sim.state["rates"] = {"RMC": 1, "GGA": 0}
    assert settled(line) < 40 and line.sim.state["rates"]["GGA"] == 1


def test_five_fixes_a_second_are_made_one():
    for family in ("ublox6", "mediatek", "airoha", "ublox_m10", "casic"):
        line = Line({"family": family, "step_ms": 200})
        line.sim.state["rates"] = {"RMC": 1, "GGA": 1}
        assert settled(line) < 40 and line.sim.state["step_ms"] == 1000, family
        assert line.receiver.dialect == TAKES[family]


def test_a_slow_binary_command_is_no_line_and_a_wrong_checksum_is_refused():
    line = Line({"family": "ublox6"})
    line.sim.hear(b"\xb5\x62\x06\x01\x03\x00\xf0\x03\x00\xfd\x16", 9000)
    line.sim.hear(b"$PUBX,40,GSV,0,0,0,0,0,0*58\r\n", 9000)
    assert line.sim.state["refused"] == 2 and line.sim.state["rates"]["GSV"] == 1
    line.sim.hear(b"$PUBX,40,GSV,0,0,0,0,0,0*59\r\n", 9000)
    assert line.sim.state["rates"]["GSV"] == 0


def test_one_that_ignores_is_not_pestered_and_still_read():
    for script in ({"family": "deaf"}, {"family": "mediatek", "ignores": 1}):
        line = Line(script)
        assert settled(line) < 40
        receiver = line.receiver
        assert (receiver.set_ups, receiver.refusals, receiver.dialect) == (1, 1, None)
        fixes, written = line.fixes, len(line.written)
        line.run(590)
        assert len(line.written) == written and line.fixes - fixes >= 589
        line.run(60)
        assert receiver.set_ups == 2  # asked again, ten minutes later


def test_it_is_told_again_when_it_restarts():
    for family in ("ublox6", "ublox_nmea", "mediatek"):
        line = Line({"family": family})
        settled(line)
        line.run(30)
        told = len(line.written)
        line.sim.restart(line.now_ms)
        assert line.sim.state["rates"]["GSV"] == 1
        line.run(20, lambda: line.receiver.set_ups == 2)
        assert line.sim.state["rates"] == WANTED and line.receiver.dialect == TAKES[family]
        # the dialect that worked comes first: the others are not tried again
        assert len(line.written) - told == len(dict(dialects.DIALECTS)[TAKES[family]])


def test_a_boot_text_alone_makes_it_listen():
    line = Line({"family": "ublox6"})
    line.sim.state["rates"] = {"RMC": 1, "GGA": 1}
    settled(line)
    line.run(20)
    line.sim.state["step_ms"] = 200  # its own settings, without a GSV to betray them
    line.sim.said += sentence("GPTXT,01,01,02,u-blox ag - www.u-blox.com")
    line.run(20)
    assert line.sim.state["step_ms"] == 1000


def test_a_changed_rate_is_found_again():
    line = Line({"family": "mediatek", "baud": 9600}, uart_baud=9600)
    settled(line)
    line.sim.hear(b"$PMTK251,115200*1F\r\n", line.now_ms)
    assert line.sim.baud == 115200
    line.run(60, lambda: line.uart_baud == 115200 and line.receiver.hunt is None)
    assert line.receiver.baud == 115200
    line.sim.restart(line.now_ms)  # power lost: back at 9600, everything on again
    line.run(60, lambda: line.receiver.set_ups == 2)
    assert line.receiver.baud == 9600 and line.sim.state["rates"] == WANTED


def test_a_minute_of_silence_switches_it_off_and_on():
    line = Line({"family": "ublox6"}, power=True)
    settled(line)
    line.sim.state["hung"] = 1
    began = line.now_ms
    line.run(100, lambda: len(line.powers) == 2)
    (off_ms, off), (on_ms, on) = line.powers
    assert (off, on) == (0, 1) and 59_000 <= off_ms - began < 61_000 and 2000 <= on_ms - off_ms < 2200
    line.run(20, lambda: line.receiver.set_ups == 2)
    assert line.sim.state["rates"] == WANTED
    receiver = line.receiver
    assert (receiver.silences, receiver.power_cycles) == (1, 1)


def test_without_a_power_pin_silence_is_only_counted():
    line = Line({"family": "ublox6"})
    settled(line)
    line.sim.state["hung"] = 1
    line.run(130)
    assert (line.receiver.silences, line.receiver.power_cycles, line.powers) == (2, 0, [])


def test_a_receiver_inside_a_modem_is_woken_by_its_modem():
    for modem in ("sim7000", "sim7600", "a7670"):
        for start in (115200, 9600):
            line = Line({"family": modem, "baud": 115200}, uart_baud=start, modem=modem)
            took_s = settled(line)
            assert took_s is not None and took_s < 60, (modem, took_s)
            assert line.sim.state["talks"] and line.receiver.dialect == modem and line.receiver.refusals == 0, modem
            fixes = line.fixes
            line.run(10)
            assert line.fixes - fixes >= 9


def test_the_ear_counts_only_right_sentences():
    ear = Ear()
    line = burst(1)
    wrong = bytearray(line)
    wrong[20] ^= 1
    ear.hear(b"\x80$GP" + bytes(wrong) + b"$GPRMC,1*ZZ\r\n$" + line, 4 + len(line) + 14 + len(line))
    assert (ear.valid, ear.rmc, ear.gga, ear.surplus) == (11, 1, 2, 6)
    for i in range(0, 60):  # cut anywhere, in any pieces
        ear.reset()
        ear.hear(line[:i], i)
        ear.hear(line[i:], len(line) - i)
        assert ear.valid == 6
    ear.expect(b"READY!")
    ear.hear(b"+X: REREADY!", 12)
    assert ear.answered


def test_hunting_leaves_no_code_behind():
    line = Line({"family": "ublox6"})
    settled(line)
    for name in ("hunt", "dialects", "ear"):
        assert "tracker.gnss." + name not in sys.modules
        assert not hasattr(sys.modules["tracker.gnss"], name)
    if hasattr(gc, "mem_alloc"):
        line.sim.restart(line.now_ms)
        gc.collect()
        before = gc.mem_alloc()
        line.run(20, lambda: line.receiver.hunt is not None)
        assert line.receiver.hunt is not None
        gc.collect()
        during = gc.mem_alloc()
        line.run(30, lambda: line.receiver.hunt is None)
        line.written.clear()
        gc.collect()
        assert during - before > 4000 and gc.mem_alloc() - before < 1500, (during - before, gc.mem_alloc() - before)


def test_write_is_one_message_a_step():
    writes = []
    hunt = Hunt(writes.append, None, 9600)
    hunt.begin(0, True)
    hunt.hear(burst(1), len(burst(1)))
    sizes = []
    for i in range(12):
        before = len(writes)
        hunt.step(i * 100)
        sizes.append(len(writes) - before)
    assert max(sizes) == 1 and sum(sizes) == len(dialects.DIALECTS[0][1])


def test_what_was_on_its_way_when_it_was_told_is_not_held_against_it():
    writes = []
    hunt = Hunt(writes.append, None, 9600)
    hunt.begin(0, True)
    loud, good = burst(1), b"".join(line + b"\n" for line in burst(1).split(b"\n") if line[3:6] in (b"RMC", b"GGA"))
    now_ms = 0
    hunt.hear(loud, len(loud))
    while len(writes) < len(dialects.DIALECTS[0][1]):
        now_ms += 100
        hunt.step(now_ms)
    for _ in range(2):
        now_ms += 100
        hunt.step(now_ms)
    hunt.hear(loud, len(loud))  # the burst that was being sent
    over = False
    for now_ms in range(now_ms + 100, now_ms + 12000, 100):
        if now_ms % 1000 == 0:
            hunt.hear(good, len(good))
        over = over or hunt.step(now_ms)
    assert over and hunt.dialect == dialects.DIALECTS[0][0]
