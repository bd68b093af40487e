"""AT engine under any bytes: it never raises, never grows, always reaches a result by its deadline."""

from hypothesis import given, settings
from hypothesis import strategies as st
from tracker.link.at import CONNECT, ERROR, HUNG_UP, LATE, OK, PROMPT, At

_PIECES = st.one_of(
    st.binary(max_size=300),
    st.sampled_from([
        b"\r\nOK\r\n", b"\r\nERROR\r\n", b"+CME ERROR: 14\r\n", b"\r", b"\n", b"> ", b"RDY\r\n", b"CONNECT", b"NO CARRIER\r\n",
        b"+CSQ: 9,99\r\n", b"AT+CSQ\r", b"x" * 200, b"~\xff\x03\xc0\x21", b"UNDER-VOLTAGE WARNNING\r\n", b"*PSUTTZ: 1\r\n",
    ]),
)  # fmt: skip
_COMMANDS = st.sampled_from([(b"AT", b""), (b"AT+CSQ", b"+CSQ"), (b"ATD*99#", b"+"), (b"AT+CCID", b"")])


class _Uart:
    def __init__(self):
        self.waiting = b""

    def readinto(self, buf):
        n = min(len(buf), len(self.waiting))
        buf[:n] = self.waiting[:n]
        self.waiting = self.waiting[n:]
        return n or None

    def write(self, data):
        return len(data)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(_COMMANDS, st.lists(_PIECES, max_size=8)), max_size=5))
def test_any_bytes(exchanges):
    uart = _Uart()
    at = At(uart)
    sizes = len(at._line), len(at._answer), len(at._buf)
    now = 0
    for (command, wanted), pieces in exchanges:
        at.send(command, now, 1000, wanted)
        begun = now
        for piece in pieces:
            uart.waiting += piece
            now += 100
            at.poll(now)
        while at.result is None:
            now += 100
            at.poll(now)
        assert at.result in (OK, CONNECT, PROMPT, ERROR, HUNG_UP, LATE)
        assert now - begun <= max(1000, 100 * len(pieces))
        assert all(line.startswith((wanted.decode(), "ERROR", "+CM")) for line in at.answer().splitlines())
        assert at.result not in (CONNECT, HUNG_UP) or command.startswith(b"ATD")
    assert (len(at._line), len(at._answer), len(at._buf)) == sizes
    assert at._n <= len(at._line) and len(at.answer()) <= len(at._answer)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400).map(lambda data: data.replace(b"OK", b"ok")), st.integers(1, 80))
def test_after_any_noise_and_an_end_of_line_the_next_answer_is_read(noise, step):
    uart = _Uart()
    at = At(uart)
    at.feed(noise + b"\r\n", len(noise) + 2)
    at.send(b"AT+CSQ", 0, 1000, b"+CSQ")
    answer = b"\r\n+CSQ: 17,99\r\n\r\nOK\r\n"
    for i in range(0, len(answer), step):
        uart.waiting += answer[i : i + step]
        while uart.waiting:
            at.poll(0)
    assert (at.result, at.answer()) == (OK, "+CSQ: 17,99\n")
