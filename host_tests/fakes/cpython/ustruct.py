"""umqtt.simple 1.3.4 asks for ustruct by its old MicroPython name; on CPython it is struct."""

from struct import *  # noqa: F403
