"""The project's .venv, also on a Debian without pip and without ensurepip.

In:  the extra to install (demo or test; see pyproject.toml). Out: .venv with the pinned packages.
Runs on the system's python3, standard library only.
"""

import hashlib
import subprocess
import sys

from setup import debs
from setup.place import CACHE, PYTHON, ROOT, VENV, Missing, main, run, say

PINS = ROOT / "tools/setup/pins.txt"
NO_WHEEL = (
    "pip cannot be had: install the packages python3-venv and python3-pip, then run make again"
)


def ready(extra):
    """Make .venv hold the packages of extra; does nothing when it already does."""
    stamp = VENV / ("." + extra)
    wanted = _fingerprint()
    if PYTHON.exists() and stamp.exists() and stamp.read_text() == wanted:
        return
    if not _has_pip():
        _create()
    say("fetching the Python packages for %s (tools/setup/pins.txt)" % extra)
    run(_pip() + ["install", "--constraint", PINS, "--editable", "%s[%s]" % (ROOT, extra)])
    stamp.write_text(wanted)


def _create():
    say("making .venv with Python %d.%d" % sys.version_info[:2])
    try:
        import ensurepip  # noqa: F401  Debian keeps it in python3-venv

        run([sys.executable, "-m", "venv", "--clear", VENV])
    except (ImportError, Missing):
        run([sys.executable, "-m", "venv", "--clear", "--without-pip", VENV])
        _pip_from_debian()


def _pip_from_debian():
    """Debian ships pip as a wheel, for ensurepip; a wheel runs without being installed."""
    say("this Python has no ensurepip; taking pip from Debian's package python3-pip-whl")
    home = CACHE / "pip"
    try:
        debs.unpack(["python3-pip-whl"], [debs.HOST], debs.host_arch(), home)
    except Missing as why:
        raise Missing("%s (%s)" % (NO_WHEEL, why)) from None
    wheels = sorted(home.glob("usr/share/python-wheels/pip-*.whl"))
    if not wheels:
        raise Missing(NO_WHEEL)
    run([PYTHON, wheels[-1] / "pip", "install", "--constraint", PINS, "pip"])


def _pip():
    return [PYTHON, "-m", "pip", "--quiet", "--disable-pip-version-check"]


def _has_pip():
    return (
        PYTHON.exists()
        and subprocess.run([PYTHON, "-m", "pip", "--version"], capture_output=True).returncode == 0
    )


def _fingerprint():
    text = PINS.read_bytes() + (ROOT / "pyproject.toml").read_bytes() + sys.version.encode()
    return hashlib.sha256(text + str(ROOT).encode()).hexdigest()


def _work():
    if sys.version_info < (3, 11):
        raise Missing(
            "python3 is %s, 3.11 is needed; name another one with make PYTHON=…"
            % sys.version.split()[0]
        )
    ready(sys.argv[1])


if __name__ == "__main__":
    main(_work)
