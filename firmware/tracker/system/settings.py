"""Settings: bytes -> values that are always usable, and a sentence about all that was wrong.

In: the bytes of a settings file, whatever they are.  Out: Settings, its .problems.
Owns: settings.json and its copy.
"""

import json
import os
from binascii import hexlify, unhexlify

from micropython import const

from tracker.system.schema import CHOICE, HEX, INT, ROWS

_LARGEST = const(4096)  # bytes; ours is below 1 KB, and the parsed file has to fit a small heap
_NAME_CHARS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
_SHOWN = const(24)  # characters of an unknown key that a sentence repeats


class Settings:
    """One attribute a row of the schema. A secret is in its attribute and in to_bytes() only."""

    def __init__(self, device_id):
        for key, _, default, _, _, _ in ROWS:
            setattr(self, key, default)
        self.device_id = device_id
        self.unknown = {}  # what the file has and we don't know: kept, written back
        self.problems = []  # sentences: what happened, what it means, what to do
        self.damaged = False  # the file as a whole couldn't be read
        self.refused = 0  # values that couldn't be taken

    def __repr__(self):
        return "Settings(%s)" % ", ".join(
            ["%s=%s" % (row[0], _shown(getattr(self, row[0]), row[5])) for row in ROWS]
        )

    def to_bytes(self):
        """The file's content, in the schema's order, unknown keys last."""
        lines = []
        for key, kind, _, _, _, _ in ROWS:
            value = getattr(self, key)
            lines.append(_line(key, hexlify(value).decode() if kind == HEX else value))
        for key in sorted(self.unknown):
            lines.append(_line(key, self.unknown[key]))
        return ("{\n" + ",\n".join(lines) + "\n}\n").encode()


def parse(data, device_id=""):
    """Settings from a file's bytes (or None). Never raises; a wrong value becomes its default."""
    settings = Settings(device_id)
    values = _read(data, settings)
    for row in ROWS:
        if row[0] in values:
            _take(settings, row, values.pop(row[0]))
    settings.unknown = values
    for key in sorted(values):
        settings.problems.append(
            "The setting '%s' is not known to this version. It is kept and has no effect. "
            "Check its spelling." % key[:_SHOWN]
        )
    _note_missing(settings)
    return settings


def _read(data, settings):
    """The file's key -> value, or {} and a sentence."""
    if data is None:
        trouble = "is not there or can't be opened"
    elif len(data) > _LARGEST:
        trouble = "is longer than %d bytes" % _LARGEST
    else:
        try:
            # Notepad on Windows writes a byte order mark. MicroPython's json takes a file that was
            # cut between two values for a whole one: the last bracket has to be looked for.
            text = str(data[3:] if data[:3] == b"\xef\xbb\xbf" else data, "utf-8").strip()
            values = json.loads(text)
            if text.endswith("}"):
                return {str(key): values[key] for key in values}
        except (ValueError, TypeError, RuntimeError):  # RuntimeError: brackets nested too deep
            pass
        trouble = "is cut or is not JSON"
    settings.damaged = True
    settings.problems.append(
        "The settings file %s. The tracker runs on defaults and keeps its trail in flash. "
        "Provision it again." % trouble
    )
    return {}


def _take(settings, row, value):
    key, kind, _, limits, unit, secret = row
    wanted = _WANTED[kind - 1](value, limits)
    if wanted is None:
        setattr(settings, key, unhexlify(value) if kind == HEX else value)
        return
    if value == "" and kind not in (INT, CHOICE):
        return  # not set: the default stays
    settings.refused += 1
    given = " is %d but" % value if kind == INT and _is_int(value) else ""
    default = getattr(settings, key)
    settings.problems.append(
        "The setting '%s'%s has to be %s%s. %s is used instead. Correct it in settings.json."
        % (key, given, wanted, " " + unit if unit else "", _shown(default, secret))
    )


# Each says what is wanted in words, or None if the value is that. A refused text is never
# repeated: it may be a password that was put into the wrong line.


def _want_int(value, limits):
    if _is_int(value) and limits[0] <= value <= limits[1]:
        return None
    return "a whole number from %d to %d" % limits


def _want_text(value, limits):
    if isinstance(value, str) and limits[0] <= _size(value) <= limits[1]:
        return None
    return "a text of %d to %d bytes without control characters" % limits


def _want_name(value, limits):
    if _want_text(value, limits) is None and all(char in _NAME_CHARS for char in value):
        return None
    return "%d to %d letters, digits, - or _" % limits


def _want_hex(value, size):
    try:
        if isinstance(value, str) and len(value) == 2 * size and len(unhexlify(value)) == size:
            return None
    except ValueError:
        pass
    return "%d hexadecimal digits" % (2 * size)


def _want_choice(value, choices):
    if isinstance(value, str) and value in choices:
        return None
    return " or ".join(["'%s'" % choice for choice in choices])


_WANTED = (_want_int, _want_text, _want_name, _want_hex, _want_choice)  # in the order of the kinds


def _is_int(value):
    return isinstance(value, int) and not isinstance(value, bool)


def _size(text):
    """Bytes of UTF-8, or -1 for what no network name, password or MQTT string may hold."""
    for char in text:
        if ord(char) < 32 or 0xD800 <= ord(char) < 0xE000:
            return -1
    return len(text.encode())


def _note_missing(settings):
    if not settings.broker_host:
        settings.problems.append(
            "No 'broker_host' is set. Nothing is sent, the trail stays in flash. "
            "Set the broker's address."
        )
    if not settings.device_key:
        settings.problems.append(
            "No 'device_key' is set. The station can't check what this tracker sends. "
            "Provision it."
        )


def _shown(value, secret):
    if secret:
        return "(secret)" if value else "(not set)"
    return str(value) if value != "" else "(not set)"


def _line(key, value):
    return " %s: %s" % (json.dumps(key), json.dumps(value))


class SettingsFile:
    """settings.json; settings.bak, its last good content; settings.new while one is written."""

    def __init__(self, folder=""):
        self._main = folder + "settings.json"
        self._copy = folder + "settings.bak"
        self._new = folder + "settings.new"

    def load(self, device_id=""):
        """The file, else its last good copy, else defaults. Never raises."""
        data = _bytes_of(self._main)
        settings = parse(data, device_id)
        copy = _bytes_of(self._copy)
        if settings.damaged:
            return self._from_copy(settings, copy, device_id)
        if not settings.refused and data != copy:
            try:
                self._write(self._copy, data)
            except OSError as error:
                settings.problems.append(
                    "The spare copy of the settings can't be written (%s). "
                    "The tracker runs without it. Check the free space in flash." % error
                )
        return settings

    def save(self, settings):
        """Written beside, then switched: a cut leaves the old or the new. May raise OSError."""
        self._write(self._main, settings.to_bytes())

    def _from_copy(self, settings, copy, device_id):
        spare = parse(copy, device_id)
        if spare.damaged:
            return settings
        spare.problems.insert(
            0,
            "The settings file can't be read. The last good copy, settings.bak, is used. "
            "Provision the tracker again.",
        )
        return spare

    def _write(self, name, data):
        with open(self._new, "wb") as file:
            file.write(data)
        os.rename(self._new, name)


def _bytes_of(name):
    """The file's bytes, one more than allowed at most; None if it isn't there or can't be read."""
    try:
        with open(name, "rb") as file:
            return file.read(_LARGEST + 1)
    except OSError:
        return None
