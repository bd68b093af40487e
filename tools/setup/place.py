"""Where the set-up keeps things, how it speaks, and the one way in which it gives up.

Owns: ROOT and CACHE (git-ignored, safe to delete), Missing, say(), run().
Standard library only: it runs before pip does.
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache"
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"


class Missing(Exception):
    """Something the machine lacks; the text says what, and what to do."""


def say(text):
    print("set-up: " + text, flush=True)


def run(command, env=None, timeout_s=900, folder=None):
    """Run quietly and return what it printed; Missing with its last lines when it fails."""
    words = [str(word) for word in command]
    try:
        done = subprocess.run(
            words,
            env={**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive", **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=timeout_s,
            cwd=folder,
        )
    except FileNotFoundError:
        raise Missing("this machine has no program %s" % words[0]) from None
    except subprocess.TimeoutExpired:
        raise Missing("%s did not end within %d s" % (words[0], timeout_s)) from None
    if done.returncode:
        raise Missing("%s failed: %s" % (words[0], last_lines(done.stdout)))
    return done.stdout


def last_lines(text, count=4):
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " / ".join(lines[-count:]) or "it said nothing"


def write_program(path, text):
    """A small shell script, complete and executable before it takes its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".new")
    draft.write_text("#!/bin/sh\n" + text)
    draft.chmod(0o755)
    draft.replace(path)


def main(work):
    """Run work() as a program: Missing becomes one sentence on stderr and exit code 1."""
    try:
        work()
    except Missing as why:
        print("set-up: cannot go on: %s" % why, file=sys.stderr)
        sys.exit(1)
