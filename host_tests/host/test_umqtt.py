"""umqtt.simple, and nothing else, builds CONNECT and judges CONNACK."""

import re

import pytest
from setup.place import ROOT
from uplink_fakes import Clock, Wire

pytestmark = pytest.mark.libs
WILL_TOPIC = b"lacak/truck-1/state"
ACCEPTED = b"\x20\x02\x00\x00"


@pytest.fixture
def simple():
    from umqtt import simple

    return simple


def connect(wire, answer=b"", user=b"", password=b"", after_ms=0, clock=None, timeout_ms=20000):
    """Say CONNECT on a stream; the broker's answer comes after some time."""
    from tracker.uplink.connect import Connector

    clock = clock or Clock()

    def beat():
        if answer and clock.ms >= after_ms and not wire.given:
            wire.given = True
            wire.give(answer)

    wire.given = False
    connector = Connector(clock, b"truck-1", user, password, 60, WILL_TOPIC)
    try:
        connector.connect(wire, timeout_ms, beat).send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("it waits for something else than the clock")


def text(body, at):
    n = body[at] << 8 | body[at + 1]
    return bytes(body[at + 2 : at + 2 + n]), at + 2 + n


def test_connect_packet_says_who_we_are():
    wire = Wire()
    assert connect(wire, ACCEPTED, b"truk", b"rahasia") is False
    (packet,) = wire.taken()
    assert packet.op == 0x10
    body = packet.body
    assert bytes(body[:7]) == b"\x00\x04MQTT\x04"
    # user, password, will kept at QoS 1; the session is not a clean one: the station's answers
    # wait for us
    assert body[7] == 0x80 | 0x40 | 0x20 | 0x08 | 0x04
    assert body[8] << 8 | body[9] == 60
    device, at = text(body, 10)
    will_topic, at = text(body, at)
    will, at = text(body, at)
    user, at = text(body, at)
    password, at = text(body, at)
    assert (device, will_topic, will, user, password) == (
        b"truck-1",
        WILL_TOPIC,
        b"offline",
        b"truk",
        b"rahasia",
    )
    assert at == len(body)


def test_without_a_user_there_is_no_password_either():
    wire = Wire()
    connect(wire, ACCEPTED, b"", b"rahasia")
    (packet,) = wire.taken()
    assert packet.body[7] & 0xC0 == 0 and b"rahasia" not in bytes(packet.body)


def test_only_umqtt_builds_connect(simple, monkeypatch):
    def of_umqtt(self, clean_session=True):
        sock = simple.socket.socket()
        sock.write(b"what umqtt says")
        return sock.read(4)[0]

    monkeypatch.setattr(simple.MQTTClient, "connect", of_umqtt)
    wire = Wire()
    assert connect(wire, b"\x01abc") is True
    assert bytes(wire.sent) == b"what umqtt says"


def test_only_umqtt_judges_connack(simple, monkeypatch):
    """With a judge that likes everything a refusal passes; with one that likes nothing an
    acceptance does not."""
    from tracker.uplink.connect import Refused

    def judge(verdict):
        def of_umqtt(self, clean_session=True):
            simple.socket.socket().read(4)
            return verdict()

        monkeypatch.setattr(simple.MQTTClient, "connect", of_umqtt)

    judge(lambda: 1)
    assert connect(Wire(), b"\x20\x02\x00\x05") is True

    def no():
        raise simple.MQTTException(2)

    judge(no)
    with pytest.raises(Refused, match="device id"):
        connect(Wire(), ACCEPTED)


def test_no_source_of_ours_spells_a_connect():
    for path in (ROOT / "firmware/tracker").rglob("*.py"):
        assert not re.search(r"MQTT\\x04|\\x04MQTT|\\0\\4MQTT|MQIsdp", path.read_text()), path


@pytest.mark.parametrize(
    "code, words",
    [
        (1, "does not speak MQTT 3.1.1"),
        (2, "device id"),
        (3, "not ready"),
        (4, "check broker_user and broker_password"),
        (5, "check broker_user and broker_password"),
        (99, "code 99"),
    ],
)
def test_refusals_in_words(code, words):
    from tracker.uplink.connect import Refused

    with pytest.raises(Refused, match=words):
        connect(Wire(), bytes((0x20, 2, 0, code)))


def test_what_is_no_broker_is_said_so():
    from tracker.uplink.connect import Refused

    with pytest.raises(Refused, match="does not speak MQTT"):
        connect(Wire(), b"HTTP/1.1 400 Bad Request\r\n")


def test_session_present_and_bytes_behind_connack_stay_in_the_stream():
    wire = Wire()
    assert connect(wire, b"\x20\x02\x01\x00\x30\x03\x00\x01t") is True
    assert bytes(wire.waiting) == b"\x30\x03\x00\x01t"


def test_drip_and_partial_writes():
    wire = Wire()
    wire.read_room = 1
    wire.write_room = 3
    assert connect(wire, ACCEPTED) is False
    assert wire.taken()[0].op == 0x10


def test_deadline_hang_up_and_errors():
    from tracker.uplink.connect import Refused

    clock = Clock()
    with pytest.raises(OSError) as error:
        connect(Wire(), clock=clock)
    assert error.value.args[0] == 110 and 20000 <= clock.ms < 20100
    assert connect(Wire(), ACCEPTED, after_ms=19900) is False
    wire = Wire()
    wire.write_room = 0
    with pytest.raises(OSError):
        connect(wire)
    wire = Wire()
    wire.eof = True
    with pytest.raises(Refused, match="hung up"):
        connect(wire)
    for cut in (104, 32, -0x7280):
        wire = Wire()
        wire.error = cut
        with pytest.raises(Refused, match="hung up"):
            connect(wire)
    wire = Wire()
    wire.error = 5
    with pytest.raises(OSError) as error:
        connect(wire)
    assert error.value.args[0] == 5


def test_umqtt_has_its_own_socket_back(simple):
    before = simple.socket
    connect(Wire(), ACCEPTED)
    assert simple.socket is before
