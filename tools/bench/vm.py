"""Runs a script of this folder on a VM, with the drives in files."""

import os
import subprocess

from bench.vm_fixes import FIELDS
from setup.place import ROOT, Missing
from setup.vm import vm_command

_PATH = ("firmware", "tools", "host_tests/fakes")


def run(bits, script, *words, heap="8m"):
    """What it printed: one list of words a line."""
    try:
        command = vm_command(bits)
    except Missing as why:
        raise SystemExit("this benchmark needs the %d-bit VM: %s" % (bits, why)) from why
    env = environment(*_PATH)
    program = [str(ROOT / "tools/bench" / script), *map(str, words)]
    command = [*command, "-X", "heapsize=" + heap, *program]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120)
    if done.returncode:
        raise SystemExit("%s failed:\n%s%s" % (script, done.stdout, done.stderr))
    return [line.split() for line in done.stdout.splitlines()]


def environment(*folders):
    """With the modules of these folders."""
    return {**os.environ, "MICROPYPATH": ":".join([*(str(ROOT / folder) for folder in folders), ".frozen"])}


def write_fixes(path, fixes):
    """One line a fix, the order of FIELDS, - for unknown; vm_fixes.py reads it."""
    with open(path, "w") as file:
        for fix in fixes:
            values = (getattr(fix, name) for name in FIELDS)
            file.write(" ".join("-" if value is None else str(value) for value in values) + "\n")
