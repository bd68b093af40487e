"""A modem on a UART: starts, finds its network, takes commands, carries PPP, and fails as it is told.

In: hear() what the board writes, pin() its pins, run() as time passes; a model of sim_modems.py; faults (docs/simulator.md).
Out: said, a list of (ms, bytes) in the order of time; baud, at which they are said.
Owns: time, data mode. Power, start, network and what is wrong with them are sim_modem_base.py's, commands sim_at.py's.
    Runs on CPython too. Nothing that it hears makes it raise.
"""

try:
    import sim_at
    import sim_modems
    import sim_ppp
    from sim_modem_base import Base
except ImportError:  # on CPython
    from sim.board import sim_at, sim_modems, sim_ppp
    from sim.board.sim_modem_base import Base

_GUARD_MS = 1000  # of silence on both sides of +++
_NEVER = 0x3FFFFFFF
_TROUBLES = ("brown", "restart", "restarts", "dies", "no_carrier", "garbage", "drop", "fade")


class SimModem(Base):
    def __init__(self, model, faults=(), state=None, ms=0, powered=True, sim=None, start_sec=0):
        """powered: its supply can't be switched, or is on. sim: "pin", "apn", "user", "key" that are the right ones."""
        self.model = sim_modems.MODELS[model]
        self.faults = [{"what": f} if isinstance(f, str) else f for f in faults]
        self.sim = sim or {}
        self.start_sec = start_sec
        self.said = []
        self.peer = None
        self.state = state if state is not None else {}
        self.at = sim_at.Commands(self)
        self.ms = ms
        self._pluses = 0
        if "mode" not in self.state:
            self._make(ms, powered)
        elif self.state["mode"] in ("data", "online"):
            self._call(up=True)

    @property
    def baud(self):
        return self.state["baud"] or 115200

    @property
    def next_ms(self):
        due = [item[0] for item in self.state["agenda"][:1]] + [at_ms for at_ms, _ in self.said[:1]]
        if self.state["mode"] == "data" and self.peer.phase != "up":
            due.append(self.peer.again_ms)
        return min(due) if due else _NEVER

    def flows(self, ms):
        """Do packets get through?"""
        peer = self.peer
        up = self.state["mode"] == "data" and peer is not None and peer.phase == "up"
        return up and not self.deaf() and not self.state["deaf_peer"] and self.registered(ms) in (1, 5)

    # time

    def run(self, ms):
        """Let time come to ms."""
        agenda = self.state["agenda"]
        while agenda and agenda[0][0] <= ms:
            at_ms, what, words = agenda.pop(0)
            if what in _TROUBLES:
                self.state["troubled_ms"] = at_ms
            getattr(self, "_on_" + what)(at_ms, words)
            agenda = self.state["agenda"]  # a start makes a new one
        self.ms = ms
        if self.state["mode"] == "data":
            self.peer.tick(ms)
            self._after_peer(ms)
        elif self.state["mode"] == "command" and self.registered(ms) != self.state["told"]:
            self.state["told"] = self.registered(ms)
            self.at.changed(ms)

    def lose_call(self):
        if self.state["mode"] == "online":
            self.state["mode"] = "command"
            self.peer = None

    def _on_drop(self, ms, words):
        """The network forgets the call and nobody says so."""
        self.state["deaf_peer"] = self.state["mode"] in ("data", "online")

    def _on_no_carrier(self, ms, words):
        if self.state["mode"] in ("data", "online"):
            self.hang_up(ms)

    def _on_fade(self, ms, words):
        if self.registered(ms) not in (1, 5):
            self._on_no_carrier(ms, words)

    def _on_escape(self, ms, words):
        if self._pluses == 3 and self.state["mode"] == "data" and ms - self.state["heard_ms"] >= _GUARD_MS:
            self.state["mode"] = "online"
            self.say(ms, "OK")

    def _on_connect(self, ms, words):
        """What was dialled is answered."""
        state = self.state
        if state["mode"] != "command":
            return
        wrong = self.at.wrong_apn()
        if self.registered(ms) not in (1, 5) or wrong and self.model["wrong_apn"]:
            self.say(ms, self.model["wrong_apn"] if wrong else "NO CARRIER")
            return
        self.say(ms, self.model["connect"])
        state["mode"] = "data"
        state["calls"] += 1
        self._call()
        if wrong:
            self.plan(ms + 3000, "lcp_end")

    def _on_lcp_end(self, ms, words):
        if self.state["mode"] == "data":
            self.peer.hang_up()
            self._after_peer(ms)

    def _on_command(self, ms, words):
        self.at.later(ms, words)

    # data

    def _call(self, up=False):
        who = None
        if self.sim.get("user") and not self.at.authenticated():
            who = self.sim["user"].encode(), self.sim.get("key", "").encode()
        self._pluses = 0
        self.state["deaf_peer"] = 0
        self.peer = sim_ppp.Peer(self.ms, b"\x0a\x40\x01\x02", b"\x0a\x40\x00\x35", who, up=up)

    def hang_up(self, ms, words="NO CARRIER"):
        self.state["mode"] = "command"
        self.peer = None
        self.say(ms, words)

    def resume(self, ms):
        """ATO"""
        self.state["mode"] = "data"
        self.say(ms, self.model["connect"])

    def _after_peer(self, ms):
        peer = self.peer
        if peer.out:
            out, peer.out = peer.out, bytearray()
            if not self.state["deaf_peer"]:
                self.say_bytes(ms, bytes(out))
        if peer.phase == "dead":
            self.hang_up(ms + 200)

    # words

    def hear(self, data, ms, baud=0):
        """What the board writes; baud 0: at the right rate."""
        self.run(ms)
        state = self.state
        if self.deaf():
            return
        if not state["baud"]:  # it takes the rate of the first AT
            if b"AT" not in bytes(data).upper():
                return
            state["baud"] = baud or 115200
        if baud and baud != state["baud"]:
            data = b"\xff" * (len(data) * min(baud, state["baud"]) // max(baud, state["baud"]) or 1)
        gap_ms, state["heard_ms"] = ms - state["heard_ms"], ms
        if state["mode"] != "data":
            self._pluses = 0
            self.at.hear(data, ms)
            return
        self._escape(data, gap_ms, ms)
        if not state["deaf_peer"]:
            self.peer.feed(data, ms)
        self._after_peer(ms)

    def _escape(self, data, gap_ms, ms):
        data = bytes(data)
        if data != b"+" * len(data) or (gap_ms < _GUARD_MS and not 0 < self._pluses < 3):
            self._pluses = 0
            return
        self._pluses = len(data) if gap_ms >= _GUARD_MS else self._pluses + len(data)
        if self._pluses == 3:
            self._plan(ms + _GUARD_MS, "escape")
