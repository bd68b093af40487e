"""The supply of a simulated board: starts the VM, and starts it again after each cut, reset or deep sleep.

In: the firmware's files, a board of boards/, settings, a world (docs/simulator.md).
Out: the state of the world at its end.
Owns: the VM's process; none is left behind.
"""

import json
import os
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path

from flashing.compiled import compiled

ROOT = Path(__file__).resolve().parents[2]
BOARD_MODULES = Path(__file__).resolve().parent / "board"
_AGAIN = (77, 78, 80)  # power cut, reset, deep sleep: sim_world.CODES; the world's time has gone on to the next start
_TALK_LINES = 200  # of the console, kept for an error's text


class Board:
    """One truck's board: root/board is its flash's file system, root/state what the world keeps.

    vm: the command of a MicroPython unix VM, a string or a list. heap_kb: its whole heap; what
    the simulator itself takes of it is heap_base_bytes in the result. mpy: compile the modules
    first, as they lie on a real board; the heap then holds what the board's would.
    """

    def __init__(
        self,
        root,
        vm,
        world,
        heap_kb=None,
        settings=None,
        board="esp32-generic",
        firmware=None,
        mpy=False,
    ):
        self.root = Path(root).resolve()
        self.files = self.root / "board"
        self.state_dir = self.root / "state"
        self._vm = [vm] if isinstance(vm, (str, Path)) else list(vm)
        self._world = dict(world)
        self._heap_kb = heap_kb
        self._settings = settings
        self._board = ROOT / "boards" / board / "board.json"
        self._firmware = Path(firmware or ROOT / "firmware")
        self._mpy = mpy
        self._process = None
        self._stopped = threading.Event()

    def lay_out(self):
        """Put the files where the board has them: lib beside boot.py and main.py; fresh state."""
        shutil.rmtree(self.root / "board", ignore_errors=True)
        shutil.rmtree(self.root / "state", ignore_errors=True)
        self.state_dir.mkdir(parents=True)
        shutil.copytree(
            self._firmware,
            self.files,
            ignore=shutil.ignore_patterns("__pycache__", "*.md", "lock.json", "manifest.py"),
        )
        if self._mpy:
            _compile(self.files, _march(self._vm))
        profile = json.loads(self._board.read_text()) if self._board.exists() else {}
        (self.files / "board.json").write_text(json.dumps(profile))
        if self._settings is not None:
            (self.files / "settings.json").write_text(json.dumps(self._settings))
        (self.root / "world.json").write_text(json.dumps(_resolved(self._world, profile)))

    def run(self, on_line=None, limit_s=600):
        """Run to the world's end; the state, with "real_s" and "stopped" ("", "limit", "asked").

        on_line(text) gets each console line. A VM that dies by itself is a RuntimeError with the
        console's last lines.
        """
        if not self.state_dir.exists():
            self.lay_out()
        began = time.monotonic()
        timer = threading.Timer(limit_s, self.stop)
        timer.daemon = True
        timer.start()
        stopped = ""
        try:
            while not self._stopped.is_set():
                code = self._boot(on_line)
                if code == 0 or self._stopped.is_set():
                    break
        finally:
            timer.cancel()
            self._kill()
        real_s = time.monotonic() - began
        if self._stopped.is_set():
            stopped = "limit" if real_s >= limit_s else "asked"
        return dict(self.state(), real_s=round(real_s, 2), stopped=stopped)

    def stop(self):
        """End the run at once, from any thread."""
        self._stopped.set()
        self._kill()

    def state(self):
        """What the world kept at the last end of a boot; {} before the first."""
        path = self.state_dir / "state.json"
        return json.loads(path.read_text()) if path.exists() else {}

    def _command(self):
        heap = ["-X", "heapsize=%dk" % self._heap_kb] if self._heap_kb else []
        boot = [BOARD_MODULES / "run_board.py", self.root / "world.json", self.state_dir]
        return self._vm + heap + list(map(str, boot))

    def _boot(self, on_line):
        """One boot, from power to its end; the exit code."""
        talk = []
        self._process = subprocess.Popen(
            self._command(),
            cwd=self.files,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # a group of its own: a wrapper script and its VM end together
            env=dict(os.environ, TZ="UTC"),
        )
        if self._stopped.is_set():
            self._kill()
        with self._process.stdout as console:
            for raw in console:
                line = raw.decode(errors="replace").rstrip("\n")
                talk = talk[-_TALK_LINES:] + [line]
                if on_line:
                    on_line(line)
        code = self._process.wait()
        if code != 0 and code not in _AGAIN and not self._stopped.is_set():
            raise RuntimeError("the VM ended with code %d:\n%s" % (code, "\n".join(talk[-20:])))
        return code

    def _kill(self):
        process = self._process
        if process is not None and process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _march(vm):
    """What mpy-cross calls the machine code of a VM."""
    asked = [*vm, "-c", "import sys; print(sys.implementation._mpy >> 10)"]
    done = subprocess.run(asked, capture_output=True, text=True, timeout=30, check=True)
    return {1: "x86", 2: "x64"}[int(done.stdout)]


def _compile(folder, march):
    """Each module to bytecode, and to machine code what asks for it; boot.py and main.py stay text."""
    for name, code in compiled(folder, march).items():
        (folder / name).write_bytes(code)
        (folder / name).with_suffix(".py").unlink()


def _resolved(world, profile):
    """The script as the VM reads it: the board's profile filled in, paths absolute."""
    world = dict(world, pins=dict(world.get("pins", {})))
    ignition = profile.get("inputs", {}).get("ignition")
    if ignition is not None and world.get("ignition"):
        world["pins"][str(ignition)] = world["ignition"]
    if "uart" in profile.get("gnss", {}):
        world.setdefault("gnss_uart", profile["gnss"]["uart"])
    if "modem" in profile:
        wired = profile["modem"]
        pins = {name: wired[name] for name in ("pwrkey", "power", "reset", "dtr") if name in wired}
        world["modem"] = dict(
            {"model": wired["model"], "uart": wired["uart"], "pins": pins, "reset_level": wired.get("reset_level", 1)},
            **world.get("modem", {}),
        )
    for name, *_, size in profile.get("partitions", ()):
        if name == "journal":
            world.setdefault("journal_bytes", int(size, 0))
    if world.get("feed"):
        world["feed"] = str(Path(world["feed"]).resolve())
    return world
