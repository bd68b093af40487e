"""The uplink's whole life on a turned clock: refusals in words, back-off, closing on every
path."""

import errno
from types import SimpleNamespace

import pytest
from uplink_fakes import Clock, Link, ListJournal, Wire, answer, puback, publish, signed, suback

pytestmark = pytest.mark.libs
CHECK_PASSWORD = "check broker_user and broker_password"


class Over(BaseException):
    """The test's time is up."""


class Broker:
    """A net whose streams all end here: it answers as MQTT asks, and as a station when told to."""

    def __init__(self, clock):
        self.clock = clock
        self.code = 0
        self.open_error = None
        self.is_station = False
        self.silent = False
        self.hangs_up = False
        self.gives_pubacks = True
        self.keeps_sessions = True
        self.wires = []
        self.opened_ms = []
        self.seen = []
        self.heard = []
        self.keepalives = set()
        self.is_ready = True
        self.proofs = 0

    def ready(self):
        return self.is_ready

    def proven(self):
        self.proofs += 1

    async def open(self, host, port, timeout_ms, beat):
        self.opened_ms.append(self.clock.ms)
        if isinstance(self.open_error, Exception):
            raise self.open_error
        if self.open_error:
            raise OSError(self.open_error)
        self.wires.append(Wire())
        return self.wires[-1]

    def turn(self):
        if not self.wires or self.silent:
            return
        wire = self.wires[-1]
        for packet in wire.taken():
            self.seen.append(packet)
            self.heard.append((self.clock.ms // 1000, packet))
            if packet.type == 1:
                self.keepalives.add(packet.body[8] << 8 | packet.body[9])
            if packet.op == 0x10:
                kept = self.keeps_sessions and len(self.wires) > 1 and not self.code
                wire.give(bytes((0x20, 2, kept, self.code)))
            elif packet.op == 0x82 and self.hangs_up:
                wire.eof = True
            elif packet.op == 0x82:
                wire.give(suback(packet.pid, 1, 1))
            elif packet.op == 0xC0:
                wire.give(b"\xd0\0")
            elif packet.type == 3 and packet.qos and self.gives_pubacks:
                wire.give(puback(packet.pid))
                if self.is_station:
                    first, n = packet.payload[9], packet.payload[10]
                    said = signed(answer(0x13, [(first, first + n - 1)]), b"truck-1", bytes(32))
                    wire.give(publish(b"lacak/truck-1/ack", said, 1, 9))

    def topics(self):
        return [packet.topic.rpartition(b"/")[2] for packet in self.seen if packet.type == 3]


class Rig:
    def __init__(self, records=0, **settings):
        from tracker.uplink.uplink import Uplink

        self.clock = Clock()
        self.broker = Broker(self.clock)
        self.link_is_up = True
        self.link = Link(lambda: self.link_is_up)
        self.lines = []
        self.caps = []
        self.events = []  # (ms, what to do)
        self.last_beat_ms = self.longest_ms = 0
        self.journal = ListJournal(records)
        self.trail = SimpleNamespace(newest=None, newest_ms=0, hidden=False, is_off=lambda *_: False)
        values = dict(
            device_id="truck-1",
            device_key=bytes(32),
            broker_host="broker",
            broker_port=1883,
            broker_user="truk",
            broker_password="rahasia",
            keepalive_s=60,
            keepalive_parked_s=900,
            ahead_blocks=32,
            live_s=10, live_m=50,
            batch_s=60,
        )
        self.clock.sleep_ms = self._sleep_ms
        self.uplink = Uplink(
            SimpleNamespace(**{**values, **settings}),
            self.journal,
            self.trail,
            self.broker,
            self.link,
            self.clock,
            self._randbelow,
            SimpleNamespace(info=self.lines.append, warn=self.lines.append),
            7,
        )

    def _randbelow(self, n):
        self.caps.append(n - 1)
        return n - 1

    async def _sleep_ms(self, ms):
        self.clock.ms += ms
        self.broker.turn()
        while self.events and self.events[0][0] <= self.clock.ms:
            self.events.pop(0)[1]()
        if self.clock.ms >= self.end_ms:
            raise Over

    def _beat(self):
        self.longest_ms = max(self.longest_ms, self.clock.ms - self.last_beat_ms)
        self.last_beat_ms = self.clock.ms

    def run(self, s):
        self.end_ms = self.clock.ms + 1000 * s
        with pytest.raises(Over):
            self.uplink.run(self._beat).send(None)

    def at(self, s, what):
        self.events.append((1000 * s, what))

    def said(self, words):
        return [line for line in self.lines if words in line]


def test_first_words_after_connack():
    from tracker.fix import Fix

    rig = Rig(70)
    rig.trail.newest = Fix()
    rig.run(2)
    kinds = [
        (packet.type, packet.topic if packet.type == 3 else b"") for packet in rig.broker.seen
    ]
    assert [kind for kind, _ in kinds[:4]] == [1, 3, 8, 3]
    assert rig.broker.topics() == [b"live", b"state", b"hist", b"hist"]
    birth = rig.broker.seen[3]
    assert birth.retain and birth.payload == b"online 0.1.0 4a4f55524e414c31 0 0 70 7 60"
    assert rig.said("connected to broker:1883")
    assert rig.uplink.trouble is None


def test_station_frees_the_journal():
    rig = Rig(100)
    rig.broker.is_station = True
    rig.run(5)
    assert rig.journal.acked == set(range(100))
    assert rig.journal.flushes > 0


def test_message_on_another_topic_is_counted():
    rig = Rig(60)
    rig.at(
        1, lambda: rig.broker.wires[0].give(publish(b"lacak/truck-2/ack", answer(0x13, [(0, 59)])))
    )
    rig.run(3)
    assert rig.uplink.strange_topics == 1 and rig.journal.acked == set()


def test_refused_password_in_words_with_back_off_and_nothing_lost():
    rig = Rig(60)
    rig.broker.code = 5
    rig.at(900, lambda: setattr(rig.broker, "code", 0))
    rig.run(1800)
    assert len(rig.broker.opened_ms) == 11  # at 0, 2, 6, 14, 30, 62, 126, 254, 510, 810 and 1110 s
    assert len(rig.said(CHECK_PASSWORD)) == 1
    assert not rig.said("rahasia")
    assert all(wire.closed for wire in rig.broker.wires[:-1])
    assert rig.uplink.connects == 1 and rig.uplink.trouble is None
    assert rig.broker.topics()[:2] == [b"state", b"hist"]


def test_back_off_from_2_s_to_300_s_with_full_jitter():
    rig = Rig()
    rig.broker.open_error = errno.ECONNREFUSED
    rig.run(3000)
    assert rig.caps[:10] == [2000, 4000, 8000, 16000, 32000, 64000, 128000, 256000, 300000, 300000]
    waits = [b - a for a, b in zip(rig.broker.opened_ms, rig.broker.opened_ms[1:])]
    assert waits == rig.caps[: len(waits)]
    assert rig.said("nothing listens there: check broker_host and broker_port")


def test_back_off_is_not_forgotten_by_a_broker_that_accepts_and_hangs_up():
    rig = Rig()
    rig.broker.hangs_up = True
    rig.run(100)
    assert rig.uplink.connects >= 4
    assert rig.caps[:4] == [2000, 4000, 8000, 16000]


def test_back_off_begins_anew_after_a_session_of_a_minute():
    rig = Rig()
    rig.broker.code = 3
    rig.at(20, lambda: setattr(rig.broker, "code", 0))
    rig.at(120, lambda: setattr(rig.broker.wires[-1], "eof", True))
    rig.run(121)
    assert rig.caps == [2000, 4000, 8000, 16000, 2000]


def test_waits_for_the_link_and_ends_with_it():
    rig = Rig(60)
    rig.link_is_up = False
    rig.at(100, lambda: setattr(rig, "link_is_up", True))
    rig.at(200, lambda: setattr(rig, "link_is_up", False))
    rig.at(400, lambda: setattr(rig, "link_is_up", True))
    rig.run(500)
    assert [ms // 1000 for ms in rig.broker.opened_ms] == [100, 400]
    assert rig.said("the link is down")
    assert rig.broker.wires[0].closed
    assert rig.journal.flushes > 1000  # answers go to flash without a link, too


def test_link_that_goes_is_not_the_brokers_fault():
    rig = Rig()
    rig.broker.code = 3
    rig.at(20, lambda: setattr(rig.broker, "code", 0))
    rig.at(50, lambda: setattr(rig, "link_is_up", False))
    rig.run(60)
    assert rig.caps == [2000, 4000, 8000, 16000, 2000]


def test_no_connack_and_a_broker_that_falls_silent():
    rig = Rig(60)
    rig.broker.silent = True
    rig.at(22, lambda: setattr(rig.broker, "silent", False))
    rig.at(30, lambda: setattr(rig.broker, "silent", True))
    rig.run(140)
    assert rig.said("no answer in time")
    assert rig.said("no PINGRESP") or rig.said("no PUBACK")
    assert all(wire.closed for wire in rig.broker.wires[:2])


def test_the_link_is_told_of_silence_of_answers_and_of_bytes():
    rig = Rig(60)
    rig.run(20)
    assert rig.link.proofs == 1 and rig.link.suspects == 0 and rig.link.bytes > 300
    rig.broker.silent = True
    rig.run(140)
    assert rig.link.suspects >= 2  # a PUBACK or a PINGRESP, then a CONNACK that did not come
    rig = Rig()
    rig.broker.open_error = errno.ECONNREFUSED
    rig.run(300)
    assert rig.link.suspects == 0 and rig.link.bytes >= 2500  # whoever refuses is there


def test_where_the_link_has_no_room_for_it_history_waits():
    rig = Rig(60)
    rig.link.backlog_ok = False
    rig.run(300)
    assert rig.journal.acked == set() and "hist" not in [t.decode() for t in rig.broker.topics()]
    rig.link.backlog_ok = True
    rig.run(400)
    assert b"hist" in rig.broker.topics()


def test_cut_blocks_go_again_with_dup_on_the_next_connection():
    rig = Rig(60)
    rig.broker.gives_pubacks = False
    rig.at(22, lambda: setattr(rig.broker, "gives_pubacks", True))
    rig.run(40)
    first, second = [
        packet for packet in rig.broker.seen if packet.type == 3 and packet.topic.endswith(b"hist")
    ]
    assert (first.dup, second.dup) == (False, True)
    assert first.pid == second.pid and first.payload == second.payload
    assert rig.said("no PUBACK")


def test_cut_blocks_go_as_new_when_the_broker_has_lost_our_session():
    rig = Rig(60)
    rig.broker.gives_pubacks = rig.broker.keeps_sessions = False
    rig.at(22, lambda: setattr(rig.broker, "gives_pubacks", True))
    rig.run(40)
    first, second = [packet for packet in rig.broker.seen if packet.type == 3 and packet.topic.endswith(b"hist")]
    assert not first.dup and not second.dup
    assert first.pid != second.pid and first.payload == second.payload


def test_the_same_trouble_is_said_once_and_then_each_hour_with_its_count():
    rig = Rig()
    rig.broker.open_error = errno.ECONNREFUSED
    rig.at(5000, lambda: setattr(rig.broker, "open_error", errno.ETIMEDOUT))
    rig.run(12 * 3600)
    refused, late = rig.said("nothing listens there"), rig.said("no answer in time")
    assert len(refused) == 2 and "came" not in refused[0] and "It came 18 times since" in refused[1]
    assert len(late) == 11 and all("It came" in line for line in late[1:])
    assert len(rig.lines) == 13


def test_a_flapping_broker_does_not_fill_the_log():
    rig = Rig()
    rig.broker.hangs_up = True
    rig.run(1800)
    assert rig.uplink.connects > 5 and len(rig.lines) == 3


def test_troubles_kept_apart_are_few():
    rig = Rig()
    rig.broker.open_error = 60
    for number in range(61, 90):
        rig.at(300 * (number - 60), lambda number=number: setattr(rig.broker, "open_error", number))
    rig.run(9000)
    assert len(rig.said("error")) >= 15 and len(rig.uplink._said) <= 4


# --- how often the office hears of it -----------------------------------------------------------------


def drive(rig, from_s, to_s, speed_cms, flags=0):
    """A new fix each second."""
    from tracker.fix import Fix

    def at(s):
        fix = Fix()
        fix.sec, fix.lat_udeg, fix.lon_udeg, fix.kind, fix.speed_cms = 200000000 + s, -6178000, 106630000, 1, speed_cms
        fix.flags = flags
        rig.trail.newest, rig.trail.newest_ms = fix, 1000 * s

    for s in range(from_s, to_s):
        rig.at(s, lambda s=s: at(s))


def heard(rig, from_s, to_s):
    """[(second, topic or "ping", payload), ...] of what went out then."""
    names = {12: "ping", 1: "connect", 8: "subscribe", 14: "disconnect"}
    return [(s, names.get(packet.type) or packet.topic.rpartition(b"/")[2].decode(), packet)
            for s, packet in rig.broker.heard if from_s <= s < to_s and packet.type != 4]


def test_a_parked_truck_says_so_and_then_a_word_each_quarter_of_an_hour():
    rig = Rig()
    drive(rig, 0, 100, 800)
    drive(rig, 100, 1000, 0, 1)
    for s in range(100, 4 * 3600, 300):  # what is kept of a stop
        rig.at(s, rig.journal.append_fix)
    rig.events.sort(key=lambda event: event[0])
    rig.broker.is_station = True
    rig.run(4 * 3600)
    states = [(s, packet.payload.decode()) for s, what, packet in heard(rig, 0, 99999) if what == "state"]
    assert [text.split()[0] for _, text in states] == ["online", "parked"]
    assert 218 <= states[1][0] <= 222 and states[1][1].endswith(" 900")
    words = heard(rig, 500, 99999)
    assert {what for _, what, _ in words} == {"hist"}, "no ping, no live fix"
    gaps = [b - a for (a, _, _), (b, _, _) in zip(words, words[1:])]
    assert all(890 <= gap <= 910 for gap in gaps) and len(words) >= 14
    assert len(rig.journal.acked) >= 44
    assert rig.uplink.connects == 1


def test_what_parks_without_anything_to_say_is_heard_all_the_same():
    rig = Rig()
    rig.run(3 * 3600)
    states = [s for s, what, _ in heard(rig, 400, 99999) if what == "state"]
    assert len(states) >= 9 and all(b - a <= 910 for a, b in zip(states, states[1:]))


def test_it_moves_again_and_is_shown_at_once():
    rig = Rig()
    drive(rig, 0, 10, 800)
    drive(rig, 1000, 1100, 800)
    for s in (990, 1000, 1010):
        rig.at(s, rig.journal.append_fix)
    rig.events.sort(key=lambda event: event[0])
    rig.run(1100)
    what = [(what, bool(packet.pid)) for s, what, packet in heard(rig, 1000, 1001)]
    assert what == [("live", True), ("state", True)], "after so long a silence it is worth to know that the road is open"
    assert [s for s, what, _ in heard(rig, 1000, 1100) if what == "hist"] == [1050]
    assert rig.broker.keepalives == {900}, "as CONNECT says it, it holds for both"


def test_without_a_fix_a_driving_truck_is_heard_each_minute():
    rig = Rig()
    drive(rig, 0, 5, 800)
    rig.run(300)
    assert [s // 60 for s, what, _ in heard(rig, 10, 300) if what == "state"] == [1, 2, 3, 4]


def test_the_place_on_the_map_goes_when_the_shift_is_over():
    rig = Rig()
    drive(rig, 0, 20, 800)
    rig.at(30, lambda: setattr(rig.trail, "hidden", True))
    rig.at(60, lambda: setattr(rig.broker.wires[-1], "eof", True))
    rig.at(100, lambda: setattr(rig.trail, "hidden", False))
    drive(rig, 110, 112, 800)
    rig.run(120)
    lives = [(s, packet) for s, what, packet in heard(rig, 21, 999) if what == "live"]
    assert [(s, len(packet.payload) > 0, packet.retain) for s, packet in lives] == [
        (30, False, True), (62, False, True), (110, True, True)]  # fmt: skip


def test_before_it_sleeps_all_goes_the_office_hears_how_long_and_the_will_stays_unsaid():
    rig = Rig(60)
    drive(rig, 0, 5, 800)
    rig.at(20, rig.journal.append_fix)
    rig.at(21, lambda: rig.uplink.rest(60))
    rig.at(40, lambda: rig.uplink.rest(None))
    rig.run(50)
    what = [(s, what) for s, what, _ in heard(rig, 21, 99)]
    assert what[:3] == [(21, "hist"), (21, "state"), (21, "disconnect")] or what[:3] == [
        (21, "state"), (21, "hist"), (21, "disconnect")]  # fmt: skip
    asleep, awake = [packet.payload for s, what, packet in heard(rig, 21, 99) if what == "state"]
    assert asleep.startswith(b"asleep ") and asleep.endswith(b" 61 7 3600") and awake.startswith(b"online ")
    assert what[3] == (40, "connect") and len(rig.broker.wires) == 2 and rig.broker.wires[0].closed
    assert not rig.said("sleeps")


def test_stream_is_closed_when_the_task_is_cancelled():
    rig = Rig()
    rig.run(5)
    assert rig.broker.wires[0].closed == 1
    assert rig.uplink.session.reason == "stopped"


def test_beat_is_heard_at_least_every_200_ms():
    rig = Rig(60)
    rig.broker.code = 5
    rig.at(60, lambda: setattr(rig.broker, "code", 0))
    rig.at(120, lambda: setattr(rig, "link_is_up", False))
    rig.at(180, lambda: setattr(rig, "link_is_up", True))
    rig.run(300)
    assert 0 < rig.longest_ms <= 200


def test_without_a_broker_host_nothing_is_opened():
    rig = Rig(60, broker_host="")
    rig.run(60)
    assert rig.broker.opened_ms == [] and rig.longest_ms <= 200


def test_error_without_a_name_is_told_by_its_number():
    rig = Rig()
    rig.broker.open_error = 77
    rig.run(1)
    assert rig.said("error 77")


def test_what_tls_raises_is_said_and_tried_again():
    """A wrong certificate is a ValueError, too little memory any of three: none ends the task."""
    rig = Rig()
    for error, said in (
        (ValueError("The certificate validity has expired\n"), "certificate has expired"),
        (OSError(-0x7780, "MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE"), "refuses our TLS"),
        (MemoryError("memory allocation failed"), "out of memory"),
    ):
        rig.broker.open_error = error
        rig.run(20)
        assert rig.said(said)


def test_while_the_net_is_not_ready_nothing_is_tried_and_only_a_session_is_a_proof():
    rig = Rig()
    rig.broker.is_ready = False
    rig.run(3600)
    assert rig.broker.opened_ms == [] and rig.lines == []
    rig.broker.is_ready = True
    rig.broker.code = 5
    rig.run(60)
    assert rig.broker.opened_ms and rig.broker.proofs == 0
    rig.broker.code = 0
    rig.run(400)
    assert rig.broker.proofs == 1


def rig_with_log(lines):
    from tracker.system.log import Log

    rig = Rig(5)
    log = Log(lambda: 1234, out=lambda line: None)
    for number in range(lines):
        log.info("baris %d dari log truk yang panjang" % number)
    rig.uplink._log = log
    return rig, log


def pieces_of_log(rig):
    return [packet for packet in rig.broker.seen if packet.type == 3 and packet.topic == b"lacak/truck-1/log"]


def test_no_log_is_sent_unasked():
    rig, _ = rig_with_log(30)
    rig.run(120)
    assert pieces_of_log(rig) == [] and "state" in str(rig.broker.topics())


def test_the_log_that_is_asked_for_goes_out_whole_in_bounded_pieces_and_once():
    rig, log = rig_with_log(30)
    whole = []
    rig.at(5, lambda: (whole.extend(log.lines()), rig.uplink.send_log()))
    rig.at(20, lambda: log.info("tak diminta"))
    rig.run(40)
    sent = pieces_of_log(rig)
    assert 2 <= len(sent) <= 4 and all(0 < len(packet.payload) <= 512 for packet in sent)
    assert all((packet.qos, packet.payload[-1:]) == (0, b"\n") for packet in sent)
    assert b"".join(packet.payload for packet in sent).decode().split("\n")[:-1] == whole


def test_the_log_can_be_asked_for_again():
    rig, log = rig_with_log(3)
    rig.at(5, rig.uplink.send_log)
    rig.at(20, rig.uplink.send_log)
    rig.run(40)
    first, second = pieces_of_log(rig)
    assert first.payload == second.payload and b"baris 0" in first.payload


def test_a_log_asked_for_without_a_session_it_waits_for_one():
    rig, log = rig_with_log(3)
    rig.uplink.send_log()
    rig.link_is_up = False
    rig.at(29, lambda: rig.caps.append(len(pieces_of_log(rig))))
    rig.at(30, lambda: setattr(rig, "link_is_up", True))
    rig.run(60)
    assert rig.caps[0] == 0 and b"baris 2" in pieces_of_log(rig)[0].payload and len(pieces_of_log(rig)) == 1
