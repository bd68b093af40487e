"""The SIM: ready, or in words why not; its PIN, given so that the card is never locked; its number.

In: Attach, settings, a number in NVS.  Out: Modem.iccid, or OSError(words, rest in ms).
Owns: that number: how often a PIN was given that the card has not taken, and which PIN.
A card takes three wrong PINs. We give two at most, and none again that was refused. The number is written before the PIN is given, so
that a power cut between the two costs a try and never one too many.
"""

from binascii import crc32

from micropython import const

from tracker.link.at import ERROR, OK

_ASK_MS = const(5_000)
_LOOKS = const(12)  # a card that is being started says "busy", and for a while that it is not there
_LOOK_MS = const(1_000)
_REST_MS = const(60_000)  # until it is asked again: a person has to come
_TRIES = const(3)  # bits of the number: how often,
_REFUSED = const(4)  # whether the card has said no,
_WHICH = const(3)  # and from here on which PIN

_ABSENT = "no SIM is found: put it in, contacts first"
_WORDS = {"10": _ABSENT, "13": "the SIM is broken", "15": "this is no SIM", "12": "", "14": "the SIM is busy"}
_PUK = "the SIM is locked by its PUK: put it into a phone"


def unlock(attach):
    """Until the card is ready."""
    m = attach.m
    given = False
    words = _ABSENT
    for _ in range(_LOOKS):
        result = yield from attach.ask(b"AT+CPIN?", _ASK_MS, b"+CPIN")
        answer = attach.at.answer()
        if "READY" in answer:
            if m.pin_mark.get():
                m.pin_mark.set(0)
            yield from _read_number(attach)
            return
        if "PUK" in answer or "ERROR: 12" in answer:
            raise OSError(_PUK, _REST_MS)
        if "PIN" in answer[6:] and result == OK or "ERROR: 11" in answer:
            if given:
                words = "the SIM asks for its PIN again"
            else:
                yield from _give_pin(attach)
                given = True
        elif result != OK:
            words = _WORDS.get(answer[answer.rfind(":") + 1 :].strip(), _ABSENT if "not" in answer else "the SIM says nothing")
        yield from attach.wait(_LOOK_MS)
    raise OSError(words, _REST_MS)


def _give_pin(attach):
    m = attach.m
    pin = m.settings.sim_pin
    if not pin:
        raise OSError("the SIM wants its PIN: set sim_pin", _REST_MS)
    which = (crc32(pin.encode()) & 0xFFFFFF) << _WHICH
    mark = m.pin_mark.get() or 0
    if mark & _REFUSED and mark >> _WHICH << _WHICH == which:
        raise OSError("the SIM has refused sim_pin: set the right one", _REST_MS)
    tries = mark & _TRIES
    if tries >= 2:
        yield from attach.ask(b"AT+SPIC", _ASK_MS, b"+SPIC")  # how many it would take; a phone sets it back to 3
        if not attach.at.answer().startswith("+SPIC: 3"):
            raise OSError("two PINs were wrong, a third would lock the SIM: put it into a phone, unlock it there", _REST_MS)
        tries = 0
    m.pin_mark.set(which | tries + 1)
    if m.pin_mark.get() != which | tries + 1:
        raise OSError("NVS does not keep the count of PINs: none is given", _REST_MS)
    result = yield from attach.ask(('AT+CPIN="%s"' % pin).encode(), _ASK_MS)
    if result == ERROR and "14" not in attach.at.answer():  # it was not busy, it said no
        m.pin_mark.set(which | tries + 1 | _REFUSED)
        raise OSError("the SIM has refused sim_pin: set the right one", _REST_MS)


def _read_number(attach):
    """ICCID, 18 to 22 digits: it tells whether somebody has put in another card."""
    for command in (b"AT+CCID", b"AT+CICCID"):
        if (yield from attach.ask(command, _ASK_MS, b"")) == OK:
            answer = attach.at.answer()
            digits = "".join([c for c in answer if c.isdigit()])
            if 18 <= len(digits) <= 22:
                attach.m.iccid = digits
                return
