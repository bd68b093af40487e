"""Bad days of a modem, made from a seed, and what becomes of the link on each.

In: a seed.  Out: script(seed), live(script) -> Outcome.
Owns: the judge. Well is: nothing is wrong any more; from then on the link has to carry packets within RECOVER_S, or, when the trouble
stays, the modem has been switched off and on (where the board can) and the words say what is wrong.
"""

import random
import time

_TICKS = 1 << 30
if not hasattr(time, "ticks_diff"):  # the firmware's; the tests have it already
    time.ticks_diff = lambda end, start: (end - start + _TICKS // 2) % _TICKS - _TICKS // 2

from modem_kit import Bench  # noqa: E402

RECOVER_S = 600
MODELS = ("a7670", "sim7600", "sim7000", "sim800")
VERSIONS = ("1.25", "1.26", "1.27", "1.29")
_STEADY_S = 150  # longer than the uplink's patience with a dead link
_LAST_S = 900  # faults begin before
_PIN = "4711"

# fault: (kind, what the tracker has to say when it stays). "start": how it is found; "span": from, until; "at": once; "stays": for ever
FAULTS = {
    "normal start": ("start", None), "already on": ("start", None), "already in data mode": ("start", None),
    "other baud rate": ("start", None), "RDY twice": ("start", None), "garbage": ("at", None), "roaming": ("span", None),
    "no SIM": ("span", "SIM"), "denied": ("span", "refuses this SIM"), "no signal for an hour": ("span", "no network is found"),
    "NO CARRIER in mid-stream": ("at", None), "dies silently": ("at", None), "call forgotten": ("at", None),
    "restarts by itself": ("at", None), "brown-out loop": ("start", None), "PIN": ("start", None),
    "wrong PIN": ("stays", "sim_pin"), "no PIN set": ("stays", "sim_pin"), "wrong APN": ("stays", "apn"),
    "name and password": ("start", None), "wrong password": ("stays", "apn"), "broken": ("stays", "does not answer"),
    "bytes at random": ("noise", None),
}  # fmt: skip
_WORDS = {
    "already on": "on", "already in data mode": "data", "no SIM": "no_sim", "RDY twice": "rdy_twice", "no signal for an hour": "no_signal",
    "NO CARRIER in mid-stream": "no_carrier", "dies silently": "dies", "call forgotten": "drop", "restarts by itself": "restarts",
    "other baud rate": "baud", "brown-out loop": "brown_out",
}  # fmt: skip
_MISLEADING = (
    b"\r\nOK\r\n", b"\r\nERROR\r\n", b"\r\nCONNECT 115200\r\n", b"\r\nNO CARRIER\r\n", b"\r\nRDY\r\n", b"\r\n+CPIN: SIM PUK\r\n",
    b"\r\n+CREG: 3\r\n", b"\r\n+CREG: 1,1\r\n", b"\r\n> ", b"\r\n+CPIN: READY\r\n", b"~\xff}#\xc0!}!}!} }$", b"\r\n+CME ERROR: 10\r\n",
)  # fmt: skip


_ONLY_ONE = (
    [name for name, (kind, _) in FAULTS.items() if kind == "stays"],  # one that stays explains all
    ["PIN", "wrong PIN", "no PIN set"], ["name and password", "wrong password"], ["already on", "already in data mode", "other baud rate"],
)  # fmt: skip


def _of_one_kind(name, others):
    """Has one of its kind been chosen?"""
    return any(name in group and set(group) & set(others) for group in _ONLY_ONE)


class Script:
    def __init__(self, model, version, names, faults, sim, settings, noise, seed, well_s):
        self.model, self.version, self.names = model, version, names
        self.faults, self.sim, self.settings, self.noise = faults, sim, settings, noise
        self.seed, self.well_s = seed, well_s

    @property
    def stays(self):
        """What is wrong for ever, or None."""
        return next((name for name in self.names if FAULTS[name][0] == "stays"), None)


def script(seed, names=None, model=None):
    """names: these faults, else one to four by chance."""
    rng = random.Random(seed)
    model = model or MODELS[seed % len(MODELS)]
    if names is None:
        names = rng.sample(sorted(FAULTS), rng.randint(1, 4))
        names = [name for i, name in enumerate(names) if not _of_one_kind(name, names[:i])]
    faults, sim, settings, noise, well_s = [], {"apn": "internet"}, {}, [], 0
    for name in names:
        kind = FAULTS[name][0]
        fault = {"what": _WORDS.get(name, name)}
        if kind == "span":
            fault["from_s"] = rng.choice((0, rng.randrange(_LAST_S)))
            long_s = 3600 if name.startswith("no signal") else rng.randint(20, 1500)
            fault["until_s"] = fault["from_s"] + long_s
            if name != "roaming":
                well_s = max(well_s, fault["until_s"])
        elif kind == "at":
            fault["at_s"] = rng.randrange(1, _LAST_S)
            well_s = max(well_s, fault["at_s"])
        elif name == "other baud rate":
            fault["baud"] = rng.choice((9600, 19200, 38400, 57600, 230400, 460800))
        elif name == "brown-out loop":
            fault["times"] = rng.randint(1, 3)
        elif name.endswith("PIN") or name == "no PIN set":
            sim["pin"] = _PIN
            settings["sim_pin"] = {"PIN": _PIN, "wrong PIN": "1234"}.get(name, "")
        elif name == "wrong APN":
            settings["apn"] = "intranet"
        elif name in ("name and password", "wrong password"):
            sim.update(user="truck", key="secret")
            settings.update(apn_user="truck", apn_password="secret" if name.startswith("name") else "guess")
        elif kind == "noise":
            for _ in range(rng.randint(1, 40)):
                said = rng.choice(_MISLEADING) if rng.random() < 0.6 else bytes(rng.randrange(256) for _ in range(rng.randint(1, 300)))
                noise.append((rng.randrange(_LAST_S * 10) / 10, said))
        if "what" in fault and fault["what"] in _KNOWN:
            faults.append(fault)
    noise.sort(key=lambda item: item[0])
    well_s = max([well_s] + [at_s for at_s, _ in noise[-1:]])
    return Script(model, rng.choice(VERSIONS), names, faults, sim, settings, noise, seed, well_s)


_KNOWN = set(_WORDS.values()) | {"garbage", "denied", "roaming", "broken"}


class Slow(Bench):
    """As the room's task does it: ten looks a second while there is something to do, else one."""

    def run(self, seconds, until=None):
        end_ms = self.ms + int(seconds * 1000)
        begun_ms, modem = self.ms, self.modem
        while self.ms < end_ms and not (until and until()):
            modem.step()
            for ppp in self.ppps:
                ppp.pump()
            self.ms = min(end_ms, self.ms + (100 if modem.busy() else 1000))
            self.sim.run(self.ms)
        return (self.ms - begun_ms) / 1000


class Outcome:
    """recovered_s: from when all was well, None where something stays. problem: a sentence, or ""."""

    def __init__(self):
        self.recovered_s = None
        self.first_s = None  # from cold to packets
        self.problem = ""
        self.calls = self.power_cycles = 0
        self.words = ""


def live(script):
    bench = Slow(script.model, script.faults, script.sim, script.settings, script.version, seed=script.seed)
    out = Outcome()
    noise = list(script.noise)

    def to(at_s, until=None):
        """Time goes on to at_s; noise on the line at its moments."""
        while bench.ms < at_s * 1000 and not (until and until()):
            next_s = min(at_s, noise[0][0]) if noise else at_s
            if next_s * 1000 > bench.ms:
                bench.run_with_uplink((next_s * 1000 - bench.ms) / 1000, until)
            while noise and noise[0][0] * 1000 <= bench.ms:
                bench.sim.said.insert(0, (bench.ms, noise.pop(0)[1]))
            if out.first_s is None and bench.flows():
                out.first_s = bench.ms / 1000

    def well_ms():
        """What it does by itself, such as a brown-out, may come later than the script's own last moment."""
        return max(bench.sim.state["troubled_ms"], script.well_s * 1000)

    if script.stays:
        to(max(_LAST_S, script.well_s) + 2 * RECOVER_S)
        _judge_trouble(script, bench, out)
    else:
        to(script.well_s)
        while not out.problem:
            since_ms = well_ms()
            to(since_ms / 1000 + RECOVER_S, bench.flows)
            if well_ms() > since_ms:
                continue
            out.recovered_s = max(0.0, (bench.ms - since_ms) / 1000)
            if not bench.flows():
                out.problem = "not connected %d s after all was well: %s" % (out.recovered_s, bench.modem.trouble)
                break
            to(bench.ms / 1000 + _STEADY_S, lambda: not bench.flows())
            if bench.flows():
                break
            if well_ms() == since_ms:
                out.problem = "lost again with nothing wrong: %s" % bench.modem.trouble
    if bench.sim.sim.get("pin") and bench.sim.state["tries"] < 1:
        out.problem = "a third wrong PIN was given"
    if bench.board_resets:
        out.problem = out.problem or "asked for a reset of the board: %s" % bench.board_resets[0]
    out.words, out.power_cycles = bench.modem.trouble, bench.modem.power_cycles
    out.calls = bench.sim.state["calls"]
    return out


def _judge_trouble(script, bench, out):
    words = FAULTS[script.stays][1]
    if bench.flows():
        out.problem = "connected although it has: " + script.stays
    elif not bench.modem.power_cycles:
        out.problem = "never switched the modem off and on"
    elif words not in bench.modem.trouble and words not in bench.lines():
        out.problem = "doesn't say what is wrong (%s) but: %s" % (script.stays, bench.modem.trouble)
