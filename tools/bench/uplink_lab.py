"""A truck on the wire: the real firmware on the simulated board, TLS to a real Mosquitto, the real station.

In: a script (make_round, make_replay), outages, settings, a version of TLS. Out: Run: packets split by cause, what the
    session said, the audit of the database.
"""

import asyncio
import contextlib
import shutil
import tempfile
from pathlib import Path

import tls_kit
from bench.uplink_net import Truck
from bench.uplink_wire import Split, sessions_of
from ports import free_port
from road import DEVICE, Road, world_of
from setup import need

HERE = Path(__file__).resolve().parent
LOGIN = {"broker_user": DEVICE, "broker_password": "Kp3vXq8Zt1mRw6Yb"}  # 16 characters, as mosquitto_passwd is given
CIPHER = "ciphers ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256"  # ESP-IDF builds no ChaCha20


class Lab:
    """with Lab() as lab: lab.run(...), also from several threads: each has a truck, a cable and a broker of its own."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="lacak-uplink-"))
        self.ca = tls_kit.Signed("Kota", ca=True)
        self._certificate = tls_kit.Signed(tls_kit.HOST, self.ca)
        self._cables = 0

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        shutil.rmtree(self.folder, True)

    @contextlib.contextmanager
    def broker(self, folder, tls):
        """(port of TLS, port in clear): Mosquitto, as for a city but for passwords."""
        extra = {"1.2": CIPHER, "1.3": "tls_version tlsv1.3"}[tls]
        folder.mkdir(parents=True)
        port, lines = tls_kit.listener(folder, "broker", self._certificate, None, extra)
        plain = free_port()
        lines[0] = "listener %d" % port  # on the truck's cable, too
        lines = ["allow_anonymous true", *lines, "listener %d" % plain]
        openssl = tls_kit.max_protocol("TLSv" + tls)
        with tls_kit.mosquitto(need.mosquitto_command(), folder, [port, plain], lines, openssl):
            yield port, plain

    def run(self, name, script, tls, settings=None, outages=(), drain_s=300, limit_s=240, relay=None, real_time=False):
        """relay: a Relay between truck and broker. real_time: what matters happens while the world's clock is held."""
        folder = self.folder / name / tls
        self._cables += 1
        truck = Truck(self._cables, quick=not real_time)
        try:
            with contextlib.ExitStack() as opened:
                ports = opened.enter_context(self.broker(folder / "broker", tls))
                if relay:
                    ports = opened.enter_context(relay(truck.broker, "127.0.0.1", ports[0])), ports[1]
                return asyncio.run(self._run(folder, ports, truck, script, settings, outages, drain_s, limit_s))
        finally:
            truck.close()

    async def _run(self, folder, ports, truck, script, settings, outages, drain_s, limit_s):
        port, plain = ports
        world = dict(world_of(script, 1, outages, drain_s=drain_s), names={tls_kit.HOST: truck.broker})
        settings = dict({**LOGIN, "broker_tls": "required", "broker_host": tls_kit.HOST, "broker_port": port},
                        **(settings or {}))
        road = Road(folder / "road", script, world, settings, broker_at=("127.0.0.1", plain), through=truck.words)
        lines = []
        async with road:
            board = road.board
            board.lay_out()
            (board.files / "ca.der").write_bytes(self.ca.der())
            shutil.copy(HERE / "board_wire.py", board.files / "bench_wire.py")
            main = board.files / "main.py"
            main.write_text("import bench_wire\n" + main.read_text())
            await road.run(lines.append, limit_s)
            figures, state = road.audit(), road.state
        return Run(lines, truck.packets(), figures, state, world)


class Run:
    def __init__(self, lines, packets, figures, state, world):
        self.lines = [line for line in lines if not line.startswith("WIRE ")]
        self.sessions = sessions_of(lines)
        self.split = Split(packets, self.sessions)
        self.figures, self.state, self.world = figures, state, world
