"""Hostile DNS packets: nothing raises, nothing loops, and what is believed is an address that stands there."""

from hypothesis import given
from hypothesis import strategies as st
from tracker.uplink.names import answer, query

ASKED = query(b"id", "broker.example")
HEAD = ASKED[:2] + b"\x81\x80\0\1"
bits = st.sampled_from([b"\xc0\x0c", b"\xc0\x20", b"\xff", b"\0", b"\x3f", b"\0\1\0\1", b"\0\0\0\x3c\0\4", b"\x0a\1\2\3"])
tails = st.lists(st.one_of(bits, st.binary(max_size=12)), max_size=40).map(b"".join)


class Counted(bytes):
    """Bytes that know how often they were looked at: a loop shows."""

    looks = 0

    def __getitem__(self, at):
        Counted.looks += 1
        return bytes.__getitem__(self, at)


def judged(packet):
    Counted.looks = 0
    found = answer(Counted(packet), ASKED)
    assert Counted.looks <= 20 + 4 * len(packet)
    assert found is None or found == "" or found_in(found, packet)
    return found


def found_in(address, packet):
    numbers = bytes(int(part) for part in address.split("."))
    return len(numbers) == 4 and numbers in packet


@given(st.binary(max_size=600))
def test_any_bytes(packet):
    judged(packet)


@given(st.integers(0, 65535), tails)
def test_our_question_and_any_tail(count, tail):
    assert judged(HEAD + count.to_bytes(2, "big") + bytes(4) + ASKED[12:] + tail) is not None


@given(tails, st.integers(0, 500), st.integers(0, 255))
def test_a_good_answer_with_one_wrong_byte_or_cut(tail, at, value):
    packet = bytearray(HEAD + b"\0\2" + bytes(4) + ASKED[12:] + b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x0a\1\2\3" + tail)
    judged(bytes(packet[: at % len(packet)]))
    packet[at % len(packet)] = value
    judged(bytes(packet))


def test_labels_as_long_as_the_packet_and_65535_answers():
    judged(HEAD + b"\xff\xff" + bytes(4) + ASKED[12:] + b"\1a" * 60_000)
    judged(HEAD + b"\xff\xff" + bytes(4) + ASKED[12:] + (b"\xc0\x0c\0\5\0\1\0\0\0\0\0\0") * 5_000)
