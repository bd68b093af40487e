"""Up to which second the journal already tells where the truck was; asked once, at boot."""

from micropython import const

from tracker.fix import UNTIMED
from tracker.record import DROPPED, FIX, GAP, THINNED

_NEAR = const(32)  # records looked through first, and at most: a lift may work for hours
_FAR = const(2048)


def told_sec(journal, record):
    """The second of the newest fix or gap; None where there is none. Events explain nothing.

    A gap that tells of thinned or dropped records lies in the past, wherever it stands.
    """
    back = _NEAR
    while True:
        start = max(journal.next_seq - back, journal.oldest_seq)
        sec = _newest(journal, start, record) if start < journal.next_seq else None
        if sec is not None or start == journal.oldest_seq or back >= _FAR:
            return sec
        back *= 8


def _newest(journal, start, record):
    cursor = journal.cursor()
    cursor.seek(start)
    sec = None
    while cursor.next(record):
        if record.kind == FIX:
            if not record.fix.flags & UNTIMED:
                sec = record.fix.sec
        elif record.kind == GAP and record.body[0] != DROPPED and record.body[0] != THINNED:
            sec = record.sec
    return sec
