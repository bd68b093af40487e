"""The MicroPython unix VMs: 64-bit, and 32-bit with the ESP32's object sizes.

Out: .cache/vm/mp64 and mp32, which take micropython's arguments. docs/vm.md says why and how.
"""

import json
import os
import shutil

from setup import debs
from setup.place import CACHE, Missing, main, run, say, write_program

HOME = CACHE / "vm"
OLDEST = (1, 24)
ARCHES = {64: "amd64", 32: "i386"}
SUITES = (
    "trixie",
    "testing",
)  # the first Debian with the package; the next one for when an index of the first is broken
PROBE = """
import json, sys
name, version = sys.implementation[:2]
print(json.dumps([name, version[:3], len(bin(sys.maxsize)) - 1]))
"""


def vm_command(bits):
    """The command of the 64- or 32-bit VM, as a list; Missing when it was not set up."""
    program = HOME / ("mp%d" % bits)
    if not program.exists():
        raise Missing("the %d-bit MicroPython VM is not set up: run make vm" % bits)
    return [str(program)]


def ready(bits):
    """Set the VM up unless it runs already; what it is, in words."""
    try:
        return _verify(vm_command(bits), bits)
    except Missing:
        pass
    installed = shutil.which("micropython")
    if installed and _is_good([installed], bits):
        write_program(HOME / ("mp%d" % bits), 'exec %s "$@"\n' % installed)
    else:
        _from_debian(bits)
    return _verify(vm_command(bits), bits)


def _from_debian(bits):
    if os.uname().machine != "x86_64":
        raise Missing(
            "the %d-bit VM comes from Debian's x86 packages, and this machine is %s"
            % (bits, os.uname().machine)
        )
    say("the %d-bit MicroPython VM comes from Debian's package, unpacked in .cache" % bits)
    files = HOME / ("files%d" % bits)
    debs.unpack(["micropython"], SUITES, ARCHES[bits], files)
    loaders = sorted(files.glob("usr/lib/*/ld-linux*.so.2"))
    if not loaders:
        raise Missing("Debian's package brought no loader for the %d-bit VM" % bits)
    folder = "files%d/%s" % (bits, loaders[0].parent.relative_to(files))
    # the package's own loader and C library: the machine's may be too old, or of other words
    write_program(
        HOME / ("mp%d" % bits),
        'here=${0%%/*}\n'
        'exec "$here/%s/%s" --library-path "$here/%s" "$here/files%d/usr/bin/micropython" "$@"\n'
        % (folder, loaders[0].name, folder, bits),
    )


def _verify(command, bits):
    name, version, size = json.loads(run(command + ["-c", PROBE], timeout_s=20))
    if name != "micropython" or tuple(version) < OLDEST or size != bits:
        raise Missing(
            "%s is %s %s with %d-bit words, not the VM that is needed"
            % (command[0], name, version, size)
        )
    return "MicroPython %s, %d bits" % (".".join(str(part) for part in version), bits)


def _is_good(command, bits):
    try:
        _verify(command, bits)
        return True
    except (Missing, ValueError):
        return False


def _work():
    """Both VMs; one is enough to go on, none is not."""
    failures = []
    for bits in (64, 32):
        try:
            say(ready(bits))
        except Missing as why:
            failures.append(str(why))
            say("no %d-bit VM: %s" % (bits, why))
    if len(failures) == 2:
        raise Missing(
            "no MicroPython VM; install micropython %d.%d or newer yourself, then run make again"
            % OLDEST
        )


if __name__ == "__main__":
    main(_work)
