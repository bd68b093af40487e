"""Is this JSON, to the letter? MicroPython's json is lenient: it takes a file that was cut between two values for a
whole one, and where a colon or a comma is missing it goes on and gives each value to the next key.

In: bytes.  Out: is_object(). Read at boot and let go.
"""

from micropython import const

_SCALAR = "0123456789+-.eEtrufalsn"  # of a number, true, false, null
_PASSES = const(24)  # 12 join the members of the longest list that fits a settings file; the rest is nesting
# s is a string, v another value, m a member of an object. Members before lists, what is in brackets before the brackets.
_RULES = (
    ("s:s", "m"),
    ("s:v", "m"),
    ("m,m", "m"),
    ("s,s", "s"),
    ("s,v", "v"),
    ("v,s", "v"),
    ("v,v", "v"),
    ("{m}", "v"),
    ("{}", "v"),
    ("[s]", "v"),
    ("[v]", "v"),
    ("[]", "v"),
)


def is_object(data):
    """Whether brackets, colons and commas are where they belong in an object; what a number may be, json knows."""
    left = _skeleton(data)
    if left[:1] != "{":
        return False
    for _ in range(_PASSES):
        for old, new in _RULES:
            left = left.replace(old, new)
    return left == "v"


def _skeleton(data):
    tokens = []
    inside = escaped = value = False
    for byte in data:
        char = chr(byte)
        if inside:
            inside = escaped or char != '"'
            escaped = char == "\\" and not escaped
            continue
        if char == '"':
            inside = True
            tokens.append("s")
        elif char in "{}[]:,":
            tokens.append(char)
        elif char in _SCALAR:
            if not value:
                tokens.append("v")
            value = True
            continue
        elif char not in " \t\r\n":
            tokens.append("?")
        value = False
    return "".join(tokens)
