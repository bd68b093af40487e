"""Settings: bytes -> values that are always usable, and a sentence about all that was wrong.

In: the bytes of a settings file, whatever they are.  Out: Values, their problems.
Owns: settings.json, its copy, the essentials in NVS. Needed at boot and by a change (settings_change.py), then let go.
"""

import json
import os
from binascii import crc32, hexlify, unhexlify

from micropython import const

from tracker.system.schema import CHOICE, ESSENTIAL, HEX, INT, ROWS
from tracker.system.strict import is_object
from tracker.system.values import Values

_LARGEST = const(4096)  # bytes; ours is below 1 KB, and the parsed file has to fit a small heap
_NAME_CHARS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
_SHOWN = const(24)  # characters of an unknown key that a sentence repeats
_TOLD = const(6)  # unknown keys that are named
_INT_TOLD = const(1_000_000)  # a wrong number from here on is not repeated: a password may be digits, and has eight

_BLOB = "essentials"  # key in NVS: at most 15 characters
_BLOB_MAX = const(1984)  # bytes; the chip takes a blob this long in one page
_CHECK = const(4)  # bytes of CRC-32 before the text

# Where the values came from: Values.source.
FILE = const(0)
COPY = const(1)
NVS = const(2)
DEFAULTS = const(3)
_USED = (
    "",
    "Its last good copy, settings.bak, is used; what was changed since is missing.",
    "Neither can settings.bak be read. The device, the Wi-Fi and the broker are known from NVS, the rest is at its default.",
    "Neither can settings.bak nor NVS be read. The tracker runs on defaults and keeps its trail in flash.",
)


def parse(data, device_id=""):
    """Values from a file's bytes (or None). Never raises; a wrong value becomes its default."""
    values, trouble = read(data)
    return _judge(values, trouble, DEFAULTS if trouble else FILE, device_id)


def read(data):
    """(key -> what the file says of it, unjudged; what is wrong with the file as a whole, or "")."""
    if data is None:
        return {}, "is not there or can't be opened"
    if len(data) > _LARGEST:
        return {}, "is longer than %d bytes" % _LARGEST
    if data[:3] == b"\xef\xbb\xbf":  # Notepad on Windows writes a byte order mark
        data = data[3:]
    if is_object(data):
        try:
            values = json.loads(str(data, "utf-8"))
            return values, ""
        except ValueError:  # a number or a text that is none
            pass
    return {}, "is cut or is not JSON"


def written(values):
    """The file's content: the schema's keys in its order, the others behind. Only what is set: a default may change."""
    keys = [row[0] for row in ROWS if row[0] in values]
    keys += sorted([key for key in values if key not in keys])
    lines = [" %s: %s" % (json.dumps(key), json.dumps(values[key])) for key in keys]
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode()


def legal(row, value):
    return _LEGAL[row[1] - 1](value, row[3])


def shown(row, value):
    """A value for people. A secret is only said to be there."""
    if row[5]:
        return "(secret)" if value else "(not set)"
    return str(value) + (" " + row[4] if row[4] else "") if value != "" else "(not set)"


def secrets(values):
    """The secret texts among the values, as they might be printed: for the log, which makes stars of them."""
    texts = [getattr(values, row[0]) for row in ROWS if row[5]]
    return [text if isinstance(text, str) else hexlify(text).decode() for text in texts if text]


def _judge(values, trouble, source, device_id):
    settings = Values()
    settings.source = source
    settings.refused = 0  # values that couldn't be taken
    settings.problems = problems = []  # sentences: what happened, what it means, what to do
    if trouble:
        problems.append("The settings file %s. Put settings.json on the board again." % trouble)
        problems.append(_USED[source])
    for row in ROWS:
        key = row[0]
        setattr(settings, key, device_id if key == "device_id" else row[2])
        if key in values:
            _take(settings, row, values[key])
    _note_unknown(values, problems)
    _note_missing(settings)
    return settings


def _take(settings, row, value):
    key, kind, _, _, unit, _, _ = row
    if legal(row, value):
        setattr(settings, key, unhexlify(value) if kind == HEX else value)
    elif value != "" or kind in (INT, CHOICE):  # else it is not set: the default stays
        settings.refused += 1
        default = getattr(settings, key)
        told = kind == INT and _is_int(value) and -_INT_TOLD < value < _INT_TOLD
        settings.problems.append(
            "The setting '%s'%s has to be %s%s. %s. Correct settings.json."
            % (
                key,
                " is %d but" % value if told else "",
                wanted(row),
                " " + unit if unit else "",
                "It counts as not set" if default in ("", b"") else shown(row, default) + " is used instead",
            )
        )


def wanted(row):
    """In words. A refused text is never repeated: it may be a password that was put into the wrong line."""
    limits = row[3]
    if row[1] == CHOICE:
        return " or ".join(["'%s'" % choice for choice in limits])
    return _WANTED[row[1] - 1] % (2 * limits if row[1] == HEX else limits)


_WANTED = (  # in the order of the kinds
    "a whole number from %d to %d",
    "a text of %d to %d bytes without control characters",
    "%d to %d letters, digits, - or _",
    "%d hexadecimal digits",
    "",
    "a name or an address of %d to %d characters, no mqtt://, no port",
)


def _legal_int(value, limits):
    return _is_int(value) and limits[0] <= value <= limits[1]


def _legal_text(value, limits):
    return isinstance(value, str) and limits[0] <= _size(value) <= limits[1]


def _legal_name(value, limits):
    return _legal_text(value, limits) and all(char in _NAME_CHARS for char in value)


def _legal_hex(value, size):
    try:
        return isinstance(value, str) and len(value) == 2 * size and len(unhexlify(value)) == size
    except ValueError:
        return False


def _legal_choice(value, choices):
    return isinstance(value, str) and value in choices


def _legal_host(value, limits):
    return _legal_text(value, limits) and all(char in _NAME_CHARS or char in ".:" for char in value)


_LEGAL = (_legal_int, _legal_text, _legal_name, _legal_hex, _legal_choice, _legal_host)


def _is_int(value):
    return isinstance(value, int) and not isinstance(value, bool)


def _size(text):
    """Bytes of UTF-8, or -1 for what no network name, password or MQTT string may hold."""
    for char in text:
        if ord(char) < 32 or 0xD800 <= ord(char) < 0xE000:
            return -1
    return len(text.encode())


def _note_unknown(values, problems):
    known = [row[0] for row in ROWS]
    keys = sorted([key for key in values if key not in known])
    for key in keys[:_TOLD]:
        name = "".join([char if 32 <= ord(char) < 127 else "?" for char in key[:_SHOWN]])
        problems.append(
            "The setting '%s' is not known to this version. It is kept and has no effect. "
            "Check its spelling." % name
        )
    if len(keys) > _TOLD:
        problems.append("%d more settings are not known to this version." % (len(keys) - _TOLD))


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


class SettingsFile:
    """settings.json; settings.bak, its last good content; settings.new while one is written; the essentials in nvs."""

    def __init__(self, folder="", nvs=None):
        self._main = folder + "settings.json"
        self._copy = folder + "settings.bak"
        self._new = folder + "settings.new"
        self.old = folder + "settings.old"  # what trial.py goes back to
        self._nvs = nvs

    def load(self, device_id=""):
        """From the first of the three that can be read. What was good becomes the copy and the essentials. Never raises."""
        values, trouble, source = self.first()
        settings = _judge(values, trouble, source, device_id)
        if source <= COPY and not settings.refused:
            self._keep(settings.problems, values, source)
        return settings

    def first(self):
        """(values, what is wrong with settings.json or "", source)"""
        values, trouble = read(bytes_of(self._main))
        if not trouble:
            return values, "", FILE
        for source, get in ((COPY, self._from_copy), (NVS, self._from_nvs)):
            values, missing = read(get())
            if not missing:
                return values, trouble, source
        return {}, trouble, DEFAULTS

    def save(self, values):
        """Written beside, then switched: a cut leaves the old or the new. May raise OSError."""
        data = written(values)
        if len(data) > _LARGEST:
            raise OSError(27, "longer than %d bytes" % _LARGEST)  # EFBIG: the next start would refuse it
        self.write(self._main, data)

    def _keep(self, problems, values, source):
        data = bytes_of(self._main)
        if source == FILE and data != self._from_copy():
            try:
                self.write(self._copy, data)
            except OSError as error:
                problems.append(
                    "The spare copy of the settings can't be written (%s). The tracker runs without it. "
                    "Check the free space in flash." % error
                )
        text = written({key: values[key] for key in ESSENTIAL if key in values})
        if self._nvs is not None and text != self._from_nvs():  # NVS wears: only what is new is written
            try:
                self._nvs.set_blob(_BLOB, crc32(text).to_bytes(_CHECK, "little") + text)
                self._nvs.commit()
            except OSError as error:
                problems.append(
                    "The essential settings can't be written to NVS (%s). The tracker runs without them. "
                    "Tell the office." % error
                )

    def _from_copy(self):
        return bytes_of(self._copy)

    def _from_nvs(self):
        """The text of the essentials, or None."""
        if self._nvs is None:
            return None
        blob = bytearray(_BLOB_MAX)
        try:
            end = self._nvs.get_blob(_BLOB, blob)
        except OSError:
            return None
        text = bytes(blob[_CHECK:end])
        return text if crc32(text).to_bytes(_CHECK, "little") == bytes(blob[:_CHECK]) else None

    def write(self, name, data):
        with open(self._new, "wb") as file:
            file.write(data)
        os.rename(self._new, name)


def bytes_of(name):
    """The file's bytes, one more than allowed at most; None if it isn't there or can't be read."""
    try:
        with open(name, "rb") as file:
            return file.read(_LARGEST + 1)
    except OSError:
        return None
