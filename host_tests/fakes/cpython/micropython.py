"""What the firmware's files ask of MicroPython's built-in module, as no-ops for CPython."""


def const(value):
    return value


def native(function):
    return function


def viper(function):
    return function
