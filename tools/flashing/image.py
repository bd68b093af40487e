"""What goes on the board besides MicroPython: the application as .mpy in a littlefs image.

In: the firmware folder and a profile.  Out: application(), littlefs_image(), split_micropython().
"""

from flashing import board as boards
from flashing import partitions
from flashing.compiled import PLAIN, Missing, compiled

_BLOCK = 4096
_UNIT = 32  # bytes read and written at least: what MicroPython's VfsLfs2 mounts with
_LOADER_OFFSET = 0x1000  # where an ESP32's image begins, and the offsets inside it count from


def application(firmware, profile, frozen=False):
    """{path on the board: bytes}, everything but the settings; frozen: without what that MicroPython has in it."""
    files = {name: (firmware / name).read_bytes() for name in PLAIN}
    files["board.json"] = boards.on_board(profile)
    if not frozen:
        files.update(compiled(firmware, "xtensawin"))
    return files


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
