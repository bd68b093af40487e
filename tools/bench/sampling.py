"""make bench B=sampling: fixes kept, against the fewest possible and against other trackers.

Every dropped fix of every drive is measured against the trail as the station decodes it.
"""

import bisect
import itertools
import os
import random
import shutil
import subprocess
import tempfile
from pathlib import Path

from bench import report, rivals
from bench.optimum import fewest, seconds
from bench.trails import Drive, copy_of, epochs_of, epochs_of_log, parked, standing_still
from setup.place import ROOT
from setup.vm import vm_command
from sim import feed, noise
from sim.receiver import make_round
from sim.truth import distance_m, read_truth, trail_error
from tracker.fix import Fix

BOUND_M = 10
EPOCH_S_MAX = 2  # the slowest receiver at hand; what comes later comes behind a pause
ROUNDS = {"round, 6 h": (448, 6.0), "round, 2 h": (1855, 2.0), "round, 1 h": (57, 1.0)}
FEWEST_FIXES = 30  # a log with fewer says nothing about a drive
STANDS = "gpsd_ublox-neo-m9n-nmea"  # recorded standing: for the parked truck only
MOVES = "car_reno_garmin_2s"
REASONS = ("cold", "jump", "drift", "hdop")
OURS = ("positions", "accepted", "kept", "optimum", "ratio", "worst_m")
HEADS = ("drive", "positions", "accepted", "kept", "optimum", "ratio", "worst m")
RIVAL_HEADS = tuple(head for rule in rivals.RULES for head in (rule, "worst m"))


def logs():
    """{name: epochs} of the real logs, where they are."""
    folder = Path(os.environ.get("LACAK_LOGS") or ROOT / ".cache" / "logs")
    found = {path.stem: epochs_of_log(path) for path in sorted(folder.glob("*.nmea"))}
    if not found:
        print("  no logs of real receivers; make logs fetches them")
    return found


def rounds():
    """{name: (epochs, truth)} of our own seeded rounds."""
    folder = Path(tempfile.mkdtemp(prefix="lacak-bench-"))
    try:
        made = {}
        for name, (seed, hours) in ROUNDS.items():
            script = make_round(seed, str(folder / name), hours)
            made[name] = epochs_of(feed.read(script["feed"])), read_truth(script["truth"])
        return made
    finally:
        shutil.rmtree(folder)


def worst_m(fixes, kept):
    """Greatest distance of a fix from the straight lines in time between the kept ones."""
    times = [seconds(fix) for fix in kept]
    return max((_off_m(fix, kept, times) for fix in fixes), default=0.0)


def _off_m(fix, kept, times):
    t = seconds(fix)
    i = max(bisect.bisect_right(times, t) - 1, 0)
    a, b = kept[i], kept[min(i + 1, len(kept) - 1)]
    if t == times[i] or times[i] >= seconds(b):
        return distance_m(fix.lat_udeg, fix.lon_udeg, a.lat_udeg, a.lon_udeg)
    part = (t - times[i]) / (seconds(b) - times[i])
    lat = a.lat_udeg + (b.lat_udeg - a.lat_udeg) * part
    lon = a.lon_udeg + (b.lon_udeg - a.lon_udeg) * part
    return distance_m(fix.lat_udeg, fix.lon_udeg, lat, lon)


class Cuts:
    """A power cut at every second of a drive: its cost, and how good the line to the tail was.

    The power goes just before a fix comes: lost is all since flash was written, up to then.
    """

    def __init__(self):
        self.loss_s_max = 0
        self.worst_m = 0.0
        self._newest_sec = self._said_sec = None  # after the epoch before

    def __call__(self, drive):
        journal, newest = drive.journal, drive.trail.newest
        if newest is None:
            return
        if self._newest_sec is not None and newest.sec - self._newest_sec <= EPOCH_S_MAX:
            self.loss_s_max = max(self.loss_s_max, newest.sec - self._said_sec)
        self._newest_sec, self._said_sec = newest.sec, journal.said_sec
        if journal.tail_fix is not None and journal.tail_fix.sec == newest.sec:
            # It was written just now.
            line = [journal.fixes[-1], journal.tail_fix]
            self.worst_m = max(self.worst_m, worst_m(behind(drive.accepted, line[0]), line))


def behind(fixes, last):
    return list(itertools.takewhile(lambda fix: seconds(fix) > seconds(last), reversed(fixes)))


def compare(epochs):
    """Figures of one drive."""
    cuts = Cuts()
    drive = Drive(epochs, BOUND_M, cuts)
    optimum = fewest(drive.accepted, BOUND_M)
    figures = {
        "positions": len(drive.positions), "accepted": len(drive.accepted),
        "kept": len(drive.kept), "optimum": optimum, "ratio": len(drive.kept) / optimum,
        "worst_m": worst_m(drive.accepted, drive.kept),
        "refused": {name: getattr(drive.quality, name) for name in REASONS},
        "cut_loss_s_max": cuts.loss_s_max, "cut_worst_m": cuts.worst_m,
        "tails": drive.journal.tails,
    }  # fmt: skip
    for name, rule in rivals.RULES.items():
        kept = rule(drive.positions)
        figures[name] = {"kept": len(kept), "worst_m": worst_m(drive.positions, kept)}
    return drive, figures


def to_truth(drive, truth):
    """From the stored trail to the route without noise; bound and receiver allow limit_m."""
    stored = [(fix.sec, fix.lat_udeg, fix.lon_udeg) for fix in drive.kept]
    error = trail_error(truth, stored, drive.journal.gaps)
    noise_m = error["noise_p99"]
    return {"p99_m": error["p99"], "noise_p99_m": noise_m, "limit_m": BOUND_M + noise_m}


def parked_noise(found):
    """{name: epochs} of 8 h of standing: of real receivers where their logs are, and simulated."""
    nights = {"simulated": list(simulated_night())}
    if STANDS in found:
        nights["NEO-M9N"] = parked([[fix for _, fix in found[STANDS]]])
    if MOVES in found:
        nights["Reno's stops"] = parked(standing_still(found[MOVES]))
    return nights


def simulated_night(seed=1, hours=8):
    rng = random.Random(seed)
    error = noise.Noise(rng)
    fix = Fix()
    fix.kind = 1
    for i in range(hours * 3600):
        east, north, _ = error.step(moving=False)
        fix.sec = 200086400 + i
        fix.lat_udeg, fix.lon_udeg = -6200000 + round(north * 9), 106600000 + round(east * 9)
        fix.speed_cms = round(abs(rng.gauss(0, noise.SPEED_MS)) * 100)
        yield i * 1000 + 4000, copy_of(fix)


def way_m(fixes):
    places = [(fix.lat_udeg, fix.lon_udeg) for fix in fixes]
    return sum(distance_m(*a, *b) for a, b in zip(places, places[1:]))


def cost():
    """(heap bytes, microseconds) a fix on the 32-bit VM."""
    command = [*vm_command(32), "-X", "heapsize=512k", str(ROOT / "tools/bench/sampling_vm.py")]
    env = {**os.environ, "MICROPYPATH": "%s:.frozen" % (ROOT / "firmware")}
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60, env=env)
    heap, took_us = map(float, done.stdout.split())
    return heap, took_us


def row(name, figures):
    ours = [figures[key] for key in OURS]
    theirs = [figures[rule][key] for rule in rivals.RULES for key in ("kept", "worst_m")]
    return [name, *ours, *theirs]


def run():
    found = logs()
    results, truths = {}, {}
    for name, epochs in found.items():
        if len(epochs) >= FEWEST_FIXES and name != STANDS:
            _, results[name] = compare(epochs)
    for name, (epochs, truth) in rounds().items():
        drive, results[name] = compare(epochs)
        truths[name] = to_truth(drive, truth)
    report.table("Sampling: fixes kept within 10 m, and what others keep", HEADS + RIVAL_HEADS,
                 [row(name, figures) for name, figures in results.items()])
    report.table("From stored trail to true route, m", ("round", "p99", "noise p99", "allowed"),
                 [(name, *truth.values()) for name, truth in truths.items()])
    nights = {name: way_m(Drive(epochs).kept) for name, epochs in parked_noise(found).items()}
    report.table("Parked for 8 h", ("noise", "way between stored fixes, m"), list(nights.items()))
    heap, took_us = cost()
    figures = {
        "max_error_m": worst(results, "worst_m"),
        "cut_max_error_m": worst(results, "cut_worst_m"),
        "kept_over_optimum": worst(results, "ratio"),
        "kept_over_optimum_all": total(results, "kept") / total(results, "optimum"),
        "kept_vs_fixed_10s": versus(results, "fixed 10 s"),
        "kept_vs_four_triggers": versus(results, "four triggers"),
        "kept_vs_traccar": versus(results, "Traccar"),
        "heap_bytes_per_fix_32bit": heap,
        "us_per_fix_32bit_vm": round(took_us, 1),
        "parked_drift_m": max(nights.values()),
        "cut_loss_s_max": worst(results, "cut_loss_s_max"),
        "truth_over_limit_m": max(truth["p99_m"] - truth["limit_m"] for truth in truths.values()),
        "drives": results, "truths": truths, "parked_m": nights,
    }  # fmt: skip
    report.table("Sampling in figures", ("", ""),
                 [(key, value) for key, value in figures.items() if not isinstance(value, dict)])
    return figures


def worst(results, key):
    return max(result[key] for result in results.values())


def total(results, key):
    return sum(result[key] for result in results.values())


def versus(results, rule):
    return total(results, "kept") / sum(result[rule]["kept"] for result in results.values())
