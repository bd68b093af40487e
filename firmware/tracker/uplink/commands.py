"""Commands of the office: a frame whose tag is right is judged by its counter, obeyed once, and answered.

In: the frame, the last counter in NVS, what the board can do. Out: the answer's bytes, or None.
Loaded for a frame that the truck's key has signed, then let go. docs/protocol.md, "Commands".
"""

from micropython import const

from tracker.fix import UNTIMED
from tracker.record import FIX, Record, put_varint, varint
from tracker.uplink.block import TAG_SIZE

RESEND = const(3)
LOG = const(5)
_ANSWER = const(0x21)
_NUMBERS = const(0)  # a resend's first byte
_SECONDS = const(1)
_LIMIT = const(1 << 30)
_TEXT_MAX = const(480)  # bytes: with head and tag below 512, as a piece of the log
_PASSED = const(130)  # records without a time of their own that a search passes over: two full pages

DONE = const(0)  # results; in the office's database: never reuse one
REFUSED = const(1)  # nothing was done, the text says why
REPEATED = const(2)  # this counter has been obeyed, or begun, before


def obey(frame, tagger, mark, order, uplink, journal):
    """order(code, text) gives (done, words). None: a replay, or no command in form; nobody is answered."""
    end = len(frame) - TAG_SIZE
    counter, at = varint(frame, 1, end)
    last = mark.get() or 0
    if not 0 <= at < end or not last <= counter < _LIMIT:
        uplink.refused += 1
        return None
    if counter == last:
        uplink.refused += 1
        return _answer(tagger, counter, REPEATED, "This was obeyed, or begun, before. Its answer is gone.")
    uplink.obeyed += 1
    mark.set(counter)  # before anything is done: after a cut the same frame is a replay
    done, words = False, "The counter can't be kept in NVS. Nothing was done. Tell the workshop."
    if mark.get() == counter:
        done, words = _do(frame[at], frame[at + 1 : end], order, uplink, journal)
    return _answer(tagger, counter, DONE if done else REFUSED, words)


def _do(code, body, order, uplink, journal):
    try:
        if code == RESEND:
            return _resend(body, uplink.history, journal)
        if code == LOG:
            uplink.send_log()
            return True, "The log follows."
        return order(code, str(body, "utf-8"))
    except MemoryError:
        return False, "Too little memory now. Perhaps nothing was done. Ask for the status, try again later."
    except (ValueError, UnicodeError):
        return False, "The command's text is no text. Nothing was done."


def _resend(body, history, journal):
    lo, at = varint(body, 1, len(body))
    more, at = varint(body, at, len(body)) if at > 0 else (0, -1)
    if at != len(body) or body[0] > _SECONDS:
        return False, "That is no range. Nothing was done."
    hi = lo + more
    if body[0] == _SECONDS:
        lo, hi = _first_from(journal, lo, False), _first_from(journal, hi + 1, True) - 1
    count = history.ask_again(lo, hi)
    if count < 0:
        return False, "What was asked for before is still being sent. Ask again later."
    if not count:
        return False, "The truck has no record of that range any more, or not yet."
    return True, "Up to %d records are sent again." % count


def _first_from(journal, sec, older):
    """The lowest number of a record that is not older, by halves. older: what counts as such where no time is known."""
    cursor = journal.cursor()
    rec = Record()
    lo, hi = journal.oldest_seq, journal.next_seq
    while lo < hi:
        middle = (lo + hi) // 2
        known = _timed(cursor, rec, middle, hi)
        if rec.sec < sec if known else older:
            lo = (rec.seq if known else middle) + 1
        else:
            hi = middle
    return lo


def _timed(cursor, rec, seq, end):
    """The first record from seq on, before end, that knows its second."""
    cursor.seek(seq)
    for _ in range(_PASSED):
        if not cursor.next(rec) or rec.seq >= end:
            return False
        if rec.sec and not (rec.kind == FIX and rec.fix.flags & UNTIMED):
            return True
    return False


def _answer(tagger, counter, result, words):
    data = words.encode()[:_TEXT_MAX]
    head = bytearray(7)
    head[0] = _ANSWER
    end = put_varint(head, 1, counter)
    head[end] = result
    message = bytes(head[: end + 1]) + data
    return message + tagger.digest(message, b"ans\0")[:TAG_SIZE]
