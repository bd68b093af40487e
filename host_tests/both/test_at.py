"""AT engine: results, answers, what comes unasked, echo, noise, prompts, deadlines; and no heap for a line."""

import gc
from time import ticks_add

from tracker.link.at import CONNECT, ERROR, HUNG_UP, LATE, OK, PROMPT, At

_START_MS = ticks_add(0, -50)  # the ticks come round in every test


class _Uart:
    def __init__(self):
        self.waiting = bytearray()
        self.written = bytearray()

    def readinto(self, buf):
        n = min(len(buf), len(self.waiting))
        if not n:
            return None
        buf[:n] = self.waiting[:n]
        self.waiting = self.waiting[n:]
        return n

    def write(self, data):
        self.written += data
        return len(data)


class _Bench:
    def __init__(self):
        self.uart = _Uart()
        self.at = At(self.uart)
        self.now_ms = _START_MS

    def ask(self, command, comes, wanted=b"", deadline_ms=1000):
        """The result after all that comes, byte by byte; then once more in one piece: it has to be the same."""
        results = []
        for size in (1, 7, 1000):
            self.at.send(command, self.now_ms, deadline_ms, wanted)
            result = None
            for at in range(0, len(comes), size):
                self.uart.waiting += comes[at : at + size]
                while self.uart.waiting and result is None:
                    result = self.at.poll(self.now_ms)
            results.append((result, self.at.answer()))
            self.uart.waiting = bytearray()
            self.at.feed(b"\r", 1)
        assert results[0] == results[1] == results[2], results
        return results[0]


def test_every_final_result():
    bench = _Bench()
    assert bench.ask(b"AT", b"\r\nOK\r\n") == (OK, "")
    assert bench.ask(b"AT", b"\r\nERROR\r\n") == (ERROR, "ERROR\n")
    assert bench.ask(b"AT+CPIN?", b"\r\n+CME ERROR: 10\r\n") == (ERROR, "+CME ERROR: 10\n")
    assert bench.ask(b"AT+CPIN?", b"\r\n+CME ERROR: SIM not inserted\r\n") == (ERROR, "+CME ERROR: SIM not inserted\n")
    assert bench.ask(b"AT+CMGF", b"\r\n+CMS ERROR: 500\r\n") == (ERROR, "+CMS ERROR: 500\n")
    assert bench.ask(b"ATD*99#", b"\r\nCONNECT\r\n") == (CONNECT, "")
    assert bench.ask(b'AT+CGDATA="PPP",1', b"\r\nCONNECT 115200\r\n") == (CONNECT, "")
    for word in (b"NO CARRIER", b"BUSY", b"NO DIALTONE", b"NO ANSWER"):
        assert bench.ask(b"ATD*99#", b"\r\n" + word + b"\r\n") == (HUNG_UP, "")


def test_the_end_of_an_old_call_is_no_answer_to_something_else():
    assert _Bench().ask(b"ATE0", b"\r\nNO CARRIER\r\n\r\nOK\r\n", b"+") == (OK, "")
    assert _Bench().ask(b"AT", b"\r\nCONNECT\r\n\r\nBUSY\r\nOK\r\n", b"+") == (OK, "")


def test_the_lines_of_the_answer_are_kept_and_nothing_else():
    comes = b"AT+CSQ\r\r\n+CREG: 1\r\n\r\n+CSQ: 17,99\r\n\r\n*PSUTTZ: 2026,11,24,8,0,0,\"+28\",0\r\nSMS DONE\r\n\r\nOK\r\n"
    bench = _Bench()
    assert bench.ask(b"AT+CSQ", comes, b"+CSQ") == (OK, "+CSQ: 17,99\n")
    assert bench.at.unasked == 9
    assert bench.ask(b"AT+CCID", b"\r\n8962100512345678901\r\n\r\nOK\r\n") == (OK, "8962100512345678901\n")


def test_a_word_that_only_begins_like_a_result_is_none():
    assert _Bench().ask(b"AT", b"OKAY\r\nERRORS\r\nNOT OK\r\nOK\r\n", b"+") == (OK, "")


def test_with_echo_and_without():
    assert _Bench().ask(b"AT+COPS?", b"AT+COPS?\r\r\n+COPS: 0\r\nOK\r\n") == (OK, "+COPS: 0\n")
    assert _Bench().ask(b"AT+COPS?", b"\r\n+COPS: 0\r\nOK\r\n") == (OK, "+COPS: 0\n")


def test_noise_before_an_answer_is_passed_over():
    assert _Bench().ask(b"AT", b"\x00\xff\x80\x7f\xfe\r\n\x00OK\xff\r\n") == (OK, "")


def test_a_prompt_has_no_end_of_line():
    assert _Bench().ask(b"AT+CMGS=1", b"\r\n> ") == (PROMPT, "")
    assert _Bench().ask(b"AT", b"> >\r\n>\r\nOK\r\n"[3:]) == (OK, ">\n")


def test_the_deadline_comes_whatever_else_does():
    bench = _Bench()
    bench.at.send(b"AT", bench.now_ms, 300)
    for passed_ms in range(0, 300, 20):
        bench.uart.waiting = bytearray(b"\r\nRING\r\n+CREG: 2\r\n")
        assert bench.at.poll(ticks_add(bench.now_ms, passed_ms)) is None
    assert bench.at.poll(ticks_add(bench.now_ms, 300)) == LATE
    bench.uart.waiting = bytearray(b"\r\nOK\r\n")
    assert bench.at.poll(ticks_add(bench.now_ms, 400)) == LATE  # too late is too late
    bench.at.send(b"AT", bench.now_ms, 300)
    bench.uart.waiting = bytearray(b"\r\nOK\r\n")
    assert bench.at.poll(ticks_add(bench.now_ms, 310)) == OK  # it was there, only nobody looked


def test_a_restart_and_a_weak_supply_are_counted_at_any_time():
    bench = _Bench()
    bench.at.feed(b"\r\nRDY\r\n", 7)
    assert bench.ask(b"AT", b"\r\nRDY\r\nUNDER-VOLTAGE WARNNING\r\nOK\r\n") == (OK, "")
    assert (bench.at.restarts, bench.at.dips) == (4, 3)


def test_long_lines_and_long_answers_are_cut_and_counted():
    bench = _Bench()
    assert bench.ask(b"AT", b"x" * 1000 + b"\r\nOK\r\n")[0] == OK
    assert bench.at.cut > 2500
    result, answer = bench.ask(b"AT", (b"y" * 60 + b"\r\n") * 9 + b"OK\r\n")
    assert result == OK and answer == ("y" * 60 + "\n") * 2


def test_a_poll_is_bounded_and_what_follows_connect_is_left_to_ppp():
    bench = _Bench()
    bench.uart.waiting = bytearray(b"x" * 5000)
    bench.at.send(b"AT", bench.now_ms, 300)
    bench.at.poll(bench.now_ms)
    assert len(bench.uart.waiting) == 5000 - 8 * 64
    bench.uart.waiting = bytearray(b"\r\nCONNECT\r\n" + b"~" * 300)
    bench.at.send(b"ATD*99#", bench.now_ms, 300)
    assert bench.at.poll(bench.now_ms) == CONNECT
    assert len(bench.uart.waiting) >= 300 - 64


def test_commands_are_ended_by_one_carriage_return():
    bench = _Bench()
    bench.at.send(b"AT+CSQ", bench.now_ms, 300)
    assert bytes(bench.uart.written) == b"AT+CSQ\r"


def test_a_line_takes_no_heap():
    if not hasattr(gc, "mem_alloc"):
        return
    at = At(_Uart())
    lines = b"\r\n+CREG: 1\r\n+CSQ: 17,99\r\n\xff\x00RDY\r\n+CPIN: READY\r\nOK\r\n"
    at.feed(lines, len(lines))
    at.send(b"AT+CSQ", 0, 1000, b"+CSQ")
    gc.collect()
    before = gc.mem_alloc()
    for _ in range(20):
        at.result = None
        at._answer_n = 0
        at.feed(lines, len(lines))
    taken = gc.mem_alloc() - before
    assert taken == 0, taken
