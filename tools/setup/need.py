"""The programs that some tests need beside pip packages: Mosquitto and Chromium.

Out: the installed ones, or Debian's packages: installed when we are root, unpacked in .cache when not.
"""

import os
import shutil
import sys

from setup import debs
from setup.place import CACHE, Missing, main, run, say, write_program

HOME = CACHE / "programs"
PACKAGES = {"mosquitto": ["mosquitto"], "chromium": ["chromium", "fonts-dejavu-core"]}
FOUND_AT = {"mosquitto": "usr/sbin/mosquitto", "chromium": "usr/lib/chromium/chromium"}
OTHER_NAMES = {"chromium": ("chromium-browser", "google-chrome")}
FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>%s/usr/share/fonts</dir><dir>/usr/share/fonts</dir><cachedir>%s/fontcache</cachedir></fontconfig>
"""


def mosquitto_command():
    return [_program("mosquitto")]


def chromium_path():
    return _program("chromium")


def ready(name):
    """Have the program ready to run; where it is."""
    try:
        return _program(name)
    except Missing:
        pass
    if os.geteuid() == 0:
        say("installing Debian's %s with apt-get" % name)
        run(["apt-get", "update", "-q"])
        run(["apt-get", "install", "-q", "--yes", "--no-install-recommends", *PACKAGES[name]])
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
        raise Missing("%s is missing: apt-get install %s, or run make test, which fetches it" % (name, name))
    return str(HOME / name)


def _unpack(name):
    say("%s is not installed and we are not root: unpacking Debian's package in .cache" % name)
    files = HOME / (name + "-files")
    arch = debs.host_arch()
    debs.unpack(PACKAGES[name], [debs.HOST], arch, files)
    folders = sorted({str(lib.parent) for lib in files.glob("usr/lib/**/*.so*")} | {str(lib.parent) for lib in files.glob("lib/**/*.so*")})
    text = 'export LD_LIBRARY_PATH="%s"\n' % ":".join(folders)
    if name == "chromium":
        (files / "fonts.conf").write_text(FONTS % (files, files))
        text += 'export FONTCONFIG_FILE="%s/fonts.conf"\n' % files
    draft = HOME / (name + ".try")
    write_program(draft, text + 'exec "%s" "$@"\n' % (files / FOUND_AT[name]))
    if name == "chromium":
        _must_render(draft)
    else:
        run([draft, "-h"], timeout_s=20)
    draft.replace(HOME / name)


def _must_render(program):
    """An unpacked browser that starts may still not draw: let it print a page."""
    page = "data:text/html,<p>lacak</p>"
    words = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--dump-dom", page]
    try:
        printed = run([program, *words], timeout_s=60)
    except Missing as why:
        raise Missing("chromium does not run unpacked here; apt-get install chromium is missing (%s)" % why) from None
    if "lacak" not in printed:
        raise Missing("chromium draws nothing when unpacked; apt-get install chromium is missing")


def _work():
    for name in sys.argv[1:]:
        say("%s: %s" % (name, ready(name)))


if __name__ == "__main__":
    main(_work)
