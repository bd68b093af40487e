"""What the last cut or reset cost, in words. Asked once, when the clock is believed, and then let go."""

from micropython import const

from tracker.record import RESET, SUPPLY, TECHNICIAN

COST_S = const(15)  # seconds of trail: the provisional tail is written every 14 s, a receiver may speak every 2 s
_CAUSES = {SUPPLY: "The supply was lost", RESET: "The board was reset", TECHNICIAN: "A technician stopped the program"}


def cost(reason, told_sec, torn, boot_sec):
    """A sentence; None after a sleep, and where nothing was told before. told_sec: the second up to which the journal tells,
    provisional tail included; torn: numbers of records that were cut off while they were written."""
    if told_sec is None or reason not in _CAUSES:
        return None
    return "%s. Told up to %d s before this start; of these at most %d s of trail are lost, and %d records that were being written." % (
        _CAUSES[reason], max(0, boot_sec - told_sec), COST_S, torn)
