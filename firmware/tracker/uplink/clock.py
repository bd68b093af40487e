"""The board's time as one object: App hands in this module, a test its own clock."""

from asyncio import sleep_ms
from time import ticks_diff, ticks_ms

__all__ = ("sleep_ms", "ticks_diff", "ticks_ms")
