"""Which bearer is up, and what cellular may be used for."""

from time import ticks_add

from tracker.link.bearers import Bearers


class _Bearer:
    """A Wifi or a Modem: up a few seconds after it is let go, when it is in reach."""

    def __init__(self, bench, delay_s):
        self.bench, self.delay_s = bench, delay_s
        self.in_reach = True
        self.held = True
        self.off = True
        self.since = 0
        self.suspects = self.proofs = self.looks = 0

    def hold(self, on):
        if self.held and not on:
            self.since = self.bench.seconds_passed
            self.looks += 1
        if not self.held and on:
            self.since = self.bench.seconds_passed
        self.held = on
        if not on:
            self.off = False

    def up(self):
        return not self.held and self.in_reach and self.bench.seconds_passed - self.since >= self.delay_s

    def busy(self):
        return False

    def step(self):
        if self.held and self.bench.seconds_passed - self.since >= 5:
            self.off = True

    def suspect(self):
        self.suspects += 1

    def proven(self):
        self.proofs += 1


class _Settings:
    cellular_mb_month = 0
    backlog_wait_min = 0


class _Number:
    def __init__(self, value=None):
        self.value = value
        self.writes = 0

    def get(self):
        return self.value

    def set(self, value):
        self.value = value
        self.writes += 1


class _Bench:
    def __init__(self, networks=1, spent=None, wifi=True, **settings):
        self.seconds_passed = 0
        self.ms = ticks_add(0, -100_000)
        self.wifi, self.modem = _Bearer(self, 4), _Bearer(self, 30)
        self.wifi.in_reach = wifi
        self.spent = spent or _Number()
        self.month = 82
        self.told = []
        values = _Settings()
        for key in settings:
            setattr(values, key, settings[key])
        self.link = Bearers(
            self.wifi, self.modem, networks, values, self.spent, lambda: self.month, self.told.append, lambda: self.ms
        )  # fmt: skip
        self.both = self.up_s = 0

    def seconds(self, count):
        for _ in range(count):
            self.link.step()
            self.seconds_passed += 1
            self.ms = ticks_add(self.ms, 1000)
            self.up_s += self.link.up()
        return self


def test_a_known_wifi_goes_first_and_the_modem_stays_off():
    bench = _Bench().seconds(3600)
    assert bench.link.up() and bench.wifi.up() and bench.modem.looks == 0 and bench.up_s >= 3590
    assert bench.link.backlog_ok and bench.link.live_s_factor == 1


def test_without_wifi_it_is_cellular_after_half_a_minute_a_network():
    bench = _Bench(networks=2, wifi=False).seconds(59)
    assert bench.modem.held
    bench.seconds(40)
    assert bench.link.up() and bench.modem.up() and bench.wifi.held


def test_on_the_road_wifi_is_looked_for_and_cellular_stays_up_meanwhile():
    bench = _Bench(wifi=False).seconds(90)
    up_s = bench.up_s
    bench.seconds(3600)
    assert bench.up_s - up_s == 3600 and 10 <= bench.wifi.looks <= 13 and bench.modem.looks == 1


def test_at_the_depot_the_call_ends_before_wifi_counts():
    bench = _Bench(wifi=False).seconds(120)
    bench.wifi.in_reach = True
    for _ in range(400):
        was = bench.link.up()
        bench.seconds(1)
        if was and not bench.link.up():
            break
    assert bench.modem.held and not bench.modem.off and bench.wifi.up()  # both are there: neither counts
    bench.seconds(10)
    assert bench.link.up() and bench.modem.off


def test_wifi_that_is_lost_has_twenty_seconds_to_come_back():
    bench = _Bench().seconds(60)
    bench.wifi.in_reach = False
    bench.seconds(15)
    bench.wifi.in_reach = True
    bench.seconds(30)
    assert bench.modem.held and bench.link.up()
    bench.wifi.in_reach = False
    bench.seconds(60)
    assert bench.link.up() and bench.modem.up() and bench.wifi.held


def test_without_a_network_name_only_cellular_is_used():
    bench = _Bench(networks=0).seconds(3600)
    assert bench.modem.up() and bench.wifi.looks == 0


def test_held_off_both_are_and_afterwards_it_begins_anew():
    for wifi in (True, False):
        bench = _Bench(wifi=wifi).seconds(100)
        assert bench.link.up()
        bench.link.hold(True)
        bench.link.hold(True)
        assert not bench.link.up() and bench.wifi.held and bench.modem.held
        bench.seconds(1000)
        assert not bench.link.up() and bench.wifi.held and bench.modem.held
        bench.link.hold(False)
        bench.seconds(100)
        assert bench.link.up()


def test_the_uplinks_word_goes_to_the_bearer_that_is_up():
    bench = _Bench().seconds(30)
    bench.link.suspect()
    assert (bench.wifi.suspects, bench.modem.suspects) == (1, 0)
    bench.wifi.in_reach = False
    bench.seconds(90)
    bench.link.suspect()
    assert (bench.wifi.suspects, bench.modem.suspects) == (1, 1)
    bench.link.proven()
    assert bench.modem.proofs == 1


def test_the_backlog_waits_for_wifi_its_time_and_no_longer():
    bench = _Bench(wifi=False, backlog_wait_min=60).seconds(3500)
    assert bench.link.up() and not bench.link.backlog_ok and bench.link.live_s_factor == 1
    bench.seconds(200)
    assert bench.link.backlog_ok
    bench.wifi.in_reach = True
    bench.seconds(400)
    bench.wifi.in_reach = False
    bench.seconds(100)
    assert bench.modem.up() and not bench.link.backlog_ok  # the wait begins anew
    assert _Bench(wifi=False).seconds(100).link.backlog_ok  # 0: it does not wait


def _spend(bench, kb):
    for _ in range(kb):
        bench.link.count(1024 - 80)


def test_the_months_bytes_thin_the_live_lane_then_stop_the_backlog_and_say_so():
    bench = _Bench(wifi=False, cellular_mb_month=10).seconds(120)
    _spend(bench, 8000)
    bench.seconds(120)
    assert bench.link.live_s_factor == 1 and bench.told == []
    _spend(bench, 200)
    assert bench.link.live_s_factor == 4 and bench.link.backlog_ok
    bench.seconds(120)
    assert bench.told == ["Cellular: 8 of 10 MB of this month are used. The map is told less."]
    _spend(bench, 2048)
    assert bench.link.live_s_factor == 10 and not bench.link.backlog_ok
    bench.seconds(3600)
    assert len(bench.told) == 2 and "History waits for Wi-Fi" in bench.told[1]
    bench.wifi.in_reach = True
    bench.seconds(400)
    assert bench.link.backlog_ok and bench.link.live_s_factor == 1
    bench.wifi.in_reach = False
    bench.month = 83
    bench.seconds(400)
    assert bench.link.cell_kb == 0 and bench.link.backlog_ok and bench.link.live_s_factor == 1


def test_the_months_bytes_outlive_a_reset_and_wear_nvs_little():
    bench = _Bench(wifi=False, cellular_mb_month=10).seconds(120)
    _spend(bench, 1000)
    assert bench.spent.writes <= 1000 // 64 + 1
    again = _Bench(wifi=False, spent=bench.spent, cellular_mb_month=10)
    assert 1000 - 64 <= again.link.cell_kb <= 1000
    again.month = None  # nobody knows yet: the old month goes on
    again.seconds(120)
    assert again.link.cell_kb >= 936


def test_over_wifi_nothing_is_counted():
    bench = _Bench(cellular_mb_month=1).seconds(30)
    _spend(bench, 100)
    assert bench.link.cell_kb == 0


def test_time_without_a_link_is_counted():
    bench = _Bench(wifi=False)
    bench.modem.in_reach = False
    bench.seconds(1201)
    assert 1140 <= bench.link.down_s <= 1200 and bench.up_s == 0
