"""The page and its JSON; a push when something changed.

In: the database (read only), the station's status. Out: HTTP on one loopback or office address.
Owns: the shape of the JSON. Times leave as Unix seconds, positions as degrees.
"""

import asyncio
import json
import time
from pathlib import Path

from aiohttp import web

from reasons import REASON_NAMES
from setup.libs import leaflet_dir
from station import health, wire
from station.explain import explain
from station.export import export
from station.stamp import is_untimed, stamped, stamped_by
from tracker.fix import UNTIMED, Fix
from tracker.record import ANCHOR
from tracker.sampling.ahead import put_ahead

EPOCH_2020 = 1577836800
PAGE = Path(__file__).parent / "page"
KEEPALIVE_S = 15  # a proxy or a laptop's sleep is noticed by then

# Nothing is loaded from anybody else; only the tile server, if there is one, may send pictures.
_POLICY = ("default-src 'self'; img-src 'self' data:%s; style-src 'self' 'unsafe-inline'; "
           "frame-ancestors 'none'")

CONFIRMED_S = 120  # a truck that moves was heard of within that, or it is not where it leads

class Web:
    def __init__(self, db, status, outline=None, tiles_url=None, leaflet=None):
        self.db = db
        self.status = status
        self.tiles_url = tiles_url
        self.outline = json.loads(Path(outline).read_text()) if outline else None
        self.url = None
        self._listeners = set()
        self._closing = False
        self._runner = web.AppRunner(self._app(leaflet or leaflet_dir()), access_log=None,
                                     shutdown_timeout=2)

    def _app(self, leaflet):
        app = web.Application(middlewares=[self._headers])
        app.router.add_get("/", self._index)
        app.router.add_static("/page/", PAGE)
        app.router.add_static("/leaflet/", leaflet)
        for name in ("station", "fleet", "trail", "gaps", "health", "log", "export", "quarantine", "outline",
                     "events"):
            app.router.add_get("/api/" + name, getattr(self, "_" + name))
        return app

    async def start(self, host, port):
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        host, port = self._runner.addresses[0][:2]
        self.url = "http://%s:%d/" % (host, port)

    async def stop(self):
        self._closing = True
        for listener in self._listeners:
            listener.woken.set()
        await self._runner.cleanup()

    def changed(self, devices):
        """Tell every open page; what it has not yet been told is one set, however slow it is."""
        for listener in self._listeners:
            listener.devices |= devices
            listener.woken.set()

    @web.middleware
    async def _headers(self, request, handler):
        response = await handler(request)
        if not response.prepared:
            tiles = " " + (self.tiles_url or "").replace("{s}", "*").split("{")[0]
            response.headers["Content-Security-Policy"] = _POLICY % tiles
            response.headers["Referrer-Policy"] = "no-referrer"
            response.headers["Cache-Control"] = "no-cache"
        return response

    async def _index(self, request):
        return web.FileResponse(PAGE / "index.html")

    async def _station(self, request):
        known = {**self.status(), **self.db.counts(), "tiles_url": self.tiles_url}
        return web.json_response(known)

    async def _outline(self, request):
        return web.json_response(self.outline)

    async def _fleet(self, request):
        return web.json_response([self._truck(row) for row in self.db.devices()])

    def _truck(self, row):
        live = row if row["live_sec"] is not None else None
        stored = self.db.newest_fix(row["device"])
        if stored and (live is None or stored["sec"] > live["live_sec"]):
            position = _position(stored, stored["sec"])
        else:
            position = _position(live, live["live_sec"]) if live else None
        birth = wire.parse_state(row["state"])
        if position and birth and birth.word == "online":
            _reckon_on(position, time.time())
        due = row["last_heard"] + birth.every_s if birth and birth.every_s else None
        return {"device": row["device"], "state": row["state"], "heard": row["last_heard"], "due": due,
                "stored": row["stored"], "position": position}

    async def _trail(self, request):
        after = _number(request, "after")
        device = _device(request)
        rows = self.db.arrived(device, after)
        fixes = [[row["seq"], row["sec"] + EPOCH_2020, row["lat_udeg"] / 1e6,
                  row["lon_udeg"] / 1e6, _kmh(row), row["flags"]] for row in self._timed(device, rows)]
        return web.json_response({"after": rows[-1]["arrival"] if rows else after, "fixes": fixes})

    def _timed(self, device, rows):
        """What arrived, with the times that anchors give; a fix that came before its anchor comes again with it."""
        doubtful = {row["journal"] for row in rows if row["kind"] == ANCHOR or row["flags"] & UNTIMED}
        journals = {journal: self.db.rows(device, journal) for journal in doubtful}
        known = {(journal, row.seq): row for journal in doubtful for row in stamped(journals[journal])}
        here = {(row["journal"], row["seq"]) for row in rows}
        out = []
        for row in rows:
            name = (row["journal"], row["seq"])
            if row["kind"] == ANCHOR:
                late = stamped_by(journals[row["journal"]], row["seq"]) if row["sec"] else []
                out += [fix._asdict() for fix in late if (row["journal"], fix.seq) not in here]
            else:
                out.append(known[name]._asdict() if row["flags"] & UNTIMED else row)
        return out

    async def _gaps(self, request):
        device = _device(request)
        gaps, unexplained, missing, untimed = [], [], 0, 0
        has_untimed = self.db.untimed(device) > 0
        for journal in self.db.journals(device):
            rows = self.db.rows(device, journal)
            judged = explain(rows)
            gaps += [{"from": gap.from_sec + EPOCH_2020, "to": gap.to_sec + EPOCH_2020,
                      "reason": REASON_NAMES.get(gap.reason, "reason %d" % gap.reason),
                      "detail": gap.detail} for gap in judged.gaps]
            unexplained += [[at + EPOCH_2020, to + EPOCH_2020] for at, to in judged.unexplained]
            missing += sum(hi - lo + 1 for lo, hi in judged.missing)
            untimed += sum(map(is_untimed, stamped(rows))) if has_untimed else 0
        return web.json_response({"gaps": gaps, "unexplained": unexplained, "missing": missing,
                                  "untimed": untimed})

    async def _health(self, request):
        """How the truck said it is: the newest report in words, and the day before it in numbers."""
        found = health.reports(self.db.health(_device(request)))
        if not found:
            return web.json_response({"time": None, "fields": [], "wrong": [], "day": []})
        wrong = health.wrong(found)
        _, grown = health.growth(found)
        fields = [_field(number, value, grown[number], number in wrong)
                  for number, value in sorted(found[-1].fields.items())]
        day = [{"time": _time_of(report), "values": report.fields} for report in found]
        return web.json_response({"time": day[-1]["time"], "fields": fields, "wrong": list(wrong.values()),
                                  "day": day})

    async def _log(self, request):
        """What the truck's log said when it was asked, oldest first."""
        return web.json_response([{"time": row["received"], "lines": row["text"].splitlines()}
                                  for row in self.db.log(_device(request))])

    async def _export(self, request):
        """A truck's day as a file, ?day=2026-05-16: what tools/verify.py checks, or with &as=csv the table."""
        device, day = _device(request), request.query.get("day", "")
        try:
            made = export(self.db, device, day)
        except ValueError as problem:
            raise web.HTTPBadRequest(text=str(problem)) from None
        if made is None:
            raise web.HTTPNotFound(text="Nothing of %s on %s." % (device, day))
        table = request.query.get("as") == "csv"
        return web.Response(
            text=made.csv if table else made.text, content_type="text/csv" if table else "text/plain",
            headers={"Content-Disposition": "attachment; filename=%s.%s" % (made.name, "csv" if table else "lacak")})

    async def _quarantine(self, request):
        return web.json_response([
            {**dict(row), "payload": row["payload"].hex()} for row in self.db.quarantine()])

    async def _events(self, request):
        """Server-sent events: the names of the trucks that changed."""
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
        await response.prepare(request)
        listener = _Listener()
        self._listeners.add(listener)
        try:
            while not self._closing:
                await response.write(listener.take())
                try:
                    await asyncio.wait_for(listener.woken.wait(), KEEPALIVE_S)
                except asyncio.TimeoutError:
                    pass
        except ConnectionError:
            pass  # the page was closed
        finally:
            self._listeners.discard(listener)
        return response


class _Listener:
    def __init__(self):
        self.devices = set()
        self.woken = asyncio.Event()

    def take(self):
        names = json.dumps(sorted(self.devices)).encode()
        message = b"data: %s\n\n" % names if self.devices else b": still here\n\n"
        self.devices = set()
        self.woken.clear()
        return message


def _position(row, sec):
    return {"time": sec + EPOCH_2020, "lat": row["lat_udeg"] / 1e6, "lon": row["lon_udeg"] / 1e6,
            "kmh": _kmh(row), "flags": row["flags"],
            "course": None if row["course_cdeg"] is None else row["course_cdeg"] / 100}


def _reckon_on(position, now):
    """A truck that moves is where its last fix leads, and says so when it is not (docs/protocol.md, "Live fix")."""
    if position["course"] is None or position["kmh"] is None or not 0 <= now - position["time"] <= CONFIRMED_S:
        return
    fix, place = Fix(), Fix()
    fix.sec, fix.course_cdeg, fix.speed_cms = 0, round(position["course"] * 100), round(position["kmh"] / 0.036)
    fix.lat_udeg, fix.lon_udeg = round(position["lat"] * 1e6), round(position["lon"] * 1e6)
    put_ahead(fix, round(now - position["time"]), place)
    position["lat"], position["lon"] = place.lat_udeg / 1e6, place.lon_udeg / 1e6


def _time_of(report):
    return report.received if report.sec is None else report.sec + EPOCH_2020


def _field(number, value, grown, wrong):
    """One line of the panel; a number that this station does not know is shown as such."""
    known = health.FIELDS.get(number) or health.Field("Unknown", "field %d" % number)
    words = REASON_NAMES.get(value, str(value)) if number == health.REASON else None
    return {"field": number, "room": known.room, "name": known.name, "unit": known.unit,
            "value": value, "words": words, "hour": grown, "wrong": wrong}


def _kmh(row):
    return None if row["speed_cms"] is None else round(row["speed_cms"] * 0.036, 1)


def _device(request):
    device = request.query.get("device")
    if not device:
        raise web.HTTPBadRequest(text="which device?")
    return device


def _number(request, name):
    text = request.query.get(name, "0")
    if not text.isdecimal() or len(text) > 18:
        raise web.HTTPBadRequest(text="%s is a number" % name)
    return int(text)
