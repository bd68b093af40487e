"""For tests of commands: the office's side of a frame, a truck's uplink as far as commands know it."""

from tracker.record import put_varint
from tracker.uplink.block import Tagger
from uplink_fakes import varint_bytes

DEVICE = b"truck-1"
KEY = bytes(32)


def frame(counter, code, body=b"", device=DEVICE, key=KEY, version=0x20, word=b"cmd"):
    head = bytes((version,)) + varint_bytes(counter) + bytes((code,)) + body
    return head + Tagger(device, key).digest(word + b"\0" + head)[:8]


def told(answer, key=KEY):
    """(counter, result, text) of an answer, its tag checked."""
    head = answer[:-8]
    assert answer[0] == 0x21 and answer[-8:] == Tagger(DEVICE, key).digest(b"ans\0" + head)[:8]
    counter = shift = 0
    at = 1
    while True:
        counter |= (head[at] & 0x7F) << shift
        shift += 7
        at += 1
        if head[at - 1] < 0x80:
            return counter, head[at], str(head[at + 1 :], "utf-8")


def numbers(lo, hi, kind=0):
    buf = bytearray(20)
    end = put_varint(buf, put_varint(buf, 0, lo), hi - lo)
    return bytes((kind,)) + bytes(buf[:end])


class Mark:
    """A number in NVS; works: does it keep what is set?"""

    def __init__(self, value=None):
        self.value = value
        self.works = True
        self.sets = []

    def get(self):
        return self.value

    def set(self, value):
        if self.works:
            self.value = value
            self.sets.append(value)


class Office:
    """What commands.obey() is given: uplink, history and orders in one; done is what they were asked."""

    def __init__(self, journal=None):
        self.history = self
        self.journal = journal
        self.tagger = Tagger(DEVICE, KEY)
        self.mark = Mark()
        self.obeyed = self.refused = 0
        self.done = []
        self.count = 5
        self.error = None

    def ask_again(self, lo, hi):
        self.done.append(("again", lo, hi))
        return self.count

    def send_log(self):
        self.done.append("log")

    def order(self, code, text):
        self.done.append((code, text, self.mark.get()))
        if self.error:
            raise self.error
        return code != 9, "done \u00e9"

    def obey(self, data):
        from tracker.uplink.commands import obey

        return obey(data, self.tagger, self.mark, self.order, self, self.journal)
