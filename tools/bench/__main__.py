"""python -m bench [name]: one benchmark or all; each prints its table and writes build/bench/<name>.json."""

import importlib
import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
for _folder in ("tools", "host_tests/fakes/cpython", "host_tests/fakes", "firmware"):
    sys.path.insert(0, str(_ROOT / _folder))

from bench import report  # noqa: E402

NAMES = ("codec", "heap", "journal", "link", "nmea", "road", "sampling", "system", "uplink")


def main(names):
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        print("No benchmark is called %s. There are: %s" % (unknown[0], ", ".join(NAMES)), file=sys.stderr)
        return 2
    for name in names or NAMES:
        report.save(name, importlib.import_module("bench." + name).run())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
