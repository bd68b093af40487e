"""One setting changed by a technician or by the office, and the list of all; every answer in English and in Indonesian.

In: key and text, as typed.  Out: (done, English, Indonesian).
Not on the road: whoever answers a call imports it, and lets it go with settings, schema and schema_text.
"""

from binascii import unhexlify

from tracker.system.schema import CHOICE, HEX, INT, ROWS, TEXT
from tracker.system.settings import legal, shown, wanted

_HARUS = (  # wanted() of settings.py, in the order of the kinds
    "bilangan bulat dari %d sampai %d",
    "teks %d sampai %d bita tanpa karakter kontrol",
    "%d sampai %d huruf, angka, - atau _",
    "%d digit heksadesimal",
    "",
    "nama atau alamat %d sampai %d karakter, tanpa mqtt:// dan port",
)


def change(store, key, text, live=None):
    """Check and save one value; "" takes it back to its default. store: a SettingsFile; live: the Values in use.

    Never raises. What can't be taken changes nothing.
    """
    row = _row_of(key)
    if row is None:
        keys = ", ".join([row[0] for row in ROWS])
        return (
            False,
            "There is no such setting. Nothing was changed. The settings are: %s." % keys,
            "Setelan itu tidak ada. Tidak ada yang diubah. Setelan yang ada: %s." % keys,
        )
    text = text if row[1] == TEXT else text.strip()
    value = _value_of(row, text)
    if text != "" and not legal(row, value):
        unit = " " + row[4] if row[4] else ""
        return (
            False,
            "'%s' has to be %s%s. Nothing was changed." % (key, wanted(row), unit),
            "'%s' harus %s%s. Tidak ada yang diubah." % (key, _harus(row), unit),
        )
    values = store.first()[0]
    if text == "":
        values.pop(key, None)
    else:
        values[key] = value
    try:
        store.save(values)
    except OSError as error:
        return (
            False,
            "The settings can't be written (%s). Nothing was changed. Check the free space in flash." % error,
            "Setelan tidak bisa ditulis (%s). Tidak ada yang diubah. Periksa sisa ruang di flash." % error,
        )
    if text == "":
        value = row[2]
    elif row[1] == HEX:
        value = unhexlify(value)
    at_once = live is not None and not row[6]
    if at_once:
        setattr(live, key, value)
    return (True,) + _answer(row, value, at_once, text == "")


def listing(values, language=0):
    """A line a setting: its value, what it is for, what it may be. language: 0 English, 1 Indonesian."""
    from tracker.system.schema_text import TEXTS

    lines = []
    for row in ROWS:
        limits = (wanted, _harus)[language](row) + (" " + row[4] if row[4] else "")
        words = (TEXTS[row[0]][language], limits, _RESTART[language] if row[6] else _AT_ONCE[language])
        lines.append("%s = %s\n    %s (%s) %s" % ((row[0], shown(row, getattr(values, row[0]))) + words))
    return lines


_RESTART = ("It takes effect at the next start.", "Berlaku setelah pelacak dinyalakan ulang.")
_AT_ONCE = ("It takes effect at once.", "Langsung berlaku.")


def _answer(row, value, at_once, back):
    when = _AT_ONCE if at_once else _RESTART
    if back:
        english = "'%s' is at its default again: %s."
        indonesian = "'%s' kembali ke nilai bawaan: %s."
    else:
        english = "'%s' is now %s."
        indonesian = "'%s' sekarang %s."
    said = shown(row, value)
    kata = said.replace("(secret)", "(rahasia)").replace("(not set)", "(belum diisi)")
    return english % (row[0], said) + " " + when[0], indonesian % (row[0], kata) + " " + when[1]


def _value_of(row, text):
    """As it stands in the file: a number if it is to be one and is one, else the text."""
    try:
        return int(text) if row[1] == INT else text
    except ValueError:
        return text


def _row_of(key):
    for row in ROWS:
        if row[0] == key:
            return row
    return None


def _harus(row):
    if row[1] == CHOICE:
        return " atau ".join(["'%s'" % choice for choice in row[3]])
    return _HARUS[row[1] - 1] % (2 * row[3] if row[1] == HEX else row[3])
