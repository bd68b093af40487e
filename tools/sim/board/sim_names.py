"""UDP of the simulated board: a name server that knows every name, at any address that is asked.

In: the world's link, "broker" and "names" ({name: address}), and "names_silent" ([[from_s, to_s], ...]).
Out: one answer to a question, _AWAY_MS later; none in an outage, and none after one has begun.
Owns: what is on its way.
"""

import errno

import network
import sim_clock
import sim_world

_AWAY_MS = 40
_FIXED = 12  # bytes of a DNS packet before the question


class Datagrams:
    """Never waits, whatever it is told: a question of the firmware's is asked without waiting."""

    def __init__(self):
        self._answers = []  # (due ms, outages begun, packet, source)

    def setblocking(self, on):
        pass

    def settimeout(self, seconds):
        pass

    def close(self):
        self._answers = []

    def sendto(self, data, address):
        if network.route() is None:
            raise OSError(errno.EHOSTUNREACH)
        sim_world.state["names_asked"] = sim_world.state.get("names_asked", 0) + 1
        if network.linked() and not _silent():
            due_ms = sim_clock.ms + _AWAY_MS
            self._answers.append((due_ms, sim_world.outages_begun(), _answer(data), address))
        return len(data)

    def recvfrom(self, n):
        while self._answers and self._answers[0][0] <= sim_clock.ms:
            _, outages, packet, source = self._answers.pop(0)
            if outages == sim_world.outages_begun() and network.linked():
                return packet[:n], source
        raise OSError(errno.EAGAIN)


def _silent():
    spans = sim_world.script.get("names_silent", ())
    return any(from_s * 1000 <= sim_clock.ms < to_s * 1000 for from_s, to_s in spans)


def _answer(data):
    address = _address_of(_name_in(data))
    if address is None:
        return data[:2] + b"\x81\x83" + data[4:]  # there is no such name
    record = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + bytes(int(part) for part in address.split("."))
    return data[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + data[_FIXED:] + record


def _address_of(name):
    broker = sim_world.script.get("broker", {})
    return sim_world.script.get("names", {}).get(name, broker.get("host"))


def _name_in(data):
    labels = []
    at = _FIXED
    while data[at]:
        labels.append(str(data[at + 1 : at + 1 + data[at]], "utf-8"))
        at += 1 + data[at]
    return ".".join(labels)
