"""From a SIM that is ready to PPP: the APN, a network that takes us, signal, operator, time, the call.

In: Attach, settings.  Out: whether the network is a foreign one; Modem.signal, operator; the time, offered; or OSError(words).
"""

from time import ticks_diff

from micropython import const

from tracker.link.at import CONNECT

_ASK_MS = const(3_000)
_REGISTER_MS = const(80_000)
_LOOK_MS = const(2_000)
_DIAL_MS = const(30_000)
_PPP_MS = const(30_000)
_UNHEARD = const(99)
_REST_MS = const(30_000)  # a person has to change something, or it passes by itself

# 3GPP TS 27.007, +CREG, +CGREG, +CEREG; 1: at home, 5: roaming.
_STATES = {
    0: "the modem does not look for a network",
    2: "no network is found: no cover here, or the antenna is off",
    3: "the network refuses this SIM: ask its operator whether it may use data here",
}
_PPP_WORDS = {7: "the network refuses apn_user and apn_password", 9: "the network has ended the call: look at apn"}  # lwIP, ppp.h


def connect(a):
    values = a.m.settings
    if values.apn:
        yield from a.ask(('AT+CGDCONT=1,"IP","%s"' % values.apn).encode(), _ASK_MS)
    form = a.m.profile.get("auth")  # the order of its words is not the same in all modems
    if form and values.apn_user:
        form = form.replace("USER", values.apn_user).replace("PASSWORD", values.apn_password)
        yield from a.ask(form.encode(), _ASK_MS)
    state = yield from _register(a)
    yield from _look_around(a)
    yield from _dial(a)
    return state == 5


def _register(a):
    """Until a network takes us, at home or roaming."""
    ticks = a.m.ticks
    begun_ms = ticks()
    words = "the modem says nothing of a network"
    while ticks_diff(ticks(), begun_ms) < _REGISTER_MS:
        for what in (b"+CREG", b"+CGREG", b"+CEREG"):
            yield from a.ask(b"AT" + what + b"?", _ASK_MS, what)
            state = _state(a.at.answer())
            if state in (1, 5) and what != b"+CREG":  # by voice alone no data goes
                return state
            words = _STATES.get(state, words)
        a.m.trouble = words
        yield from a.wait(_LOOK_MS)
    raise OSError(words)


def _state(answer):
    """Of "+CREG: n,state,..", or unasked "+CREG: state,..". -1: it says nothing."""
    fields = answer[answer.rfind(":") + 1 :].strip().split(",")
    for field in (fields[1] if len(fields) > 1 else "", fields[0]):
        if field.isdigit():
            return int(field)
    return -1


def _look_around(a):
    """Signal, operator, time. What is not told is no trouble."""
    m, at = a.m, a.at
    yield from a.ask(b"AT+CSQ", _ASK_MS, b"+CSQ")
    signal = _state(at.answer().split(",")[0])
    m.signal = signal if 0 <= signal < _UNHEARD else None
    yield from a.ask(b"AT+COPS?", _ASK_MS, b"+COPS")
    m.operator = (at.answer() + '""').split('"')[1]
    yield from a.ask(b"AT+CCLK?", _ASK_MS, b"+CCLK")
    text = (at.answer() + '""').split('"')[1]  # 26/11/24,22:15:30+28: local time, and its quarters of an hour ahead of UTC
    try:
        t = [int(text[i : i + 2]) for i in range(0, 18, 3)]
        a.m.offer_time((2000 + t[0], t[1], t[2], t[3], t[4], t[5], 0, 0), int(text[17:]))
    except (ValueError, IndexError, OverflowError):
        pass  # a modem without a clock


def _dial(a):
    m = a.m
    if (yield from a.ask(b"ATD*99#", _DIAL_MS)) != CONNECT:
        if (yield from a.ask(b'AT+CGDATA="PPP",1', _DIAL_MS)) != CONNECT:
            raise OSError("the network gives no data: look at apn, and whether the SIM has credit", _REST_MS)
    m.dial_ppp()
    begun_ms = m.ticks()
    while ticks_diff(m.ticks(), begun_ms) < _PPP_MS:
        up = m.ppp_up()
        if up is True:
            return
        if up:
            raise OSError(_PPP_WORDS.get(up, "PPP has ended, error %d" % up), _REST_MS)
        yield
    raise OSError("the network gives no address: look at apn", _REST_MS)
