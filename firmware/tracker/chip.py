"""What the running road asks of the chip, so that no room sees machine, network or esp32.

In: the chip, the board's pins.  Out: what build.py hands to the rooms.  Owns: nothing.
    It stays loaded: what it hands out serves until the power goes.
"""

import time

import esp32
import machine
from micropython import const

from tracker.version import BUILD_SEC

# Two seconds of the loudest receiver at 1 Hz, while a flash erase stalls Python for 0.4 s.
_UART_RXBUF = const(2048)


class NvsNumber:
    """A small integer in NVS: sequence mark, boot counter. It may be gone: it is a help."""

    def __init__(self, nvs, name):
        self._nvs = nvs
        self._name = name
        self.refused = 0

    def get(self):
        """The number, or None when it was never set (or NVS was erased at boot)."""
        try:
            return self._nvs.get_i32(self._name)
        except OSError:
            return None

    def set(self, value):
        try:
            self._nvs.set_i32(self._name, value)
            self._nvs.commit()
        except OSError:
            self.refused += 1


def gnss_uart(pins, baud):
    """(the UART, what sets its rate): a changed buffer size would install the driver anew."""
    rx, tx = pins["rx"], pins["tx"]
    uart = machine.UART(pins["uart"], baudrate=baud, rx=rx, tx=tx, rxbuf=_UART_RXBUF, timeout=0)

    def set_baud(baud):
        uart.init(baudrate=baud, rxbuf=_UART_RXBUF, timeout=0)

    return uart, set_baud


def millivolts(board):
    """What measures the vehicle's supply; None on a board that can't."""
    if "supply" not in board:
        return None
    pin = machine.Pin(board["adc"]["supply"])
    read_uv = machine.ADC(pin, atten=machine.ADC.ATTN_11DB).read_uv
    ratio = board["supply"]["divide_x100"]
    return lambda: read_uv() // 1000 * ratio // 100


def name_servers(chosen, is_address):
    """What tells them: the network's own, then the one of the settings."""
    import network

    def servers():
        both = (network.ipconfig("dns"), chosen)
        return [server for server in both if is_address(server) and server != "0.0.0.0"]

    return servers


def system_heap():
    return esp32.idf_heap_info(esp32.HEAP_DATA)


# mktime hides where the port's own epoch lies; the chip's clock starts in 2000.
def _began():
    return time.mktime((2020, 1, 1, 0, 0, 0, 0, 0))


def clock_is_set():
    """By a fix since the power came, in this boot or in one before."""
    return time.time() - _began() >= BUILD_SEC


def set_clock(sec):
    """From the first believed fix: TLS needs it."""
    now = time.gmtime(_began() + sec)
    machine.RTC().datetime((now[0], now[1], now[2], 0, now[3], now[4], now[5], 0))
