"""Wi-Fi: one connect() at a time, judged by isconnected() and a deadline, back from failures."""

import asyncio
from time import ticks_add

from tracker.link.wifi import Wifi
from tracker.system.log import Log


class _Wlan:
    """A driver with the ESP32's moods: a connect() on top of another is an "Internal Error"."""

    def __init__(self):
        self.calls = []
        self.in_reach = True
        self.only = None  # the one network that is in reach
        self.errors = 0  # how many of the next connect() raise
        self.state = 1001  # changes while connecting, also through idle
        self.on = self.busy = self.connected = False

    def active(self, on=None):
        if on is None:
            return self.on
        self.calls.append("on" if on else "off")
        self.on = on
        if not on:
            self.busy = self.connected = False

    def connect(self, ssid, password):
        assert self.on
        self.calls.append("connect %s %s" % (ssid, password))
        if self.errors:
            self.errors -= 1
            raise OSError("Wifi Internal Error")
        if self.busy:
            raise OSError("Wifi Internal Error")
        self.busy = True
        self.wanted = ssid

    def disconnect(self):
        self.calls.append("disconnect")
        if not self.busy:
            raise OSError("Wifi Not Started")
        self.busy = self.connected = False

    def isconnected(self):
        return self.connected

    def status(self):
        return self.state

    def second(self):
        """The driver's own work: it joins, and rejoins, what is in reach."""
        self.connected = self.busy and self.in_reach and self.only in (None, self.wanted)

    def connects(self):
        return len([call for call in self.calls if call.startswith("connect")])


class _Bench:
    def __init__(self, ssid="Depo", password="rahasia-depo", others=()):
        self.now_ms = ticks_add(0, -7000)  # the clock wraps in every test
        self.wlan = _Wlan()
        self.log = Log(self.ticks, 4096, self._drop)
        self.asked = []
        self.wifi = Wifi(self.wlan, ((ssid, password),) + others, self.log, self.ticks, self.asked.append)

    def ticks(self):
        return self.now_ms

    def _drop(self, line):
        pass

    def seconds(self, count):
        for _ in range(count):
            self.wifi.step()
            self.wlan.second()
            self.now_ms = ticks_add(self.now_ms, 1000)
        return self

    def said(self, text):
        return len([line for line in self.log.lines() if text in line])


def test_it_joins_with_one_connect_and_says_so():
    bench = _Bench()
    assert not bench.wifi.up()
    bench.seconds(100)
    assert bench.wifi.up() and bench.wlan.calls == ["on", "connect Depo rahasia-depo"]
    assert bench.said("'Depo' is up") == 1 and bench.said("rahasia") == 0


def test_an_open_network_has_no_password():
    assert _Bench(password="").seconds(2).wlan.calls[1] == "connect Depo None"


def test_out_of_reach_it_disconnects_before_each_new_try():
    bench = _Bench()
    bench.wlan.in_reach = False
    bench.wlan.state = 201
    bench.seconds(20)
    assert bench.wlan.calls == ["on", "connect Depo rahasia-depo"] and not bench.wifi.up()
    bench.seconds(5 + 5)
    assert bench.wlan.calls[2:] == ["disconnect", "connect Depo rahasia-depo"]
    assert bench.said("no such network in reach") == 1 and bench.wifi.driver_errors == 0
    bench.wlan.in_reach = True
    bench.seconds(3)
    assert bench.wifi.up()


def test_idle_in_status_is_not_taken_for_a_failure():
    bench = _Bench()
    bench.wlan.in_reach = False
    bench.wlan.state = 1000  # STAT_IDLE
    bench.seconds(19)
    bench.wlan.in_reach = True
    bench.seconds(2)
    assert bench.wifi.up() and bench.wlan.connects() == 1


def test_a_driver_error_is_followed_by_disconnect_a_second_and_a_new_try():
    bench = _Bench()
    bench.wlan.errors = 2
    bench.seconds(4)
    connect = "connect Depo rahasia-depo"
    assert bench.wlan.calls == ["on", connect, "disconnect", connect, "disconnect", connect]
    assert bench.wifi.up() and bench.said("Wifi Internal Error") == 1


def test_five_failures_in_a_row_switch_the_radio_off_and_on():
    bench = _Bench()
    bench.wlan.errors = 5
    bench.seconds(5)
    assert bench.wlan.calls[-1] == "off" and bench.wlan.connects() == 5
    assert bench.wifi.power_cycles == 1
    bench.seconds(2)
    assert bench.wlan.calls[-2:] == ["on", "connect Depo rahasia-depo"] and bench.wifi.up()


def test_a_day_out_of_reach_says_little_and_tries_often():
    bench = _Bench()
    bench.wlan.in_reach = False
    bench.seconds(3600)
    assert 65 <= bench.wlan.connects() <= 90
    assert bench.said("not joined") <= 1 + bench.wlan.connects() // 5
    bench.wlan.in_reach = True
    bench.seconds(52)  # at worst the rest of a try, and a rest
    assert bench.wifi.up()


def test_a_lost_network_is_left_to_the_driver_until_the_deadline():
    bench = _Bench().seconds(5)
    bench.wlan.in_reach = False
    bench.seconds(3)
    assert not bench.wifi.up() and bench.said("is lost") == 1 and bench.wifi.losses == 1
    bench.wlan.in_reach = True
    bench.seconds(3)
    assert bench.wifi.up() and bench.wlan.connects() == 1
    bench.wlan.in_reach = False
    bench.seconds(30)
    assert bench.wlan.connects() == 2 and bench.wifi.driver_errors == 0
    bench.wlan.in_reach = True
    bench.seconds(3)
    bench.wlan.in_reach = False
    bench.seconds(30)
    assert bench.said("1 in a row") == 2  # counted from the last success


def test_a_dead_link_is_started_anew_at_the_uplinks_word():
    bench = _Bench().seconds(5)
    bench.wifi.suspect()
    assert not bench.wifi.up() and bench.wlan.calls[-2:] == ["disconnect", "off"]
    bench.seconds(4)
    assert bench.wifi.up() and bench.wlan.calls[-2:] == ["on", "connect Depo rahasia-depo"]


def test_without_a_name_the_radio_stays_off():
    bench = _Bench(ssid="").seconds(10)
    bench.wifi.suspect()
    bench.seconds(10)
    assert bench.wlan.calls == [] and not bench.wifi.up()


def test_run_beats_every_step():
    bench = _Bench(ssid="")
    beats = []

    async def main():
        task = asyncio.create_task(bench.wifi.run(lambda: beats.append(1)))
        await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.sleep(0)

    asyncio.run(main())
    assert beats and bench.said("wifi_ssid") == 1


def test_held_off_the_radio_stays_off_and_joins_anew_afterwards():
    bench = _Bench()
    bench.seconds(5)
    assert bench.wifi.up()
    bench.wifi.hold(True)
    assert not bench.wifi.up() and not bench.wlan.on
    connects = bench.wlan.connects()
    bench.wifi.suspect()  # the uplink's complaint is no reason
    bench.seconds(60)
    assert bench.wlan.connects() == connects and not bench.wlan.on
    bench.wifi.hold(False)
    bench.seconds(5)
    assert bench.wifi.up() and bench.wlan.connects() == connects + 1
    bench.wifi.hold(False)
    assert bench.wifi.up()


def test_without_a_network_there_is_nothing_to_hold():
    bench = _Bench(ssid="")
    bench.wifi.hold(False)
    bench.seconds(5)
    assert bench.wlan.calls == []


_OTHERS = (("Depo 2", "sandi-dua"), ("", ""))


def test_the_first_known_network_in_reach_is_joined():
    bench = _Bench(others=_OTHERS).seconds(5)
    assert bench.said("'Depo' is up") == 1
    bench = _Bench(others=_OTHERS)
    bench.wlan.only = "Depo 2"
    bench.wlan.state = 201
    bench.seconds(14)
    assert bench.said("'Depo 2' is up") == 1 and bench.wlan.calls[-1] == "connect Depo 2 sandi-dua"
    bench.wlan.only = "Depo"  # the second is lost, the first is there
    bench.seconds(45)
    assert bench.said("'Depo' is up") == 1


def test_a_network_that_is_busy_answering_keeps_its_whole_deadline():
    bench = _Bench(others=_OTHERS)
    bench.wlan.in_reach = False
    bench.wlan.state = 1001
    bench.seconds(19)
    assert bench.wlan.connects() == 1


def test_suspicions_are_believed_once_in_five_minutes_until_the_office_answers():
    bench = _Bench().seconds(5)
    for _ in range(299):
        bench.wifi.suspect()
        bench.seconds(1)
    assert bench.wifi.suspects == 1
    bench.seconds(5)
    bench.wifi.suspect()
    bench.seconds(5)
    bench.wifi.suspect()
    assert bench.wifi.suspects == 2
    bench.wifi.proven()
    bench.wifi.suspect()
    assert bench.wifi.suspects == 3


def test_a_quarter_of_an_hour_of_nothing_but_errors_asks_for_a_reset_of_the_board():
    bench = _Bench()
    bench.wlan.errors = 1 << 20
    bench.seconds(890)
    assert bench.asked == []
    bench.seconds(30)
    assert len(bench.asked) == 1 and "15 minutes" in bench.asked[0]
    bench = _Bench()
    bench.wlan.errors = 1 << 20
    bench.seconds(890)
    bench.wlan.in_reach, bench.wlan.errors = False, 0
    bench.seconds(30)
    bench.wlan.errors = 1 << 20
    bench.seconds(600)
    assert bench.asked == []  # the driver took a connect() in between
    bench = _Bench()
    bench.wlan.in_reach = False  # that is the weather, no error
    bench.seconds(3600)
    assert bench.asked == []
