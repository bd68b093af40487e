"""A board's profile: boards/<board>/board.json, read and checked before anything is built.

In: a folder of boards.  Out: load(), problems(), on_board().
"""

import json

from flashing import partitions

_FLASH_PINS = range(6, 12)  # the module's own flash chip hangs on them
_PSRAM_PINS = (16, 17)  # of a WROVER module
_CONSOLE_PINS = (1, 3)  # UART0: a byte 0x03 from a receiver would stop the program
_INPUT_ONLY = range(34, 40)
_NO_PINS = (20, 24, 28, 29, 30, 31, 37, 38)  # not led out of the chip, or not on any module in use
_ADC1_PINS = range(32, 40)  # ADC2 doesn't work while Wi-Fi is on
_STRAPS = {
    0: "high at reset, or the chip waits for a download",
    2: "low or open for a download by cable",
    5: "high at reset",
    12: "low at reset, or the flash gets 1.8 V and nothing starts",
    15: "high at reset",
}
_WAKES = (0, 2, 4, 12, 13, 14, 15, 25, 26, 27) + tuple(range(32, 40))  # pins that end a deep sleep
_GROUPS = (("inputs", False), ("adc", False), ("outputs", True), ("onewire", True))
_MODEMS = ("a7670", "sim7000", "sim7600", "sim800")
_MODEM_OUTPUTS = ("tx", "pwrkey", "power", "reset", "dtr")
_NEEDED = ("name", "title", "chip", "image", "flash_bytes", "psram", "gnss", "partitions")
_TOOLS_ONLY = ("title", "partitions", "image", "flash_bytes")  # of no use to the running tracker


def load(folder, name):
    """The profile, or FileNotFoundError / ValueError."""
    with open(folder / name / "board.json", encoding="utf-8") as file:
        return json.load(file)


def on_board(profile):
    """The board's own board.json, kept short: it is parsed in a small heap at each start."""
    kept = {key: profile[key] for key in profile if key not in _TOOLS_ONLY}
    return (json.dumps(kept, separators=(",", ":")) + "\n").encode()


def problems(profile):
    """Sentences; an empty list means that the board can be built for."""
    missing = [key for key in _NEEDED if key not in profile]
    if missing:
        return ["board.json has no %s." % ", ".join("'%s'" % key for key in missing)]
    found = []
    owners = {}
    for owner, pin, is_output in pins(profile):
        if pin in owners:
            found.append("GPIO%s is used twice: by %s and %s." % (pin, owners[pin], owner))
        owners[pin] = owner
        trouble = _trouble(owner, pin, is_output, profile["psram"])
        if trouble:
            found.append("GPIO%s can't be %s: %s." % (pin, owner, trouble))
    if profile["gnss"].get("uart") not in (1, 2):
        found.append("The receiver has to be on UART 1 or 2: UART 0 is the console.")
    return found + _modem_problems(profile) + _sleep_problems(profile) + partitions.problems(profile)


def _modem_problems(profile):
    """A line of its own, and a model that the tracker knows."""
    modem = profile.get("modem")
    if modem is None:
        return []
    found = []
    if modem.get("uart") not in (1, 2) or modem["uart"] == profile["gnss"].get("uart"):
        found.append("The modem has to be on UART 1 or 2, and not on the receiver's: sentences and PPP exclude each other.")
    if modem.get("model") not in _MODEMS:
        found.append("The modem's model '%s' isn't known. There are: %s." % (modem.get("model"), ", ".join(_MODEMS)))
    if "pwrkey" in modem and not ("on_ms" in modem and "off_ms" in modem):
        found.append("The modem's power key needs 'on_ms' and 'off_ms': how long it is pressed to switch on, and off.")
    if not {"pwrkey", "power", "reset"} & set(modem):
        found.append("The modem has neither power key nor supply nor reset on a pin: one that hangs could never be started again.")
    return found


def _sleep_problems(profile):
    """What ends a deep sleep, and which pins keep their level in it."""
    sleep = profile.get("sleep")
    if sleep is None:
        return []
    found = []
    wake = profile.get("inputs", {}).get(sleep.get("wake"))
    if wake not in _WAKES and sleep.get("wake") != "ignition":  # the ignition is judged as such
        found.append("GPIO%s can't be sleep.wake: it has to be one of the inputs, on a pin that can wake the chip." % wake)
    outputs = [pin for _, pin, is_output in pins(profile) if is_output]
    for pin, _ in sleep.get("hold", ()):
        if pin not in outputs:
            found.append("GPIO%s can't be held asleep: it is no output of this board." % pin)
    return found


def pins(profile):
    """(owner, pin, is an output) of everything that the profile gives a pin."""
    for group, is_output in _GROUPS:
        for name, pin in profile.get(group, {}).items():
            yield group + "." + name, pin, is_output
    for pin, _ in profile.get("power_on", ()):
        yield "power_on", pin, True
    modem = profile.get("modem", {})
    for name in _MODEM_OUTPUTS if modem else ():
        if name in modem or name == "tx":
            yield "modem." + name, modem.get(name, -1), True
    if modem:
        yield "modem.rx", modem.get("rx", -1), False
    yield "gnss.rx", profile["gnss"].get("rx", -1), False
    yield "gnss.tx", profile["gnss"].get("tx", -1), True


def _trouble(owner, pin, is_output, psram):
    """Why this pin can't do that, or None."""
    if not isinstance(pin, int) or not 0 <= pin <= 39 or pin in _NO_PINS:
        return "the chip has no such pin"
    if pin in _FLASH_PINS:
        return "the flash chip is on it"
    if psram and pin in _PSRAM_PINS:
        return "the PSRAM is on it"
    if pin in _CONSOLE_PINS:
        return "the console is on it"
    if is_output and pin in _INPUT_ONLY:
        return "it is an input only"
    if owner.startswith("adc.") and pin not in _ADC1_PINS:
        return "only GPIO32 to 39 measure while Wi-Fi is on"
    if not is_output and pin in _STRAPS:
        return "it is driven from outside and has to be %s" % _STRAPS[pin]
    if owner == "inputs.ignition" and pin not in _WAKES:
        return "it can't wake the chip"
    return None
