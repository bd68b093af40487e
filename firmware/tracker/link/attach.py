"""One attempt: from a modem in whatever state to PPP. Loaded for it, let go when it is over.

In: the Modem, the rung of its ladder.  Out: Modem.attached(), or OSError(words, rest in ms).
Owns: the AT engine. Each part is a file that is let go before the next is loaded: rouse, sim_card, cellular. All are generators,
    and a yield gives the loop back until the Modem's next step.
"""

from time import ticks_diff

from micropython import const

from tracker.letgo import let_go
from tracker.link.at import LATE, At

_SETTLE_MS = const(300)
_SOON_MS = const(1000)
_SILENT = const(4)  # questions in a row without an answer


class Attach:
    def __init__(self, modem):
        self.m = modem
        self.at = At(modem.port.uart)
        self.late = 0

    def run(self, rung):
        yield from self._rouse(rung)
        let_go("link.rouse")
        yield from self._unlock()
        let_go("link.sim_card")
        roaming = yield from self._connect()
        self.m.attached(roaming)

    # A part's code is held by the frame that runs it, and by nothing else.

    def _rouse(self, rung):
        from tracker.link.rouse import Rouse

        return (yield from Rouse(self).run(rung))

    def _unlock(self):
        from tracker.link.sim_card import unlock

        return (yield from unlock(self))

    def _connect(self):
        from tracker.link.cellular import connect

        return (yield from connect(self))

    def ask(self, command, deadline_ms, wanted=b"+"):
        """The result; what the modem answers is in at.answer()."""
        at, ticks = self.at, self.m.ticks
        if at.restarts:
            self.m.restarts += 1
            raise OSError("the modem has started anew by itself: look at its supply", _SOON_MS)
        at.send(command, ticks(), deadline_ms, wanted)
        while at.poll(ticks()) is None:
            yield
        if at.result == LATE:
            yield from self.wait(_SETTLE_MS)  # what comes now must not be taken for the next answer
            self.late += 1
            if self.late >= _SILENT:
                raise OSError("the modem has fallen silent: look at its supply", _SOON_MS)
        else:
            self.late = 0
        return at.result

    def wait(self, wait_ms):
        ticks = self.m.ticks
        begun_ms = ticks()
        while ticks_diff(ticks(), begun_ms) < wait_ms:
            self.at.poll(ticks())
            yield
