"""The programs that some tests need beside pip packages: Mosquitto and Chromium.

Out: the installed ones, or Debian's packages: installed when we are root, else unpacked in .cache.
"""

import importlib.util
import os
import shutil
import subprocess
import sys

from setup import debs
from setup.place import CACHE, Missing, last_lines, main, run, say, write_program

HOME = CACHE / "programs"
PACKAGES = {"mosquitto": ["mosquitto"], "chromium": ["chromium", "fonts-dejavu-core"]}
FOUND_AT = {"mosquitto": "usr/sbin/mosquitto", "chromium": "usr/lib/chromium/chromium"}
OTHER_NAMES = {"chromium": ("chromium-browser", "google-chrome")}
FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
<dir>%s/usr/share/fonts</dir><dir>/usr/share/fonts</dir><cachedir>%s/fontcache</cachedir>
</fontconfig>
"""


def mosquitto_command():
    return [_program("mosquitto")]


def chromium_path():
    return _program("chromium")


def browser_driver_env():
    """What Playwright's driver needs in its environment; Missing when it does not run."""
    found = importlib.util.find_spec("playwright")
    if found is None:
        raise Missing("playwright is missing: pip install -e .[test]")
    folders = _library_folders(HOME / "driver-files")
    env = {"LD_LIBRARY_PATH": ":".join(folders)} if folders else {}
    node = os.path.join(found.submodule_search_locations[0], "driver", "node")
    done = subprocess.run(
        [node, "--version"], env={**os.environ, **env}, capture_output=True, text=True
    )
    if done.returncode:
        raise Missing(
            "Playwright's driver needs apt-get install libatomic1 (%s)" % last_lines(done.stderr)
        )
    return env


def browser_driver_ready():
    """Playwright brings a node of its own, which wants a library that a bare Debian lacks."""
    try:
        browser_driver_env()
    except Missing:
        if os.geteuid() == 0:
            _install(["libatomic1"])
        else:
            debs.unpack(["libatomic1"], [debs.HOST], debs.host_arch(), HOME / "driver-files")
        browser_driver_env()


def ready(name):
    """Have the program ready to run; where it is."""
    try:
        return _program(name)
    except Missing:
        pass
    if os.geteuid() == 0:
        _install(PACKAGES[name])
    else:
        _unpack(name)
    return _program(name)


def _program(name):
    """An installed one first, then ours; sbin is not on every user's path."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin"
    for word in (name, *OTHER_NAMES.get(name, ())):
        found = shutil.which(word, path=path)
        if found:
            return found
    if not (HOME / name).exists():
        raise Missing(
            "%s is missing: apt-get install %s, or run make test, which fetches it" % (name, name)
        )
    return str(HOME / name)


def _install(packages):
    say("installing %s with apt-get" % ", ".join(packages))
    run(["apt-get", "update", "-q"])
    run(["apt-get", "install", "-q", "--yes", "--no-install-recommends", *packages])


def _library_folders(files):
    libraries = [*files.glob("usr/lib/**/*.so*"), *files.glob("lib/**/*.so*")]
    return sorted({str(library.parent) for library in libraries})


def _unpack(name):
    say("%s is not installed and we are not root: unpacking Debian's package in .cache" % name)
    files = HOME / (name + "-files")
    debs.unpack(PACKAGES[name], [debs.HOST], debs.host_arch(), files)
    text = 'export LD_LIBRARY_PATH="%s"\n' % ":".join(_library_folders(files))
    if name == "chromium":
        (files / "fonts.conf").write_text(FONTS % (files, files))
        text += 'export FONTCONFIG_FILE="%s/fonts.conf"\n' % files
    draft = HOME / (name + ".try")
    write_program(draft, text + 'exec "%s" "$@"\n' % (files / FOUND_AT[name]))
    if name == "chromium":
        _must_render(draft)
    else:
        _must_start(draft)
    draft.replace(HOME / name)


def _must_start(program):
    """Mosquitto's help ends with an exit code of its own: what it prints is the proof."""
    done = subprocess.run([program, "-h"], capture_output=True, text=True, timeout=20)
    if not done.stdout.startswith("mosquitto version"):
        why = last_lines(done.stderr)
        raise Missing(
            "mosquitto does not run unpacked here; apt-get install mosquitto is missing (%s)" % why
        )


def _must_render(program):
    """An unpacked browser that starts may still not draw: let it print a page."""
    page = "data:text/html,<p>lacak</p>"
    words = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--dump-dom",
        page,
    ]
    try:
        printed = run([program, *words], timeout_s=60)
    except Missing as why:
        raise Missing(
            "chromium does not run unpacked here; apt-get install chromium is missing (%s)" % why
        ) from None
    if "lacak" not in printed:
        raise Missing("chromium draws nothing when unpacked; apt-get install chromium is missing")


def _work():
    for name in sys.argv[1:]:
        say("%s: %s" % (name, ready(name)))
    if "chromium" in sys.argv:
        browser_driver_ready()


if __name__ == "__main__":
    main(_work)
