"""Power pins before anything else, so that a modem or a receiver never browns the start out."""

import json

from machine import Pin


def set_power_pins():
    """Drive each pin of the board's "power_on" list, [[pin, level], ...], to its level."""
    try:
        with open("board.json") as file:
            pins = json.load(file).get("power_on", ())
    except (OSError, ValueError) as error:
        print("board.json cannot be read (%s): no power pin is set. Flash the board again." % error)
        return
    for number, level in pins:
        Pin(number, Pin.OUT, value=level, hold=False)  # it was held in a deep sleep


set_power_pins()
