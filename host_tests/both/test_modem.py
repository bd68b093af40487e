"""The modem room on a scripted modem: PPP's two shapes, the PIN, what is said, holding off, the uplink's word, the ladder."""

from time import ticks_add, ticks_diff

from tracker.link.modem import Modem
from tracker.system.log import Log

_ANSWERS = {
    "AT": "OK", "AT+CPIN?": "+CPIN: READY|OK", "AT+CCID": "89621 00512345678901|OK", "AT+CREG?": "+CREG: 0,1|OK",
    "AT+CGREG?": "+CGREG: 0,2|OK", "AT+CEREG?": "+CEREG: 2,5,\"0145\",\"A1\",7|OK", "AT+CSQ": "+CSQ: 17,99|OK",
    "AT+COPS?": '+COPS: 0,0,"TELKOMSEL",7|OK', "AT+CCLK?": '+CCLK: "26/11/24,22:15:30+28"|OK', "ATD*99#": "CONNECT",
}  # fmt: skip


class _Ppp:
    """As from 1.26 on. slow: how many looks until it is connected; ends: whether disconnect() is heeded."""

    SEC_PAP, AUTH_PAP = 1, 1
    ends = True

    def __init__(self, uart):
        self.calls = []
        self.state = 0
        self.error = 0
        self.slow = 2

    def connect(self, **how):
        self.calls.append("connect %s" % sorted(how.items()))
        self.state = 3
        self.left = self.slow

    def poll(self):
        if self.state == 3:
            self.left -= 1
            if self.left <= 0:
                self.state = -self.error if self.error else 4

    def status(self):
        return self.state

    def isconnected(self):
        return self.state == 4

    def disconnect(self):
        self.calls.append("disconnect")
        if self.ends:
            self.state = 0

    def active(self, on):
        self.calls.append("active %s" % on)
        if not on:
            self.state = 0


class _OldPpp:
    """As in 1.25."""

    AUTH_PAP = 1

    def __init__(self, uart):
        self.calls = []
        self.is_active = self.is_connected = False

    def active(self, on):
        self.calls.append("active %s" % on)
        self.is_active = on
        if not on:
            self.is_connected = False

    def connect(self, **how):
        assert self.is_active
        self.calls.append("connect %s" % sorted(how.items()))
        self.is_connected = True

    def isconnected(self):
        return self.is_connected

    def status(self):
        return None


class _Settings:
    apn = "internet"
    apn_user = apn_password = sim_pin = ""


class _Mark:
    def __init__(self, value=None, keeps=True):
        self.value = value
        self.keeps = keeps

    def get(self):
        return self.value

    def set(self, value):
        if self.keeps:
            self.value = value


class _Bench:
    """The modem, its UART, its port and the clock in one. Idle it is looked at once a second, as on the board."""

    def __init__(self, ppp=_Ppp, mark=None, **settings):
        self.now_ms = ticks_add(0, -20_000)  # the ticks come round in every test
        self.answers = dict(_ANSWERS)
        self.heard = []
        self.line = bytearray()
        self.waiting = bytearray()
        self.uart = self
        self.levels = []
        self.key = lambda level: self.levels.append(level)
        self.power = self.reset = self.dtr = None
        self.mark = mark or _Mark()
        self.log = Log(self.ticks, 8192, lambda line: None)
        self.made, self.times, self.resets = [], [], []
        values = _Settings()
        for key in settings:
            setattr(values, key, settings[key])
        self.modem = Modem(
            self, {"on_ms": 100, "off_ms": 1500, "boot_s": 5}, lambda uart: self._make(ppp), values, self.mark, self.log,
            self.ticks, lambda *time: self.times.append(time), self.resets.append
        )  # fmt: skip

    def _make(self, ppp):
        self.made.append(ppp(self))
        return self.made[-1]

    @property
    def ppp(self):
        return self.made[-1]

    def ticks(self):
        return self.now_ms

    def set_baud(self, baud):
        pass

    def readinto(self, buf):
        n = min(len(buf), len(self.waiting))
        if not n:
            return None
        buf[:n] = self.waiting[:n]
        self.waiting = self.waiting[n:]
        return n

    def write(self, data):
        self.line += data
        while b"\r" in self.line:
            at = self.line.find(b"\r")
            command = bytes(self.line[:at]).decode()
            self.line = self.line[at + 1 :]
            self.heard.append(command)
            answer = self.answers.get(command, "OK")
            self.waiting += b"".join([b"\r\n" + part.encode() + b"\r\n" for part in answer.split("|") if part])

    def seconds(self, count, until_up=False):
        end_ms = ticks_add(self.now_ms, count * 1000)
        while ticks_diff(end_ms, self.now_ms) > 0 and not (until_up and self.modem.up()):
            self.modem.step()
            self.now_ms = ticks_add(self.now_ms, 100 if self.modem.busy() else 1000)
        return self

    def attach(self):
        self.modem.hold(False)
        self.seconds(60, True)
        assert self.modem.up(), self.modem.trouble
        return self

    def said(self, text):
        return len([line for line in self.log.lines() if text in line])


def test_it_attaches_and_tells_what_the_modem_said():
    bench = _Bench().attach()
    modem = bench.modem
    assert (modem.signal, modem.operator, modem.iccid, modem.trouble) == (17, "TELKOMSEL", "8962100512345678901", "")
    assert bench.times == [((2026, 11, 24, 22, 15, 30, 0, 0), 28)]
    assert 'AT+CGDCONT=1,"IP","internet"' in bench.heard and bench.heard[-1] == "ATD*99#"
    assert bench.said("connected by 'TELKOMSEL', roaming") == 1 and bench.levels == [0]  # the key was not pressed


def test_ppp_as_from_1_26_on():
    bench = _Bench(apn_user="wap", apn_password="rahasia").attach()
    assert bench.ppp.calls == ["connect [('key', 'rahasia'), ('security', 1), ('user', 'wap')]"]
    bench.modem.hold(True)
    bench.seconds(20)
    assert bench.ppp.calls[1:] == ["disconnect"]
    bench.attach()
    assert len(bench.made) == 1  # one object for ever
    assert _Bench().attach().ppp.calls == ["connect []"]


def test_ppp_as_in_1_25():
    bench = _Bench(_OldPpp, apn_user="wap", apn_password="rahasia").attach()
    assert bench.ppp.calls == ["active True", "connect [('authmode', 1), ('password', 'rahasia'), ('username', 'wap')]"]
    bench.modem.hold(True)
    bench.seconds(20)
    assert bench.ppp.calls[2:] == ["active False"] and not bench.modem.up()
    bench.attach()
    assert len(bench.made) == 1


def test_ppp_that_does_not_end_is_forced_and_then_the_board_is_asked():
    bench = _Bench().attach()
    bench.ppp.ends = False
    bench.modem.hold(True)
    bench.seconds(9)
    assert bench.ppp.calls[-1] == "disconnect"
    bench.seconds(3)
    assert bench.ppp.calls[-1] == "active False" and bench.resets == []
    bench.attach()
    bench.ppp.active = lambda on: None
    bench.modem.hold(True)
    bench.seconds(12)
    assert bench.resets == ["PPP does not end"]


def test_why_ppp_failed_in_words():
    bench = _Bench()
    bench.modem.hold(False)
    bench.modem._ppp = _Ppp(None)
    bench.modem._ppp.error = 7
    bench.seconds(15)
    assert bench.said("refuses apn_user") == 1 and not bench.modem.up()


def test_a_call_that_ends_is_dialled_anew_at_once():
    bench = _Bench().attach()
    bench.modem.proven()
    bench.ppp.state = -9
    bench.heard.clear()
    bench.seconds(10)
    assert bench.modem.up() and bench.modem.losses == 1
    assert bench.heard[-1] == "ATD*99#" and "AT+CFUN=0" not in bench.heard


def test_the_uplinks_word_climbs_the_ladder_and_the_offices_answer_ends_it():
    bench = _Bench().attach()
    modem = bench.modem
    modem.proven()
    modem.suspect()
    assert modem.up()  # the link is not a minute old
    seen = []
    for _ in range(4):
        bench.seconds(3600)
        bench.heard.clear()
        bench.levels.clear()
        modem.suspect()
        assert not modem.up()
        bench.seconds(60, True)
        assert modem.up()
        seen.append(("AT+CFUN=0" in bench.heard, "AT+CFUN=1,1" in bench.heard, 1 in bench.levels))
    assert seen == [(False, False, False), (True, False, False), (False, True, False), (False, False, True)], seen
    assert (modem.suspects, modem.radio_cycles, modem.resets, modem.power_cycles) == (4, 1, 1, 1)
    modem.proven()
    bench.seconds(3600)
    bench.heard.clear()
    modem.suspect()
    bench.seconds(60, True)
    assert "AT+CFUN=0" not in bench.heard


def test_suspicions_that_change_nothing_are_believed_ever_later():
    bench = _Bench().attach()
    believed = []
    for second in range(7200):
        before = bench.modem.suspects
        bench.modem.suspect()
        if bench.modem.suspects > before:
            believed.append(second)
        bench.seconds(1)
    steps = [b - a for a, b in zip(believed, believed[1:])]
    assert steps[0] >= 60 and steps == sorted(steps) and steps[-1] >= 1900 and len(believed) <= 9, believed


def test_held_off_it_is_switched_off_and_stays_so():
    bench = _Bench().attach()
    bench.levels.clear()
    bench.modem.hold(True)
    bench.modem.hold(True)
    bench.seconds(1)
    assert not bench.modem.up() and bench.levels == [1] and not bench.modem.off
    bench.seconds(9)
    assert bench.levels == [1, 0] and bench.modem.off
    bench.heard.clear()
    bench.modem.suspect()
    bench.seconds(600)
    assert bench.heard == [] and bench.modem.off
    bench.attach()


def test_a_key_that_was_held_when_the_script_was_broken_off_is_let_go():
    bench = _Bench().attach()
    bench.modem.hold(True)
    bench.seconds(1)
    assert bench.levels[-1] == 1
    bench.modem.hold(False)
    bench.seconds(1)
    assert bench.levels[-1] == 0


def test_a_silent_modem_gets_its_key_and_says_so():
    bench = _Bench()
    bench.answers["AT"] = ""
    bench.modem.hold(False)
    bench.seconds(139)
    assert bench.levels[:7] == [0, 1, 0, 1, 0, 1, 0] and bench.modem.power_cycles >= 1  # on; off and on
    assert bench.said("does not answer") >= 1


def test_a_modem_that_falls_silent_in_the_middle_is_noticed_soon():
    bench = _Bench()
    bench.answers["AT+CREG?"] = bench.answers["AT+CGREG?"] = bench.answers["AT+CEREG?"] = ""
    bench.modem.hold(False)
    bench.seconds(25)
    assert bench.said("fallen silent") == 1


def test_a_modem_that_starts_anew_in_the_middle_is_set_up_again():
    bench = _Bench()
    bench.answers["AT+CPIN?"] = "RDY|+CPIN: READY|OK"
    bench.modem.hold(False)
    bench.seconds(5)
    assert bench.said("started anew by itself") == 1 and bench.modem.restarts and not bench.modem.up()
    bench.answers["AT+CPIN?"] = "+CPIN: READY|OK"
    bench.seconds(60, True)
    assert bench.modem.up()


def test_no_attempt_lasts_for_ever():
    bench = _Bench()
    bench.modem.hold(False)
    bench.modem._run(_for_ever())
    bench.seconds(139)
    assert bench.modem.trouble == ""
    bench.seconds(2)
    assert "took too long" in bench.modem.trouble


def _for_ever():
    while True:
        yield


def test_an_hour_without_cover_says_little_and_every_word_of_the_network_is_told():
    for state, words in ((0, "does not look"), (2, "no network is found"), (3, "refuses this SIM")):
        bench = _Bench()
        for what in ("CREG", "CGREG", "CEREG"):
            bench.answers["AT+%s?" % what] = "+%s: 0,%d|OK" % (what, state)
        bench.modem.hold(False)
        hours = 2 if state == 2 else 0
        bench.seconds(600 + 3600 * hours)
        assert words in bench.modem.trouble and bench.modem.power_cycles >= 1 + 6 * hours
        assert 2 <= bench.said(words) <= 2 + 2 * hours  # itself, and as the reason of a power cycle


def test_a_voice_network_alone_is_none():
    bench = _Bench()
    bench.answers["AT+CEREG?"] = "ERROR"
    bench.modem.hold(False)
    bench.seconds(90)
    assert not bench.modem.up()
    bench.answers["AT+CGREG?"] = "+CGREG: 1|+CGREG: 0,1|OK"
    bench.seconds(60, True)
    assert bench.modem.up()


def test_dialling_has_a_second_way():
    bench = _Bench()
    bench.answers["ATD*99#"] = "NO CARRIER"
    bench.answers['AT+CGDATA="PPP",1'] = "CONNECT 115200"
    bench.attach()


def test_a_modem_without_a_clock_tells_no_time():
    for text in ('+CCLK: ""|OK', "ERROR", '+CCLK: "x/y"|OK', '+CCLK: "26/11/24,22:15:30"|OK'):
        bench = _Bench()
        bench.answers["AT+CCLK?"] = text
        assert bench.attach().times == []


def test_a_room_that_died_in_the_middle_goes_on():
    bench = _Bench()
    bench.modem.hold(False)
    real = bench.set_baud
    bench.set_baud = None  # calling it is a TypeError, which no room catches
    died = False
    try:
        bench.seconds(1)
    except TypeError:
        died = True
    bench.set_baud = real
    bench.seconds(60, True)
    assert died and bench.modem.up() and bench.said("broke off") == 1


# --- the PIN ---------------------------------------------------------------------------------------


class _Card:
    """Takes three PINs and counts what it gets."""

    def __init__(self, bench, pin="1234"):
        self.bench, self.pin = bench, pin
        self.left = 3
        self.given = []
        self.open = False
        self.write = bench.write

    def hear(self, data):
        if data.startswith(b'AT+CPIN="'):
            pin = data[9:-1].decode()
            self.given.append(pin)
            self.open = self.left > 0 and pin == self.pin
            self.left = 3 if self.open else self.left - 1
            self.bench.answers[data.decode()] = "OK" if self.open else "+CME ERROR: 16"
        state = "READY" if self.open else "SIM PIN" if self.left > 0 else "SIM PUK"
        self.bench.answers["AT+CPIN?"] = "+CPIN: %s|OK" % state
        self.bench.answers["AT+SPIC"] = "+SPIC: %d,10,3,10|OK" % self.left
        return self.write(data)


def _run(mark, pin, left, minutes=20):
    bench = _Bench(mark=mark, sim_pin=pin)
    card = _Card(bench)
    card.left = left
    bench.modem.port = _Through(bench, card)
    bench.modem.hold(False)
    bench.seconds(minutes * 60, True)
    return bench, card


class _Through:
    def __init__(self, bench, card):
        self.uart = self
        self.write = card.hear
        self.readinto = bench.readinto
        self.set_baud = bench.set_baud
        self.key = bench.key
        self.power = self.reset = self.dtr = None


def test_the_right_pin_is_given_once():
    mark = _Mark()
    bench, card = _run(mark, "1234", 3)
    assert bench.modem.up() and card.given == ["1234"] and mark.value == 0


def test_a_wrong_pin_is_given_once_a_second_one_once_and_never_a_third():
    mark = _Mark()
    bench, card = _run(mark, "0000", 3)
    assert card.given == ["0000"] and not bench.modem.up() and bench.said("has refused sim_pin") >= 1
    bench, card = _run(mark, "1111", card.left)
    assert card.given == ["1111"]
    bench, card = _run(mark, "1234", card.left)  # right, but nobody knows that
    assert card.given == [] and card.left == 1 and bench.said("a third would lock the SIM") >= 1
    bench, card = _run(mark, "1234", 3)  # a phone has taken it in the meantime
    assert bench.modem.up() and mark.value == 0


def test_a_power_cut_after_the_pin_costs_a_try_and_no_more():
    for _ in range(2):
        mark = _Mark()
        given = 0
        left = 3
        for _ in range(5):  # the power goes right after the PIN, each time
            bench = _Bench(mark=mark, sim_pin="0000")
            card = _Card(bench)
            card.left = left
            bench.modem.port = _Through(bench, card)
            bench.modem.hold(False)
            for _ in range(600):
                bench.seconds(1)
                if card.given:
                    break
            bench.modem.port.readinto = lambda buf: None
            given += len(card.given)
            left = card.left
        assert given <= 2 and left >= 1


def test_without_a_pin_or_without_nvs_none_is_given():
    bench, card = _run(_Mark(), "", 3)
    assert card.given == [] and bench.said("set sim_pin") >= 1
    bench, card = _run(_Mark(keeps=False), "1234", 3)
    assert card.given == [] and bench.said("NVS does not keep") >= 1


def test_what_the_card_says_in_words():
    for answer, words in (
        ("+CME ERROR: 10", "no SIM"), ("+CME ERROR: SIM not inserted", "no SIM"), ("+CPIN: SIM PUK|OK", "PUK"),
        ("+CME ERROR: 12", "PUK"), ("+CME ERROR: 13", "broken"), ("+CME ERROR: 14", "busy"), ("ERROR", "says nothing"),
    ):  # fmt: skip
        bench = _Bench()
        bench.answers["AT+CPIN?"] = answer
        bench.modem.hold(False)
        bench.seconds(30)
        assert words in bench.modem.trouble, (answer, bench.modem.trouble)
    assert ticks_diff(bench.now_ms, 0) > 0
