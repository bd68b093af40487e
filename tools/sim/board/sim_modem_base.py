"""A modem's power, start and network, and what goes wrong with them: what sim_modem.py builds on.

In: pins, faults (docs/simulator.md), a model of sim_modems.py.
Out: the agenda of what comes by itself; registered(), sim_state(); words at their time.
Owns: the state, a plain dict that the world keeps: a reset of the chip does not touch it.
"""

_RESET_MS = 100  # a reset line is held at least so long
_FADE_MS = 20_000  # from the loss of the network to NO CARRIER
_NEVER = 0x3FFFFFFF
_AT_MOST = 200  # things said that nobody fetches
_SINGLE = ("no_carrier", "dies", "garbage", "restarts", "drop")  # faults that come at a moment, "at_s"


class Base:
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

    def _plan(self, ms, what, words=""):
        agenda = self.state["agenda"]
        at = len(agenda)
        while at and agenda[at - 1][0] > ms:
            at -= 1
        agenda.insert(at, [ms, what, words])

    def plan(self, ms, what, words=""):
        """For sim_at: something that comes later."""
        self._plan(ms, what, words)

    def _on_rate(self, ms, words):
        self.state["baud"] = int(words)

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

    def _on_garbage(self, ms, words):
        noise = ms & 0xFFFF
        out = bytearray()
        for _ in range(60):
            noise = (noise * 75 + 74) % 65537
            out.append(noise & 0xFF)
        self.say_bytes(ms, bytes(out))

    def say(self, ms, words):
        self.say_bytes(ms, b"\r\n" + words.encode() + b"\r\n")

    def say_bytes(self, ms, data):
        if not self.state["baud"] or self.state["mode"] == "off" or self.state["dead"]:
            return  # it has not been told a rate: it says nothing
        if self.said and ms < self.said[-1][0]:
            ms = self.said[-1][0]
        if len(self.said) < _AT_MOST:
            self.said.append((ms, data))
