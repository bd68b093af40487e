"""make bench B=link: days on which everything that can go wrong with a modem does, and how soon the link is back.

In: the firmware's modem room on simulated modems (link_scripts.py); the 32-bit VM for its heap.
Out: the figures of build/bench/link.json.
"""

import os
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor

from setup.place import ROOT
from setup.vm import vm_command

from bench import link_scripts, report

_SCRIPTS = 2000
_AT_LINES = """
import gc
from tracker.link.at import At
class Uart:
    left = 0
    def readinto(self, buf):
        n = min(len(buf), len(text) - self.at, self.left)
        for i in range(n):
            buf[i] = text[self.at + i]
        self.at += n
        self.left -= n
        if self.at == len(text):
            self.at = 0
        return n or None
    def write(self, data):
        pass
text = b"AT+CREG?\\r\\r\\n+CREG: 2,1\\r\\n\\r\\n+CTZV: +28\\r\\n\\r\\nSMS DONE\\r\\n\\r\\nOK\\r\\n"
uart = Uart()
uart.at = 0
at = At(uart)
def lines(n):
    for i in range(n):
        at.send(b"AT+CREG?", i, 1000, b"+CREG")
        uart.left = len(text)
        while at.poll(i) is None:
            pass
        at.poll(i)
lines(3)
gc.collect()
gc.disable()
before = gc.mem_alloc()
before = gc.mem_alloc()
lines(200)
print((gc.mem_alloc() - before) / (200 * 5))
"""


def run():
    with ProcessPoolExecutor(2) as pool:
        lived = list(pool.map(_live, range(_SCRIPTS), chunksize=20))
        single = list(pool.map(_single, _singles(), chunksize=4))
        attach = dict(pool.map(_attach, link_scripts.MODELS))
    worst = {name: 0.0 for name in link_scripts.FAULTS}
    runs = dict.fromkeys(worst, 0)
    for names, recovered_s, *_ in lived + single:
        for name in names:
            runs[name] += 1
            worst[name] = max(worst[name], recovered_s or 0.0)
    failed = [(seed, one) for seed, one in enumerate(lived) if one[2]] + [("alone", one) for one in single if one[2]]
    for seed, (names, _, problem, words) in failed[:10]:
        print("Seed %s, %s: %s (%s)" % (seed, ", ".join(names), problem, words))
    figures = {
        "modems": len(link_scripts.MODELS),
        "scripts_run": len(lived) + len(single),
        "recovered_pct": 100 * (1 - len(failed) / (len(lived) + len(single))),
        "worst_recovery_s": max(worst.values()),
        "worst_recovery_s_by_fault": worst,
        "attach_s": attach,
        "at_heap_bytes_per_line_32bit": _heap_per_line(),
    }
    says = {name: words for name, (kind, words) in link_scripts.FAULTS.items() if kind == "stays"}
    rows = [(name, runs[name], "says '%s'" % says[name] if name in says else "%.0f s" % worst[name]) for name in worst]
    report.table("The link: scripts with this fault, alone or among others; longest time until it is back", ("fault", "scripts", "worst"), rows)
    report.table("Cold start to an address", ("modem", "s"), sorted(attach.items()))
    heads = ("modems", "scripts_run", "recovered_pct", "worst_recovery_s", "at_heap_bytes_per_line_32bit")
    report.table("The link", ("figure", ""), [(head, figures[head]) for head in heads])
    return figures


def _singles():
    """Each fault alone, on each modem, thrice."""
    return [(name, model, i) for name in link_scripts.FAULTS for model in link_scripts.MODELS for i in range(3)]


def _live(seed):
    return _told(link_scripts.script(seed))


def _single(what):
    name, model, i = what
    return _told(link_scripts.script(100_000 + i, [name], model))


def _told(script):
    out = link_scripts.live(script)
    return script.names, out.recovered_s, out.problem, out.words


def _attach(model):
    return model, round(link_scripts.live(link_scripts.script(0, ["normal start"], model)).first_s, 1)


def _heap_per_line():
    env = {**os.environ, "MICROPYPATH": "%s:.frozen" % (ROOT / "firmware")}
    command = vm_command(32) + ["-X", "heapsize=1m", "-c", _AT_LINES]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)
    if done.returncode:
        print(done.stdout + done.stderr, file=sys.stderr)
        return None
    return float(done.stdout)
