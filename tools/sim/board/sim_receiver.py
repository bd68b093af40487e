"""A receiver that can be talked to: obeys, ignores, changes its baud rate, forgets all when its power goes.

In: the feed's full bursts, what the firmware writes, its power pin, the script (docs/simulator.md).
Out: what it sends of each burst, its answers.
Owns: its settings. They are a plain dict that the world keeps: a reset of the chip does not touch them. Runs on CPython too.
"""

try:
    import sim_dialects as known
except ImportError:  # on CPython
    from sim.board import sim_dialects as known

_START_MS = 1000  # from power to the boot text
_KNOWN_TYPES = known.ALL + ("ZDA",)


class SimReceiver:
    def __init__(self, script, state=None):
        """script: family, baud (its default), step_ms, ignores (answers, obeys nothing), restarts, hangs (s)."""
        self.script = script
        self.dialects, self._boot_text, self._talks = known.FAMILIES[script["family"]]
        self.state = state if state is not None else {}
        self.said = bytearray()
        self._in = bytearray()
        self._late = []
        if not self.state:
            self.state.update(heard=0, refused=0, restarts=0, at_ms=0, on=1, from_ms=0, booted=1)
            self._forget()

    @property
    def baud(self):
        return self.state["baud"]

    def power(self, on, now_ms):
        if bool(on) != bool(self.state["on"]):
            self.state["on"] = int(bool(on))
            if on:
                self.restart(now_ms)

    def restart(self, now_ms):
        """Settings are lost, and it starts anew."""
        self._forget()
        self.state["restarts"] += 1
        self.state["from_ms"] = now_ms + _START_MS
        self.state["booted"] = 0
        self.state["hung"] = 0

    def _forget(self):
        rates = {name: 1 for name in known.ALL}
        self.state.update(rates=rates, baud=self.script.get("baud", 9600), talks=int(self._talks), at=0, n=0)
        self.state.update(step_ms=self.script.get("step_ms", 1000), hung=0, last_ms=-60000)

    # what it sends

    def shape(self, data, n, t_ms):
        """Leave in data[:n] what is said of this burst; the new n."""
        state = self.state
        self._follow_script(t_ms)
        if not state["on"] or state["hung"] or t_ms < state["from_ms"]:
            return 0
        if not state["booted"]:
            state["booted"] = 1
            if self._boot_text:
                self.said += _sentence(self._boot_text)
        while self._late and self._late[0][0] <= t_ms:
            self.said += self._late.pop(0)[1]
        if not state["talks"] or t_ms - state["last_ms"] < state["step_ms"] - 20:
            return 0
        state["last_ms"] = t_ms
        state["n"] += 1
        return self._select(data, n)

    def _select(self, data, n):
        rates, count = self.state["rates"], self.state["n"]
        out = 0
        for line in bytes(memoryview(data)[:n]).split(b"\n"):
            rate = rates.get(line[3:6].decode(), 0) if line else 0
            if rate and count % rate == 0:
                end = out + len(line) + 1
                data[out:end] = line + b"\n"
                out = end
        return out

    def _follow_script(self, t_ms):
        before = self.state["at_ms"]
        self.state["at_ms"] = t_ms
        for at_s in self.script.get("restarts", ()):
            if before < at_s * 1000 <= t_ms:
                self.restart(t_ms)
        for at_s in self.script.get("hangs", ()):
            if before < at_s * 1000 <= t_ms:
                self.state["hung"] = 1

    # what it hears

    def hear(self, data, now_ms):
        """Bytes at its own baud rate."""
        if not self.state["on"] or self.state["hung"] or now_ms < self.state["from_ms"]:
            return
        buf = self._in
        buf += data
        while True:
            ubx, line = buf.find(b"\xb5\x62"), buf.find(b"\n")
            if ubx == 0:
                if len(buf) < 8 or len(buf) < 8 + buf[4]:
                    return
                size = 8 + buf[4]
                self._frame(bytes(buf[2:size]))
            elif line >= 0:
                size = line + 1
                self._line(bytes(buf[:line]).strip(), now_ms)
            else:
                return
            self._in = buf = bytearray(buf[size:])

    def _frame(self, body):
        a = b = 0
        for c in body[:-2]:
            a = (a + c) & 0xFF
            b = (b + a) & 0xFF
        if (a, b) != (body[-2], body[-1]):
            self.state["refused"] += 1
            return
        payload = body[4:-2]
        obeyed = False
        if body[:2] == b"\x06\x8a" and "valset" in self.dialects:
            obeyed = self._keys(payload[4:])
        elif body[:2] == b"\x06\x01" and "ubx" in self.dialects and len(payload) == 3 and payload[0] == 0xF0:
            obeyed = self._rate(known.UBX_SENTENCES.get(payload[1]), payload[2])
        elif body[:2] == b"\x06\x08" and "ubx" in self.dialects:
            obeyed = self._set("step_ms", payload[0] | payload[1] << 8)
        if {"ubx", "valset"} & set(self.dialects):
            self.said += _ubx(b"\x05" + (b"\x01" if obeyed else b"\x00") + b"\x02\x00" + body[:2])

    def _keys(self, items):
        obeyed = True
        while items:
            key = items[0] | items[1] << 8 | items[2] << 16 | items[3] << 24
            size = {1: 1, 2: 1, 3: 2, 4: 4}[key >> 28]
            value = sum(items[4 + i] << 8 * i for i in range(size))
            items = items[4 + size :]
            what = known.VALSET_KEYS.get(key)
            obeyed = (self._rate if what in _KNOWN_TYPES else self._set)(what, value) and obeyed
        return obeyed

    def _line(self, line, now_ms):
        if line.startswith(b"AT"):
            self._at(line.decode(), now_ms)
        elif line.startswith(b"$") and line[-3:-2] == b"*":
            body = line[1:-3]
            if int(line[-2:].decode(), 16) != _xor(body):
                self.state["refused"] += 1
                return
            word, *fields = body.decode().split(",")
            for dialect in self.dialects:
                call = getattr(self, "_" + dialect, None)
                if call:
                    call(word, fields)

    def _pubx(self, word, fields):
        if word == "PUBX" and fields[0] == "40" and len(fields) == 8:
            self._rate(fields[1], int(fields[3]))
        elif word == "PUBX" and fields[0] == "41":
            self._set("baud", int(fields[4]))

    def _pmtk(self, word, fields):
        if word == "PMTK314" and len(fields) == known.PMTK314_FIELDS:
            for name, rate in zip(known.PMTK314, fields):
                self._rate(name, int(rate))
        elif word == "PMTK220":
            self._set("step_ms", int(fields[0]))
        elif word == "PMTK251":
            self._set("baud", int(fields[0]))
        if word.startswith("PMTK"):
            self.said += _sentence("PMTK001,%s,3" % word[4:])

    def _pair(self, word, fields):
        if word == "PAIR062":
            self._rate(known.PAIR062[int(fields[0])], int(fields[1]))
        elif word == "PAIR050":
            self._set("step_ms", int(fields[0]))
        if word.startswith("PAIR"):
            self.said += _sentence("PAIR001,%s,0" % word[4:])

    def _pcas(self, word, fields, dialect="pcas"):
        if word == "PCAS03" and len(fields) == known.PCAS03_FIELDS[dialect]:
            for name, rate in zip(known.PCAS03, fields):
                self._rate(name, int(rate or 0))
        elif word == "PCAS02":
            self._set("step_ms", int(fields[0]))
        elif word == "PCAS01":
            self._set("baud", known.PCAS01[int(fields[0])])

    def _pcas_long(self, word, fields):
        self._pcas(word, fields, "pcas_long")

    def _at(self, command, now_ms):
        modem = self.dialects[0] if self.dialects else ""
        if modem not in known.AT:
            return
        steps, state = known.AT[modem], self.state
        wrong = command in known.AT_REFUSED.get(modem, ())
        self.said += command.encode() + (b"\r\r\nERROR\r\n" if wrong else b"\r\r\nOK\r\n")
        if command in known.AT_LATE:
            late_ms, text = known.AT_LATE[command]
            self._late.append((now_ms + late_ms, b"\r\n" + text.encode() + b"\r\n"))
            state["from_at_ms"] = now_ms + late_ms
        if self.script.get("ignores") or now_ms < state.get("from_at_ms", 0) and command not in known.AT_LATE:
            return
        if state["at"] < len(steps) and command == steps[state["at"]]:
            state["at"] += 1
            state["heard"] += 1
            state["talks"] = int(state["at"] == len(steps))
            state["rates"] = {"RMC": 1, "GGA": 1}

    def _rate(self, name, rate):
        if name in self.state["rates"] and not self.script.get("ignores"):
            self.state["rates"][name] = rate
            self.state["heard"] += 1
        return name in _KNOWN_TYPES

    def _set(self, what, value):
        if what is not None and not self.script.get("ignores"):
            self.state[what] = value
            self.state["heard"] += 1
        return what is not None


def _xor(body):
    x = 0
    for c in body:
        x ^= c
    return x


def _sentence(body):
    return b"$%s*%02X\r\n" % (body.encode(), _xor(body.encode()))


def _ubx(body):
    a = b = 0
    for c in body:
        a = (a + c) & 0xFF
        b = (b + a) & 0xFF
    return b"\xb5\x62" + body + bytes((a, b))
