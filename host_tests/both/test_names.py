"""Names: our own DNS question; what comes back is checked, and silence has an end and a memory."""

import errno

from tracker.uplink.names import Names, answer, query
from uplink_fakes import Clock

HOST = "broker.tangerang.example"
RECORD = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4"
ALIAS = b"\xc0\x0c\0\5\0\1\0\0\0\x3c\0\6\3www\xc0\x0c"


def reply(asked, *records, flags=b"\x81\x80", count=None):
    n = len(records) if count is None else count
    return asked[:2] + flags + b"\0\1" + bytes((n >> 8, n & 255)) + asked[8:] + b"".join(records)


class Kept:
    def __init__(self, value=None):
        self.value = value
        self.sets = 0

    def get(self):
        return self.value

    def set(self, value):
        assert -(1 << 31) <= value < 1 << 31  # what NVS takes
        self.value = value
        self.sets += 1


class Net:
    """UDP in memory. answers: server -> function of (question, times asked) giving packets."""

    AF_INET, SOCK_DGRAM = 2, 1

    def __init__(self, **answers):
        self.answers = answers
        self.asked = []
        self.open = 0
        self.closed = 0
        self.waiting = []

    def socket(self, family, kind):
        assert (family, kind) == (self.AF_INET, self.SOCK_DGRAM)
        self.open += 1
        self.waiting = []
        return self

    def setblocking(self, on):
        assert on is False

    def close(self):
        self.closed += 1

    def sendto(self, packet, address):
        server, port = address
        assert port == 53
        self.asked.append((server, packet))
        give = self.answers["s" + server.replace(".", "_")]
        if give is None:
            raise OSError(errno.EHOSTUNREACH)
        for item in give(packet):
            self.waiting.append(item if isinstance(item, tuple) else (item, address))

    def recvfrom(self, n):
        if not self.waiting:
            raise OSError(errno.EAGAIN)
        return self.waiting.pop(0)


def find(net, servers, kept=None, host=HOST):
    """(address or the trouble in words, ms, the Names)"""
    clock = Clock()
    beats = []
    names = Names(net, clock, lambda n: b"\x12\x34"[:n], lambda: list(servers), kept or Kept())
    coroutine = names.find(host, lambda: beats.append(clock.ms))
    try:
        coroutine.send(None)
        raise AssertionError("it waits for something else than the clock")
    except StopIteration as end:
        said = end.value if hasattr(end, "value") else end.args[0]
    except OSError as error:
        said = error.args[0]
    assert net.open == net.closed == len(net.asked)
    assert all([later - before <= 200 for before, later in zip(beats, beats[1:])])
    return said, clock.ms, names


def silent(_):
    return ()


def good(asked):
    return (reply(asked, RECORD + b"\x0a\1\2\3"),)


def test_question_as_the_rfc_has_it():
    assert query(b"\x12\x34", "a.bc") == b"\x12\x34\1\0\0\1\0\0\0\0\0\0\1a\2bc\0\0\1\0\1"
    for host in ("a..b", ".", "a.", "x" * 64):
        try:
            query(b"ab", host)
            raise AssertionError(host)
        except OSError as error:
            assert "broker_host" in error.args[0]


def test_the_first_address_behind_aliases():
    asked = query(b"ab", HOST)
    assert answer(reply(asked, RECORD + b"\x0a\1\2\3"), asked) == "10.1.2.3"
    spelled = asked[12:-4] + RECORD[2:] + b"\x0a\1\2\4"
    assert answer(reply(asked, ALIAS, spelled, RECORD + b"\x0a\1\2\5"), asked) == "10.1.2.4"
    six = b"\xc0\x0c\0\x1c\0\1\0\0\0\x3c\0\x10" + b"\x20" * 16
    assert answer(reply(asked, six, RECORD + b"\xcb\0\x71\7"), asked) == "203.0.113.7"


def test_not_our_answer_is_none():
    asked = query(b"ab", HOST)
    whole = reply(asked, RECORD + b"\x0a\1\2\3")
    for other in (
        b"ax" + whole[2:],  # another id
        asked,  # a question
        whole[:2] + b"\xa1\x80" + whole[4:],  # another kind of answer
        whole[:5] + b"\0" + whole[6:],  # no question in it
        whole.replace(b"tangerang", b"tangerann"),  # another name
        whole[:20],
        b"",
    ):
        assert answer(other, asked) is None, other


def test_an_answer_without_an_address_is_empty():
    asked = query(b"ab", HOST)
    assert answer(reply(asked, flags=b"\x81\x83"), asked) == ""  # no such name
    assert answer(reply(asked, flags=b"\x81\x82"), asked) == ""  # the server's trouble
    assert answer(reply(asked, ALIAS), asked) == ""
    for nobody in (b"\0\0\0\0", b"\xe0\0\0\1", b"\xff\xff\xff\xff"):
        assert answer(reply(asked, RECORD + nobody), asked) == ""


def test_pointers_are_not_followed_and_lengths_not_believed():
    asked = query(b"ab", HOST)
    at = len(asked)
    myself = bytes((0xC0, at)) + RECORD[2:] + b"\x0a\1\2\3"
    assert answer(reply(asked, myself), asked) == "10.1.2.3"
    for tail in (b"\xc0", b"\x3f", RECORD[:11], RECORD + b"\x0a\1", RECORD[:10] + b"\xff\xff"):
        assert answer(reply(asked, tail, count=65535), asked) == ""


def test_found_and_kept_only_when_proven():
    kept = Kept()
    net = Net(s1_1_1_1=good)
    said, ms, names = find(net, ("1.1.1.1",), kept)
    assert said == "10.1.2.3" and ms < 100 and kept.value is None
    names.proven()
    names.proven()
    assert kept.value == 0x0A010203 and kept.sets == 1
    said, ms, names = find(Net(s1_1_1_1=good), ("1.1.1.1",), kept)
    names.proven()
    assert kept.sets == 1  # NVS wears


def test_a_high_address_fits_nvs_and_comes_back():
    for last in (b"\xcb\0\x71\7", b"\x7f\0\0\1", b"\x80\0\0\1", b"\xdf\xff\xff\xff"):
        kept = Kept()
        net = Net(s1_1_1_1=lambda asked: (reply(asked, RECORD + last),))
        said, _, names = find(net, ("1.1.1.1",), kept)
        names.proven()
        assert find(Net(s1_1_1_1=silent), ("1.1.1.1",), kept)[0] == said


def test_the_second_server_and_the_second_time():
    net = Net(s1_1_1_1=silent, s2_2_2_2=good)
    said, ms, names = find(net, ("1.1.1.1", "2.2.2.2"))
    assert said == "10.1.2.3" and 2000 <= ms < 2200 and names.silences == 1
    times = []

    def late(asked):
        times.append(1)
        return good(asked) if len(times) == 2 else ()

    assert find(Net(s1_1_1_1=late), ("1.1.1.1",))[0] == "10.1.2.3"
    assert find(Net(s1_1_1_1=None, s2_2_2_2=good), ("1.1.1.1", "2.2.2.2"))[:2] == ("10.1.2.3", 20)


def test_silence_ends_and_memory_serves():
    net = Net(s1_1_1_1=silent, s2_2_2_2=silent)
    said, ms, names = find(net, ("1.1.1.1", "2.2.2.2"))
    assert said == "no name server answers" and 8000 <= ms < 8200 and len(net.asked) == 4
    said, _, names = find(net=Net(s1_1_1_1=silent), servers=("1.1.1.1",), kept=Kept(0x0A000009))
    assert said == "10.0.0.9" and names.from_memory == 1
    names.proven()
    assert names._kept.sets == 0
    assert "dns_server" in find(Net(), ())[0]
    assert find(Net(), (), Kept(0x0A000009))[0] == "10.0.0.9"


def test_no_such_name_is_said():
    nothing = Net(s1_1_1_1=lambda asked: (reply(asked, flags=b"\x81\x83"),))
    said, ms, _ = find(nothing, ("1.1.1.1",))
    assert "check broker_host" in said and ms < 200


def test_strangers_are_counted_and_not_believed():
    def forged(asked):
        false = reply(asked, RECORD + b"\6\6\6\6")
        return (
            (false, ("9.9.9.9", 53)),  # another server
            (false, ("1.1.1.1", 5353)),  # another port
            b"xx" + false[2:],  # another id
        ) + good(asked)

    said, _, names = find(Net(s1_1_1_1=forged), ("1.1.1.1",))
    assert said == "10.1.2.3" and names.strangers == 3
    flood = Net(s1_1_1_1=lambda asked: [b"junk"] * 500)
    said, ms, names = find(flood, ("1.1.1.1",))
    assert said == "no name server answers" and ms < 4200
