"""Brokers that a run can take down and bring back, with what they had stored or without.

In: a loopback port, a folder. Out: up(keep), down(); at says where.
"""

import asyncio
import contextlib
import getpass
import signal
import subprocess

import broker
from setup import need


class Embedded:
    """The demo's broker. Its store is its memory: it comes back with nothing, whatever is asked."""

    def __init__(self, port, folder):
        self.port = port
        self.at = ("127.0.0.1", port)
        self._broker = None

    async def up(self, keep):
        self._broker = await broker.start(self.port)

    async def down(self):
        if self._broker:
            await self._broker.shutdown()
            self._broker = None


class Mosquitto:
    """A city's broker, killed like a process that the kernel ends; with persistence its store is on disk."""

    def __init__(self, port, folder, command=None):
        self.at = ("127.0.0.1", port)
        self._command = command or need.mosquitto_command()
        self._store = folder / "store"
        self._store.mkdir(parents=True)
        self._config = folder / "mosquitto.conf"
        # As root Mosquitto becomes a user of its own, who can neither read this folder nor store in it.
        self._config.write_text(
            "user %s\nlistener %d 127.0.0.1\nallow_anonymous true\npersistence true\npersistence_location %s/\n"
            "autosave_on_changes true\nautosave_interval 1\n" % (getpass.getuser(), port, self._store)
        )
        self._process = None

    async def up(self, keep):
        if not keep:
            for file in self._store.iterdir():
                file.unlink()
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen([*self._command, "-c", self._config], stdout=quiet, stderr=quiet)
        for _ in range(200):
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection(*self.at)
                writer.close()
                return
            await asyncio.sleep(0.02)
        raise RuntimeError("Mosquitto does not answer at %s:%d" % self.at)

    async def down(self):
        if self._process:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None
