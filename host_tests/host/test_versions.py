"""The firmware on every MicroPython that it must suit: compiled by 1.25 to 1.29, its plain rooms run on WebAssembly VMs of 32 bits."""

import os
import subprocess
import warnings

import pytest
from both_kit import BOTH, PATH, defined_in
from setup import versions
from setup.place import ROOT, Missing

pytestmark = pytest.mark.versions

SOURCES = sorted(path for path in (ROOT / "firmware").rglob("*.py") if path.name not in ("boot.py", "main.py"))
LACKS = {  # what that VM does not have, by the error that says so; on the unix VMs these tests run
    "attribute 'run'": "no asyncio.run: its event loop is JavaScript's",
}
HEAP = {  # figures of heap that need viper, or the unix VM's heap; test_vms.py takes them
    "test_hunt.test_hunting_leaves_no_code_behind",
    "test_nmea.test_no_heap_per_sentence",
    "test_receiver.test_a_steady_poll_costs_no_heap",
}
SLOW = ("test_journal", "test_lanes", "test_mqtt_session", "test_hunt")  # 3 to 13 s each: on the newest release only
FILES = [(release, path) for release in versions.WASM for path in sorted(BOTH.glob("test_*.py"))
         if release == "1.29" or path.stem not in SLOW]


@pytest.mark.parametrize("release", versions.COMPILERS)
def test_everything_compiles_for_the_board(release, tmp_path):
    compiler = versions.compiler(release)
    for source in SOURCES:
        out = tmp_path / "a.mpy"
        done = subprocess.run([compiler, "-march=xtensawin", "-o", out, source], capture_output=True, text=True)
        assert done.returncode == 0, "%s, mpy-cross %s: %s" % (source, release, done.stderr)
        # the board refuses any other number than its own: 6.3 from 1.23 on
        assert out.read_bytes()[:2] == b"M\x06", source
    assert len(SOURCES) > 40


@pytest.mark.parametrize("release, path", FILES, ids=lambda value: getattr(value, "stem", value))
def test_file_passes_on_wasm(release, path):
    done = run_on_wasm(release, BOTH / "run.py", path.stem)
    failed = failures(done.stdout)
    ran = {line[3:] for line in done.stdout.splitlines() if line.startswith("ok ")}
    unable = {name: why for name, why in ((name, reason(name, text)) for name, text in failed.items()) if why}
    assert set(failed) == set(unable), done.stdout + done.stderr
    assert ran | set(unable) == defined_in(path), done.stdout + done.stderr
    if unable:
        told = "; ".join("%s: %s" % pair for pair in sorted(unable.items()))
        warnings.warn("%d of %d cannot run on the WebAssembly VM %s: %s"
                      % (len(unable), len(unable) + len(ran), release, told), stacklevel=1)


@pytest.mark.parametrize("release", versions.WASM)
def test_without_viper_the_parser_runs_as_bytecode(release):
    """scan.py has a syntax error there; plain.py reads it without its decorators, and test_nmea passes on it."""
    program = "import sys, tracker.gnss.nmea as nmea; print('tracker.gnss.plain' in sys.modules, nmea.frame.__name__)"
    assert run_on_wasm(release, "-c", program).stdout.split() == ["True", "frame"]


@pytest.mark.parametrize("release", versions.WASM)
def test_it_has_the_boards_small_integers(release):
    program = "import gc\nn = %d\nb = gc.mem_alloc()\nb = gc.mem_alloc()\nm = n + 1\nprint(gc.mem_alloc() - b)"
    costs = [int(run_on_wasm(release, "-c", program % low).stdout) > 0 for low in ((1 << 30) - 2, (1 << 30) - 1)]
    assert costs == [False, True]


def test_a_failure_is_one_and_a_lack_is_not(tmp_path):
    (tmp_path / "run.py").write_text((BOTH / "run.py").read_text())
    (tmp_path / "test_a.py").write_text(
        "import asyncio, os\ndef test_bad():\n    assert False\ndef test_good():\n    pass\n"
        "def test_loop():\n    asyncio.run\n"
    )
    done = run_on_wasm("1.29", tmp_path / "run.py")
    failed = failures(done.stdout)
    assert done.returncode == 1 and set(failed) == {"test_a.test_bad", "test_a.test_loop"}
    assert [name for name, text in failed.items() if reason(name, text)] == ["test_a.test_loop"]


def test_a_package_of_another_content_is_refused():
    with pytest.raises(Missing, match="a.tgz was refused"):
        versions.check("a.tgz", b"hello", versions.WASM["1.29"][1])


def failures(printed):
    """Name -> traceback of each test that failed."""
    found, name = {}, None
    for line in printed.splitlines():
        if line.startswith("FAILED "):
            name = line[7:]
            found[name] = ""
        elif line.startswith("ok "):
            name = None
        elif name:
            found[name] += line + "\n"
    return found


def reason(name, text):
    if name in HEAP:
        return "a figure of heap"
    return next((why for error, why in LACKS.items() if error in text), None)


def run_on_wasm(release, *words):
    folders = ":".join(str(ROOT / folder) for folder in (*PATH, "host_tests/vectors"))
    command = [*versions.wasm_command(release), "-X", "heapsize=4m", *map(str, words)]
    env = {**os.environ, "MICROPYPATH": folders}
    try:
        return subprocess.run(command, env=env, capture_output=True, text=True, timeout=150)  # test_journal: 40 s of processor time
    except subprocess.TimeoutExpired:  # node itself was seen to hang, once in some hundred starts, without using the processor
        return subprocess.run(command, env=env, capture_output=True, text=True, timeout=150)
