"""Old records: what was kept of a sector that is gone, in kind 0x72, each with a number of its own. docs/protocol.md "Old records".

In: a page that stands behind a 0x72, or a body to write. Out: records with their numbers.
"""

from micropython import const

from tracker.record import FIX, put_varint
from tracker.store.codec import FIX_MAX, Codec
from tracker.store.reader import Reader

OLD = const(0x72)
_NUMBER = const(5)  # bytes of a number at most
_EVENT = const(7)  # bytes of a record besides its payload


class Bundle:
    """The records of one 0x72, read or written one by one, relative to each other."""

    def __init__(self):
        self._in = Reader()
        self._codec = Codec()
        self.seq = 0  # writing: of the last record; reading: of the next
        self.close()

    def close(self):
        self._at = self._end = 0

    def open(self, page, n):
        """Read the 0x72 with n bytes of payload that the page has just passed."""
        self._buf = page.buf
        self._end = page.pos - 2
        self._in.begin(self._buf, self._end - n, self._end)
        self.seq = self._in.varint()
        self._at = self._in.at
        self._codec.reset()

    def next(self, rec):
        """The next record, its number in rec.seq; False at the end."""
        if not 0 <= self._at < self._end:
            return False
        at = self._codec.decode(self._buf, self._at, self._end, rec)
        rec.seq = self.seq
        if 0 <= at < self._end:
            self._in.begin(self._buf, at, self._end)
            self.seq += self._in.varint() + 1
            at = self._in.at
        self._at = at
        self._codec.advance(rec)
        return at >= 0

    def add(self, rec, out):
        """Write rec behind those in out; the caller has seen that there is room."""
        if not out.n:
            self._codec.reset()
        end = put_varint(out.body, out.n, rec.seq - self.seq - 1 if out.n else rec.seq)
        out.n = self._codec.encode(rec, out.body, end)
        self._codec.advance(rec)
        self.seq = rec.seq


def size_of(rec):
    """Bytes that rec takes at most in a 0x72."""
    return _NUMBER + (FIX_MAX if rec.kind == FIX else _EVENT + rec.n)
