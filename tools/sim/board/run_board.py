"""One boot of the simulated board: run_board.py <world.json> <state_dir>, in its directory.

Ends by _exit with a code of sim_world.CODES: at the world's end, a power cut or a reset.
tools/sim/power.py starts the next boot.
"""

import random
import sys

_HERE = __file__.rsplit("/", 1)[0] if "/" in __file__ else "."
sys.path[:] = [_HERE, "", "lib", ".frozen"]

# All of them, so that none counts as the firmware's heap.
import esp32
import machine
import network
import select
import sim_clock
import sim_heap
import sim_probe
import sim_world
import socket
import time

_FRIENDLY = "The program has ended: on the board the REPL would be waiting now."


def run(name, space):
    """Run a file of the board as the port does. True: nothing was raised."""
    try:
        with open(name) as file:
            code = compile(file.read(), name, "exec")
    except OSError:
        return True  # the port passes over a file that is not there
    except SyntaxError as error:
        sys.print_exception(error)
        return False
    try:
        exec(code, space)
    except SystemExit:
        machine.soft_reset()
    except BaseException as error:
        sys.print_exception(error)
        return False
    return True


def main(world_path, state_dir):
    sim_world.load(world_path, state_dir)
    random.seed(
        sim_world.script.get("seed", 1) * 1000 + sim_world.state["boots"]
    )  # the firmware's jitter, too
    esp32.insert_chips()
    machine.plug_in_receiver()
    network.plug_in()
    if sim_world.script.get("rom"):
        sim_heap.mount_rom(sim_world.script["rom"])
    space = {"__name__": "__main__"}
    if sim_world.script.get("hours"):
        import sim_hours  # before the firmware's heap begins; it loads asyncio, which others count as the board's

        sim_hours.install(space)
    sim_heap.watch()
    sim_probe.install()
    if run("boot.py", space):
        run("main.py", space)
    print(_FRIENDLY)
    sim_clock.wait(None)  # the watchdog or the end of the world


main(sys.argv[1], sys.argv[2])
