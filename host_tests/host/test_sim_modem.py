"""The simulated modems by dialogues written by hand: each family's manner, each fault, and that nothing makes them raise."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sim.board import sim_modems, sim_ppp
from sim.board.sim_modem import SimModem
from sim.board.sim_wire import Wire

FAMILIES = sorted(sim_modems.MODELS)
KEY_MS = {"a7670": (100, 3000), "sim7600": (500, 3000), "sim7000": (1000, 1300), "sim800": (1100, 1600)}


class Desk:
    """A person at the modem's UART: waits, writes, reads."""

    def __init__(self, model, *faults, powered=True, state=None, **sim):
        self.ms = 0
        self.model = model
        self.modem = SimModem(model, faults, state, 0, powered, sim)

    def wait(self, s):
        """What is said meanwhile."""
        end, got = self.ms + int(s * 1000), b""
        while self.ms < end:
            self.ms += 10
            self.modem.run(self.ms)
            while self.modem.said and self.modem.said[0][0] <= self.ms:
                got += self.modem.said.pop(0)[1]
        return got

    def ask(self, words, s=3.0, baud=0):
        self.modem.hear(words.encode() + b"\r", self.ms, baud)
        return self.wait(s)

    def lines(self, words, s=3.0):
        return [line for line in self.ask(words, s).decode().replace("\r", "\n").split("\n") if line]

    def press(self, ms):
        self.modem.pin("pwrkey", 1, self.ms)
        said = self.wait(ms / 1000)
        self.modem.pin("pwrkey", 0, self.ms)
        return said

    def ready(self):
        """Powered, started, told its rate, in its network."""
        if self.modem.state["mode"] == "off":
            self.press(KEY_MS[self.model][0])
        self.wait(16)
        self.ask("AT")
        self.ask("ATE0")
        self.wait(40)
        return self

    def dial(self):
        self.ready()
        self.ask('AT+CGDCONT=1,"IP","internet"')
        self.ask("ATD*99#")
        return self.negotiate()

    def negotiate(self):
        """The board's end of PPP, until both are up."""
        client = sim_ppp.Client(self.ms)
        while client.phase != "up" or self.modem.peer.phase != "up":
            assert client.phase != "dead"
            out, client.out = client.out, bytearray()
            self.modem.hear(out, self.ms)
            client.feed(self.wait(0.1), self.ms)
            client.tick(self.ms)
        return self


STARTS = {
    "a7670": (b"\r\n*ATREADY: 1\r\n\r\n+CPIN: READY\r\n\r\nSMS DONE\r\n\r\nPB DONE\r\n", 9),
    "sim7600": (b"\r\nRDY\r\n\r\n+CPIN: READY\r\n\r\nSMS DONE\r\n\r\nPB DONE\r\n", 14),
}


@pytest.mark.parametrize("model", sorted(STARTS))
def test_at_a_fixed_rate_it_tells_that_it_starts(model):
    desk = Desk(model)
    text, boot_s = STARTS[model]
    assert desk.press(KEY_MS[model][0]) == b"" and desk.wait(boot_s - 0.6) == b""
    assert desk.ask("AT", 0.1) == b""  # deaf until it is there
    assert desk.wait(10) == text


def test_with_autobaud_it_is_silent_until_it_has_heard_at():
    desk = Desk("sim7000")
    desk.press(1000)
    assert desk.wait(30) == b"" and desk.ask("hello", baud=9600) == b""
    assert desk.ask("AT", baud=9600) == b"AT\r\r\nOK\r\n" and desk.modem.baud == 9600
    assert desk.ask("AT+IPR=115200;&W", baud=9600).endswith(b"ERROR\r\n")  # one command a line
    assert desk.ask("AT+IPR=115200", baud=9600).endswith(b"OK\r\n") and desk.modem.baud == 115200


def test_the_sim800l_starts_with_its_supply():
    desk = Desk("sim800")
    desk.wait(6)
    assert desk.ask("AT") == b"AT\r\r\nOK\r\n\r\nCall Ready\r\n\r\nSMS Ready\r\n"


@pytest.mark.parametrize("model", FAMILIES)
def test_the_power_key_switches_on_and_off_and_a_short_press_does_neither(model):
    desk = Desk(model)
    on_ms, off_ms = KEY_MS[model]
    if model != "sim800":
        desk.press(sim_modems.MODELS[model]["on_ms"] - 20)
        assert desk.wait(20) == b"" and desk.ask("AT") == b""
    desk.ready()
    desk.press(sim_modems.MODELS[model]["off_ms"] - 20)
    assert desk.ask("AT") == b"\r\nOK\r\n"
    said = desk.press(off_ms) + desk.wait(8)
    assert said == (b"\r\nNORMAL POWER DOWN\r\n" if model.startswith("sim7000") or model == "sim800" else b"")[: len(said)]
    assert desk.ask("AT") == b"" and desk.modem.state["mode"] == "off"


@pytest.mark.parametrize("model", FAMILIES)
def test_each_answers_in_its_familys_manner(model):
    desk = Desk(model, apn="internet").ready()
    known = sim_modems.MODELS[model]
    assert desk.lines("AT+CPIN?") == ["+CPIN: READY", "OK"]
    assert desk.lines("AT+CREG?") == ["+CREG: 0,1", "OK"]
    assert desk.lines("AT+CEREG?") == (["ERROR"] if model == "sim800" else ["+CEREG: 0,1", "OK"])
    assert desk.lines("AT+CSQ") == ["+CSQ: 18,99", "OK"]
    assert desk.lines("AT+COPS?") == ['+COPS: 0,0,"TELKOMSEL",%d' % known["tech"], "OK"]
    assert desk.lines("AT+COPS=3,2")[-1] == "OK" and '"51010"' in desk.lines("AT+COPS?")[0]
    ours, other = ("AT+CICCID", "AT+CCID") if known["iccid"][0] == "+CICCID" else ("AT+CCID", "AT+CICCID")
    assert desk.lines(ours) == [known["iccid"][1] % sim_modems.ICCID, "OK"] and desk.lines(other) == ["ERROR"]
    assert desk.lines('AT+CGAUTH=1,1,"a","b"') == (["OK"] if known["cgauth"] else ["ERROR"])
    assert desk.lines("ATI")[1] == "Model: " + known["name"]
    assert desk.lines("AT+NONSENSE") == desk.lines("AT\xff") == ["ERROR"]
    assert desk.lines("at+creg=1") == ["OK"] and desk.lines("AT+CREG?") == ["+CREG: 1,1", "OK"]


def test_echo_on_and_off():
    desk = Desk("a7670", "on")
    assert desk.ask("AT") == b"AT\r\r\nOK\r\n"
    assert desk.ask("ATE0") == b"ATE0\r\r\nOK\r\n" and desk.ask("AT") == b"\r\nOK\r\n"
    assert desk.ask("ATE1") == b"\r\nOK\r\n" and desk.ask("AT") == b"AT\r\r\nOK\r\n"


def test_the_networks_time_is_there_when_the_network_is():
    desk = Desk("sim7600")
    desk.modem.start_sec = 4 * 365 * 86400 + 86400 + 59 * 86400  # 2024 began 1461 days on: 2024-02-29
    desk.press(500)
    desk.wait(15)
    assert desk.lines("ATE0") and desk.lines("AT+CCLK?", 0.2)[0] == '+CCLK: "80/01/06,00:00:10+00"'
    desk.wait(20)
    assert desk.lines("AT+CCLK?", 0.2)[0].startswith('+CCLK: "24/02/29,07:00:3')


@pytest.mark.parametrize("model", FAMILIES)
def test_the_call_the_guarded_escape_and_back(model):
    desk = Desk(model, apn="internet").dial()
    assert desk.modem.state["mode"] == "data"
    desk.wait(2)
    assert desk.ask("AT") == b""  # it is data now
    desk.wait(2)
    desk.modem.hear(b"+++", desk.ms)
    assert desk.wait(0.9) == b"" and desk.wait(0.3) == b"\r\nOK\r\n"
    assert desk.lines("AT+CSQ")[-1] == "OK" and desk.lines("ATD*99#") == ["ERROR"]
    assert desk.lines("ATO")[0].startswith("CONNECT")
    desk.wait(2)
    for _ in range(3):
        desk.modem.hear(b"+", desk.ms)
        desk.wait(0.1)
    assert b"OK" in desk.wait(2)
    assert desk.lines("ATH") == ["OK"] and desk.lines("ATO") == ["NO CARRIER"]


@pytest.mark.parametrize("before_s, data, after", [(0.5, b"+++", b""), (2, b"+++", b"x"), (2, b"++", b""), (2, b"++++", b""), (2, b"+++\r", b"")])
def test_an_escape_without_its_silence_is_data(before_s, data, after):
    desk = Desk("a7670", apn="internet").dial()
    desk.modem.hear(b"x", desk.ms)
    desk.wait(before_s)
    desk.modem.hear(data, desk.ms)
    desk.wait(0.5)
    desk.modem.hear(after, desk.ms)
    desk.wait(3)
    assert desk.modem.state["mode"] == "data"


@pytest.mark.parametrize("command, mode, said", [("AT&D1", "online", b"\r\nOK\r\n"), ("AT&D2", "command", b"\r\nNO CARRIER\r\n"), ("AT&D0", "data", b"")])
def test_dtr_does_what_it_was_told_to(command, mode, said):
    desk = Desk("sim7600", apn="internet").ready()
    desk.modem.pin("dtr", 0, desk.ms)
    desk.ask(command)
    desk.dial()
    desk.wait(2)
    desk.modem.pin("dtr", 1, desk.ms)
    assert desk.wait(0.5) == said and desk.modem.state["mode"] == mode


@pytest.mark.parametrize("model, said", [("a7670", ["ERROR"]), ("sim7600", ["NO CARRIER"]), ("sim7000", ["NO CARRIER"])])
def test_a_wrong_apn_is_refused_at_the_call(model, said):
    desk = Desk(model, apn="m2m").ready()
    desk.ask('AT+CGDCONT=1,"IP","internet"')
    assert desk.lines("ATD*99#") == said


def test_a_wrong_apn_is_found_late_by_the_sim800l():
    desk = Desk("sim800", apn="m2m").ready()
    desk.ask('AT+CGDCONT=1,"IP","internet"')
    said = desk.ask('AT+CGDATA="PPP",1', 10)
    assert said.startswith(b"\r\nCONNECT\r\n") and said.endswith(b"\r\nNO CARRIER\r\n")


def test_a_pin_is_taken_once_and_the_third_wrong_one_locks_the_card():
    desk = Desk("sim7600", pin="1234").ready()
    assert desk.lines("AT+CPIN?") == ["+CPIN: SIM PIN", "OK"] and desk.lines("AT+CREG?")[0] == "+CREG: 0,0"
    assert desk.lines('AT+CPIN="0000"') == ["+CME ERROR: incorrect password"]
    assert desk.lines("AT+SPIC")[0] == "+SPIC: 2,3,10,10"
    assert desk.lines("AT+CPIN=1234") == ["OK", "+CPIN: READY"] and desk.lines("AT+SPIC")[0].startswith("+SPIC: 3")
    desk.modem.pin("power", 0, desk.ms)
    desk.modem.pin("power", 1, desk.ms)
    desk.ready()
    for _ in range(3):
        assert desk.modem.state["tries"] and desk.lines("AT+CPIN=9")[-1].startswith("+CME ERROR")
    assert desk.lines("AT+CPIN?") == ["+CPIN: SIM PUK", "OK"]
    kept = {"tries": desk.modem.state["tries"]}
    again = Desk("sim7600", state=kept, pin="1234").ready()
    assert again.lines("AT+CPIN=1234") == ["+CME ERROR: SIM PUK required"]  # the card forgets nothing


@pytest.mark.parametrize("cme, words", [(0, "ERROR"), (1, "+CME ERROR: 10"), (2, "+CME ERROR: SIM not inserted")])
def test_no_card_is_said_in_three_ways(cme, words):
    desk = Desk("a7670", "no_sim").ready()
    desk.ask("AT+CMEE=%d" % cme)
    assert desk.lines("AT+CPIN?") == [words] and desk.lines("AT+CREG?")[0] == "+CREG: 0,0"


@pytest.mark.parametrize("what, code", [("denied", 3), ("no_signal", 2), ("roaming", 5)])
def test_what_the_network_thinks_of_us(what, code):
    desk = Desk("a7670", {"what": what, "until_s": 300}).ready()
    assert desk.lines("AT+CREG?")[0] == "+CREG: 0,%d" % code
    assert (desk.lines("AT+CSQ")[0] == "+CSQ: 99,99") == (what == "no_signal")
    if what != "roaming":
        assert desk.lines("ATD*99#") == ["NO CARRIER"]
        desk.ask("AT+CREG=1")
        assert b"\r\n+CREG: 1\r\n" in desk.wait(310)


def test_no_signal_for_an_hour_ends_the_call_after_a_while():
    desk = Desk("a7670", {"what": "no_signal", "from_s": 200, "until_s": 3800}).dial()
    desk.wait(200 - desk.ms / 1000 + 5)
    assert desk.modem.state["mode"] == "data" and not desk.modem.flows(desk.ms)
    assert desk.wait(30).endswith(b"\r\nNO CARRIER\r\n")


@pytest.mark.parametrize("what, said", [("no_carrier", b"\r\nNO CARRIER\r\n"), ("drop", b""), ("dies", b"")])
def test_a_call_ends_in_the_middle_loudly_or_not(what, said):
    desk = Desk("a7670", {"what": what, "at_s": 120}).dial()
    desk.wait(115 - desk.ms / 1000)
    assert desk.wait(10)[-14:] == said and not desk.modem.flows(desk.ms)
    if what == "dies":
        assert desk.ask("AT") == b""
        desk.press(3000)
        desk.wait(5)
        desk.press(100)
        assert b"PB DONE" in desk.wait(20)


@pytest.mark.parametrize("pin, times", [("reset", 1), ("power", 2)])
def test_a_dead_one_is_brought_back_by_its_reset_or_its_supply(pin, times):
    desk = Desk("a7670", {"what": "dies", "at_s": 60}).ready()
    desk.wait(65 - desk.ms / 1000)
    assert desk.ask("AT") == b""
    desk.modem.pin(pin, 1 if pin == "reset" else 0, desk.ms)
    desk.wait(0.5)
    desk.modem.pin(pin, 0 if pin == "reset" else 1, desk.ms)
    if pin == "power":
        desk.press(100)
    assert b"PB DONE" in desk.wait(20) and desk.modem.state["starts"] == 2


def test_a_reset_that_is_too_short_is_none():
    desk = Desk("a7670").ready()
    desk.modem.pin("reset", 1, desk.ms)
    desk.wait(0.05)
    desk.modem.pin("reset", 0, desk.ms)
    assert desk.ask("AT") == b"\r\nOK\r\n"


def test_found_in_its_call_at_the_start():
    desk = Desk("sim7600", "data")
    assert desk.ask("AT") == b"" and desk.modem.flows(desk.ms)
    desk.wait(2)
    desk.modem.hear(b"+++", desk.ms)
    assert desk.wait(2) == b"\r\nOK\r\n"


def test_at_another_rate_it_hears_rubbish_and_keeps_that_rate():
    desk = Desk("a7670", {"what": "baud", "baud": 9600})
    assert desk.modem.baud == 9600 and desk.ask("AT", baud=115200).count(b"OK") == 0
    desk.ask("", baud=9600)
    assert desk.ask("AT", baud=9600).endswith(b"OK\r\n")


def test_rdy_comes_twice():
    desk = Desk("sim7600", "rdy_twice")
    desk.press(500)
    assert desk.wait(60).count(b"RDY") == 2 and desk.modem.state["starts"] == 2


@pytest.mark.parametrize("model, starts", [("a7670", 1), ("sim800", 4)])
def test_a_supply_too_weak_gives_out_when_the_radio_begins(model, starts):
    desk = Desk(model, {"what": "brown_out", "times": 3})
    if model == "a7670":
        desk.press(100)
    desk.wait(60)
    assert desk.modem.state["starts"] == starts
    assert (desk.modem.state["mode"] == "off") == (model == "a7670")


def test_garbage_at_power_on():
    desk = Desk("a7670", "garbage")
    desk.press(100)
    said = desk.wait(20)
    assert any(byte > 127 for byte in said) and said.endswith(b"PB DONE\r\n")


def test_a_broken_one_says_nothing_ever():
    desk = Desk("a7670", "broken")
    desk.press(100)
    desk.modem.pin("reset", 1, desk.ms)
    desk.wait(1)
    desk.modem.pin("reset", 0, desk.ms)
    assert desk.wait(30) == b"" and desk.ask("AT") == b""


def test_the_chip_starts_anew_and_the_modem_goes_on():
    desk = Desk("a7670", apn="internet").dial()
    import json

    kept = json.loads(json.dumps(desk.modem.state))  # as the world keeps it
    again = SimModem("a7670", (), kept, desk.ms, True, {"apn": "internet"})
    assert kept["mode"] == "data" and again.peer.phase == "up" and not again.at.set["echo"]
    again.hear(b"AT\r", desk.ms + 100)
    again.run(desk.ms + 5000)
    assert again.said == []


def test_the_line_brings_bytes_one_after_the_other_and_its_ring_ends():
    desk = Desk("a7670", "on")
    wire = Wire(desk.modem)
    wire.room = 40
    wire.hear(b"ATI\r", 1000, 115200)
    wire.pull(1021, True)
    few = wire.count
    assert 4 <= few < 20 and wire.next_ms in (1021, 1022)  # 11.5 bytes a millisecond
    wire.pull(1100, True)
    assert wire.count == 40 and wire.dropped == wire.arrived - 40 > 20
    buf = bytearray(64)
    assert wire.take(buf, 64) == 40 and buf.startswith(b"ATI\r\r\nManufacturer") and wire.count == 0


COMMANDS = ["AT", "ATE0", "AT+CPIN?", "AT+CPIN=1", "AT+CFUN=0", "AT+CFUN=1,1", "AT+IPR=9600", "ATD*99#", "ATO", "ATH", "AT+CGDCONT=", "AT&D", "+++",
            "AT+CRESET", "AT+CPOF", "AT+CGAUTH=,,,,,", "AT+COPS=?", "AT+CMEE=x", "AT+=", "AT&", "AT+CCLK=", "A/"]  # fmt: skip


@settings(max_examples=120, deadline=None)
@given(
    st.sampled_from(FAMILIES),
    st.lists(st.sampled_from(["on", "data", "no_sim", "garbage", "rdy_twice", "brown_out", "denied", "broken"]), max_size=3),
    st.lists(st.one_of(st.binary(max_size=30), st.sampled_from(COMMANDS), st.tuples(st.sampled_from(["pwrkey", "power", "reset", "dtr"]), st.integers(0, 1))),
             max_size=25),
    st.sampled_from([0, 9600, 115200]), st.sampled_from([10, 700, 1500, 20_000]),
)  # fmt: skip
def test_nothing_makes_it_raise_and_nothing_grows(model, faults, steps, baud, pause_ms):
    modem, ms = SimModem(model, faults, sim={"pin": "1234", "apn": "x"}), 0
    for step in steps:
        if isinstance(step, tuple):
            modem.pin(*step, ms)
        else:
            modem.hear(step if isinstance(step, bytes) else step.encode() + b"\r", ms, baud)
        ms += pause_ms
        modem.run(ms)
        assert len(modem.said) <= 200 and len(modem.state["agenda"]) < 60 and modem.state["tries"] >= 0
