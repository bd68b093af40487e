"""The whole road in one place: a broker, the station and one simulated board that runs the firmware's own files.

In: a world's script, settings, a folder. Out: the audit of what came out of the database (audit.py), and the run's costs.
Owns: starting and ending all of it; nothing is left behind. Used by the demo, the benchmarks and the end-to-end tests.
"""

import asyncio
import contextlib
import time
from pathlib import Path

import audit
import broker
from ports import free_port
from setup import vm
from sim.power import Board
from sim.truth import read_truth, trail_error
from station.app import Station

DEVICE = "truck-001"
KEY = "6c6163616b2d64656d6f2d6b65792c206e6f7420666f7220747275636b732121"  # a demonstration's key, not for trucks
SETTINGS = {
    "device_id": DEVICE,
    "device_key": KEY,
    "keepalive_parked_s": 60,  # a world ends where the truck stands: its last records go before that
    "wifi_ssid": "depot",
    "wifi_password": "tangerang",
    "broker_host": "127.0.0.1",
    "broker_tls": "off",
}
SETTLE_S = 10  # real seconds that the station has, after the world's end, for what is on its way


def world_of(script, seed=1, outages=(), cuts=(), drain_s=300):
    """The simulator's world from what make_round or make_replay returned."""
    return {
        "seed": seed,
        "start_sec": script["start_sec"],
        "duration_s": script["duration_s"],
        "drain_s": drain_s,
        "feed": script["feed"],
        "gnss_baud": script["gnss_baud"],
        "outages": [list(span) for span in outages],
        "cuts": list(cuts),
        "ignition": [list(step) for step in script.get("ignition") or ([0, 1], [script["duration_s"], 0])],
    }


class Road:
    """async with Road(...) as road: await road.run(); figures = road.audit()."""

    def __init__(self, folder, script, world, settings=None, bits=64, http_port=0, broker_at=None,
                 station_login=(None, None), mpy=False, heap_kb=1024, through=(), program=None,
                 make_station=None):
        self.folder = Path(folder)
        self.script = script
        self.world = world
        self.database = self.folder / "station.sqlite"
        self.http_port = http_port
        self.settings = {**SETTINGS, "gnss_baud": world["gnss_baud"], **(settings or {})}
        self.broker_at = broker_at  # (host, port) of a broker that runs already; None: the embedded one
        self.bits = bits
        self.program = program  # the command of another VM of so many bits
        self.mpy = mpy  # the firmware as a board gets it: compiled
        self.heap_kb = heap_kb
        self.through = through  # words before the VM's command: another network, for instance
        self.station_login = station_login  # (user, password) where the broker asks for one
        self._make_station = make_station or self._usual_station
        self.station = self.board = self.state = None
        self._broker = None

    async def __aenter__(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        async with contextlib.AsyncExitStack() as opened:
            if self.broker_at is None:
                self.broker_at = ("127.0.0.1", free_port())
                self._broker = await broker.start(self.broker_at[1])
                opened.push_async_callback(self._broker.shutdown)
            self.station = self._make_station(str(self.database), {DEVICE: bytes.fromhex(KEY)})
            opened.push_async_callback(self.station.stop)
            await self.station.start()
            self.settings.setdefault("broker_port", self.broker_at[1])
            command = [*self.through, *(self.program or vm.vm_command(self.bits))]
            self.board = Board(self.folder, command, self.world, heap_kb=self.heap_kb, settings=self.settings, mpy=self.mpy)
            opened.callback(self.board.stop)
            self._opened = opened.pop_all()
        return self

    def _usual_station(self, database, keys):
        return Station(database, self.broker_at, ("127.0.0.1", self.http_port), keys, *self.station_login, outline=self.script.get("outline"))

    async def __aexit__(self, *failure):
        await self._opened.aclose()

    @property
    def witness_log(self):
        return self.board.state_dir / "witness.log"

    async def run(self, on_line=None, limit_s=600, settle_s=None):
        """The world from its beginning to its end, then until the station has what is on its way."""
        run = asyncio.get_running_loop().run_in_executor(None, lambda: self.board.run(on_line, limit_s))
        try:
            self.state = await asyncio.shield(run)
        except asyncio.CancelledError:
            self.board.stop()
            await run
            raise
        wanted = len(audit.read_witness(self.witness_log).appended)
        until = time.monotonic() + (SETTLE_S if settle_s is None else settle_s)
        while self.station.stats()["db_records"] < wanted and time.monotonic() < until:
            await asyncio.sleep(0.1)
        return self.state

    def audit(self):
        """The figures of this run; the truth's error only for a round whose truth is known."""
        start_sec = self.world["start_sec"]
        end_sec = start_sec + self.world["duration_s"]
        bound_m = self.settings.get("bound_m", 10)
        figures = audit.audit(audit.read_witness(self.witness_log), self.database, DEVICE, start_sec, end_sec)
        state = self.state
        wire = state["wire_up"] + state["wire_down"]
        figures.update(
            bound_m=bound_m,
            fixes_read=state["fixes_read"],
            wire_bytes=wire,
            wire_bytes_per_fix=wire / max(figures["fixes_stored"], 1),
            peak_heap_kb=(state["heap_peak_bytes"]) / 1024,
            bits=self.bits,
            cuts=state["cuts_done"],
            real_s=state["real_s"],
        )
        if self.script.get("truth"):
            rows = [(row.sec, row.lat_udeg, row.lon_udeg) for row in figures["fixes"]]
            figures["truth"] = trail_error(read_truth(self.script["truth"]), rows, figures["gaps"])
        return figures
