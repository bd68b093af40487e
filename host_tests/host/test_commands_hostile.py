"""A broker that lies about commands: it can silence a truck, and makes it do, lose, free or re-route nothing."""

import random

import pytest
from command_kit import KEY, Mark, frame, numbers, told
from hypothesis import given, settings
from hypothesis import strategies as st
from test_uplink_run import Rig
from tracker.uplink import commands
from uplink_fakes import publish

pytestmark = pytest.mark.libs
CMD = b"lacak/truck-1/cmd"
STATUS, SET, RESEND, REBOOT, LOG = 1, 2, 3, 4, 5


class Truck(Rig):
    """The rig with commands as app.py has them; done is what the board was told to do."""

    def __init__(self, records=0):
        super().__init__(records)
        self.mark = Mark()
        self.done = []
        self.looks = 0
        self.uplink.obey = self._obey
        self.uplink._log.rewind = lambda: None
        self.uplink._log.piece = lambda buf, at, room: at

    def _obey(self, data, uplink):
        self.looks += 1
        return commands.obey(data, uplink.tagger, self.mark, self._order, uplink, self.journal)

    def _order(self, code, text):
        self.done.append((code, text))
        if code == REBOOT:
            self.uplink.then = lambda: self.done.append("reboot")
        return True, "baik"

    def give(self, s, payload, topic=CMD, pid=1):
        self.at(s, lambda: self.broker.wires[-1].give(publish(topic, payload, 1, pid)))

    def answers(self):
        return [packet for packet in self.broker.seen if packet.type == 3 and packet.topic.endswith(b"/log") and packet.qos]


def test_a_command_is_answered_with_qos_1():
    truck = Truck()
    truck.give(5, frame(7, SET, b"live_s=5"))
    truck.run(10)
    (answer,) = truck.answers()
    assert told(answer.payload) == (7, 0, "baik") and truck.done == [(SET, "live_s=5")]
    assert truck.uplink.session.free == 12 and (truck.uplink.obeyed, truck.uplink.refused) == (1, 0)


def test_the_answer_goes_again_until_the_broker_has_it_and_only_then_the_board_reboots():
    truck = Truck()
    truck.broker.gives_pubacks = False
    truck.give(5, frame(7, REBOOT))
    truck.at(29, lambda: truck.done.append("29 s"))
    truck.at(30, lambda: setattr(truck.broker, "gives_pubacks", True))
    truck.run(60)
    answers = truck.answers()
    assert len(answers) >= 2 and len({answer.payload for answer in answers}) == 1 and not any(answer.dup for answer in answers)
    assert truck.done == [(REBOOT, ""), "29 s", "reboot"]


def test_a_repeated_frame_is_said_to_be_done_and_is_not_done_again():
    truck = Truck()
    for s in (5, 10, 15):
        truck.give(s, frame(7, SET, b"live_s=5"))
    truck.give(20, frame(6, SET, b"live_s=6"))
    truck.run(30)
    assert [told(answer.payload)[1] for answer in truck.answers()] == [0, 2, 2]
    assert truck.done == [(SET, "live_s=5")] and (truck.uplink.obeyed, truck.uplink.refused) == (1, 3)


@pytest.mark.parametrize(
    "payload",
    [
        frame(7, SET, b"broker_host=evil", device=b"truck-2"),
        frame(7, SET, b"broker_host=evil", key=b"another truck's key"),
        frame(7, SET, b"broker_host=evil", word=b"ans"),
        frame(7, SET, b"broker_host=evil", version=0x21),
        frame(7, SET, b"broker_host=evil")[:-1] + b"\0",
        frame(7, SET, b"broker_host=evil")[:-1],
        frame(7, SET, b"broker_host=evil") + b"\0",
        frame(7, SET, b"broker_host=evil").replace(b"evil", b"bad!"),
        b"\x20" * 11,
        b"\x20\x07\x02",
        b"\x20",
        b"",
        bytes(400),
    ],
)
def test_what_our_key_has_not_signed_is_counted_and_loads_nothing(payload):
    truck = Truck(60)
    truck.give(5, payload)
    truck.run(10)
    assert (truck.done, truck.looks, truck.answers()) == ([], 0, [])
    assert truck.uplink.refused == 1 and truck.uplink.session.reason == "stopped"
    assert truck.journal.acked == set()


def test_a_command_on_another_topic_is_none():
    truck = Truck()
    for n, topic in enumerate((b"lacak/truck-1/ack", b"lacak/truck-2/cmd", b"lacak/truck-1/cmd/", b"")):
        truck.give(5 + n, frame(7 + n, SET, b"live_s=5"), topic)
    truck.run(20)
    assert truck.done == [] and truck.mark.value is None


def test_a_flood_costs_a_look_in_two_seconds_and_the_drive_goes_on():
    truck = Truck(100)
    truck.broker.is_station = True
    good = frame(7, STATUS)
    noise = random.Random(5)
    for ms in range(5000, 65000, 50):
        data = good if ms % 100 else noise.randbytes(noise.randrange(60))
        truck.events.append((ms, lambda data=data: truck.broker.wires[-1].give(publish(CMD, data, 1, 3))))
    truck.run(70)
    uplink = truck.uplink
    assert truck.looks <= 32 and truck.done == [(STATUS, "")]
    assert len(truck.answers()) <= 32
    assert uplink.obeyed + uplink.refused + uplink.missed == 1200 and uplink.missed > 900
    assert truck.journal.acked == set(range(100)) and uplink.connects == 1


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.binary(max_size=80).map(lambda data: (False, data)),
            st.binary(max_size=80).map(lambda data: (False, b"\x20" + data)),
            st.tuples(st.integers(0, 60), st.integers(0, 7), st.binary(max_size=20)).map(lambda c: (True, frame(*c))),
            st.tuples(st.integers(0, 60), st.integers(0, 7), st.binary(max_size=20)).map(lambda c: (False, frame(*c, key=b"other"))),
            st.tuples(st.integers(0, 99), st.integers(0, 99)).map(lambda r: (True, frame(sum(r), RESEND, numbers(r[0], sum(r))))),
        ),
        max_size=12,
    ),
)
def test_whatever_comes_nothing_raises_and_each_counter_is_obeyed_once(frames):
    truck = Truck(60)
    for n, (_, data) in enumerate(frames):
        truck.give(5 + 3 * n, data)
    truck.run(10 + 3 * len(frames))
    signed = [data for ours, data in frames if ours]
    assert truck.mark.sets == sorted(set(truck.mark.sets)) and truck.uplink.obeyed == len(truck.mark.sets) <= len(signed)
    assert truck.uplink.obeyed + truck.uplink.refused == len(frames) and truck.uplink.missed == 0
    assert truck.uplink.connects == 1 and truck.journal.acked == set()
    assert KEY not in b"".join(packet.payload for packet in truck.answers())


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60))
def test_signed_rubbish_does_nothing(body):
    """The key in wrong hands apart: a fault of the office's."""
    truck = Truck(60)
    answer = commands.obey(b"\x20" + body + bytes(8), truck.uplink.tagger, truck.mark, truck._order, truck.uplink, truck.journal)
    assert answer is None or told(answer)[2]
