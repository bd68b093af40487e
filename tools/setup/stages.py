"""make test: one stage after the other, what each fetches first, the time that it may take.

Out: the closing line counts the tests of all stages; exit code 1 when one failed.
"""

import os
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as xml

from setup import libs, need, versions, vm
from setup.place import CACHE, ROOT, Missing, say

STAGES = (
    # name, pytest's marker expression, budget in seconds, what is fetched for it
    ("host", "not vm and not vm32 and not versions and not mosquitto and not e2e and not page", 120, ("libraries", "browser driver")),
    (
        "vm",
        "(vm or vm32 or versions) and not mosquitto and not e2e and not page",
        150,
        ("64-bit VM", "32-bit VM", "compilers", "WebAssembly VMs"),
    ),
    ("e2e", "(mosquitto or e2e) and not page", 300, ("Mosquitto",)),
    ("page", "page", 30, ("Chromium", "browser driver")),
)
FETCH = {
    "libraries": libs.ready,
    "64-bit VM": lambda: vm.ready(64),
    "32-bit VM": lambda: vm.ready(32),
    "compilers": versions.compilers_ready,
    "WebAssembly VMs": versions.wasm_ready,
    "Mosquitto": lambda: need.ready("mosquitto"),
    "Chromium": lambda: need.ready("chromium"),
    "browser driver": need.browser_driver_ready,
}
OVERRUN = 3  # a stage is ended after so many times its budget: it hangs


class Count:
    """Tests of one stage, or of all."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped

    def __str__(self):
        text = "%d passed, %d failed" % (self.passed, self.failed)
        return text + (", %d skipped" % self.skipped if self.skipped else "")


def main():
    total = Count()
    summary = []
    for name, markers, budget_s, wants in STAGES:
        print("\n== stage %s: needs %s" % (name, ", ".join(wants)), flush=True)
        fetch(wants)
        started = time.monotonic()
        count = run_stage(name, markers, budget_s)
        took_s = time.monotonic() - started
        total.add(count)
        over = " OVER ITS BUDGET" if took_s > budget_s else ""
        summary.append("%-5s %4d s of %3d%s  %s" % (name, took_s, budget_s, over, count))
        print("== stage " + summary[-1], flush=True)
    print("\n" + "\n".join(summary))
    print("%s" % total)
    return 1 if total.failed or not total.passed else 0


def fetch(wants):
    """Set up what a stage wants; where that fails its tests say so by themselves."""
    for want in wants:
        try:
            FETCH[want]()
        except Missing as why:
            say("no %s: %s" % (want, why))


def run_stage(name, markers, budget_s):
    report = CACHE / "stages" / (name + ".xml")
    report.parent.mkdir(parents=True, exist_ok=True)
    report.unlink(missing_ok=True)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "--continue-on-collection-errors",
        "-m",
        markers,
        "--junit-xml=%s" % report,
        "-o",
        "junit_logging=no",
    ]
    return read_report(report, run_within(command, budget_s * OVERRUN))


def run_within(command, limit_s):
    """Exit code of command, or -1 where it was ended, with every VM and broker it had started."""
    process = subprocess.Popen(command, cwd=ROOT, start_new_session=True)
    try:
        return process.wait(limit_s)
    except subprocess.TimeoutExpired:
        print("ended after %d s" % limit_s, flush=True)
        return -1
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def read_report(report, code):
    """Counts of pytest's report. A run that ended badly counts at least one failure."""
    count = Count()
    if report.exists():
        suite = xml.parse(report).getroot().find("testsuite")
        count.skipped = int(suite.get("skipped"))
        count.failed = int(suite.get("failures")) + int(suite.get("errors"))
        count.passed = int(suite.get("tests")) - count.failed - count.skipped
    if code not in (0, 5) and not count.failed:  # 5: the stage has no tests
        count.failed = 1
    return count


if __name__ == "__main__":
    sys.exit(main())
