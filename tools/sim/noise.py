"""The errors of a receiver's positions: how far off, how long, and when there is none at all.

Owns: the figures; docs/world.md tells to which logs each was fitted, fit.py prints them again.
"""

import math

_SLOW_M, _SLOW_S = 2.05, 50.0  # per axis
_WHITE_M = 0.04
SPEED_MS = 0.05
_COLD_M, _COLD_S = (30, 60), 10.0
_EXIT_M, _EXIT_S = (20, 50), 3.0
_HICCUP_M, _HICCUP_S, _HICCUP_EVERY_S = (5, 15), 2.0, 1000  # while moving


class Noise:
    """The error of a position, second by second: a slow wander, a trace of white, kicks that fade.

    The wander is two first-order filters in a row: as smooth over seconds as a receiver's own.
    """

    def __init__(self, rng):
        self.rng = rng
        self.keep = math.exp(-1 / _SLOW_S)
        self.drive_m = _SLOW_M * math.sqrt((1 - self.keep**2) ** 3 / (1 + self.keep**2))
        self.inner = [0.0, 0.0, 0.0]
        self.outer = [0.0, 0.0, 0.0]
        self.kick_m = [0.0, 0.0]
        self.fade = 0.0
        self.disturbed_m = 0.0  # how much of the last error was a kick
        for _ in range(round(8 * _SLOW_S)):
            self._wander()

    def _wander(self):
        for axis in range(3):
            self.inner[axis] = self.keep * self.inner[axis] + self.rng.gauss(0, self.drive_m)
            self.outer[axis] = self.keep * self.outer[axis] + self.inner[axis]

    def kick(self, between_m, fade_s):
        """Throw the position off by so many metres in a direction of chance."""
        size, heading = self.rng.uniform(*between_m), self.rng.uniform(0, 2 * math.pi)
        self.kick_m = [size * math.cos(heading), size * math.sin(heading)]
        self.fade = math.exp(-1 / fade_s)

    def step(self, moving):
        """(east, north, up) in metres."""
        self._wander()
        if moving and self.rng.random() < 1 / _HICCUP_EVERY_S:
            self.kick(_HICCUP_M, _HICCUP_S)
        aside, along = self.kick_m
        self.disturbed_m = math.hypot(aside, along)
        self.kick_m = [aside * self.fade, along * self.fade]
        east, north, up = self.outer
        east += aside + self.rng.gauss(0, _WHITE_M)
        north += along + self.rng.gauss(0, _WHITE_M)
        return east, north, 1.8 * up


def blind(a_round, rng):
    """When the receiver is blind, and what that does.

    Returns (seconds without a fix, {first second with one: (metres, fading time)}, first second
    at which it knows the time).
    """
    first_fix_s = rng.randint(32, 46)
    silent = set(range(first_fix_s))
    kicks = {first_fix_s: (_COLD_M, _COLD_S)}
    for from_s, to_s in a_round.tunnels:
        found_s = to_s + rng.randint(1, 3)
        silent.update(range(from_s, found_s))
        kicks[found_s] = (_EXIT_M, _EXIT_S)
    return silent, kicks, first_fix_s - rng.randint(8, 20)
