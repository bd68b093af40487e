"""umqtt.simple 1.3.4 asks for ubinascii by its old MicroPython name; on CPython it is binascii."""

from binascii import *  # noqa: F403
