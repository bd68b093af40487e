"""An invented road network in the frame of Tangerang: arterials, streets, depot, TPA, TPS.

In: a random.Random. Out: a Network of directed edges in metres, its GeoJSON outline.
Owns: the plane's origin.
The geometry is ours; only names and the rough place of each are public knowledge.
"""

import heapq
import math

LAT0, LON0 = -6.1900, 106.6300  # the plane's origin
M_PER_DEG_LAT = 110_600.0
EQUATOR_M_PER_DEG = 111_320.0
M_PER_DEG_LON = EQUATOR_M_PER_DEG * math.cos(math.radians(LAT0))

_COLUMNS_M = (-3050, -1050, 1000, 3050)
_ROWS_M = (-6250, -4700, -3200, -1700, -200, 1300, 2750, 4200, 5700)
_BEND_M = 18  # an arterial leaves its straight line by about this much
KMH = {"primary": 47, "secondary": 41, "residential": 24, "tunnel": 28, "access": 18}

DEPOT = ("Pool Truk DLH", -6.2045, 106.6392)
TPA = ("TPA Rawa Kucing", -6.1386, 106.6185)
TUNNEL = "Terowongan Cikokol"
_STOPS = (  # in the order of the round
    ("TPS Cikokol", -6.2120, 106.6310),
    ("TPS Kelapa Indah", -6.2120, 106.6490),
    ("TPS Panunggangan", -6.2255, 106.6480),
    ("TPS Kunciran", -6.2395, 106.6485),
    ("TPS Perumnas Karawaci", -6.2250, 106.6300),
    ("TPS Bencongan Indah", -6.2250, 106.6110),
    ("TPS Nusa Jaya", -6.2115, 106.6115),
    ("TPS Cimone", -6.1985, 106.6110),
    ("TPS Gerendeng", -6.1720, 106.6110),
    ("TPS Koang Jaya", -6.1585, 106.6110),
    ("TPS Pasar Baru", -6.1640, 106.6290),
    ("TPS Sukasari", -6.1850, 106.6300),
    ("TPS Buaran Indah", -6.1850, 106.6485),
    ("TPS Tanah Tinggi", -6.1720, 106.6480),
    ("TPS Karang Sari", -6.1455, 106.6470),
)


def plane(lat, lon):
    """Degrees to metres east and north of the origin."""
    return (lon - LON0) * M_PER_DEG_LON, (lat - LAT0) * M_PER_DEG_LAT


def degrees(x, y):
    """Metres back to (lat, lon)."""
    return LAT0 + y / M_PER_DEG_LAT, LON0 + x / M_PER_DEG_LON


class Network:
    """Nodes (x, y) and directed edges: node -> {node: (points without the first, road class)}."""

    def __init__(self, rng):
        self.rng = rng
        self.nodes = {}
        self.edges = {}
        self.roads = []  # (class, points), each drawn once
        self.stops = []  # (name, node)
        self._arterials()
        self._residential()
        self._places()

    def add_node(self, key, x, y):
        self.nodes[key] = (x, y)
        self.edges[key] = {}

    def add_road(self, a, b, kind, bend_m, one_way=False):
        """A road that bends about bend_m on its way from node a to node b."""
        points = _bent(self.rng, self.nodes[a], self.nodes[b], bend_m)
        self.roads.append((kind, points))
        self.edges[a][b] = (points[1:], kind)
        if not one_way:
            self.edges[b][a] = (points[-2::-1], kind)

    def path(self, start, goal, came_from=None):
        """The quickest way as a list of nodes; it turns around at its start only if it must."""
        queue = [(0.0, start, None)]
        via = {}
        while queue:
            cost_s, node, before = heapq.heappop(queue)
            if node in via:
                continue
            via[node] = before
            if node == goal:
                return _backtrack(via, goal)
            for following, (points, kind) in self.edges[node].items():
                extra_s = 900 if node == start and following == came_from else 0
                travel_s = _length_m(self.nodes[node], points) / (KMH[kind] / 3.6)
                heapq.heappush(queue, (cost_s + travel_s + extra_s, following, node))
        raise ValueError("no way from %s to %s" % (start, goal))

    def _arterials(self):
        """The grid. Every arterial is halved at a node where a residential street begins."""
        jitter = self.rng.uniform
        for c, x in enumerate(_COLUMNS_M):
            for r, y in enumerate(_ROWS_M):
                self.add_node((2 * c, 2 * r), x + jitter(-110, 110), y + jitter(-110, 110))
        for c in range(len(_COLUMNS_M)):
            for r in range(len(_ROWS_M)):
                here = (2 * c, 2 * r)
                if c + 1 < len(_COLUMNS_M):
                    self._halved(here, (2 * c + 2, 2 * r), "primary" if r == 4 else "secondary")
                if r + 1 < len(_ROWS_M):
                    self._halved(here, (2 * c, 2 * r + 2), "primary" if c == 1 else "secondary")

    def _halved(self, a, b, kind):
        middle = ((a[0] + b[0]) // 2, (a[1] + b[1]) // 2)
        share = self.rng.uniform(0.4, 0.6)
        (ax, ay), (bx, by) = self.nodes[a], self.nodes[b]
        shift = self.rng.uniform(-40, 40)
        dx, dy = (shift, 0) if a[0] == b[0] else (0, shift)
        self.add_node(middle, ax + (bx - ax) * share + dx, ay + (by - ay) * share + dy)
        self.add_road(a, middle, kind, _BEND_M)
        self.add_road(middle, b, kind, _BEND_M)

    def _residential(self):
        """Two streets cross in every cell; dead ends branch off and are only drawn."""
        rng = self.rng
        for c in range(1, 2 * len(_COLUMNS_M) - 1, 2):
            for r in range(1, 2 * len(_ROWS_M) - 1, 2):
                sides = [self.nodes[key] for key in _sides(c, r)]
                x = sum(p[0] for p in sides) / 4 + rng.uniform(-150, 150)
                y = sum(p[1] for p in sides) / 4 + rng.uniform(-120, 120)
                self.add_node((c, r), x, y)
                for side in _sides(c, r):
                    bend = ("bend", (c, r), side)
                    sx, sy = self.nodes[side]
                    share, across = rng.uniform(0.3, 0.7), rng.uniform(-0.12, 0.12)
                    self.add_node(
                        bend,
                        x + (sx - x) * share - (sy - y) * across,
                        y + (sy - y) * share + (sx - x) * across,
                    )
                    self.add_road((c, r), bend, "residential", 6)
                    self.add_road(bend, side, "residential", 6)
                    self._dead_end(bend)
                    self._dead_end(side)
                self._ring(c, r)

    def _ring(self, c, r):
        """Three of the four streets that would join the bends of a cell."""
        around = [("bend", (c, r), side) for side in _sides(c, r)]
        open_side = self.rng.randrange(4)
        for i in range(4):
            if i != open_side:
                self.add_road(around[i], around[i - 1], "residential", 14)

    def _dead_end(self, key):
        x, y = self.nodes[key]
        heading, length = self.rng.uniform(0, 2 * math.pi), self.rng.uniform(90, 260)
        end = (x + length * math.cos(heading), y + length * math.sin(heading))
        self.roads.append(("residential", _bent(self.rng, (x, y), end, 5)))

    def _places(self):
        self.add_node("depot", *plane(*DEPOT[1:]))
        self.add_node("tpa", *plane(*TPA[1:]))
        self._depot_ways()
        gate = self._nearest("tpa", lambda key: key[0] == 2 and isinstance(key[1], int))
        self.add_road(gate, "tpa", "access", 12)
        x, y = self.nodes["tpa"]
        self.add_node("tip", x - 140, y + 120)
        self.add_road("tpa", "tip", "access", 10)
        for name, lat, lon in _STOPS:
            self.add_node(name, *plane(lat, lon))
            bend = self._nearest(name, lambda key: key[0] == "bend")
            self.stops.append((name, bend))
            del self.nodes[name], self.edges[name]

    def _depot_ways(self):
        """Out of the depot leads only a tunnel, back only a lane: every round has one tunnel."""
        x, y = self.nodes["depot"]
        self.add_node("portal", x - 110, y - 40)
        mouth = self._nearest(
            "portal",
            lambda key: (
                key[0] != "bend" and 480 < math.dist(self.nodes[key], self.nodes["portal"])
            ),
        )
        mx, my = self.nodes[mouth]
        px, py = self.nodes["portal"]
        reach = 560 / math.dist((mx, my), (px, py))
        if reach < 1:
            self.add_node("mouth", px + (mx - px) * reach, py + (my - py) * reach)
            self.add_road("mouth", mouth, "secondary", 6, one_way=True)
            mouth = "mouth"
        self.add_road("depot", "portal", "access", 4)
        self.add_road("portal", mouth, "tunnel", 14, one_way=True)
        entry = self._nearest("depot", lambda key: isinstance(key[0], int))
        self.add_road(entry, "depot", "access", 8, one_way=True)

    def _nearest(self, key, wanted):
        here = self.nodes[key]
        keys = [k for k in self.nodes if isinstance(k, tuple) and wanted(k)]
        return min(keys, key=lambda k: math.dist(self.nodes[k], here))

    def outline(self):
        """GeoJSON for the map: roads by class, and the named places."""
        features = [
            _feature("LineString", [_lon_lat(p) for p in points], {"class": kind})
            for kind, points in self.roads
        ]
        named = [(DEPOT[0], "depot", "depot"), (TPA[0], "tpa", "tpa")]
        named += [(name, "stop", node) for name, node in self.stops]
        features += [
            _feature("Point", _lon_lat(self.nodes[node]), {"class": kind, "name": name})
            for name, kind, node in named
        ]
        return {"type": "FeatureCollection", "features": features}


def _sides(c, r):
    """The arterial nodes around a cell, clockwise."""
    return (c - 1, r), (c, r + 1), (c + 1, r), (c, r - 1)


def _bent(rng, a, b, bend_m):
    """From a to b, a vertex about every 250 m, aside by one slow arc plus a little chance."""
    length = math.dist(a, b)
    parts = max(2, round(length / 250))
    ux, uy = (b[0] - a[0]) / length, (b[1] - a[1]) / length
    arc = rng.uniform(-bend_m, bend_m)
    points = [a]
    for i in range(1, parts):
        along = length * i / parts
        aside = arc * math.sin(math.pi * i / parts) + rng.uniform(-bend_m, bend_m) / 5
        points.append((a[0] + ux * along - uy * aside, a[1] + uy * along + ux * aside))
    return points + [b]


def _length_m(start, points):
    return sum(math.dist(a, b) for a, b in zip([start] + points, points))


def _backtrack(via, node):
    nodes = []
    while node is not None:
        nodes.append(node)
        node = via[node]
    return nodes[::-1]


def _lon_lat(point):
    lat, lon = degrees(*point)
    return [round(lon, 6), round(lat, 6)]


def _feature(shape, coordinates, properties):
    return {
        "type": "Feature",
        "properties": properties,
        "geometry": {"type": shape, "coordinates": coordinates},
    }
