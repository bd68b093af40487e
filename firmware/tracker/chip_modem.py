"""What a board with a modem asks of the chip beside chip.py: its UART and pins, and the time that a network tells.

In: the chip, "modem" of board.json.  Out: what build.py hands to link/.  Owns: nothing. It stays loaded, on such a board only.
"""

import time

import machine
from micropython import const

from tracker.chip import clock_is_set, set_clock
from tracker.version import BUILD_SEC

_BAUD = const(115_200)  # what is tried first, and asked for
_RXBUF = const(8192)  # a whole TCP window comes in one burst, and PPP reads when the line rests
_TXBUF = const(2048)  # a full one would block
_YEARS_SEC = const(473_364_000)  # 15 of them: how far a network's clock may be ahead of the build


class ModemPort:
    """Pins are functions of a level: 1 is pressed, on, in reset. None where the board has no such pin."""

    def __init__(self, wired):
        self.uart = machine.UART(
            wired["uart"], baudrate=_BAUD, rx=wired["rx"], tx=wired["tx"], rxbuf=_RXBUF, txbuf=_TXBUF, timeout=0
        )
        self.key = _output(wired, "pwrkey", 0)
        self.power = _output(wired, "power", 1)  # a call that outlived our reset is not cut
        self.reset = _output(wired, "reset", 0)
        self.dtr = _output(wired, "dtr", 0)

    def set_baud(self, baud):
        self.uart.init(baudrate=baud, rxbuf=_RXBUF, txbuf=_TXBUF, timeout=0)


def _output(wired, name, level):
    if name not in wired:
        return None
    flip = 1 - wired.get(name + "_level", 1)
    pin = machine.Pin(wired[name], machine.Pin.OUT, value=level ^ flip)
    return lambda level: pin.value(level ^ flip)


def offer_time(local, quarters):
    """For certificates, while there is nothing better: the clock is set by it only if it never was. Fixes are not stamped by it."""
    try:
        sec = time.mktime(local) - 900 * quarters - time.mktime((2020, 1, 1, 0, 0, 0, 0, 0))
    except OverflowError:
        return
    if not clock_is_set() and BUILD_SEC <= sec < BUILD_SEC + _YEARS_SEC:
        set_clock(sec)


def month():
    """Months since 2020, UTC; None while nobody knows."""
    now = time.gmtime()
    return 12 * (now[0] - 2020) + now[1] - 1 if clock_is_set() else None
