"""make bench B=road: the whole road over several drives, each with two outages and ten torn power cuts.

Prints and writes what arrived, what it cost, and how long the demo and its set-up take on this machine.
"""

import asyncio
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench import report
from road import Road, world_of
from setup.place import ROOT, Missing
from setup.vm import vm_command
from sim.receiver import make_round
from sim.replay import make_replay

CUTS = 10
LOGS = {"Reno, 2 s": "car_reno_garmin_2s.nmea", "St Petersburg, 1 Hz": "car_stpetersburg_dashcam_1hz.nmea"}
ROUNDS = {"round, 6 h": (448, 6.0), "round, 2 h": (1855, 2.0), "round, 1 h": (57, 1.0)}
HEADS = ("drive", "appended", "stored", "lost", "twice", "unexplained s", "cuts", "worst from trail m", "truth p99 m",
         "noise p99 m", "wire B/fix", "heap KB")


def inputs(folder):
    """(name, script) of the seeded rounds, and of the real logs where they are."""
    for name, (seed, hours) in ROUNDS.items():
        yield name, make_round(seed, str(folder / name / "in"), hours)
    logs = Path(os.environ.get("LACAK_LOGS") or ROOT / ".cache" / "logs")
    for name, file in LOGS.items():
        if (logs / file).is_file():
            yield name, make_replay(str(logs / file), str(folder / name / "in"))
        else:
            print("  %s: no log; make logs fetches it" % name)


def cuts_of(rng, program_calls, duration_s):
    """Ten torn cuts, spread over the drive's flash operations; the first erase is one of them."""
    longest_s = max(4, min(90, duration_s // 60))
    places = sorted(rng.sample(range(4, max(program_calls, 5 * CUTS)), CUTS - 1))
    cuts = [{"op": "program", "nth": nth, "byte": rng.randrange(12), "off_s": rng.randrange(2, longest_s),
             "torn": rng.choice(("prefix", "random"))} for nth in places]
    return [{"op": "erase", "nth": 1, "byte": rng.randrange(4096), "off_s": 5, "torn": "random"}, *cuts]


def outages_of(script):
    """A fifth of the drive in two pieces, tunnels besides."""
    length = script["duration_s"]
    return [(length * 2 // 10, length * 3 // 10), (length * 6 // 10, length * 7 // 10)]


async def drive(folder, script, seed, bits, cuts=()):
    world = world_of(script, seed, [*script.get("tunnels", ()), *outages_of(script)], cuts)
    async with Road(folder, script, world, bits=bits) as road:
        await road.run()
        return road.audit(), road.state


def measure(name, script, folder, seed, bits):
    """One drive without cuts to count its flash operations, then with ten of them."""
    _, whole = asyncio.run(drive(folder / "whole", script, seed, bits))
    cuts = cuts_of(random.Random(seed), whole["program_calls"] * 8 // 10, script["duration_s"])
    figures, _ = asyncio.run(drive(folder / "cut", script, seed, bits, cuts))
    return figures


def row(name, figures):
    truth = figures.get("truth")
    return (name, figures["fixes_appended"], figures["fixes_stored"], figures["fixes_lost"], figures["duplicates"],
            figures["unexplained_s"], figures["cuts"], figures["bound_error_m_max"],
            truth["p99"] if truth else "-", truth["noise_p99"] if truth else "-",
            figures["wire_bytes_per_fix"], figures["peak_heap_kb"])


def drives(bits):
    results = {}
    folder = Path(tempfile.mkdtemp(prefix="lacak-bench-"))
    try:
        for seed, (name, script) in enumerate(inputs(folder)):
            print("  %s ..." % name, flush=True)
            results[name] = measure(name, script, folder / name, seed, bits)
    finally:
        shutil.rmtree(folder)
    report.table("The road: two outages and ten torn power cuts each, %d-bit VM" % bits, HEADS,
                 [row(name, figures) for name, figures in results.items()])
    return results


def demo_seconds():
    began = time.monotonic()
    code = subprocess.run([sys.executable, str(ROOT / "tools/demo.py")], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          env={**os.environ, "PORT": "0", "NMEA": "", "SAMPLE": ""}, timeout=300).returncode
    if code:
        raise SystemExit("the demo ended with code %d" % code)
    return time.monotonic() - began


def setup_seconds():
    """A fresh clone with an empty cache, as a stranger has it: everything that make demo sets up."""
    folder = tempfile.mkdtemp(prefix="lacak-setup-")
    try:
        subprocess.run(["git", "clone", "-q", str(ROOT), folder + "/lacak"], check=True)
        began = time.monotonic()
        subprocess.run(["make", "-s", "-C", folder + "/lacak", "venv-demo", "vm", "libs"], check=True, stdout=subprocess.DEVNULL,
                       timeout=900)
        return time.monotonic() - began
    finally:
        shutil.rmtree(folder)


def run():
    try:
        vm_command(32)
    except Missing as why:
        raise SystemExit("bench road needs the 32-bit VM: %s" % why) from why
    results = drives(32)
    total = {key: sum(figures[key] for figures in results.values())
             for key in ("fixes_appended", "fixes_stored", "fixes_lost", "duplicates", "unexplained_s", "wire_bytes", "cuts")}
    truths = [figures["truth"] for figures in results.values() if "truth" in figures]
    worst = max(truths, key=lambda truth: truth["p99"] - truth["noise_p99"])
    figures = {
        **total,
        "inputs": len(results),
        "truth_error_m_p99": round(worst["p99"], 2),
        "truth_error_limit_m": round(demo_bound_m() + worst["noise_p99"], 2),
        "bound_error_m_max": round(max(figures["bound_error_m_max"] for figures in results.values()), 2),
        "wire_bytes_per_fix": round(total["wire_bytes"] / total["fixes_stored"], 1),
        "peak_heap_kb_32bit": round(max(figures["peak_heap_kb"] for figures in results.values()), 1),
        "demo_seconds": round(demo_seconds(), 1),
        "demo_setup_s": round(setup_seconds(), 1),
        "drives": {name: dict(zip(HEADS[1:], row(name, figures)[1:])) for name, figures in results.items()},
    }
    report.table("The road in figures", ("", ""), [(key, value) for key, value in figures.items() if key != "drives"])
    return figures


def demo_bound_m():
    return 10  # the setting bound_m, left at its default by every drive above
