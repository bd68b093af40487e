"""Deep sleep: what is left in RTC memory, which pins hold, what wakes the chip. Loaded for it, and once after a wake.

Owns: bytes 16 to 47 of the retained image. The chip's clock goes on asleep, on an RC oscillator that is seconds wrong in five
    minutes: what it says afterwards is coarse, good for a log and for a certificate, and never becomes a record's time.
"""

import struct

from micropython import const

_FROM, _TO = const(16), const(48)
_NOTE = "<BII"  # format, second since 2020 at which it fell asleep (0: unknown), the chip's second
_FORMAT = const(1)
_DRIFT_PERCENT = const(5)


def fall_asleep(machine, esp32, wake, profile, retained, sec, chip_sec, minutes):
    """Does not come back. wake: the pin that ends it; profile: the board's "sleep"; minutes: until the next heartbeat, 0 for none."""
    struct.pack_into(_NOTE, retained.buf, _FROM, _FORMAT, sec or 0, chip_sec)
    retained.seal(_FROM, _TO)
    retained.save()
    for number, level in profile.get("hold", ()):
        machine.Pin(number, machine.Pin.OUT, value=level, hold=True)
    esp32.gpio_deep_sleep_hold(True)
    esp32.wake_on_ext0(wake, profile["level"])
    if minutes:
        machine.deepsleep(minutes * 60_000)
    machine.deepsleep()


def woken_words(retained, chip_sec):
    when = woken(retained, chip_sec)
    if when is None:
        return "Awake again. Nobody knew the time before."
    sec = when[0]
    return "Awake again. By the chip's clock it is %02d:%02d:%02d UTC, give or take %d s." % (
        sec % 86400 // 3600, sec % 3600 // 60, sec % 60, when[1])


def woken(retained, chip_sec):
    """(second since 2020, how wrong it may be in seconds), or None where nobody knew it."""
    if not retained.whole(_FROM, _TO):
        return None
    form, sec, then = struct.unpack_from(_NOTE, retained.buf, _FROM)
    slept_s = chip_sec - then
    if form != _FORMAT or not sec or slept_s < 0:
        return None
    return sec + slept_s, slept_s * _DRIFT_PERCENT // 100 + 1
