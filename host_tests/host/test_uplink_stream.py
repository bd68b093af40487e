"""Opening a TCP connection on this machine's own sockets, by the calls that MicroPython's have."""

import asyncio
import socket
from types import SimpleNamespace

import plain_socket
import pytest
from tracker.uplink import clock
from tracker.uplink.stream import Tcp, is_address, words

BEAT = int  # any callable without effect


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0), backlog=1) as server:
        yield server


def opened(port, timeout_ms=2000, beat=BEAT, select=plain_socket):
    return asyncio.run(Tcp(plain_socket, select, clock).open("127.0.0.1", port, timeout_ms, beat))


def test_open_write_read_close(listener):
    stream = opened(listener.getsockname()[1])
    peer, _ = listener.accept()
    assert stream.write(b"..hello..", 2, 5) == 5
    assert peer.recv(100) == b"hello"
    buf = bytearray(8)
    assert stream.readinto(buf) is None
    peer.send(b"answer")
    assert stream.readinto(buf) == 6 and buf[:6] == b"answer"
    peer.close()
    assert stream.readinto(buf) == 0
    stream.close()


def test_small_packets_do_not_wait_for_each_other(listener):
    stream = opened(listener.getsockname()[1])
    assert stream.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    stream.close()


def test_refused_is_said_and_closed():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    plain_socket.Socket.opened.clear()
    with pytest.raises(OSError) as error:
        opened(port)
    assert words(error.value) == "nothing listens there: check broker_host and broker_port"
    assert [sock.fileno() for sock in plain_socket.Socket.opened] == [-1]


def test_no_answer_ends_at_the_deadline_and_is_closed():
    class NeverReady:
        def register(self, sock, flags):
            pass

        def ipoll(self, ms):
            return ()

    never = SimpleNamespace(poll=NeverReady, POLLOUT=4, POLLERR=8, POLLHUP=16)
    beats = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        plain_socket.Socket.opened.clear()
        with pytest.raises(OSError) as error:
            opened(server.getsockname()[1], 150, lambda: beats.append(1), never)
    assert words(error.value) == "no answer in time"
    assert [sock.fileno() for sock in plain_socket.Socket.opened] == [-1]
    assert len(beats) >= 3


def test_what_has_no_words_is_still_said():
    assert words(OSError()) == "error None"
    assert words(OSError(5)) == "error 5"
    assert words(OSError("in words already")) == "in words already"
    assert words(MemoryError("12 bytes")) == "out of memory"


def test_an_address_is_four_numbers():
    assert all(map(is_address, ("10.0.0.1", "255.255.255.255", "0.0.0.0")))
    assert not any(map(is_address, ("", "broker", "1.2.3", "1.2.3.256", "1.2.3.4.5", "a.b.c.d", "1.2.3.", "::1")))
