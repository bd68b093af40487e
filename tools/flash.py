"""From a bare board to a tracker: flash --dry-run --board NAME [--firmware FILE [--frozen]] [--port PORT].

Out: build/flash/<board>/, and every command in words.  Runs on Windows as on Linux.
freeze --board NAME: what MicroPython's own build takes so that the tracker is in it (docs/memory.md).
"""

import argparse
import sys
from pathlib import Path

from flashing import board as boards
from flashing import frozen, image, partitions

_ROOT = Path(__file__).resolve().parent.parent
_BAUD = 460800
_PYTHON = "py" if sys.platform == "win32" else "python3"


class CommandError(Exception):
    """A command can't go on; the text is the sentence for the person at the keyboard."""


class Plan:
    """What is written where: (offset, file, words), and what still has to be found."""

    def __init__(self, folder):
        self.folder = folder
        self.parts = []
        self.lacking = []

    def add(self, offset, name, data, words):
        """One part; data None: the file is still to be found, but its place is known."""
        if data is not None:
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_bytes(data)
        self.parts.append((offset, name, None if data is None else len(data), words))


def do_flash(args, say):
    profile = _profile(args)
    if not args.dry_run:
        raise CommandError(
            "Writing to a board comes with the technician's tools and isn't in this version. "
            "Run 'flash --dry-run --board %s': it builds every file and prints the commands "
            "to run by hand." % args.board
        )
    say("Board %(name)s: %(title)s. Nothing is written to it: this is a dry run." % profile)
    plan = _plan(profile, args)
    _tell_parts(plan, say)
    _tell_commands(plan, profile, args, say)
    for sentence in plan.lacking:
        say("Missing: " + sentence)


def do_freeze(args, say):
    """The sources for MicroPython's build, and its commands."""
    board, _, variant = _profile(args)["image"].partition("-")
    try:
        manifest = frozen.lay_out(args.source, args.out)
    except image.Missing as why:
        raise CommandError(str(why)) from None
    build = "make -C ports/esp32 BOARD=%s%s" % (board, " BOARD_VARIANT=" + variant if variant else "")
    say("Laid out in %s. In MicroPython's source (1.25 or newer), on Linux, after" % args.out)
    say("'. export.sh' of the ESP-IDF that its ports/esp32/README.md names:")
    say("  make -C mpy-cross")
    say("  %s submodules" % build)
    say("  %s FROZEN_MANIFEST=%s" % (build, manifest.resolve()))
    say("Then, with the firmware.bin that it names last:")
    say("  %s tools/flash.py flash --dry-run --board %s --frozen --firmware firmware.bin" % (_PYTHON, args.board))


def _profile(args):
    """The board's profile, checked."""
    try:
        profile = boards.load(args.boards, args.board)
    except FileNotFoundError:
        known = sorted(path.parent.name for path in args.boards.glob("*/board.json"))
        words = "There is no board '%s'. Known boards: %s." % (args.board, ", ".join(known))
        raise CommandError(words) from None
    except ValueError as error:
        raise CommandError("boards/%s/board.json is not JSON: %s." % (args.board, error)) from None
    found = boards.problems(profile)
    if found:
        words = "boards/%s/board.json can't be used." % args.board
        raise CommandError("\n  ".join([words] + found))
    return profile


def _plan(profile, args):
    """Everything that can be built is built, into build/flash/<board>/."""
    plan = Plan(args.out / profile["name"])
    app = partitions.first_app(profile)
    loader, micropython = _micropython(profile, args.firmware, plan)
    plan.add(0x1000, "loader.bin", loader, "MicroPython's boot loader")
    table = partitions.table(profile)
    plan.add(partitions.TABLE_OFFSET, "partitions.bin", table, "the table of partitions")
    if any(row.label == "otadata" for row in partitions.rows(profile)):
        otadata = partitions.find(profile, "otadata")
        blank = b"\xff" * otadata.size
        words = "no application chosen: '%s' starts" % app.label
        plan.add(otadata.offset, "otadata.bin", blank, words)
    plan.add(app.offset, "micropython.bin", micropython, "MicroPython, %s" % profile["image"])
    vfs = partitions.find(profile, "vfs")
    try:
        files = image.application(args.source, profile, args.frozen)
        filled = sum(len(data) for data in files.values())
        words = "the application, %d files with %d bytes in a littlefs" % (len(files), filled)
        plan.add(vfs.offset, "vfs.bin", image.littlefs_image(files, vfs.size), words)
    except image.Missing as why:
        raise CommandError(str(why)) from None
    return plan


def _micropython(profile, firmware, plan):
    if firmware is None:
        plan.lacking.append(
            "MicroPython itself. Download the .bin of %s (1.25 or newer) from MicroPython's "
            "download page and give it with --firmware FILE." % profile["image"]
        )
        return None, None
    try:
        return image.split_micropython(firmware.read_bytes(), profile)
    except OSError as error:
        raise CommandError("%s can't be read: %s." % (firmware, error.strerror)) from None
    except image.Missing as why:
        raise CommandError(str(why)) from None


def _tell_parts(plan, say):
    say("Built in %s:" % plan.folder)
    for offset, name, size, words in plan.parts:
        length = "     not built" if size is None else "%8d bytes" % size
        say("  0x%06X  %s  %-16s %s" % (offset, length, name, words))


def _tell_commands(plan, profile, args, say):
    port = args.port or "PORT"
    start = "%s -m esptool --chip %s --port %s" % (_PYTHON, profile["chip"], port)
    hint = "" if args.port else " Put its port, such as COM5 or /dev/ttyUSB0, for PORT."
    say("1. Connect the board by USB." + hint)
    chip = profile["chip"].upper()
    flash_mb = profile["flash_bytes"] >> 20
    say("2. See that the chip is an %s and its flash has %d MB:" % (chip, flash_mb))
    say("   %s flash-id" % start)
    say("3. Write all parts; esptool compares each with what it has written:")
    files = " ".join(['0x%X "%s"' % (part[0], plan.folder / part[1]) for part in plan.parts])
    say("   %s --baud %d write-flash %s" % (start, _BAUD, files))
    journal = partitions.find(profile, "journal")
    say("   Not touched: nvs, and the journal at 0x%X." % journal.offset)
    say("4. Put the truck's settings (they hold secrets and are in no image) and the certificate of")
    say("   the broker's CA on the board; without it nothing is sent (docs/uplink.md):")
    say("   %s -m mpremote connect %s fs cp settings.json ca.der : + reset" % (_PYTHON, port))


def _flash_arguments(parser):
    add = parser.add_argument
    add("--board", required=True, help="a folder in boards/, such as esp32-generic")
    add("--dry-run", action="store_true", help="build all, say every step, write nothing")
    add("--firmware", type=Path, metavar="FILE", help="MicroPython's combined .bin for the board")
    add("--frozen", action="store_true", help="the tracker is in that .bin: by freeze")
    add("--port", help="the board's serial port, such as COM5")
    add("--out", type=Path, default=_ROOT / "build" / "flash", help="where to build")
    add("--boards", type=Path, default=_ROOT / "boards", help=argparse.SUPPRESS)
    add("--source", type=Path, default=_ROOT / "firmware", help=argparse.SUPPRESS)


def _freeze_arguments(parser):
    add = parser.add_argument
    add("--board", required=True, help="a folder in boards/, such as esp32-generic")
    add("--out", type=Path, default=_ROOT / "build" / "frozen", help=argparse.SUPPRESS)
    add("--boards", type=Path, default=_ROOT / "boards", help=argparse.SUPPRESS)
    add("--source", type=Path, default=_ROOT / "firmware", help=argparse.SUPPRESS)


_COMMANDS = {  # name: (what does it, its arguments, one line of help)
    "flash": (do_flash, _flash_arguments, "a bare board in, a tracker out"),
    "freeze": (do_freeze, _freeze_arguments, "the tracker inside MicroPython, for a board with little memory"),
}


def main(argv=None, say=print):
    """Run one command; 0, or 1 and a sentence on stderr."""
    parser = argparse.ArgumentParser(prog="flash.py", description="Lacak on a board.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (_, arguments, words) in _COMMANDS.items():
        arguments(commands.add_parser(name, help=words, description=words))
    args = parser.parse_args(argv)
    try:
        _COMMANDS[args.command][0](args, say)
    except CommandError as why:
        print("flash.py: %s" % why, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
