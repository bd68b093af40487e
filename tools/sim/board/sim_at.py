"""The commands of a simulated modem, each family's in its own manner.

In: hear(bytes, ms) from sim_modem.py, later() when an answer is due.
Out: what the modem says.
Owns: the line that is being written, and what is set until the next start: echo, contexts, what is told unasked.
"""

try:
    import sim_modems
except ImportError:  # on CPython
    from sim.board import sim_modems

_LONGEST = 256
_ANSWER_MS = 20
_SLOW_MS = {"+CFUN": 1800, "+COPS": 600, "+CPIN": 600, "+CGATT": 1000, "+CGACT": 800}
_DIALS = ("D*99#", "D*99***1#", 'D"*99#"', '+CGDATA="PPP",1')
_RESTARTS = ("+CRESET", "+CFUN=1,1")
_DAYS_BEFORE = (0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334)


class Commands:
    def __init__(self, modem):
        self._modem = modem
        self._line = bytearray()
        self._busy = False
        self.set = modem.state.get("at")  # it was on before this board's start
        if self.set is None:
            self.forget()

    def forget(self):
        """As it is at each start."""
        self._line = bytearray()
        self._busy = False
        self.set = {"echo": 1, "dtr": 0, "apn": "", "user": "", "key": "", "names": 1, "tells": {}}
        self.set["cme"] = self._modem.model["cme"]
        self._modem.state["at"] = self.set

    def wrong_apn(self):
        right = self._modem.sim.get("apn")
        return right is not None and self.set["apn"] != right

    def authenticated(self):
        sim = self._modem.sim
        told = (self.set["user"], self.set["key"])
        return told in ((sim.get("user"), sim.get("key", "")), (sim.get("key", ""), sim.get("user")))

    def hear(self, data, ms):
        if self._busy:
            return  # of a command that runs, as most of them do
        echoed = bytearray()
        for byte in data:
            echoed.append(byte)
            if byte == 13:
                line, self._line = bytes(self._line), bytearray()
                if self._is_command(line):
                    self._say_echo(echoed, ms)
                    echoed = bytearray()
                    self._take(line[line.upper().find(b"AT") + 2 :], ms)
                    break
            elif byte != 10 and len(self._line) < _LONGEST:
                self._line.append(byte)
        self._say_echo(echoed, ms)

    def _say_echo(self, data, ms):
        if self.set["echo"] and data:
            self._modem.say_bytes(ms, bytes(data))

    @staticmethod
    def _is_command(line):
        """AT must be where the line begins, or where the noise before it ends."""
        return b"AT" in line.upper()

    def _take(self, body, ms):
        if any(byte > 126 or byte < 32 for byte in body):
            self._modem.say(ms + _ANSWER_MS, "ERROR")
            return
        words = body.decode().strip()
        name = words.split("=")[0].split("?")[0].upper()
        self._busy = True
        wait_ms = _ANSWER_MS if words.endswith("?") else _SLOW_MS.get(name, _ANSWER_MS)
        if self._short(words) in _DIALS:
            wait_ms = self._modem.model["dial_ms"]
        self._modem.plan(ms + wait_ms, "command", words)

    @staticmethod
    def _short(words):
        return words.upper().replace(" ", "")

    def later(self, ms, words):
        """The command has run: its answer."""
        self._busy = False
        modem = self._modem
        if modem.state["mode"] not in ("command", "online"):
            return
        short = self._short(words)
        if short in _DIALS:
            if modem.state["mode"] == "online":
                self._error(ms)
            else:
                modem._on_connect(ms, "")
        elif short in _RESTARTS and not (short == "+CRESET" and "sim800" in modem.model["name"].lower()):
            modem.say(ms, "OK")
            modem.plan(ms + 300, "restart")
        elif short == modem.model["down"]:
            if not modem.model["goodbye"]:
                modem.say(ms, "OK")
            modem.go_down(ms)
        elif short in ("O", "O0"):
            modem.resume(ms) if modem.state["mode"] == "online" else modem.say(ms, "NO CARRIER")
        elif short in ("H", "H0"):
            modem.lose_call()
            modem.say(ms, "OK")
        else:
            self._answer(ms, words, short)

    def _answer(self, ms, words, short):
        name, _, value = words.partition("=")
        if name[:1] != "+":
            at = 2 if name[:1] == "&" else 1
            name, value = name[:at], name[at:]
        call = _DOES.get(name.upper().strip("? "))
        if call:
            self._say_all(ms, call(self, ms, value.strip(), short.endswith("?")))
        elif not short or short == "&W" or any(short.startswith(taken) for taken in sim_modems.TAKEN):
            self._say_all(ms, ())
        elif name.upper() == self._modem.model["iccid"][0]:
            self._say_all(ms, self._iccid(ms))
        else:
            self._error(ms)

    def _say_all(self, ms, answer):
        """A tuple of lines: they and OK. A word of sim_modems.CME: that error."""
        if isinstance(answer, str):
            self._error(ms, answer)
            return
        for line in answer or ():
            self._modem.say(ms, line)
        self._modem.say(ms, "OK")

    def _error(self, ms, why=None):
        if why is None or not self.set["cme"]:
            self._modem.say(ms, "ERROR")
        else:
            number, words = sim_modems.CME[why]
            self._modem.say(ms, "+CME ERROR: %s" % (words if self.set["cme"] == 2 else number))

    # what each does: lines to say before OK, or why not

    def _iccid(self, ms):
        if self._modem.sim_state(ms) in ("no sim", "busy"):
            return self._modem.sim_state(ms)
        return (self._modem.model["iccid"][1] % self._modem.sim.get("iccid", sim_modems.ICCID),)

    def _e(self, ms, value, asks):
        self.set["echo"] = int(value not in ("", "0"))
        return ()

    def _dtr(self, ms, value, asks):
        self.set["dtr"] = int(value) if value in ("0", "1", "2") else 0
        return ()

    def _about(self, ms, value, asks):
        return ("Manufacturer: SIMCOM INCORPORATED", "Model: " + self._modem.model["name"], "Revision: SIMULATED", "IMEI: 869000000000017")

    def _model(self, ms, value, asks):
        return (self._modem.model["name"],)

    def _imei(self, ms, value, asks):
        return ("869000000000017",)

    def _cmee(self, ms, value, asks):
        if asks:
            return ("+CMEE: %d" % self.set["cme"],)
        self.set["cme"] = int(value) if value in ("0", "1", "2") else 0
        return ()

    def _ipr(self, ms, value, asks):
        state = self._modem.state
        if asks:
            return ("+IPR: %d" % state["ipr"],)
        if value not in ("0", "9600", "19200", "38400", "57600", "115200", "230400", "460800", "921600"):
            return ""
        state["ipr"] = int(value)
        self._modem.plan(ms + 30, "rate", value)
        return ()

    def _cpin(self, ms, value, asks):
        modem = self._modem
        state, now = modem.state, modem.sim_state(ms)
        if now in ("no sim", "busy"):
            return now
        if asks:
            return ("+CPIN: " + {"ready": "READY", "pin": "SIM PIN", "puk": "SIM PUK"}[now],)
        if now != "pin":
            return "puk" if now == "puk" else ""
        if value.strip('"') != modem.sim["pin"]:
            state["tries"] -= 1
            return "password"
        state.update(tries=3, unlocked=1, search_ms=ms)
        modem.plan(ms + 100, "words", "+CPIN: READY")
        return ()

    def _tries(self, ms, value, asks):
        return ("+SPIC: %d,3,10,10" % self._modem.state["tries"],)

    def _csq(self, ms, value, asks):
        heard = self._modem.state["cfun"] == 1 and not self._modem.fault("no_signal", ms)
        return ("+CSQ: 18,99" if heard else "+CSQ: 99,99",)

    def _cops(self, ms, value, asks):
        if not asks:
            if value[:1] == "3":
                self.set["names"] = int(value != "3,2")
            return ()
        modem = self._modem
        if modem.registered(ms) not in (1, 5):
            return ("+COPS: 0",)
        shown = (0, sim_modems.OPERATOR[1]) if self.set["names"] else (2, sim_modems.OPERATOR[0])
        return ('+COPS: 0,%d,"%s",%d' % (shown + (modem.model["tech"],)),)

    def _registration(self, name, ms, value, asks):
        if name not in self._modem.model["regs"]:
            return ""
        if asks:
            return ("+%s: %s,%d" % (name, self.set["tells"].get(name, "0"), self._modem.registered(ms)),)
        self.set["tells"][name] = value
        return ()

    def _creg(self, ms, value, asks):
        return self._registration("CREG", ms, value, asks)

    def _cgreg(self, ms, value, asks):
        return self._registration("CGREG", ms, value, asks)

    def _cereg(self, ms, value, asks):
        return self._registration("CEREG", ms, value, asks)

    def changed(self, ms):
        """What is told unasked when the registration is another."""
        for name, told in self.set["tells"].items():
            if told in ("1", "2"):
                self._modem.say(ms, "+%s: %d" % (name, self._modem.registered(ms)))

    def _cgatt(self, ms, value, asks):
        return ("+CGATT: %d" % (self._modem.registered(ms) in (1, 5)),) if asks else ()

    def _cgact(self, ms, value, asks):
        return ("+CGACT: 1,%d" % (self._modem.registered(ms) in (1, 5)),) if asks else ()

    def _cgpaddr(self, ms, value, asks):
        return ("+CGPADDR: 1,10.64.1.2",)

    def _cgdcont(self, ms, value, asks):
        if asks:
            return ('+CGDCONT: 1,"IP","%s","0.0.0.0",0,0' % self.set["apn"],)
        parts = [part.strip().strip('"') for part in value.split(",")]
        if len(parts) < 2 or parts[1] not in ("IP", "IPV4V6"):
            return ""
        if parts[0] == "1":
            self.set["apn"] = parts[2] if len(parts) > 2 else ""
        return ()

    def _cgauth(self, ms, value, asks):
        parts = [part.strip().strip('"') for part in value.split(",")]
        if not self._modem.model["cgauth"] or asks or not 1 <= len(parts) <= 4:
            return ""
        self.set["user"], self.set["key"] = (parts + ["", "", "", ""])[2:4]
        return ()

    def _cfun(self, ms, value, asks):
        state = self._modem.state
        if asks:
            return ("+CFUN: %d" % state["cfun"],)
        if value not in ("0", "1", "4"):
            return ""
        if value == "1" and state["cfun"] != 1:
            state["search_ms"] = ms
        state["cfun"] = int(value)
        if value != "1":
            self._modem.lose_call()
        return ()

    def _cclk(self, ms, value, asks):
        if not asks:
            return ()
        modem = self._modem
        known = modem.registered(ms) in (1, 5) and not modem.fault("no_time")
        return ('+CCLK: "%s"' % (_clock(modem.start_sec + ms // 1000) if known else modem.model["clock"]),)


_DOES = {
    "E": Commands._e, "&D": Commands._dtr, "I": Commands._about, "+CGMM": Commands._model, "+CGSN": Commands._imei,
    "+GSN": Commands._imei, "+CMEE": Commands._cmee, "+IPR": Commands._ipr, "+CPIN": Commands._cpin,
    "+SPIC": Commands._tries, "+CSQ": Commands._csq, "+COPS": Commands._cops, "+CGATT": Commands._cgatt,
    "+CGACT": Commands._cgact, "+CGPADDR": Commands._cgpaddr, "+CGDCONT": Commands._cgdcont,
    "+CGAUTH": Commands._cgauth, "+CFUN": Commands._cfun, "+CCLK": Commands._cclk, "+CREG": Commands._creg,
    "+CGREG": Commands._cgreg, "+CEREG": Commands._cereg,
}  # fmt: skip


def _clock(sec):
    """Seconds since 2020 as +CCLK has them, in Jakarta's time: seven hours, in quarters."""
    sec += 7 * 3600
    days, sec = divmod(sec, 86400)
    year = 20
    while days >= 365 + (year % 4 == 0):
        days -= 365 + (year % 4 == 0)
        year += 1
    leap = year % 4 == 0
    month = 12
    while days < _DAYS_BEFORE[month - 1] + (leap and month > 2):
        month -= 1
    day = days - _DAYS_BEFORE[month - 1] - (leap and month > 2) + 1
    return "%02d/%02d/%02d,%02d:%02d:%02d+28" % (year, month, day, sec // 3600, sec // 60 % 60, sec % 60)
