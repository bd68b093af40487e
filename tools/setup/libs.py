"""Other people's files, fetched and not committed: for the firmware and for the page.

In:  firmware/lib/lock.json. Out: firmware/lib/<name>, each with the content whose hash is pinned.
Runs in .venv: pip fetches wheels, unearth fetches an sdist without building it.
"""

import hashlib
import importlib.util
import json
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

from setup.place import ROOT, Missing, main, run, say

LIB = ROOT / "firmware/lib"


def lock():
    return json.loads((LIB / "lock.json").read_text())["files"]


def missing():
    """Names in lock.json whose file is absent or not the pinned one."""
    return [name for name, entry in lock().items() if not _is_right(LIB / name, entry)]


def ready():
    for name in missing():
        entry = lock()[name]
        source = entry["package"]
        say("fetching %s out of the package %s %s" % (name, source["name"], source["version"]))
        content = check(name, entry, _fetch(source))
        (LIB / name).parent.mkdir(parents=True, exist_ok=True)
        (LIB / name).write_bytes(content)


def check(name, entry, content):
    """content with line ends of one byte; Missing unless its hash is the pinned one."""
    content = content.replace(b"\r\n", b"\n")
    found = hashlib.sha256(content).hexdigest()
    if found != entry["sha256"]:
        raise Missing(
            "%s was refused: its sha256 is %s, firmware/lib/lock.json pins %s"
            % (name, found, entry["sha256"])
        )
    return content


def leaflet_dir():
    """The folder with leaflet.js, leaflet.css and images/, out of an installed pip package."""
    spec = importlib.util.find_spec("js_lib_leaflet")
    if spec is None:
        raise Missing("the map library is missing: pip install -e .[demo]")
    return Path(spec.submodule_search_locations[0]) / "static/js_lib_leaflet"


def _is_right(path, entry):
    return path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == entry["sha256"]


def _fetch(source):
    wanted = "%s==%s" % (source["name"], source["version"])
    with tempfile.TemporaryDirectory() as folder:
        if source["kind"] == "wheel":
            run(
                [
                    sys.executable,
                    "-m",
                    "pip",
                    "download",
                    "-q",
                    "--no-deps",
                    "--only-binary",
                    ":all:",
                    "-d",
                    folder,
                    wanted,
                ]
            )
        else:
            run([sys.executable, "-m", "unearth", "--no-binary", "--download", folder, wanted])
        files = sorted(Path(folder).iterdir())
        if len(files) != 1:
            raise Missing("no %s of %s came from the package registry" % (source["kind"], wanted))
        return _member(files[0], source["member"])


def _member(archive, member):
    try:
        if archive.suffix == ".whl":
            return zipfile.ZipFile(archive).read(member)
        return tarfile.open(archive).extractfile(member).read()
    except (KeyError, OSError, zipfile.BadZipFile, tarfile.TarError):
        raise Missing("%s holds no %s" % (archive.name, member)) from None


if __name__ == "__main__":
    main(ready)
