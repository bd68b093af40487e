"""What a serial line does to NMEA: eight classes of damage, drawn from a seed, and what a parser made of them.

In: a receiver's bytes.  Out: epochs_of(), tries(), fuzz_blocks(), Verdict.
Owns: the classes. Each try is two whole epochs, a damaged one and two whole ones.
"""

import random
import re

CLASSES = ("one_flip", "double_flip", "lost", "doubled", "swapped", "glued", "cut", "burst")
_SENTENCE = re.compile(rb"\$([A-Z]{2})(RMC|GGA),[^$*\r\n]*\*([0-9A-F]{2})")
_AROUND = 2
_UBX_NAV_PVT = bytes((0xB5, 0x62, 0x01, 0x07, 92, 0))


def valid_sentences(data):
    """(type, sentence with its line end) of each RMC and GGA with a right checksum."""
    for found in _SENTENCE.finditer(data):
        text = found.group(0)
        xor = 0
        for c in text[1:-3]:
            xor ^= c
        if xor == int(found.group(3), 16) and not text.startswith(b"$P"):
            yield found.group(2).decode(), text + b"\r\n"


def epochs_of(data):
    """[first sentence, second sentence] of each second that has both, in the receiver's order."""
    epochs, last = [], None
    for _, text in valid_sentences(data):
        time = text.split(b",")[1]
        if last and time and last[0] == time:
            epochs.append([last[1], text])
            last = None
        else:
            last = (time, text)
    return epochs


def tries(epochs, seed, counts, rmc_only=False):
    """(class, bytes) per try. The damaged epoch is tries' middle; counts: how many of each class."""
    rng = random.Random(seed)
    if rmc_only:
        epochs = [[text for text in epoch if text[3:6] == b"RMC"] for epoch in epochs]
    for name in CLASSES:
        for _ in range(counts[name]):
            at = rng.randrange(_AROUND, len(epochs) - _AROUND)
            around = [b"".join(epoch) for epoch in epochs[at - _AROUND : at + _AROUND + 1]]
            around[_AROUND] = damaged(rng, name, epochs[at])
            yield name, b"".join(around)


def damaged(rng, name, epoch):
    """One epoch, damaged somewhere in one of its sentences or between the two."""
    which = rng.randrange(len(epoch))
    text = bytearray(epoch[which])
    at = rng.randrange(len(text))
    if name == "one_flip":
        text[at] ^= 1 << rng.randrange(8)
    elif name == "double_flip":
        _flip_two(rng, text)
    elif name == "lost":
        del text[at : at + rng.randrange(1, 4)]
    elif name == "doubled":
        text[at:at] = text[at : at + rng.randrange(1, 3)]
    elif name == "swapped":
        at = rng.randrange(1, len(text) - 1)
        text[at], text[at + 1] = text[at + 1], text[at]
    elif name == "glued":  # the line end and what is around it
        del text[len(text) - rng.randrange(1, 8) :]
    whole = bytearray(b"".join([*epoch[:which], bytes(text), *epoch[which + 1 :]]))
    if name == "cut":
        at = rng.randrange(len(whole))
        del whole[at : at + rng.randrange(4, 60)]
    elif name == "burst":
        at = rng.randrange(len(whole))
        for i in range(at, min(at + rng.randrange(2, 30), len(whole))):
            whole[i] = rng.randrange(256)
    return bytes(whole)


def _flip_two(rng, text):
    """Two bits of one sentence: of any bytes, or, three times in four, two that the XOR does not see."""
    blind = rng.random() < 0.75
    end = text.index(b"*") if blind else len(text)
    low = rng.random() < 0.7  # a digit stays a digit when one of its low bits flips
    bit = rng.randrange(4) if low else rng.randrange(8)
    first, second = rng.sample(range(1, end), 2)
    text[first] ^= 1 << bit
    text[second] ^= 1 << (bit if blind else rng.randrange(8))


class Verdict:
    """Counts, per class, what was accepted in damaged streams and is not in the whole ones.

    A fix here is the tuple that nmea_vm.py prints: sec, ms, latitude, longitude and kind, then what only one
    of the two sentences says (speed, course; altitude, HDOP, satellites).
    """

    def __init__(self, whole):
        self._true = {fix[:4]: fix for fix in whole}
        self.tried = dict.fromkeys(CLASSES, 0)
        self.accepted = dict.fromkeys(CLASSES, 0)  # another time or place
        self.said_once = dict.fromkeys(CLASSES, 0)  # true time and place, another value of one sentence
        self.examples = []

    def judge(self, name, fixes):
        self.tried[name] += 1
        for fix in fixes:
            if fix[4] == "0":
                continue  # it says that there is no fix: no content
            true = self._true.get(fix[:4])
            if true is None:
                self.accepted[name] += 1
                self.examples.append((name, fix))
            elif any(a not in (b, "None") for a, b in zip(fix[4:], true[4:])) and fix[4:] != _alone(true):
                self.said_once[name] += 1


def _alone(fix):
    """The fix of its RMC only."""
    return ("1", *fix[5:7], "None", "None", "None")


def fuzz_blocks(epochs, seed, total):
    """(noise, whole epoch behind it) until there are `total` bytes of noise: damaged sentences, UBX frames, anything."""
    rng = random.Random(seed)
    made = 0
    turn = 0
    while made < total:
        noise = bytearray()
        for _ in range(rng.randrange(1, 4)):
            noise += damaged(rng, rng.choice(CLASSES), epochs[turn % len(epochs)])
            if rng.random() < 0.5:
                noise += _UBX_NAV_PVT + rng.randbytes(94)
        for _ in range(len(noise) // 30):
            noise[rng.randrange(len(noise))] = rng.randrange(256)
        made += len(noise)
        turn += 1
        yield bytes(noise), b"".join(epochs[turn % len(epochs)])
