"""Every test of host_tests/both runs on the 64-bit and on the 32-bit MicroPython VM."""

import os
import subprocess

import pytest
from both_kit import BOTH, PATH, defined_in
from setup.place import ROOT
from setup.vm import vm_command

VMS = [pytest.param(64, marks=pytest.mark.vm), pytest.param(32, marks=pytest.mark.vm32)]


def run_on_vm(bits, program, *words):
    env = {
        **os.environ,
        "MICROPYPATH": ":".join(str(ROOT / folder) for folder in PATH) + ":.frozen",
    }
    command = vm_command(bits) + ["-X", "heapsize=4m", str(program), *words]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=50)


@pytest.mark.parametrize("bits", VMS)
@pytest.mark.parametrize("path", sorted(BOTH.glob("test_*.py")), ids=lambda path: path.stem)
def test_file_passes_on_vm(bits, path):
    done = run_on_vm(bits, BOTH / "run.py", path.stem)
    ran = {line[3:] for line in done.stdout.splitlines() if line.startswith("ok ")}
    assert done.returncode == 0, done.stdout + done.stderr
    assert ran == defined_in(path)
    assert ran


@pytest.mark.parametrize("bits", VMS)
def test_runner_reports_failures(bits, tmp_path):
    """The runner itself: a failing test, a file that cannot be imported, a good one."""
    (tmp_path / "run.py").write_text((BOTH / "run.py").read_text())
    (tmp_path / "test_a.py").write_text(
        "def test_bad():\n    assert False\ndef test_good():\n    pass\n"
    )
    (tmp_path / "test_b.py").write_text("import nothing_of_this_name\n")
    done = run_on_vm(bits, tmp_path / "run.py")
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == "1 passed, 2 failed"
    assert "AssertionError" in done.stdout + done.stderr


@pytest.mark.vm32
def test_32_bit_vm_has_the_boards_small_integers():
    """One number beyond 2**30 - 1 costs heap here, as on an ESP32; no 64-bit VM shows it."""
    assert [_heap_of_sum(32, low) > 0 for low in ((1 << 30) - 2, (1 << 30) - 1)] == [False, True]


HEAP_OF_SUM = """
import gc
gc.disable()
n = %d
before = gc.mem_alloc()
before = gc.mem_alloc()
m = n + 1
after = gc.mem_alloc()
print(after - before)
"""


def _heap_of_sum(bits, low):
    command = vm_command(bits) + ["-c", HEAP_OF_SUM % low]
    return int(subprocess.run(command, capture_output=True, text=True, timeout=20).stdout)
