"""TLS against a real Mosquitto with a real CA: who is believed, who is refused, and in which words.

The board's own modules run on both VMs, on the simulator's sockets; each case is one connection."""

import asyncio
import json
import socket
import textwrap

import pytest
import tls_kit
from ports import free_port
from road import Road, world_of
from setup.place import ROOT
from sim import feed
from sim.power import Board
from sim.receiver import make_round
from tls_kit import HOST, Signed

pytestmark = [pytest.mark.e2e, pytest.mark.mosquitto]

MAIN = """
import asyncio, json, network, os, select, socket, time, sim_world
from tracker.uplink import clock
from tracker.uplink.connect import Connector, Refused
from tracker.uplink.names import Names
from tracker.uplink.secure import Secure
from tracker.uplink.stream import words

wlan = network.WLAN(network.STA_IF)
wlan.active(True)
wlan.connect("depot", "secret")
while not wlan.isconnected():
    time.sleep_ms(100)

class Log:
    def info(self, text):
        print("LOG", text)

class Kept:
    def get(self):
        return None
    def set(self, number):
        print("KEPT", number)

opened = closed = 0
real = socket.socket
class Count:
    AF_INET, SOCK_DGRAM = socket.AF_INET, socket.SOCK_DGRAM
    getaddrinfo = staticmethod(socket.getaddrinfo)
    @staticmethod
    def socket(*kind):
        global opened
        made = real(*kind)
        opened += 1
        inner = made.close
        once = []
        def close():
            global closed
            if not once:
                once.append(1)
                closed += 1
            inner()
        made.close = close
        return made

HEAP = [(1, 90_000, 50_000, 1)]
def secure(heap=HEAP, is_set=True):
    net = Secure(Count, select, clock, lambda: is_set, lambda: heap, Log())
    net.names = Names(Count, clock, os.urandom, lambda: ["10.0.0.1"], Kept())
    return net

async def attempt(net, host, port, limit_ms=20_000):
    stream = None
    beats = [time.ticks_ms()]
    def beat():
        beats.append(time.ticks_ms())
    began = time.ticks_ms()
    up, down = sim_world.state["wire_up"], sim_world.state["wire_down"]
    said = ""
    try:
        stream = await net.open(host, port, limit_ms, beat)
        connector = Connector(clock, b"truck-001", b"", b"", 60, b"lacak/truck-001/state")
        await connector.connect(stream, limit_ms, beat)
        net.proven()
        said = "connected"
    except Refused as error:
        said = error.args[0]
    except (OSError, ValueError, MemoryError) as error:
        said = words(error)
    finally:
        if stream is not None:
            stream.close()
    ms = time.ticks_diff(time.ticks_ms(), began)
    return {"said": said, "ms": ms, "up": sim_world.state["wire_up"] - up,
            "down": sim_world.state["wire_down"] - down, "opened": opened, "closed": closed}

def tell(name, result):
    result["name"] = name
    print("CASE", json.dumps(result))

async def main():
"""


class Brokers:
    """One listener for each kind of broker."""

    def __init__(self, folder):
        self.folder = folder
        ca, other = Signed("Kota", ca=True), Signed("Lain", ca=True)
        self.ca, self.truck = ca, Signed("truck-001", ca)
        good = Signed(HOST, ca)
        self.ports, self.lines, self.old_ports, self.old_lines = {}, ["allow_anonymous true"], {}, ["allow_anonymous true"]
        self.add("good", good)
        self.add("tls 1.3", good, None, "tls_version tlsv1.3")
        self.add("other name", Signed("lain.example", ca))
        self.add("expired", Signed(HOST, ca, days=(-30, -1)))
        self.add("not yet", Signed(HOST, ca, days=(5, 30)))
        self.add("unknown ca", Signed(HOST, other))
        self.add("self-signed", Signed(HOST))
        self.add("expired and other name", Signed("lain.example", ca, days=(-30, -1)))
        self.add("wants a certificate", good, ca)
        self.ports["plain"] = free_port()
        self.lines += ["listener %d 127.0.0.1" % self.ports["plain"]]
        for name, *more in (("tls 1.2",), ("1.2 wants a certificate", ca),
                            ("other ciphers", None, "ciphers DHE-RSA-AES256-SHA256")):
            port, lines = tls_kit.listener(folder, name.replace(" ", "-"), good, *more)
            self.old_ports[name] = port
            self.old_lines += lines

    def add(self, name, *how):
        self.ports[name], lines = tls_kit.listener(self.folder, name.replace(" ", "-"), *how)
        self.lines += lines


@pytest.fixture(scope="module")
def brokers(mosquitto, tmp_path_factory):
    made = Brokers(tmp_path_factory.mktemp("brokers"))
    with (
        tls_kit.mosquitto(mosquitto, made.folder, list(made.ports.values()), made.lines),
        tls_kit.mosquitto(mosquitto, made.folder, list(made.old_ports.values()), made.old_lines,
                          tls_kit.max_protocol("TLSv1.2")),
    ):
        made.ports.update(made.old_ports)
        yield made


@pytest.fixture(params=[64, pytest.param(32, marks=pytest.mark.vm32)])
def board(request, tmp_path, brokers):
    """run(lines of main()) -> {case: what came of it}, console lines."""
    vm = request.getfixturevalue("mp%d" % request.param)

    def run(body, files=None, **world):
        firmware = tmp_path / "firmware"
        firmware.mkdir()
        for name in ("tracker", "lib"):
            (firmware / name).symlink_to(ROOT / "firmware" / name)
        main = MAIN + textwrap.indent(textwrap.dedent(body), "    ") + "\nasyncio.run(main())\n"
        (firmware / "main.py").write_text(main)
        files = {"ca.der": brokers.ca.der()} if files is None else files
        for name, data in files.items():
            (firmware / name).write_bytes(data)
        script = dict({"seed": 1, "duration_s": 600, "broker": {"host": "127.0.0.1"}}, **world)
        made = Board(tmp_path / "run", vm, script, firmware=firmware)
        lines = []
        end = made.run(lines.append, limit_s=60)
        assert not end["stopped"], lines
        cases = [json.loads(line[5:]) for line in lines if line.startswith("CASE")]
        assert not any("Traceback" in line for line in lines), "\n".join(lines)
        for case in cases:
            assert case["opened"] == case["closed"], case  # every socket, by its own name
        return {case["name"]: case for case in cases}, lines

    return run


SAID = {
    "good": "connected",
    "tls 1.2": "connected",
    "tls 1.3": "connected",
    "other name": "for another name: check broker_host",
    "expired": "has expired",
    "not yet": "not valid yet",
    "unknown ca": "not from our CA",
    "self-signed": "not from our CA",
    "expired and other name": "for another name: check broker_host and the broker's certificate has expired",
    "1.2 wants a certificate": "client.crt",  # its alert is lost when it hangs up before we read
    "wants a certificate": "client.crt",
    "other ciphers": "refuses our TLS",
    "plain": "check broker_port and broker_tls",
}


def test_who_is_believed_and_what_is_said_of_the_others(board, brokers):
    cases, lines = board("""
        net = secure()
        for name, port in %r:
            tell(name, await attempt(net, %r, port))
        """ % (sorted(brokers.ports.items()), HOST))
    assert sorted(cases) == sorted(SAID)
    for name, said in SAID.items():
        assert said in cases[name]["said"], cases[name]
        assert cases[name]["ms"] < 10_000, cases[name]
    assert lines.count("KEPT 2130706433") == 3  # 127.0.0.1, for each that was believed
    for name in ("tls 1.2", "tls 1.3"):
        print(name, cases[name]["up"], "B up", cases[name]["down"], "B down")
    assert sum(cases["tls 1.2"][way] for way in ("up", "down")) < 2100
    assert sum(cases["tls 1.3"][way] for way in ("up", "down")) < 2500


def test_a_broker_that_wants_a_certificate_gets_ours_and_only_the_right_one(board, brokers):
    wrong = Signed("truck-001")
    files = {"ca.pem": brokers.ca.pem(), "client.crt": brokers.truck.pem(), "client.key": brokers.truck.key_pem(),
             "wrong.crt": wrong.pem(), "wrong.key": wrong.key_pem()}
    cases, _ = board("""
        ports = (%d, %d)
        net = secure()
        for port in ports:
            tell("right %%d" %% port, await attempt(net, %r, port))
        for part in (".crt", ".key"):
            os.rename("wrong" + part, "client" + part)
        tell("wrong", await attempt(secure(), %r, ports[1]))
        os.remove("client.key")
        tell("no key", await attempt(secure(), %r, ports[1]))
        """ % (brokers.ports["wants a certificate"], brokers.ports["1.2 wants a certificate"], HOST, HOST, HOST), files)
    assert [case["said"] for name, case in cases.items() if name.startswith("right")] == ["connected"] * 2
    assert "client.crt" in cases["wrong"]["said"]
    assert "client.key" in cases["no key"]["said"]


def test_the_right_address_with_a_wrong_name_is_refused(board, brokers):
    """Names that lead to the very same broker; and its address itself, which is nobody's name."""
    cases, lines = board("""
        net = secure()
        for name in (%r, %r, "evil.example", "tangerang.example", "x." + %r):
            tell(name, await attempt(net, name, %d))
        net.names = None
        tell("127.0.0.1", await attempt(net, "127.0.0.1", %d))
        """ % (HOST, HOST.upper(), HOST, brokers.ports["good"], brokers.ports["good"]))
    believed = [name for name, case in cases.items() if case["said"] == "connected"]
    assert sorted(believed) == sorted({HOST, HOST.upper()})
    for name, case in cases.items():
        assert name in believed or "another name" in case["said"], case
    assert lines.count("KEPT 2130706433") == 2


def test_without_the_clock_or_memory_or_a_ca_nothing_is_tried(board, brokers):
    cases, lines = board("""
        waiting = secure(is_set=False)
        print("READY", [waiting.ready() for _ in range(5)], secure().ready())
        port = %d
        for name, heap in (("little", [(1, 40_000, 30_000, 1)]), ("pieces", [(1, 15_000, 15_000, 1)] * 5),
                           ("enough", [(1, 30_000, 21_000, 1), (1, 20_000, 9_000, 1)])):
            tell(name, await attempt(secure(heap), %r, port))
        for name in ("ca.der", "ca.pem"):
            with open(name, "wb") as file:
                file.write(b"rubbish")
            tell("rubbish " + name, await attempt(secure(), %r, port))
            os.remove(name)
        tell("no ca", await attempt(secure(), %r, port))
        """ % (brokers.ports["good"], HOST, HOST, HOST))
    assert "READY [False, False, False, False, False] True" in lines
    assert len([line for line in lines if line.startswith("LOG") and "time of day" in line]) == 1
    for name, said in (("little", "39 KB free"), ("pieces", "14 in one piece"), ("no ca", "no ca.der"),
                       ("rubbish ca.der", "no certificate"), ("rubbish ca.pem", "no certificate")):
        assert said in cases[name]["said"] and cases[name]["up"] == 0, cases[name]
    assert cases["enough"]["said"] == "connected"


def test_a_name_server_or_a_broker_that_says_nothing_has_a_deadline(board, brokers):
    """The handshake's deadline, with a broker that takes the connection and is silent."""
    with socket.create_server(("127.0.0.1", 0)) as mute:
        cases, lines = board("""
            net = secure()
            tell("mute", await attempt(net, %r, %d))
            await asyncio.sleep(100)
            tell("no names", await attempt(net, %r, %d))
            """ % (HOST, mute.getsockname()[1], HOST, brokers.ports["good"]), names_silent=[[100, 600]])
    assert cases["mute"]["said"] == "no answer in time" and 20_000 <= cases["mute"]["ms"] < 21_000
    assert cases["no names"]["said"] == "no name server answers" and 4_000 <= cases["no names"]["ms"] < 4_200


def test_a_drive_over_tls_to_a_city_s_broker(mosquitto, tmp_path):
    """Everything at once: a name, our CA, a password, the access list, a link that is lost and comes back."""
    ca = Signed("Kota", ca=True)
    folder = tmp_path / "city"
    folder.mkdir()
    script = make_round(11, str(tmp_path), 0.5)
    feed.write(tmp_path / "short.bin", [frame for frame in feed.read(script["feed"]) if frame[0] < 900_000])
    script = dict(script, feed=str(tmp_path / "short.bin"), duration_s=900, truth=None, ignition=None)
    world = dict(world_of(script, 1, outages=[(400, 460)]), names={HOST: "127.0.0.1"})
    passwords = {"truck-001": "satu", "station": "dua"}
    lines = []

    async def run(ports):
        settings = {"broker_tls": "required", "broker_host": HOST, "broker_port": ports["tls"], "live_s": 300,
                    "broker_user": "truck-001", "broker_password": "satu"}
        road = Road(tmp_path / "road", script, world, settings, broker_at=("127.0.0.1", ports["plain"]),
                    station_login=("station", "dua"))
        async with road:
            road.board.lay_out()
            (road.board.files / "ca.der").write_bytes(ca.der())
            await road.run(lines.append, 120)
            return road.audit(), road.state, json.loads((road.board.state_dir / "nvs.json").read_text())

    with tls_kit.city(mosquitto, folder, Signed(HOST, ca), passwords) as ports:
        figures, state, nvs = asyncio.run(run(ports))
    assert figures["fixes_stored"] > 15
    assert (figures["fixes_lost"], figures["duplicates"], figures["unexplained_s"]) == (0, 0, 0)
    assert state["connects"] == state["names_asked"] >= 2
    assert not any("satu" in line or "broker_tls" in line for line in lines)
    assert len([line for line in lines if "time of day" in line]) == 1
    assert [value for key, value in nvs["lacak"].items() if key.startswith("ip")] == [0x7F000001]


@pytest.mark.parametrize("tls", ["required", "off"])
def test_without_a_ca_nothing_goes_out_in_the_clear_unless_the_settings_say_so(tmp_path, tls):
    """On the whole road, to a broker that speaks plain MQTT: never a second try without TLS."""
    script = make_round(11, str(tmp_path), 0.5)
    feed.write(tmp_path / "short.bin", [frame for frame in feed.read(script["feed"]) if frame[0] < 400_000])
    script = dict(script, feed=str(tmp_path / "short.bin"), duration_s=400, truth=None, ignition=None)
    lines = []

    async def run():
        road = Road(tmp_path / "road", script, world_of(script, 1, drain_s=100), {"broker_tls": tls})
        async with road:
            road.board.lay_out()
            await road.run(lines.append, 120, settle_s=0)
            return road.audit(), road.state

    figures, state = asyncio.run(run())
    assert figures["fixes_appended"] > 3
    assert (state["wire_up"] == 0) == (figures["fixes_stored"] == 0) == (tls == "required")
    assert any("no ca.der" in line for line in lines) == (tls == "required")
    assert len([line for line in lines if "For a bench only" in line]) == (tls == "off")


def test_the_last_resort_of_a_board_in_safe_mode_speaks_tls_too(board, brokers):
    """Blocking, by the stock client: one sentence to the broker that is believed, not a byte more to any other."""
    cases, lines = board("""
        from tracker.system import tell
        from tracker.uplink.secure import make_context
        class Settings:
            device_id, broker_user, broker_password = "truck-001", "", ""
            broker_host = %r
        tell.socket = Count
        def secured(sock):
            return make_context().wrap_socket(sock, server_hostname=Settings.broker_host)
        for name, port in %r:
            Settings.broker_port = port
            up = sim_world.state["wire_up"]
            said = await tell.tell(Settings, wlan, " without uplink", 7, int, secured)
            tell_case = {"said": said, "up": sim_world.state["wire_up"] - up, "opened": opened, "closed": closed}
            print("CASE", json.dumps(dict(tell_case, name=name)))
        """ % (HOST, sorted((name, brokers.ports[name]) for name in ("tls 1.2", "tls 1.3", "other name", "expired", "plain"))))
    assert {name: case["said"] for name, case in cases.items()} == {
        "tls 1.2": True, "tls 1.3": True, "other name": False, "expired": False, "plain": False}
