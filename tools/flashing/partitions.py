"""The partition table: rows of board.json -> what is wrong with them, and the bytes for 0x8000.

In: rows (label, type, subtype, offset, size).  Out: rows(), problems(), table().
"""

import hashlib
import struct

TABLE_OFFSET = 0x8000
TABLE_SIZE = 0xC00  # erased bytes (0xFF) follow the last entry
SECTOR = 0x1000
APP_ALIGN = 0x10000  # an application begins at 64 KB: the size of a page of the flash cache

_ENTRY = "<HBBII16sI"  # magic, type, subtype, offset, size, label, flags
_FIRST_FREE = 0x9000
_ENTRIES_MAX = TABLE_SIZE // 32 - 1  # one is the MD5's
_TYPES = {"app": 0, "data": 1}
_SUBTYPES = {
    "app": {"factory": 0x00, "ota_0": 0x10, "ota_1": 0x11},
    "data": {"ota": 0x00, "phy": 0x01, "nvs": 0x02, "fat": 0x81, "spiffs": 0x82, "littlefs": 0x83},
}
# Stock firmware makes a vfs of its own behind the last partition if the table names none.
_NEEDED = ("nvs", "vfs", "journal")


class Row:
    """One partition, numbers as numbers."""

    def __init__(self, label, kind, subtype, offset, size):
        self.label = label
        self.kind = kind
        self.type = _TYPES[kind]
        self.subtype = _SUBTYPES[kind][subtype] if subtype in _SUBTYPES[kind] else int(subtype, 0)
        self.offset = int(offset, 0)
        self.size = int(size, 0)

    @property
    def end(self):
        return self.offset + self.size


def rows(board):
    """The board's partitions as Rows; KeyError or ValueError for a word that no table has."""
    return [Row(*row) for row in board["partitions"]]


def find(board, label):
    """The partition of that name."""
    return next(row for row in rows(board) if row.label == label)


def first_app(board):
    """Where the application goes: while otadata is blank the loader takes factory, else ota_0."""
    return min((row for row in rows(board) if row.kind == "app"), key=lambda row: row.subtype)


def problems(board):
    """Sentences; an empty list means that the table can be used."""
    try:
        parts = rows(board)
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        return ["The partitions can't be read: %r." % error]
    found = []
    labels = [part.label for part in parts]
    for label in _NEEDED:
        if label not in labels:
            found.append("There is no partition '%s'." % label)
    if not any(part.kind == "app" for part in parts):
        found.append("There is no partition for the application.")
    for label in sorted(set(labels)):
        if labels.count(label) > 1:
            found.append("Two partitions are called '%s'." % label)
        if not 1 <= len(label.encode()) <= 15:
            found.append("The label '%s' isn't 1 to 15 bytes long." % label)
    if len(parts) > _ENTRIES_MAX:
        found.append("There are more than %d partitions." % _ENTRIES_MAX)
    for part in parts:
        found += _row_problems(part, board["flash_bytes"])
    parts = sorted(parts, key=lambda part: part.offset)
    for low, high in zip(parts, parts[1:]):
        if low.end > high.offset:
            found.append("'%s' and '%s' overlap." % (low.label, high.label))
    return found


def _row_problems(part, flash_bytes):
    found = []
    align = APP_ALIGN if part.kind == "app" else SECTOR
    if part.offset % align or part.size % SECTOR or part.size <= 0:
        found.append("'%s' isn't aligned to 0x%X or isn't whole sectors." % (part.label, align))
    if part.offset < _FIRST_FREE:
        found.append("'%s' lies in the loader or in the table itself." % part.label)
    if part.end > flash_bytes:
        found.append("'%s' ends behind the end of the flash." % part.label)
    if not 0 <= part.subtype <= 0xFE:
        found.append("The subtype of '%s' isn't a byte." % part.label)
    return found


def table(board):
    """What the loader reads: 32 bytes a row, then the MD5 of the rows, then erased flash."""
    entries = b"".join(
        struct.pack(
            _ENTRY, 0x50AA, row.type, row.subtype, row.offset, row.size, row.label.encode(), 0
        )
        for row in rows(board)
    )
    digest = b"\xeb\xeb" + b"\xff" * 14 + hashlib.md5(entries).digest()
    return (entries + digest).ljust(TABLE_SIZE, b"\xff")
