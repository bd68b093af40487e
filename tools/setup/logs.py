"""Logs that real receivers wrote, from the repositories that publish them, by pinned hash.

In:  logs.json beside this file, LACAK_LOGS to use a folder that has them. Out: .cache/logs/*.nmea.
"""

import hashlib
import json
import os
import urllib.error
import urllib.request
from pathlib import Path

from setup.place import CACHE, ROOT, Missing, main, say

HOME = CACHE / "logs"
LOGS = json.loads((ROOT / "tools/setup/logs.json").read_text())
ADDRESS = "https://raw.githubusercontent.com/%s/%s/%s"


def logs_dir():
    """The folder with the logs; Missing when there is none."""
    named = os.environ.get("LACAK_LOGS")
    folder = Path(named) if named else HOME
    lacking = [name for name in LOGS if not (folder / name).exists()]
    if lacking:
        raise Missing(
            "the real logs are not here (%s lacks %s): run make logs, or set LACAK_LOGS"
            % (folder, lacking[0])
        )
    return folder


def ready():
    HOME.mkdir(parents=True, exist_ok=True)
    for name, source in LOGS.items():
        if (HOME / name).exists() and _hash((HOME / name).read_bytes()) == source["sha256"]:
            continue
        say("fetching %s (%s, %s)" % (name, source["repository"], source["licence"]))
        content = _fetch(name, source)
        if _hash(content) != source["sha256"]:
            raise Missing(
                "%s is not the log that tools/setup/logs.json pins; it was refused" % name
            )
        (HOME / name).write_bytes(content)
    say("%d logs in %s" % (len(LOGS), HOME.relative_to(ROOT)))


def _fetch(name, source):
    address = ADDRESS % (source["repository"], source["commit"], source["path"])
    try:
        with urllib.request.urlopen(address, timeout=60) as answer:
            return answer.read()
    except (urllib.error.URLError, OSError) as why:
        reason = getattr(why, "reason", why)
        raise Missing(
            "%s cannot be fetched from %s (%s); where you have the logs, set LACAK_LOGS"
            % (name, address, reason)
        ) from None


def _hash(content):
    return hashlib.sha256(content).hexdigest()


if __name__ == "__main__":
    main(ready)
