"""The simulated modem on the board's UART, and network.PPP over it: what packets may pass, in each release's shape."""

import socket
import socketserver
import textwrap
import threading

import pytest
from sim.power import Board

pytestmark = pytest.mark.vm

HEAD = """
import machine, network, socket, sim_clock, time, errno
from machine import Pin
uart = machine.UART(1, {baud}, tx=26, rx=27, rxbuf=8192)
def press(ms):
    key = Pin(4, Pin.OUT, value=1)
    time.sleep_ms(ms)
    key.value(0)
def until(word, s=30):
    end, got = sim_clock.ms + s * 1000, b""
    while word not in got and sim_clock.ms < end:
        time.sleep_ms(20)
        got += uart.read() or b""
    return got
def ask(words, word=b"OK", s=30):
    uart.write(words + b"\\r")
    return until(word, s)
def start():
    Pin(12, Pin.OUT, value=1)
    press(100)
    until(b"PB DONE")
    while b",1" not in ask(b"AT+CEREG?"):
        time.sleep(1)
def dial(**how):
    assert b"CONNECT" in ask(b"ATD*99#", b"CONNECT"), "no CONNECT"
    if hasattr(ppp, "disconnect"):
        ppp.connect(**how)
    else:
        ppp.active(True)
        ppp.connect(**how)
    end = sim_clock.ms + 30_000
    while not ppp.isconnected() and sim_clock.ms < end:
        time.sleep_ms(50)
def talk(s=None):
    if s is None:
        s = socket.socket()
        s.settimeout(5)
        s.connect(("10.9.9.9", 1883))
    s.write(b"\\x10\\x0c\\x00\\x04MQTT\\x04\\x02\\x00\\x3c\\x00\\x00")
    assert s.read(4) == b"\\x20\\x02\\x00\\x00"
    return s
def fails(call, *with_):
    began = sim_clock.ms
    try:
        call(*with_)
    except OSError as error:
        return error.errno, (sim_clock.ms - began) // 1000
ppp = network.PPP(uart)
"""


class Answers(socketserver.BaseRequestHandler):
    """CONNACK to each CONNECT of 14 bytes."""

    def handle(self):
        while self.request.recv(14, socket.MSG_WAITALL):
            self.request.sendall(b"\x20\x02\x00\x00")


@pytest.fixture
def board(tmp_path, mp64):
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Answers) as broker:
        broker.daemon_threads = True
        threading.Thread(target=broker.serve_forever, daemon=True).start()

        def make(main, baud=115200, name="lilygo-t-a7670", **world):
            firmware = tmp_path / "firmware"
            firmware.mkdir(exist_ok=True)
            (firmware / "main.py").write_text(HEAD.format(baud=baud) + textwrap.dedent(main))
            script = dict({"seed": 1, "duration_s": 900, "broker": {"host": "127.0.0.1", "port": broker.server_address[1]}}, **world)
            made = Board(tmp_path / "run", mp64, script, firmware=firmware, board=name)
            made.lay_out()
            lines = []
            made.end = made.run(lines.append, limit_s=30)
            made.said = [line for line in lines if "REPL" not in line]
            assert not made.end["stopped"], lines
            return made

        yield make
        broker.shutdown()


@pytest.mark.parametrize("version, status", [("1.25", [None, None, None]), ("1.26", [0, 4, -5]), ("1.29", [0, 4, -5])])
def test_ppp_opens_the_road_and_closes_it(board, version, status):
    run = board(
        """
        start()
        print(fails(socket.socket().connect, ("10.9.9.9", 1883)), ppp.status())
        dial()
        print(ppp.isconnected(), ppp.ifconfig(), network.ipconfig("dns"), ppp.status())
        s = talk()
        if hasattr(ppp, "disconnect"):
            ppp.disconnect()
        else:
            ppp.active(False)
        print(until(b"NO CARRIER")[-14:], ppp.isconnected(), ppp.status(), network.route())
        """,
        micropython=version,
    )
    assert run.said == [
        "(113, 0) %s" % status[0],
        "True ('10.64.1.2', '255.255.255.255', '10.64.64.64', '10.64.0.53') 10.64.0.53 %s" % status[1],
        "b'\\r\\nNO CARRIER\\r\\n' False %s None" % status[2],
    ]
    assert run.end["connects_ppp"] == 1 and run.end["modem_dropped"] == 0 and run.end["modem_tx"] > 200


def test_the_chip_does_not_hear_of_a_lost_carrier(board):
    run = board(
        """
        start()
        dial()
        s = talk()
        time.sleep_ms(max(0, 120_000 - sim_clock.ms))
        s.settimeout(3)
        print(ppp.isconnected(), network.linked(), fails(s.read, 4))
        print(fails(socket.getaddrinfo, "office.example", 1883))
        print(ppp.isconnected())
        """,
        micropython="1.25",
        modem={"faults": [{"what": "no_carrier", "at_s": 100}]},
    )
    assert run.said == ["True False (110, 3)", "(-202, 14)", "True"]


@pytest.mark.parametrize("version, hangs", [("1.25", False), ("1.26", True), ("1.28", True), ("1.29", False)])
def test_names_over_ppp_are_never_answered_where_the_port_forgets_to_read(board, version, hangs):
    run = board(
        """
        start()
        dial()
        print(fails(socket.getaddrinfo, "office.example", 1883), fails(socket.getaddrinfo, "10.1.1.1", 1883))
        """,
        micropython=version,
    )
    assert run.said == ["(-202, 14) None" if hangs else "None None"]


def test_the_bearer_that_came_last_has_the_route_and_a_connection_keeps_to_its_own(board):
    run = board(
        """
        wlan = network.WLAN(network.STA_IF)
        wlan.active(True)
        wlan.connect("depot", "x")
        start()
        over_wifi = talk()
        print(network.route()[0])
        dial()
        print(network.route()[0])
        over_wifi.settimeout(2)
        over_ppp = talk()
        print(fails(talk, over_wifi))
        ppp.disconnect()
        time.sleep(2)
        print(network.route(), wlan.isconnected())
        wlan.disconnect()
        wlan.connect("depot", "x")
        time.sleep(5)
        print(network.route()[0], fails(talk, over_ppp))
        over_wifi.close()
        over_ppp.close()
        talk()
        """
    )
    assert run.said[:5] == ["wifi", "ppp", "(110, 2)", "None True", "wifi (110, 5)"], run.said
    assert run.end["connects_wifi"] == 2 and run.end["connects_ppp"] == 1


def test_the_yard_is_left_and_cellular_goes_on(board):
    run = board(
        """
        wlan = network.WLAN(network.STA_IF)
        wlan.active(True)
        wlan.connect("depot", "x")
        start()
        print(wlan.isconnected(), wlan.status())
        dial()
        talk()
        """,
        wifi_away=[[10, 800]],
    )
    assert run.said == ["False 201"]


def test_suspended_the_line_is_the_commands_and_resumed_the_call_is_the_same(board):
    run = board("""
        start()
        dial()
        s = talk()
        ppp.config(stream=None)
        time.sleep_ms(1100)
        uart.write(b"+++")
        print(until(b"OK"), network.linked(), ask(b"AT+CSQ")[:17])
        print(ask(b"ATO", b"CONNECT 115200\\r\\n"))
        ppp.config(stream=uart)
        print(network.linked(), ppp.isconnected())
        s.close()
        talk()
    """)
    assert run.said[0] == "b'\\r\\nOK\\r\\n' False b'AT+CSQ\\r\\r\\n+CSQ: 18'"
    assert run.said[2] == "True True" and run.end["connects_ppp"] == 2


def test_a_ring_too_small_for_the_answer_loses_its_end(board):
    run = board("""
        Pin(12, Pin.OUT, value=1)
        press(100)
        until(b"PB DONE")
        uart.init(115200, rxbuf=160)
        uart.write(b"ATI\\rxx")
        time.sleep(1)
        uart.write(b"ATI\\r")
        time.sleep(1)
        print(uart.any())
    """)
    assert run.said == ["160"] and run.end["modem_dropped"] > 50


def test_bytes_come_at_the_lines_speed_and_at_another_rate_are_garbage(board):
    run = board(
        """
        Pin(12, Pin.OUT, value=1)
        press(100)
        time.sleep(20)
        uart.read()
        uart.write(b"ATI\\r")
        time.sleep_ms(60)
        few = uart.any()
        time.sleep_ms(200)
        print(few, uart.any() > few, b"SIMCOM" in uart.read())
        uart.init(115200, rxbuf=512)
        uart.write(b"ATI\\r")
        time.sleep(1)
        print(b"SIMCOM" in (uart.read() or b""))
        """,
        baud=9600,
        modem={"faults": [{"what": "baud", "baud": 9600}]},
    )
    few, more, right = run.said[0].split()
    assert 20 <= int(few) <= 58 and (more, right) == ("True", "True") and run.said[1] == "False"


def test_a_reset_of_the_chip_finds_the_modem_in_its_call(board):
    run = board("""
        if machine.reset_cause() == machine.PWRON_RESET:
            start()
            dial()
            machine.reset()
        print(machine.reset_cause(), b"OK" in ask(b"AT", s=3))
        time.sleep_ms(1100)
        uart.write(b"+++")
        print(until(b"OK")[-6:], ask(b"ATH")[-6:], machine.modem.state["starts"])
    """)
    assert run.said == ["2 False", "b'\\r\\nOK\\r\\n' b'\\r\\nOK\\r\\n' 1"]


def test_no_power_pin_no_modem(board):
    run = board("""
        press(100)
        print(until(b"DONE", 20))
        Pin(12, Pin.OUT, value=1)
        press(100)
        print(until(b"PB DONE", 20)[-11:])
        Pin(12, Pin.OUT, value=0)
        print(ask(b"AT", s=2))
    """)
    assert run.said == ["b''", "b'\\r\\nPB DONE\\r\\n'", "b''"]
