"""Time that has passed, in milliseconds, the same on the board, on a 64-bit VM and on CPython.

Out: elapsed_ms().
"""

from micropython import const

_PERIOD = const(0x3FFFFFFF)  # the board's ticks_ms() starts again after 2**30 ms, 12.4 days


def elapsed_ms(now_ms, then_ms):
    """From then to now; right as long as less than 12.4 days lie between them. Stays a small integer."""
    return (now_ms - then_ms) & _PERIOD
