"""umqtt.simple 1.3.4 asks for usocket by its old MicroPython name; on CPython it is socket."""

from socket import *  # noqa: F403
