"""The top level of the project: what must be there, and nothing else."""

import subprocess

import pytest
from setup.place import ROOT

WANTED = {
    ".ci", ".github", ".gitignore", "LICENSE", "Makefile", "README.md", "boards", "docs",
    "firmware", "heap_budget.json", "host_tests", "pyproject.toml", "tools",
}  # fmt: skip
INSIDE = (
    "firmware/boot.py", "firmware/main.py", "firmware/tracker/app.py", "firmware/lib/README.md",
    "firmware/lib/lock.json", "tools/flash.py", "docs/design.md", "docs/protocol.md",
)  # fmt: skip


def top_level():
    """What git keeps: a developer's own litter beside it is nobody's business."""
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        pytest.skip("git does not list this folder's files: " + done.stderr.strip())
    return {name.split("/")[0] for name in done.stdout.splitlines()}


def test_top_level_is_the_map_of_the_readme():
    assert top_level() == WANTED


def test_what_the_map_promises_is_there():
    assert [name for name in INSIDE if not (ROOT / name).exists()] == []


def test_firmware_needs_no_init_files():
    assert [
        str(path) for path in (ROOT / "firmware").rglob("__init__.py") if "lib" not in path.parts
    ] == []
