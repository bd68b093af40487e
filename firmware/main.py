"""Board and settings -> App -> run. Ctrl-C gives the technician the REPL; anything else that ends the road resets the board."""

import asyncio
import gc
import sys
import time

import machine

_HANDS_OFF_MS = 600_000  # the watchdog cannot be stopped, only made longer: ten minutes under the technician's hands
_PAUSE_S = 10  # a program that dies at once must leave the REPL reachable between two starts

# Without it the garbage of the start stays between what lives, and the heap grows by a fifth for ever: docs/memory.md.
gc.threshold(16_384)

app = None


def main():
    global app
    try:
        from tracker.app import App

        app = App()
        asyncio.run(app.run())
    except Exception as error:
        sys.print_exception(error)
        try:
            if app is not None:
                app.last_words(error)
        finally:
            time.sleep(_PAUSE_S)
            machine.reset()


try:
    main()
except KeyboardInterrupt:
    machine.WDT(timeout=_HANDS_OFF_MS)
    if app is not None:
        app.hands_off()
    print("Stopped by the keyboard. The board resets and tracks again in 10 minutes; machine.reset() does it now.")
