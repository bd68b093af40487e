"""The simulator's PPP: check values and frames of the RFCs, two ends that agree, and ends that do not."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sim.board import sim_hdlc, sim_ppp
from sim.board.sim_ppp_api import make_ppp

ADDRESS, DNS = bytes((10, 64, 1, 2)), bytes((10, 64, 0, 53))


def test_the_check_is_that_of_rfc_1662():
    assert sim_hdlc.fcs(b"123456789") == 0x906E  # CRC-16/X-25 in the catalogues
    assert sim_hdlc.fcs(b"") == 0
    whole = b"\xff\x03\xc0\x21\x09\x01\x00\x04"
    check = sim_hdlc.fcs(whole)
    over_all = sim_hdlc.fcs(whole + bytes((check & 0xFF, check >> 8))) ^ 0xFFFF
    assert over_all == 0xF0B8  # the "good FCS"


def test_a_frame_by_hand():
    made = sim_hdlc.frame(0xC021, b"\x01\x01\x00\x04")
    assert made == b"~\xff}#\xc0!}!}!} }$" + made[-3:-1] + b"~"
    assert sim_hdlc.Unframer().feed(made) == [(0xC021, b"\x01\x01\x00\x04")]
    assert sim_hdlc.Unframer().feed(b"NO CARRIER\r\n" + made) == [(0xC021, b"\x01\x01\x00\x04")]


@given(st.binary(max_size=600), st.sampled_from([0xC021, 0x8021, 0x0021]))
def test_what_is_framed_comes_out_again(body, protocol):
    line = sim_hdlc.frame(protocol, body)
    assert line.count(b"~") == 2 and not set(range(32)) & set(line)
    unframer = sim_hdlc.Unframer()
    found = [packet for byte in line for packet in unframer.feed(bytes((byte,)))]
    assert found == [(protocol, body)] and unframer.bad == 0


@given(st.binary(min_size=1, max_size=100), st.data())
def test_a_bit_turned_is_never_a_packet(body, data):
    line = bytearray(sim_hdlc.frame(0xC021, body))
    at = data.draw(st.integers(1, len(line) - 2))
    line[at] ^= 1 << data.draw(st.integers(0, 7))
    found = sim_hdlc.Unframer().feed(line)
    assert (0xC021, body) not in found or line == sim_hdlc.frame(0xC021, body)
    assert not [packet for packet in found if len(packet[1]) >= len(body)]


def talk(client, peer, ms=0, deaf=()):
    """Both on one line until nothing moves for a minute."""
    for ms in range(ms, ms + 90_000, 100):
        up, client.out = client.out, bytearray()
        down, peer.out = peer.out, bytearray()
        if ms // 1000 not in deaf:
            peer.feed(up, ms)
            client.feed(down, ms)
        client.tick(ms)
        peer.tick(ms)
    return client.phase, peer.phase


def peer(**how):
    return sim_ppp.Peer(0, ADDRESS, DNS, **how)


def test_two_ends_agree_on_an_address_and_a_name_server():
    client = sim_ppp.Client(0)
    assert talk(client, peer()) == ("up", "up")
    assert client.address == ADDRESS and client.dns == DNS


def test_two_ends_agree_when_the_first_ten_seconds_are_lost():
    client = sim_ppp.Client(0)
    assert talk(client, peer(), deaf=range(10)) == ("up", "up")


@pytest.mark.parametrize("lost", range(1, 12))
def test_two_ends_agree_whichever_frame_is_lost(lost):
    client, other = sim_ppp.Client(0), peer()
    n = 0
    for ms in range(0, 90_000, 100):
        for source, sink in ((client, other), (other, client)):
            out, source.out = source.out, bytearray()
            for part in bytes(out).split(b"~~"):
                n += bool(part)
                if n != lost:
                    sink.feed(b"~" + part + b"~", ms)
            source.tick(ms)
    assert (client.phase, other.phase) == ("up", "up")


def test_who_is_asked_for_a_name_says_it():
    client = sim_ppp.Client(0, b"truck", b"secret", pap=True)
    assert talk(client, peer(who=(b"truck", b"secret"))) == ("up", "up")


@pytest.mark.parametrize("user, key, pap", [(b"truck", b"wrong", True), (b"", b"", False)])
def test_the_wrong_name_or_none_is_refused(user, key, pap):
    client = sim_ppp.Client(0, user, key, pap=pap)
    assert talk(client, peer(who=(b"truck", b"secret"))) == ("dead", "dead")
    assert client.error == (sim_ppp.AUTH_FAILED if pap else sim_ppp.PEER_DEAD)


def test_a_name_that_nobody_asks_for_is_no_trouble():
    assert talk(sim_ppp.Client(0, b"truck", b"secret", pap=True), peer()) == ("up", "up")


def test_nobody_there_is_known_after_ten_tries():
    client = sim_ppp.Client(0)
    for ms in range(0, 70_000, 100):
        client.tick(ms)
        if client.phase == "dead":
            break
    assert client.error == sim_ppp.PROTOCOL and 59_000 <= ms <= 61_000
    assert bytes(client.out).count(b"\xc0!") == 10


def test_an_echo_is_no_peer():
    client = sim_ppp.Client(0)
    for ms in range(0, 60_000, 100):
        client.feed(bytes(client.out), ms)
        client.out = bytearray()
        client.tick(ms)
    assert client.error == sim_ppp.LOOPBACK


def test_a_call_that_stands_takes_a_new_client():
    old = peer(up=True)
    assert old.phase == "up" and not old.out
    assert talk(sim_ppp.Client(0), old) == ("up", "up")


def test_hanging_up_is_heard():
    client, other = sim_ppp.Client(0), peer()
    talk(client, other)
    client.hang_up()
    assert talk(client, other) == ("dead", "dead")
    assert (client.error, other.error) == (sim_ppp.USER, sim_ppp.PEER_DEAD)


@settings(max_examples=60)
@given(st.lists(st.one_of(st.binary(max_size=40), st.tuples(st.sampled_from([0xC021, 0x8021, 0xC023, 7]), st.binary(max_size=30))), max_size=12))
def test_no_bytes_make_an_end_raise(parts):
    for end in (sim_ppp.Client(0, pap=True), peer(who=(b"a", b"b")), peer(up=True)):
        for part in parts:
            end.feed(part if isinstance(part, bytes) else sim_hdlc.frame(*part), 0)
            end.tick(7000)


class Wire:
    """A UART with a peer of its own behind it."""

    def __init__(self):
        self.peer = peer()

    def readinto(self, buf):
        n = min(len(buf), len(self.peer.out))
        buf[:n] = self.peer.out[:n]
        del self.peer.out[:n]
        return n or None

    def write(self, data):
        self.peer.feed(data, 0)


def test_the_two_shapes_of_the_port():
    old, new = make_ppp("1.25", lambda: 0)(Wire()), make_ppp("1.26", lambda: 0)(Wire())
    assert not hasattr(old, "disconnect") and not hasattr(old, "poll") and hasattr(new, "disconnect")
    with pytest.raises(OSError):
        old.connect()  # not active
    old.active(True)
    for ppp in (old, new):
        ppp.connect(authmode=ppp.AUTH_PAP, username="a", password="b")
        with pytest.raises(OSError):
            ppp.connect()  # EALREADY
        for _ in range(10):
            ppp.pump()
        assert ppp.isconnected() and ppp.ifconfig()[0] == "10.64.1.2"
    assert old.status() is None and new.status() == 4
    new.disconnect()
    assert new.status() == -sim_ppp.USER and not new.isconnected()
    new.active(False)
    assert new.status() == 0
    old.active(False)
    assert not old.isconnected() and old.ifconfig()[0] == "0.0.0.0"
    with pytest.raises(ValueError):
        new.connect(security=new.SEC_CHAP, user="a", key="b")
