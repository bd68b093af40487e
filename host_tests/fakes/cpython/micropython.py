"""What the firmware's files ask of MicroPython's built-in module and of its compiler, as no-ops for CPython."""

import builtins

builtins.ptr8 = builtins.ptr16 = builtins.ptr32 = builtins.uint = object  # viper's types: annotations only


def const(value):
    return value


def native(function):
    return function


def viper(function):
    return function
