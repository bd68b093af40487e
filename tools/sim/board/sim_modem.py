"""A modem on a UART: starts, finds its network, takes commands, carries PPP, and fails as it is told.

In: hear() what the board writes, pin() its pins, run() as time passes; a model of sim_modems.py; faults (docs/simulator.md).
Out: said, a list of (ms, bytes) in the order of time; baud, at which they are said.
Owns: power, start, network, data mode; commands are sim_at.py's. Its state is a plain dict that the world keeps: a reset of
    the chip does not touch it. Runs on CPython too. Nothing that it hears makes it raise.
"""

try:
    import sim_at
    import sim_modems
    import sim_ppp
except ImportError:  # on CPython
    from sim.board import sim_at, sim_modems, sim_ppp

_GUARD_MS = 1000  # of silence on both sides of +++
_RESET_MS = 100  # a reset line is held at least so long
_FADE_MS = 20_000  # from the loss of the network to NO CARRIER
_NEVER = 0x3FFFFFFF
_AT_MOST = 200  # things said that nobody fetches
_TROUBLES = ("brown", "restart", "restarts", "dies", "no_carrier", "garbage", "drop", "fade")
_SINGLE = ("no_carrier", "dies", "garbage", "restarts", "drop")  # faults that come at a moment, "at_s"


class SimModem:
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

    def _make(self, ms, powered):
        state = self.state
        first = "tries" not in state  # what was on before belongs to the world's first start only
        was_on = first and not self.fault("broken") and {"on", "data", "baud"} & {fault["what"] for fault in self.faults}
        powered = powered or was_on
        state.update(mode="off", power=int(bool(powered)), dead=0, baud=0, ipr=self.model["baud"], agenda=[])
        state.setdefault("tries", 3)  # the card's own
        state.update(starts=0, calls=0, downs=0, brown=0, search_ms=ms, ready_ms=ms, unlocked=0, cfun=1, heard_ms=ms - 5000)
        state.update(troubled_ms=ms, pins={}, pressed_ms=None, reset_ms=None, told=-1, deaf_peer=0)
        for fault in self.faults:
            what = fault["what"]
            if what == "brown_out":
                state["brown"] = fault.get("times", 3)
            elif what == "baud":
                state["ipr"] = fault["baud"]
            elif what == "rdy_twice":
                state["again"] = 1
            if what in _SINGLE and fault.get("at_s", 0) * 1000 >= ms:
                self._plan(int(fault.get("at_s", 0) * 1000), what)
            if what in ("no_signal", "denied"):
                self._plan(int(fault.get("from_s", 0) * 1000) + _FADE_MS, "fade")
        if was_on:
            self._start(ms, told=False)
            self.run(ms)
            state["search_ms"] = state["ready_ms"] = ms - self.model["reg_ms"]
        elif powered and self.model.get("starts"):
            self._start(ms)
        if was_on and self.fault("data"):
            state["mode"] = "data"
            self._call(up=True)

    # what is asked of it

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

    def fault(self, what, ms=None):
        """Is this wrong with it (now)?"""
        for fault in self.faults:
            if fault["what"] == what and (ms is None or self._lasts(fault, ms)):
                return fault
        return None

    @staticmethod
    def _lasts(fault, ms):
        return fault.get("from_s", 0) * 1000 <= ms < fault.get("until_s", _NEVER // 1000) * 1000

    def sim_state(self, ms):
        """"no sim", "busy", "puk", "pin" or "ready"."""
        if self.fault("no_sim", ms):
            return "no sim"
        if ms < self.state["ready_ms"]:
            return "busy"
        if not self.state["tries"]:
            return "puk"
        return "pin" if self.sim.get("pin") and not self.state["unlocked"] else "ready"

    def registered(self, ms):
        """As in +CREG: 0 not searching, 1 at home, 2 searching, 3 denied, 5 roaming."""
        state = self.state
        if state["mode"] == "off" or state["cfun"] != 1 or self.sim_state(ms) != "ready":
            return 0
        if self.fault("denied", ms):
            return 3
        if self.fault("no_signal", ms):
            return 2
        since_ms = max(state["search_ms"], state["ready_ms"])
        for fault in self.faults:
            if fault["what"] in ("denied", "no_signal", "no_sim") and fault.get("until_s", _NEVER) * 1000 <= ms:
                since_ms = max(since_ms, int(fault["until_s"] * 1000))
        if ms < since_ms + self.model["reg_ms"]:
            return 2
        return 5 if self.fault("roaming", ms) else 1

    # power

    def pin(self, name, level, ms):
        self.run(ms)
        state = self.state
        was = state["pins"].get(name)
        state["pins"][name] = level
        if name == "power":
            self._supply(level, ms)
        elif name == "pwrkey":
            self._key(level, ms)
        elif name == "reset":
            if level and not was:
                state["reset_ms"] = ms
            elif not level and was and state["reset_ms"] is not None and ms - state["reset_ms"] >= _RESET_MS:
                if state["power"]:
                    self._start(ms)
        elif name == "dtr" and level and was == 0 and state["mode"] == "data" and not self.deaf():
            if self.at.set["dtr"] == 2:
                self.hang_up(ms + 50)
            elif self.at.set["dtr"] == 1:
                state["mode"] = "online"
                self.say(ms + 50, "OK")

    def _supply(self, level, ms):
        state = self.state
        if level and not state["power"]:
            state["power"] = 1
            if self.model.get("starts"):
                self._start(ms)
        elif not level:
            state["power"] = 0
            self._off()

    def _key(self, level, ms):
        state = self.state
        if level:
            if state["pressed_ms"] is None:
                state["pressed_ms"] = ms
            return
        if state["pressed_ms"] is None:
            return
        held_ms, state["pressed_ms"] = ms - state["pressed_ms"], None
        if not state["power"] or self.fault("broken", ms):
            return
        if state["mode"] == "off":
            if held_ms >= self.model["on_ms"]:
                self._start(ms)
        elif held_ms >= self.model["off_ms"]:
            self.go_down(ms)

    def go_down(self, ms):
        """Orderly, as after the power key or its command."""
        if self.model["goodbye"] and not self.deaf():
            self.say(ms + 500, self.model["goodbye"])
        self.state["dead"] = 1  # to all but its power
        self._plan(ms + self.model["down_ms"], "off")

    def _off(self):
        state = self.state
        state.update(mode="off", dead=0, agenda=[item for item in state["agenda"] if item[1] in _SINGLE + ("fade",)])
        state["downs"] += 1
        self.peer = None
        self.said = []

    def _start(self, ms, told=True):
        """From nothing to its first words."""
        state = self.state
        self._off()
        state["downs"] -= 1
        state["starts"] += 1
        if self.fault("broken", ms):
            return
        boot_ms = ms + (self.model["boot_ms"] if told else 0)
        state.update(mode="starting", baud=state["ipr"], cfun=1, unlocked=0, told=-1, deaf_peer=0)
        self.at.forget()
        self._plan(boot_ms, "boot")
        ready_ms = [at_ms for at_ms, words in self.model["boot"] if words == "+CPIN: READY"][0]
        state.update(ready_ms=boot_ms + (ready_ms if told else 0), search_ms=boot_ms)
        if told and self.fault("garbage") and state["starts"] <= 2:
            self._plan(boot_ms - 500, "garbage")
        for at_ms, words in self.model["boot"] if told else ():
            self._plan(boot_ms + at_ms, "words", words)
        if state.get("again"):
            state["again"] = 0
            self._plan(boot_ms + 1500, "restart")
        if state["brown"]:
            self._plan(boot_ms + self.model["reg_ms"] // 2, "brown")

    def restart(self, ms):
        """By its own or by a command; the power stays."""
        self._start(ms)

    def deaf(self):
        state = self.state
        return state["dead"] or state["mode"] in ("off", "starting") or not state["power"]

    # time

    def _plan(self, ms, what, words=""):
        agenda = self.state["agenda"]
        at = len(agenda)
        while at and agenda[at - 1][0] > ms:
            at -= 1
        agenda.insert(at, [ms, what, words])

    def plan(self, ms, what, words=""):
        """For sim_at: something that comes later."""
        self._plan(ms, what, words)

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

    def _on_rate(self, ms, words):
        self.state["baud"] = int(words)

    def lose_call(self):
        if self.state["mode"] == "online":
            self.state["mode"] = "command"
            self.peer = None

    def _on_boot(self, ms, words):
        self.state["mode"] = "command"

    def _on_words(self, ms, words):
        if words == "+CPIN: READY" and self.sim_state(ms) != "ready":
            words = {"no sim": "+CPIN: NOT INSERTED", "pin": "+CPIN: SIM PIN"}.get(self.sim_state(ms), "+CPIN: SIM PUK")
        if self.state["mode"] != "data":
            self.say(ms, words)

    def _on_restart(self, ms, words):
        if self.state["mode"] != "off":
            self._start(ms)

    _on_restarts = _on_restart

    def _on_brown(self, ms, words):
        """The burst of its first call to the network is too much for the supply."""
        self.state["brown"] -= 1
        self._off()
        if self.model.get("starts"):
            self._start(ms + 200)

    def _on_off(self, ms, words):
        self._off()

    def _on_dies(self, ms, words):
        if self.state["mode"] != "off":
            self.state["dead"] = 1

    def _on_drop(self, ms, words):
        """The network forgets the call and nobody says so."""
        self.state["deaf_peer"] = self.state["mode"] in ("data", "online")

    def _on_no_carrier(self, ms, words):
        if self.state["mode"] in ("data", "online"):
            self.hang_up(ms)

    def _on_fade(self, ms, words):
        if self.registered(ms) not in (1, 5):
            self._on_no_carrier(ms, words)

    def _on_garbage(self, ms, words):
        noise = ms & 0xFFFF
        out = bytearray()
        for _ in range(60):
            noise = (noise * 75 + 74) % 65537
            out.append(noise & 0xFF)
        self.say_bytes(ms, bytes(out))

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

    def say(self, ms, words):
        self.say_bytes(ms, b"\r\n" + words.encode() + b"\r\n")

    def say_bytes(self, ms, data):
        if not self.state["baud"] or self.state["mode"] == "off" or self.state["dead"]:
            return  # it has not been told a rate: it says nothing
        if self.said and ms < self.said[-1][0]:
            ms = self.said[-1][0]
        if len(self.said) < _AT_MOST:
            self.said.append((ms, data))
