"""What every host test gets: MicroPython's clock, and a reason where something is lacking.

Owns: markers -> skip, and CI, where a skip is a failure.
"""

import asyncio
import os
import time

import pytest
from setup import libs, logs, need, versions, vm
from setup.place import Missing

TICKS_PERIOD = 1 << 30  # as on the boards


def _ticks_diff(end, start):
    return (end - start + TICKS_PERIOD // 2) % TICKS_PERIOD - TICKS_PERIOD // 2


def _give_cpython_micropythons_clock():
    time.ticks_ms = lambda: time.monotonic_ns() // 1_000_000 % TICKS_PERIOD
    time.ticks_us = lambda: time.monotonic_ns() // 1_000 % TICKS_PERIOD
    time.ticks_diff = _ticks_diff
    time.ticks_add = lambda ticks, delta: (ticks + delta) % TICKS_PERIOD
    time.sleep_ms = lambda ms: time.sleep(ms / 1000)
    asyncio.sleep_ms = lambda ms: asyncio.sleep(ms / 1000)


_give_cpython_micropythons_clock()


def _libs():
    lacking = libs.missing()
    if lacking:
        raise Missing("firmware/lib lacks %s: run make libs" % ", ".join(lacking))
    return libs.LIB


def _browser():
    path = need.chromium_path()
    os.environ.update(need.browser_driver_env())
    return path


NEEDS = {
    "vm": lambda: vm.vm_command(64),
    "vm32": lambda: vm.vm_command(32),
    "versions": versions.all_here,
    "mosquitto": need.mosquitto_command,
    "page": _browser,
    "logs": logs.logs_dir,
    "libs": _libs,
}
NEEDS_ALSO = {"e2e": ("vm", "libs")}


def pytest_runtest_setup(item):
    for mark in item.iter_markers():
        for name in NEEDS_ALSO.get(mark.name, (mark.name,)):
            if name in NEEDS:
                try:
                    NEEDS[name]()
                except Missing as why:
                    pytest.skip(str(why))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    return _no_skip_in_ci((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    return _no_skip_in_ci((yield))


def _no_skip_in_ci(report):
    if report.skipped and os.environ.get("CI") and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = "CI is set, so a skip is a failure: %s" % reason
    return report


def _fixture(marker):
    @pytest.fixture(scope="session")
    def give():
        return NEEDS[marker]()

    return give


# what the marker of a test asks for, handed to it: commands are lists, the others paths
mp64 = _fixture("vm")
mp32 = _fixture("vm32")
mosquitto = _fixture("mosquitto")
chromium = _fixture("page")
logs_folder = _fixture("logs")
