"""The witness: writes down what the firmware keeps, by wrapping four of its methods while it runs.

Out: witness.log, one write a line. `T` record handed to append, `A` appended record, `F` fix
    offered to the window, `K` numbers known to be in the database, `B` boot (docs/simulator.md). state["fixes_read"] counts what the parser gave.
"""

import builtins
import sys

import sim_clock
import sim_faults
import sim_world

_GAP = 6
_PROBES = (
    ("tracker.store.journal", "Journal", "append"),
    ("tracker.store.journal", "Journal", "ack"),
    ("tracker.sampling.window", "Window", "offer"),
    ("tracker.sampling.trail", "Trail", "on_epoch"),
)

_log = None
_waiting = list(_PROBES)
_import = None


def install():
    """Open the log and wait for the firmware to import what is to be watched."""
    global _log, _import
    _log = open(sim_world.path("witness.log"), "ab", buffering=0)
    _write("B %d %d" % (sim_world.state["boots"], sim_clock.ms))
    sim_faults.install()
    _import = sim_faults.import_module
    builtins.__import__ = _watch_imports


def _write(line):
    _log.write(line.encode() + b"\n")


def _watch_imports(name, _globals=None, _locals=None, wanted=None, level=0):
    if level:
        # Only the frozen asyncio imports relatively; the VM takes our globals for its own.
        name = "asyncio." + name if name else "asyncio"
    module = _import(name, None, None, wanted, 0)
    for probe in _waiting[:]:
        if probe[0] in sys.modules and hasattr(sys.modules[probe[0]], probe[1]):
            _waiting.remove(probe)
            _wrap(getattr(sys.modules[probe[0]], probe[1]), probe[2])
    if not _waiting:
        builtins.__import__ = _import
    return module


def _wrap(owner, name):
    inner = getattr(owner, name)
    setattr(owner, name, {"append": _append, "ack": _ack, "offer": _offer, "on_epoch": _on_epoch}[name](inner))


def _append(inner):
    def append(self, rec):
        what = _words(rec)
        _write("T " + what)  # a cut may come when all is on flash and append has not returned
        seq = inner(self, rec)
        _write("A %d %s" % (seq, what))
        return seq

    return append


def _words(rec):
    if rec.kind == 0:
        fix = rec.fix
        return "0 %d %d %d %d" % (fix.sec, fix.lat_udeg, fix.lon_udeg, fix.flags)
    if rec.kind == _GAP:
        return "6 %d %d %d %d" % ((rec.sec,) + _gap(rec))
    return "%d %d 0 0 0" % (rec.kind, rec.sec)


def _gap(rec):
    from_sec, _, reason, detail = sys.modules["tracker.record"].gap_fields(rec)
    return (from_sec, reason, detail)


def _ack(inner):
    def ack(self, lo, hi):
        _write("K %d %d" % (lo, hi))
        return inner(self, lo, hi)

    return ack


def _offer(inner):
    def offer(self, fix, *more):
        _write("F %d %d %d" % (fix.sec, fix.lat_udeg, fix.lon_udeg))
        return inner(self, fix, *more)

    return offer


def _on_epoch(inner):
    def on_epoch(self, fix, *more):
        if fix.kind:
            sim_world.state["fixes_read"] += 1
        return inner(self, fix, *more)

    return on_epoch
