"""The application as MicroPython's own build freezes it: its sources, constants folded, beside firmware/manifest.py.

Names are not shortened here: frozen ones lie in flash. Folding saves 1.9 KB of heap, as each module's dictionary is in RAM.
"""

import shutil
from pathlib import Path

from flashing.compiled import folded, sources


def lay_out(firmware, folder):
    """Anew each time; the manifest's path."""
    shutil.rmtree(folder, ignore_errors=True)
    modules = sources(firmware)
    modules.update(folded(modules))
    for name, text in modules.items():
        in_package = name.startswith("tracker.")
        path = Path(folder) / ("" if in_package else "lib") / (name.removeprefix("lib.").replace(".", "/") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    manifest = Path(folder) / "manifest.py"
    shutil.copy(Path(firmware) / "manifest.py", manifest)
    return manifest
