"""make bench B=uplink: what a truck's words cost on the wire, whole IP packets both ways, and how fast history goes.

The real firmware on the simulated board in a network namespace, a veth with MTU 1400, TLS to a real Mosquitto, the real
station. TLS 1.2 in the headline, which is all that stock boards speak; 1.3 beside it. docs/uplink.md says how it is counted.
"""

import os
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench import report, vm
from bench import uplink_day as day
from bench import uplink_history as history
from bench import uplink_peers as peers
from bench.drives import LOGS, PETERSBURG, RENO, Drive
from bench.rivals import fixed_10s, four_triggers
from bench.uplink_lab import Lab
from bench.uplink_net import inside
from bench.uplink_relay import Relay
from bench.uplink_wire import KEEPING, LIVE
from setup.place import ROOT
from sim.replay import make_replay

VERSIONS = ("1.2", "1.3")
NEAR = {60: 50, 10: 15}  # live_s -> live_m
SPARING = {"batch_s": 900, "keepalive_parked_s": 900}  # for who pays by the byte; all else is the default
PUBLISHES = 200
_NAME = 42 + 58 + 2 * 28  # asking for the broker's name: UDP is simulated; payload (docs/uplink.md) and headers


def run():
    if not inside("uplink"):
        return report.load("uplink")
    logs = Path(os.environ.get("LACAK_LOGS") or ROOT / ".cache" / "logs")
    absent = [file for file in LOGS.values() if not (logs / file).is_file()]
    if absent:
        raise SystemExit("bench uplink replays %s: make logs fetches it" % absent[0])
    begun = time.monotonic()
    with Lab() as lab, tempfile.TemporaryDirectory() as folder:
        scripts = {name: make_replay(str(logs / LOGS[name]), folder + "/" + name[:4]) for name in (RENO, PETERSBURG)}
        scripts["shift"] = day.make_shift(day.SEED, folder + "/shift")
        figures = measured(lab, scripts, folder)
    figures["bench_s"] = round(time.monotonic() - begun)
    table(figures)
    return figures


def measured(lab, scripts, folder):
    reno, petersburg, shift = scripts[RENO], scripts[PETERSBURG], scripts["shift"]
    whole_day = dict(shift, duration_s=day.DAY_S - 3600)  # the last hour is the drain
    open_shift = dict(shift, duration_s=day.SHIFT_S)
    half = history.shortened(reno, folder, history.HALF_S)
    losses = day.losses(1)
    with ThreadPoolExecutor(4) as pool:  # two cores, and half of the time is waiting; what takes longest first
        jobs = {}
        for tls in VERSIONS:
            jobs["day", tls] = pool.submit(lab.run, "day", whole_day, tls, SPARING, losses, 3600)
        for live_s, live_m in NEAR.items():
            for tls in VERSIONS:
                wishes = dict(SPARING, live_s=live_s, live_m=live_m)
                jobs[live_s, tls] = pool.submit(lab.run, "live%d" % live_s, open_shift, tls, wishes)
        for tls in VERSIONS:
            jobs["all", tls] = pool.submit(history.waiting, lab, "all", reno, tls, {"sample": "all"})
            jobs["kept", tls] = pool.submit(history.waiting, lab, "kept", reno, tls, {})
            jobs["km", tls] = pool.submit(history.waiting, lab, "km", petersburg, tls, {})
            jobs["far", tls] = pool.submit(history.waiting, lab, "far", half, tls, {"sample": "all"}, Relay)
        done = {name: job.result() for name, job in jobs.items()}
    figures = {}
    for tls in VERSIONS:
        figures.update(of_version(done, scripts, tls))
    stock = history.stock(lab)
    drive = Drive(petersburg["feed"])
    fixes = [rec.fix for rec in drive.whole]
    km = history.log_km(petersburg["fixes"])
    figures.update(
        fixes_per_s_stock_one_each=round(stock, 1),
        fixes_per_s_stock_batched=round(stock * history.BLOCK_FIXES, 1),
        heap_bytes_per_publish=heap(32),
        history_bytes_per_km_codec8_estimate=round(len(four_triggers(fixes)) * peers.CODEC8_RECORD / km),
        history_bytes_per_km_owntracks_estimate=round(len(fixed_10s(fixes)) * peers.owntracks_fix() / km),
        **whole([done[name, tls] for name in ("day", "all", "kept") for tls in VERSIONS]),
    )
    day_fixes = [rec.fix for rec in Drive(shift["feed"]).whole]
    codec8 = len(four_triggers(day_fixes))
    connect = figures["connection_bytes_tls"]
    for name, (size, how) in peers.day(day.SHIFT_S, day.DAY_S - day.SHIFT_S, codec8, day.LOSSES, connect).items():
        figures["truck_day_bytes_estimate, " + name] = round(size)
        figures["truck_day_arithmetic, " + name] = how
    figures.update(km=shift["distance_km"], stops=shift["stands"], moving_h=round(shift["moving_s"] / 3600, 2))
    return figures


def of_version(done, scripts, tls):
    """Figures of one version of TLS; those of 1.3 have it in their names."""
    of_day, split = done["day", tls], done["day", tls].split
    names = sum(1 for bytes_ in split.connections if bytes_) * _NAME
    rate, newest = history.rate(done["far", tls])
    per_km, alone, records, km = history.per_km(done["km", tls], scripts[PETERSBURG], done["kept", tls])
    found = {
        "fixes_per_s_at_300ms_rtt": round(rate),
        "newest_fix_after_reconnect_rtts": round(newest, 2),
        "wire_bytes_per_fix_backlog_tls": round(history.per_fix(done["all", tls])[0], 2),
        "wire_bytes_per_fix_backlog_and_connection_tls": round(history.per_fix(done["all", tls])[1], 2),
        "wire_bytes_per_fix_kept_tls": round(history.per_fix(done["kept", tls])[0], 2),
        "history_bytes_per_km_tls": round(per_km),
        "history_bytes_per_km_in_one_block_tls": round(alone),
        "truck_day_bytes_tls": round(split.total + names),
        "truck_day_split_tls": {
            **{cause: round(size) for cause, size in split.bytes.most_common()}, "names (reckoned)": names},
        "truck_day_packets_tls": split.packets,
        "truck_day_bare_acks_bytes_tls": split.bare,
        "truck_day_connections_tls": len(of_day.sessions),
        "connection_bytes_tls": round(sum(split.connections) / max(len(split.connections), 1)),
    }
    for live_s, live_m in NEAR.items():
        script, run_ = scripts["shift"], done[live_s, tls]
        both = run_.split.bytes[LIVE] + run_.split.bytes[KEEPING]
        found["live_and_keepalive_bytes_per_hour_%ds_tls" % live_s] = round(both * 3600 / day.SHIFT_S)
        found["live_bytes_per_hour_%ds_tls" % live_s] = round(run_.split.bytes[LIVE] * 3600 / day.SHIFT_S)
        near = day.accuracy(dict(script, duration_s=day.SHIFT_S), run_.sessions, live_m, day.reckoned)
        found["live_%ds_within_%dm_and_confirmed_percent" % (live_s, live_m)] = near["both"]
        found["live_%ds_within_%dm_percent" % (live_s, live_m)] = near["near"]
        as_it_was = day.accuracy(script, run_.sessions, live_m, day.as_it_was)
        found["live_%ds_not_reckoned_percent" % live_s] = as_it_was["near"]
    return found if tls == VERSIONS[0] else {name + "_13": value for name, value in found.items()}


def heap(bits):
    used, publishes = map(int, vm.run(bits, "vm_publish.py", PUBLISHES)[0])
    return used / publishes


def whole(runs):
    """What arrived of these days and drives."""
    names = ("fixes_lost", "duplicates", "unexplained_s")
    return {**{name: sum(run_.figures[name] for run_ in runs) for name in names}}


def table(figures):
    rows = []
    for name, value in figures.items():
        if not name.endswith("_13") and not isinstance(value, (dict, str)):
            rows.append((name, value, figures.get(name + "_13", "")))
    report.table("The uplink: whole packets, both ways, MTU %d" % 1400, ("", "TLS 1.2", "TLS 1.3"), rows)
    split, split_13 = figures["truck_day_split_tls"], figures["truck_day_split_tls_13"]
    report.table("A truck's day by cause, bytes", ("", "TLS 1.2", "TLS 1.3"),
                 [(cause, size, split_13.get(cause, 0)) for cause, size in split.items()])
    for name, value in figures.items():
        if isinstance(value, str):
            print("  %s: %s" % (name, value))
