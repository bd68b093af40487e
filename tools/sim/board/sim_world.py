"""The world's script and what outlives a boot: counters, the RTC, where the world's time stands.

In: world.json (docs/simulator.md) and state.json of the boot before.
Out: state.json at every end of the process.
Owns: that end, by power cut, reset or end of the world: nothing of the firmware runs after it.
"""

import binascii
import json
import os

import ffi
import sim_clock

PWRON, HARD, WDT, DEEPSLEEP, SOFT = 1, 2, 3, 4, 5  # machine.reset_cause()
CODES = {"end": 0, "cut": 77, "reset": 78, "sleep": 80}  # exit codes of the process
_ORPHAN = 79
_RESET_MS = 1000
_WAKE_MS = 300  # from the wake event to boot.py
_TIMER_WAKE = 4  # machine.TIMER_WAKE
_LOOK_UP_MS = 1000

script = {}
state = {
    "world_ms": 0,
    "power_on_ms": 0,
    "cause": PWRON,
    "boots": 0,
    "rtc_lead_s": 0,
    "rtc_memory": "",
    "program_calls": 0,
    "program_bytes": 0,
    "erases": 0,
    "wear": [],
    "cuts_done": 0,
    "resets": {},
    "sleeps": 0,
    "asleep_ms": 0,
    "woken_by": 0,
    "held": {},
    "wire_up": 0,
    "wire_down": 0,
    "connects": 0,
    "uart_bytes": 0,
    "fixes_read": 0,
    "uart_dropped": 0,
    "uart_tx": 0,
    "receiver": {},
    "erase_stall_ms": 0,
    "heap_base_bytes": 0,
    "heap_peak_bytes": 0,
    "ended": "",
}
saved = []  # calls that bring their counters into state before it is written
rtc_memory = bytearray(2048)  # made once: it is not the firmware's heap
rtc_used = 0
_dir = ""
_libc = ffi.open(None)
_exit = _libc.func("v", "_exit", "i")
_parent_of = _libc.func("i", "getppid", "")
_parent = _parent_of()


def load(world_path, state_dir):
    """Read script and state, and begin a boot at the moment where the last one ended."""
    global script, _dir, rtc_used
    _dir = state_dir
    with open(world_path) as file:
        script = json.load(file)
    try:
        with open(path("state.json")) as file:
            state.update(json.load(file))
    except OSError:
        pass
    state["boots"] += 1
    kept = binascii.unhexlify(state["rtc_memory"])
    rtc_used = len(kept)
    rtc_memory[:rtc_used] = kept
    sim_clock.start(state["world_ms"])
    sim_clock.rtc_lead_s = state["rtc_lead_s"]
    sim_clock.at(state["world_ms"] + _LOOK_UP_MS, _look_up)
    sim_clock.at(int((script["duration_s"] + script.get("drain_s", 0)) * 1000), end)


def path(name):
    return _dir + "/" + name


def outage():
    """Is there no link now?"""
    for from_s, to_s in script.get("outages", ()):
        if from_s * 1000 <= sim_clock.ms < to_s * 1000:
            return True
    return False


def outages_begun():
    """How many outages have begun: a connection made at another count is dead."""
    return sum(1 for span in script.get("outages", ()) if span[0] * 1000 <= sim_clock.ms)


def cut(off_s):
    """The supply is gone for off_s seconds: RTC and its memory are lost, flash and NVS stay."""
    global rtc_used
    rtc_used = 0
    state["cuts_done"] += 1
    on_ms = sim_clock.ms + int(off_s * 1000)
    state["power_on_ms"] = on_ms
    sim_clock.rtc_lead_s = -(on_ms // 1000)
    _leave("cut", PWRON, on_ms)


def reset(cause):
    """The chip starts again; what hangs on it keeps its power."""
    state["resets"][str(cause)] = state["resets"].get(str(cause), 0) + 1
    _leave("reset", cause, sim_clock.ms + _RESET_MS)


def sleep(timer_ms, pin):
    """Deep sleep until the timer's time, by a clock that drifts, or until pin = (ms of the world, wake reason).

    rtc_drift in the script: the RC oscillator is so much too slow; a negative one is too fast.
    """
    end_ms = int((script["duration_s"] + script.get("drain_s", 0)) * 1000)
    drift = script.get("rtc_drift", 0.01)
    wake_ms, reason = pin or (end_ms, 0)
    if timer_ms is not None and sim_clock.ms + int(timer_ms * (1 + drift)) <= wake_ms:
        wake_ms, reason = sim_clock.ms + int(timer_ms * (1 + drift)), _TIMER_WAKE
    asleep_ms = min(wake_ms, end_ms) - sim_clock.ms
    state["sleeps"] += 1
    state["asleep_ms"] += asleep_ms
    state["woken_by"] = reason
    sim_clock.rtc_lead_s -= round(asleep_ms * drift / (1 + drift) / 1000)
    if wake_ms >= end_ms:
        sim_clock.ms = end_ms
        _leave("end", PWRON, end_ms)
    _leave("sleep", DEEPSLEEP, wake_ms + _WAKE_MS)


def _look_up():
    """Whoever started us was killed and could not end us: nobody wants this world any more."""
    if _parent_of() != _parent:
        _exit(_ORPHAN)
    return sim_clock.ms + _LOOK_UP_MS


def end():
    _leave("end", PWRON, sim_clock.ms)


def _leave(how, cause, next_ms):
    for call in saved:
        call()
    state["ended"] = how
    state["cause"] = cause
    state["world_ms"] = next_ms
    state["rtc_lead_s"] = sim_clock.rtc_lead_s
    state["rtc_memory"] = binascii.hexlify(rtc_memory[:rtc_used]).decode()
    with open(path("state.new"), "w") as file:
        json.dump(state, file)
    os.rename(path("state.new"), path("state.json"))
    _exit(CODES[how])
