"""The simulated link: the clock is held while an answer is on its way; outages are black holes."""

import contextlib
import socket
import textwrap
import threading
import time

import pytest
from sim.power import Board

pytestmark = pytest.mark.vm

ANSWERS = {1: b"\x20\x02\x00\x00", 12: b"\xd0\x00"}  # CONNACK, PINGRESP


class Broker:
    """Answers MQTT packets after a real delay; silent: takes them and says nothing."""

    def __init__(self, delay_s=0.0, silent=(), ack=b""):
        self.delay_s, self.silent, self.ack = delay_s, silent, ack
        self.seen, self.bytes = [], 0
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        if self._server.fileno() < 0:
            return
        self._server.shutdown(socket.SHUT_RDWR)  # a thread is in accept() and would keep it open
        self._server.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(
                    target=self._serve, args=self._server.accept()[:1], daemon=True
                ).start()

    def _serve(self, peer):
        with contextlib.suppress(OSError), peer, peer.makefile("rb") as stream:
            while head := stream.read(2):
                body = stream.read(head[1])
                self.bytes += 2 + len(body)
                kind = head[0] >> 4
                self.seen.append(kind)
                if kind in self.silent:
                    continue
                time.sleep(self.delay_s)
                peer.sendall(self._answer(kind, head[0], body))

    def _answer(self, kind, flags, body):
        if kind == 8:
            return b"\x90\x03" + body[:2] + b"\x00"
        if kind == 3 and flags & 6:
            at = 2 + body[1]
            back = b"\x40\x02" + body[at : at + 2]
            topic = b"l/t/ack"
            ack = (
                b"\x30" + bytes((2 + len(topic) + len(self.ack), 0, len(topic))) + topic + self.ack
            )
            return back + (ack if self.ack else b"")
        return ANSWERS.get(kind, b"")


@pytest.fixture
def broker():
    with contextlib.ExitStack() as stack:
        yield lambda **how: stack.enter_context(contextlib.closing(Broker(**how)))


HEAD = """
import asyncio, errno, machine, network, select, socket, time, sim_clock
def join():
    wlan = network.WLAN(network.STA_IF)
    wlan.active(True)
    wlan.connect("depot", "secret")
    while not wlan.isconnected():
        time.sleep_ms(100)
    return wlan
def dial(timeout=5):
    s = socket.socket()
    s.settimeout(timeout)
    s.connect(socket.getaddrinfo("broker.example", 1883)[0][-1])
    s.write(b"\\x10\\x0c\\x00\\x04MQTT\\x04\\x02\\x00\\x3c\\x00\\x00")
    assert s.read(4) == b"\\x20\\x02\\x00\\x00"
    s.setblocking(False)
    return s
def publish(topic, pid, body=b""):
    head = bytes((0x32, 4 + len(topic) + len(body), 0, len(topic)))
    return head + topic + bytes((0, pid)) + body
async def until(s, n):
    buf, got = bytearray(100), 0
    began = sim_clock.ms
    while got < n and sim_clock.ms - began < 500_000:
        got += s.readinto(buf) or 0
        await asyncio.sleep_ms(50)
    return sim_clock.ms - began
"""


@pytest.fixture
def board(tmp_path, mp64):
    def make(main, broker=None, **world):
        firmware = tmp_path / "firmware"
        firmware.mkdir(exist_ok=True)
        (firmware / "main.py").write_text(HEAD + textwrap.dedent(main))
        script = dict({"seed": 1, "duration_s": 1000}, **world)
        if broker:
            script["broker"] = {"host": "127.0.0.1", "port": broker.port}
        made = Board(tmp_path / "run", mp64, script, firmware=firmware)
        made.lay_out()
        lines = []
        made.end = made.run(lines.append, limit_s=30)
        made.said = [line for line in lines if "REPL" not in line]
        assert not made.end["stopped"], lines
        return made

    return make


def test_the_access_point_is_joined_in_three_seconds_and_again_after_an_outage(board):
    run = board(
        """
        wlan = network.WLAN(network.STA_IF)
        was = None
        wlan.active(True)
        wlan.connect("depot", "secret")
        try:
            wlan.connect("depot", "secret")
        except OSError as error:
            print(error)
        while sim_clock.ms < 100_000:
            if wlan.isconnected() != was:
                was = wlan.isconnected()
                print(sim_clock.ms, was, wlan.status(), wlan.ifconfig()[0])
            time.sleep_ms(100)
        wlan.active(False)
        print(wlan.isconnected())
        """,
        outages=[[20, 50]],
    )
    assert run.said == [
        "Wifi Internal Error",
        "0 False 1001 0.0.0.0",
        "3000 True 1010 10.0.0.2",
        "20000 False 201 0.0.0.0",
        "53000 True 1010 10.0.0.2",
        "False",
    ]


def test_without_a_link_there_is_no_route(board, broker):
    run = board(
        """
        dial_number = lambda: socket.socket().connect(("127.0.0.1", 1))
        for call in (lambda: socket.getaddrinfo("x", 1), dial_number):
            try:
                call()
            except OSError as error:
                print(error.errno)
        """,
        broker(),
    )
    assert run.said == ["-202", "113"]


def test_the_clock_is_held_until_the_answer_is_there(board, broker):
    answering = broker(delay_s=0.2)
    run = board(
        """
        join()
        print(sim_clock.ms)
        s = dial()
        async def main():
            subscribe, ping = b"\\x82\\x06\\x00\\x08\\x00\\x01a\\x01", b"\\xc0\\x00"
            for packet, n in ((publish(b"l/t/x", 7), 4), (subscribe, 5), (ping, 2)):
                s.write(packet)
                print(await until(s, n))
            await asyncio.sleep(600)
        asyncio.run(main())
        """,
        answering,
    )
    assert answering.seen == [1, 3, 8, 12] and run.said[0] == "3000"
    for ms in map(int, run.said[1:]):
        assert 150 <= ms <= 400, run.said  # 200 ms of real time; without the hold it is minutes
    assert run.end["real_s"] < 4  # the 600 s of sleep are jumped
    assert (run.end["wire_up"], run.end["wire_down"]) == (answering.bytes, 15)


@pytest.mark.parametrize(
    "ranges, held",
    [(b"\x01\x05\x02", True), (b"\x01\x05\x01", False), (b"\x02\x01\x00\x04\x09", True)],
)
def test_a_block_is_held_for_until_the_station_has_its_numbers(board, broker, ranges, held):
    """The block has numbers 5, 6 and 7; the station's word must cover the last of them."""
    run = board(
        """
        join()
        s = dial()
        async def main():
            s.write(publish(b"l/t/hist", 7, b"\\x11JOURNALX\\x05\\x03"))
            await until(s, 99)
        asyncio.run(main())
        """,
        broker(ack=b"\x13JOURNALX" + ranges),
    )
    assert (run.end["real_s"] < 4) == held
    assert run.end["real_s"] < 9


def test_no_request_holds_the_clock_longer_than_five_real_seconds(board, broker):
    began = time.monotonic()
    run = board(
        """
        join()
        s = dial()
        s.write(publish(b"l/t/x", 7))
        async def main():
            print(await until(s, 1) >= 500_000)
        asyncio.run(main())
        """,
        broker(silent=(3,)),
    )
    assert run.said == ["True"]
    assert 4.9 <= time.monotonic() - began < 8


def test_an_answer_lost_in_an_outage_is_not_held_for(board, broker):
    run = board(
        """
        join()
        s = dial()
        s.write(publish(b"l/t/x", 7))
        """,
        broker(silent=(3,)),
        outages=[[4, 5]],
    )
    assert (
        0.9 <= run.end["real_s"] < 3.5
    )  # one second at real speed until the outage begins, then no more


def test_an_outage_is_a_black_hole_and_the_old_connection_stays_dead(board, broker):
    answering = broker()
    run = board(
        """
        wlan = join()
        s = dial()
        poller = select.poll()
        poller.register(s, select.POLLIN | select.POLLOUT)
        ping = b"\\xc0\\x00"
        def state():
            events = [e for _, e in poller.poll(0)]
            print(sim_clock.ms, s.write(ping), s.readinto(bytearray(9)), events)
        time.sleep_ms(20_000 - sim_clock.ms)
        state()
        try:
            dial()
        except OSError as error:
            print(error.errno)
        time.sleep(20)
        print(wlan.isconnected())
        state()
        s.close()
        s = dial()
        s.write(ping)
        time.sleep(1)
        print(s.read(2))
        """,
        answering,
        outages=[[20, 30]],
    )
    assert run.said == ["20000 2 None [4]", "-202", "True", "40000 2 None [4]", "b'\\xd0\\x00'"]
    assert answering.seen == [1, 1, 12] and run.end["connects"] == 2


def test_a_closed_port_is_refused_at_once_or_by_poll(board, broker):
    closed = broker()
    closed.close()
    run = board(
        """
        join()
        for timeout in (5, 0):
            s = socket.socket()
            s.settimeout(timeout)
            try:
                s.connect(("any", 1))
            except OSError as error:
                print(error.errno == (errno.ECONNREFUSED if timeout else errno.EINPROGRESS))
        poller = select.poll()
        poller.register(s, select.POLLOUT)
        print(poller.poll(100)[0][1] & select.POLLERR)
        try:
            s.write(b"x")
        except OSError as error:
            print(error.errno == errno.ECONNREFUSED)
        """,
        closed,
    )
    assert run.said == ["True", "True", "8", "True"]


def test_a_read_with_a_deadline_ends_in_simulated_time(board, broker):
    run = board(
        """
        join()
        s = dial()
        s.settimeout(30)
        began = sim_clock.ms
        try:
            s.read(1)
        except OSError as error:
            print(error.errno == errno.ETIMEDOUT, sim_clock.ms - began)
        """,
        broker(),
    )
    assert run.said == ["True 30000"]
