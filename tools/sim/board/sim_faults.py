"""Faults of the world's script: a room fails at a given time, inside the firmware's unchanged files.

In: "faults" of the script: [{"at_s", "until_s", "module", "class", "method", "what", "times"}, ...] (docs/simulator.md).
Out: import_module, through which everything is imported; state["faults"] counts what each has done, over all boots.
"""

import sys

import sim_clock
import sim_heap
import sim_world

import_module = None
_waiting = []  # faults of methods whose class has not been seen yet


def install():
    global import_module
    import_module = sim_heap.import_module
    faults = sim_world.script.get("faults", ())
    if not faults:
        return
    done = sim_world.state.setdefault("faults", [0] * len(faults))
    for index, fault in enumerate(faults):
        fault["index"] = index
        if fault["what"] != "import":
            _waiting.append(fault)
    import_module = _import
    sim_world.state["faults"] = done


def _import(name, _globals=None, _locals=None, wanted=None, level=0):
    if level:
        name = "asyncio." + name if name else "asyncio"
    if name not in sys.modules:
        for fault in sim_world.script["faults"]:
            if fault["what"] == "import" and fault["module"] == name and _strikes(fault):
                raise ImportError("no module named '%s'" % name)
    module = sim_heap.import_module(name, None, None, wanted, 0)
    for fault in _waiting[:]:
        owner = getattr(sys.modules.get(fault["module"]), fault["class"], None)
        if owner is not None:
            _waiting.remove(fault)
            _break(owner, fault["method"], fault)
    return module


def _strikes(fault):
    """Is it its time? Then it is counted."""
    done = sim_world.state["faults"]
    index = fault["index"]
    if not fault.get("at_s", 0) * 1000 <= sim_clock.ms < fault.get("until_s", 1 << 20) * 1000:
        return False
    if done[index] >= fault.get("times", 1 << 20):
        return False
    done[index] += 1
    return True


def _break(owner, name, fault):
    inner = getattr(owner, name)
    what = {"raise": _raise, "hang": _hang, "block": _block, "ctrl-c": _ctrl_c}[fault["what"]]

    def method(*arguments, **more):
        if _strikes(fault):
            return what()
        return inner(*arguments, **more)

    setattr(owner, name, method)


def _raise():
    raise RuntimeError("a fault of the world's script")


def _ctrl_c():
    raise KeyboardInterrupt


async def _hang():
    """For a method that is awaited: its room waits for ever, the others go on."""
    import asyncio  # not sooner: what the firmware loads of it is its heap

    while True:
        await asyncio.sleep(1000)


def _block():
    """A step that never ends: nothing of the firmware runs any more."""
    sim_clock.wait(None)
