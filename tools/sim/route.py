"""A waste truck's round: what it really does, second by second, before any receiver has a say.

In: a seed and a length in hours. Out: a Round (noise-free places at 1 Hz, the script of it).
Owns: how a laden truck accelerates, brakes, corners and waits.
"""

import math
import random

from sim.roads import KMH, TUNNEL, Network

_STEP_M = 2.0
_ACCEL_MS2 = 0.8  # from standstill, a third of it at 50 km/h; cars of real logs: 1.2 to 1.4 (p99)
_BRAKE_MS2 = 1.0  # cars of real logs: 1.3 to 2.2 (p99)
_SIDEWAYS_MS2 = 1.3
_CREEP_MS = 1.4  # along a row of bins, or in the queue of the weighbridge
_HINDRANCE_EVERY_M = 550  # an angkot, a handcart, a speed bump
_QUEUE = ((150, 70), (128, 95), (101, 60), (77, 120), (48, 80), (22, 100), (0, 75))  # (m, s)
_LONG_ROUND_H = 3.0  # from here on a round goes to the TPA and has a break


class Round:
    """One round: x[t], y[t] in metres at second t, and the script that goes with it."""

    def __init__(self, network, duration_s):
        self.network = network
        self.duration_s = duration_s
        self.x = []
        self.y = []
        self.length_m = 0.0
        self.stops = []  # (from_s, to_s, name)
        self.tunnels = []  # (from_s, to_s)
        self.ignition = []  # (t_s, level)


def drive(seed, hours=6.0):
    """The round of this seed, with as many collection stops as fit into the time."""
    duration_s = round(hours * 3600)
    network = Network(random.Random(seed))
    for count in range(min(len(network.stops), max(1, int(hours * 3))), 0, -1):
        plan = _Plan(network, random.Random("%s/%d" % (seed, count)), hours)
        plan.lay(count)
        leaving_s = min(600, duration_s // 12)
        times, speeds = plan.times(leaving_s)
        if times[-1] + 90 <= duration_s:
            return _sampled(plan, times, speeds, leaving_s, duration_s)
    raise ValueError("no round fits into %s hours" % hours)


class _Plan:
    """The way laid out every two metres: places, the speed that each allows, pauses, marks."""

    def __init__(self, network, rng, hours):
        self.network = network
        self.rng = rng
        self.long = hours >= _LONG_ROUND_H
        self.x = []
        self.y = []
        self.limit_ms = []
        self.vigour = []  # 0.6 to 1.3: how briskly the driver pulls away and brakes here
        self.pause_s = {}  # index -> seconds
        self.marks = []  # (first index, last index, name): stop, tunnel or break
        self.brisk = 1.0
        self.node = "depot"
        self.before = None

    def lay(self, count):
        for i, (name, node) in enumerate(self.network.stops[:count]):
            self.go(node, self.row_of_bins(), name)
            if self.long and i == count // 2:
                self._pause(len(self.x) - 1, 1260)  # breakfast, engine off
                self.marks.append((len(self.x) - 1, len(self.x) - 1, "break"))
        if self.long:
            self.go("tpa", _QUEUE, "queue")
            self.go("tip", [(7, 240), (0, 300)], "tip")
            self.go("tpa", [(0, 80)], "weighbridge")
        self.go("depot", [(0, 0)], "depot")

    def row_of_bins(self):
        """One to four places to stand a few metres apart, as (metres before the last, seconds)."""
        rng = self.rng
        total_s = rng.uniform(230, 600) if self.long else rng.uniform(100, 200)
        places = rng.randint(1, 4)
        shares = [rng.uniform(0.5, 1.5) for _ in range(places)]
        backs = [0.0]
        for _ in range(places - 1):
            backs.append(backs[-1] + rng.uniform(5, 16))
        return [(back, total_s * share / sum(shares)) for back, share in zip(backs[::-1], shares)]

    def go(self, goal, pauses, name):
        """Drive to a node, pause on the last metres, mark the way from the first pause on."""
        nodes = self.network.path(self.node, goal, self.before)
        self._follow(nodes)
        last = len(self.x) - 1
        first = last
        for back_m, wait_s in pauses:
            at = last - round(back_m / _STEP_M)
            first = min(first, at)
            self._pause(at, wait_s)
        for i in range(first + 1, last):
            self.limit_ms[i] = min(self.limit_ms[i], _CREEP_MS)
        self.marks.append((first, last, name))
        self.node, self.before = goal, nodes[-2]

    def _follow(self, nodes):
        begin = len(self.x)
        self.brisk = self.rng.uniform(0.7, 1.2)
        for x, y, limit, mark in _rounded(self._corners(nodes)):
            self._line_to(x, y, limit)
            here = len(self.x) - 1
            if mark == "red":
                self.brisk = self.rng.uniform(0.6, 1.3)
                self._pause(here, self.rng.uniform(8, 55))
            elif mark == "portal":
                self.marks.append((here, here, TUNNEL))
            elif mark == "mouth":
                self.marks[-1] = (self.marks[-1][0], here, TUNNEL)
        self._hinder(begin)

    def _corners(self, nodes):
        """(place, speed limit of the way to it, mark) along the roads between nodes."""
        corners = [(self.network.nodes[nodes[0]], KMH["access"] / 3.6, None)]
        for a, b in zip(nodes, nodes[1:]):
            points, kind = self.network.edges[a][b]
            limit = KMH[kind] / 3.6 * self.rng.uniform(0.74, 1.0)
            if kind == "tunnel":
                corners[-1] = corners[-1][:2] + ("portal",)
            corners += [(p, limit, None) for p in points]
            if kind == "tunnel":
                corners[-1] = (points[-1], limit, "mouth")
            elif _has_lights(b) and self.rng.random() < 0.5:
                corners[-1] = (points[-1], limit, "red")
        return corners

    def _pause(self, at, wait_s):
        """Stand here. Joined with a pause on the point beside: nothing moves between two halts."""
        for i in (at - 1, at + 1):
            if i in self.pause_s:
                at = i
        self.pause_s[at] = self.pause_s.get(at, 0.0) + wait_s

    def _line_to(self, x, y, limit):
        """Points every two metres up to (x, y), each with the speed that the way to it allows."""
        if not self.x:
            self._point(x, y, limit)
            return
        x0, y0 = self.x[-1], self.y[-1]
        steps = round(math.hypot(x - x0, y - y0) / _STEP_M)
        for i in range(1, steps + 1):
            self._point(x0 + (x - x0) * i / steps, y0 + (y - y0) * i / steps, limit)
        if steps == 0:
            self.limit_ms[-1] = min(self.limit_ms[-1], limit)

    def _point(self, x, y, limit):
        self.x.append(x)
        self.y.append(y)
        self.limit_ms.append(limit)
        self.vigour.append(self.brisk)

    def _hinder(self, begin):
        """The driver's own unsteadiness on a scale of 100 m, and what stands in the way."""
        rng = self.rng
        mood = 0.0
        for i in range(begin, len(self.x)):
            mood = 0.98 * mood + 0.2 * rng.gauss(0, 0.07)
            self.limit_ms[i] *= min(1.08, max(0.75, 1 + mood))
            if rng.random() < _STEP_M / _HINDRANCE_EVERY_M:
                slow = rng.uniform(1.8, 5.0)
                for j in range(i, min(len(self.x), i + rng.randint(4, 20))):
                    self.limit_ms[j] = min(self.limit_ms[j], slow)

    def times(self, leaving_s):
        """Arrival seconds and speeds of all points: as limits, engine and brakes allow."""
        n = len(self.x)
        step = self.steps_m()
        v = list(self.limit_ms)
        v[0] = v[-1] = 0.0
        for i in self.pause_s:
            v[i] = 0.0
        for i in range(n - 2, -1, -1):
            brake = _BRAKE_MS2 * self.vigour[i]
            v[i] = min(v[i], math.sqrt(v[i + 1] ** 2 + 2 * brake * step[i + 1]))
        times = [float(leaving_s)]
        for i in range(1, n):
            pull = _ACCEL_MS2 * self.vigour[i] * max(0.3, 1 - v[i - 1] / 20)
            v[i] = min(v[i], math.sqrt(v[i - 1] ** 2 + 2 * pull * step[i]))
            leave = times[-1] + self.pause_s.get(i - 1, 0.0)
            times.append(leave + 2 * step[i] / (v[i] + v[i - 1]))
        return times, v

    def steps_m(self):
        """The way to each point from the one before."""
        x, y = self.x, self.y
        return [0.0] + [math.hypot(x[i] - x[i - 1], y[i] - y[i - 1]) for i in range(1, len(x))]


def _sampled(plan, times, speeds, leaving_s, duration_s):
    """The plan read once a second, and its marks as seconds."""
    result = Round(plan.network, duration_s)
    i = 0
    last = len(times) - 1
    for t in range(duration_s):
        while i < last and times[i + 1] <= t:
            i += 1
        x, y = plan.x[i], plan.y[i]
        since_s = t - times[i] - plan.pause_s.get(i, 0.0)
        if i < last and since_s > 0:
            span_s = times[i + 1] - times[i] - plan.pause_s.get(i, 0.0)
            gain = (speeds[i + 1] - speeds[i]) / span_s
            step = (speeds[i] + speeds[i + 1]) / 2 * span_s
            share = (speeds[i] * since_s + gain * since_s * since_s / 2) / step
            x += (plan.x[i + 1] - x) * share
            y += (plan.y[i + 1] - y) * share
        result.x.append(x)
        result.y.append(y)
    result.length_m = sum(plan.steps_m())
    _script(plan, times, leaving_s, result)
    return result


def _script(plan, times, leaving_s, result):
    """Stops, tunnels and the ignition from the plan's marks."""
    result.ignition = [(0, 0), (max(1, leaving_s - 60), 1)]
    for first, last, name in plan.marks:
        from_s = math.ceil(times[first])
        to_s = math.floor(times[last] + plan.pause_s.get(last, 0.0))
        if name == TUNNEL:
            result.tunnels.append((from_s, math.ceil(times[last])))
        elif name == "break":
            result.ignition += [(from_s + 20, 0), (to_s - 40, 1)]
        else:
            result.stops.append((from_s, to_s, name))
    result.ignition.append((math.ceil(times[-1]) + 45, 0))


def _has_lights(node):
    """Where two arterials cross."""
    return isinstance(node[0], int) and node[0] % 2 == 0 and node[1] % 2 == 0


def _rounded(corners):
    """(x, y, speed limit, mark), every corner cut to a curve with the speed that it allows."""
    yield corners[0][0] + (corners[0][1], None)
    for (a, _, _), (p, limit, mark), (b, onward, _) in zip(corners, corners[1:], corners[2:]):
        before, after = math.dist(a, p), math.dist(p, b)
        turn = abs(
            (math.atan2(b[1] - p[1], b[0] - p[0]) - math.atan2(p[1] - a[1], p[0] - a[0]) + math.pi)
            % (2 * math.pi)
            - math.pi
        )
        cut = min(9 if turn > 0.5 else 20, 0.4 * before, 0.4 * after)
        radius = cut / max(1e-3, math.tan(min(turn, 3.0) / 2))
        bend_ms = max(1.5, math.sqrt(_SIDEWAYS_MS2 * radius))
        start = _towards(p, a, cut / before)
        end = _towards(p, b, cut / after)
        yield start + (limit, mark)
        for i in range(1, 5):
            q = i / 5
            curve = _towards(_towards(start, p, q), _towards(p, end, q), q)
            yield curve + (min(limit, onward, bend_ms), None)
        yield end + (min(onward, bend_ms), None)
    yield corners[-1][0] + (corners[-1][1], None)


def _towards(a, b, share):
    return a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share
