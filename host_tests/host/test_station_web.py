"""The page's JSON: what the database has, pushed when it changes; nothing from elsewhere."""

import asyncio
import json

import aiohttp
import station_truck
from station.db import Database
from station.ingest import Ingest
from station.web import EPOCH_2020, Web
from station_truck import START, Truck
from tracker import record
from tracker.fix import UNTIMED

TRUCK = Truck()


def ask(scene, tmp_path, **options):
    async def stage():
        db = Database(":memory:")
        web = Web(db, lambda: {"connected": True, "trouble": None}, **options)
        await web.start("127.0.0.1", 0)
        try:
            async with aiohttp.ClientSession(web.url) as http:
                await scene(http, Ingest(db, {TRUCK.device: TRUCK.key}), web)
        finally:
            await web.stop()
            db.close()

    asyncio.run(stage())


async def get(http, path):
    async with http.get("/api/" + path) as response:
        assert response.status == 200, await response.text()
        return await response.json()


def send(ingest, first, records):
    ingest.commit([(TRUCK.topic("hist"), TRUCK.block(first, records))])


def test_a_trail_is_read_on_from_where_one_was(tmp_path):
    async def scene(http, ingest, web):
        send(ingest, 40, station_truck.drive(10))
        first = await get(http, "trail?device=truck-17")
        assert (
            first["fixes"][0] == [40, START + EPOCH_2020, -6.2, 106.64, 28.8, 0]
            and len(first["fixes"]) == 10
        )
        send(ingest, 0, station_truck.drive(5))
        later = await get(http, "trail?device=truck-17&after=%d" % first["after"])
        assert [f[0] for f in later["fixes"]] == [0, 1, 2, 3, 4], (
            "backlog with lower numbers is not missed"
        )
        assert (await get(http, "trail?device=truck-17&after=%d" % later["after"]))["fixes"] == []

    ask(scene, tmp_path)


def test_gaps_are_named_and_what_is_missing_counted(tmp_path):
    async def scene(http, ingest, web):
        send(
            ingest,
            0,
            [
                station_truck.fix(START),
                station_truck.gap(START, START + 600, record.NO_FIX, 3),
                station_truck.fix(START + 600),
            ],
        )
        send(ingest, 5, [station_truck.fix(START + 630)])
        at = START + EPOCH_2020
        assert await get(http, "gaps?device=truck-17") == {
            "gaps": [{"from": at, "to": at + 600, "reason": "no fix", "detail": 3}],
            "unexplained": [[at + 600, at + 630]],
            "missing": 2,
            "untimed": 0,
        }

    ask(scene, tmp_path)


def test_a_moving_truck_is_reckoned_on_until_it_is_no_longer_confirmed():
    from station.web import CONFIRMED_S, _reckon_on

    def place(age, kmh=36.0, course=90.0):
        position = {"time": 1000, "lat": 0.0, "lon": 0.0, "kmh": kmh, "course": course}
        _reckon_on(position, 1000 + age)
        return round(position["lat"] * 1e6), round(position["lon"] * 1e6)

    assert place(0) == (0, 0) and abs(place(10)[1] - 898) < 9 and place(90) == place(60) != (0, 0)
    assert place(CONFIRMED_S + 1) == place(-5) == place(10, 3.0) == place(10, course=None) == place(10, None) == (0, 0)


def test_the_fleet_shows_the_newer_of_both_lanes(tmp_path):
    async def scene(http, ingest, web):
        ingest.commit(
            [(TRUCK.topic("live"), TRUCK.live(station_truck.fix(START + 50, lat=-6_150_000)))]
        )
        send(ingest, 0, station_truck.drive(3))
        (truck,) = await get(http, "fleet")
        assert truck["position"]["lat"] == -6.15 and truck["stored"] == 3
        send(ingest, 3, [station_truck.fix(START + 90, lat=-6_160_000)])
        (truck,) = await get(http, "fleet")
        assert (
            truck["position"]["lat"] == -6.16
            and truck["position"]["time"] == START + 90 + EPOCH_2020
        )

    ask(scene, tmp_path)


def test_bad_questions_are_answered_in_words(tmp_path):
    async def scene(http, ingest, web):
        for path in (
            "trail",
            "gaps",
            "trail?device=x&after=-1",
            "trail?device=x&after=" + "9" * 40,
        ):
            async with http.get("/api/" + path) as response:
                assert response.status == 400
        assert (await get(http, "trail?device=' OR 1=1"))["fixes"] == []
        async with http.get("/page/..%2fweb.py") as response:
            assert response.status in (403, 404)

    ask(scene, tmp_path)


def test_a_change_is_pushed_and_coalesced(tmp_path):
    async def scene(http, ingest, web):
        async with http.get("/api/events") as stream:
            await stream.content.readuntil(b"\n\n")
            for device in ("b", "a", "b"):
                web.changed({device})
            pushed = await asyncio.wait_for(stream.content.readuntil(b"\n\n"), 5)
            assert json.loads(pushed.removeprefix(b"data: ")) == ["a", "b"]

    ask(scene, tmp_path)


def test_nothing_may_be_loaded_from_a_third_party(tmp_path):
    async def scene(http, ingest, web):
        async with http.get("/") as response:
            policy = response.headers["Content-Security-Policy"]
            assert "http" not in policy and "default-src 'self'" in policy
            assert "//" not in (await response.text()).replace("<!doctype", "")
        async with http.get("/leaflet/leaflet.js") as response:
            assert b"Leaflet 1.9" in (await response.read())[:200]

    ask(scene, tmp_path)


def test_only_the_tile_server_may_be_asked_when_there_is_one(tmp_path):
    async def scene(http, ingest, web):
        async with http.get("/") as response:
            assert (
                "img-src 'self' data: https://tiles.example/osm/;"
                in response.headers["Content-Security-Policy"]
            )
        assert (await get(http, "station"))[
            "tiles_url"
        ] == "https://tiles.example/osm/{z}/{x}/{y}.png"

    ask(scene, tmp_path, tiles_url="https://tiles.example/osm/{z}/{x}/{y}.png")


def test_the_outline_is_served_as_it_is(tmp_path):
    path = tmp_path / "roads.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": []}))

    async def scene(http, ingest, web):
        assert (await get(http, "outline"))["features"] == []

    ask(scene, tmp_path, outline=path)


def test_untimed_fixes_come_again_with_their_anchor_and_only_once(tmp_path):
    async def scene(http, ingest, web):
        untimed = [station_truck.fix(sec, flags=UNTIMED) for sec in (60, 61)]
        send(ingest, 0, [station_truck.anchor(0, 4, 59_000), *untimed])
        first = await get(http, "trail?device=truck-17")
        assert [(f[0], f[5] & UNTIMED) for f in first["fixes"]] == [(1, UNTIMED), (2, UNTIMED)]
        assert (await get(http, "gaps?device=truck-17"))["untimed"] == 2
        send(ingest, 3, [station_truck.anchor(START, 4, 70_000), station_truck.fix(START)])
        later = await get(http, "trail?device=truck-17&after=%d" % first["after"])
        times = [[f[0], f[1] - EPOCH_2020 - START, f[5]] for f in later["fixes"]]
        assert times == [[1, -10, 0], [2, -9, 0], [3 + 1, 0, 0]]
        send(ingest, 5, [station_truck.fix(START + 1)])
        assert len((await get(http, "trail?device=truck-17&after=%d" % later["after"]))["fixes"]) == 1
        whole = await get(http, "trail?device=truck-17")
        assert sorted(f[0] for f in whole["fixes"]) == [1, 2, 4, 5]
        assert all(f[1] > EPOCH_2020 + START - 11 for f in whole["fixes"])
        judged = await get(http, "gaps?device=truck-17")
        assert judged["untimed"] == 0 and judged["unexplained"] == []

    ask(scene, tmp_path)


def test_the_page_hears_when_the_next_word_of_a_truck_is_due(tmp_path):
    async def scene(http, ingest, web):
        async def due(state, now):
            ingest.commit([(TRUCK.topic("state"), state)], now)
            (truck,) = await get(http, "fleet")
            return truck["due"]

        head = b"parked 0.1.0 " + TRUCK.journal.hex().encode() + b" 0 5 5 7"
        assert await due(head + b" 900", 1000) == 1900
        assert await due(head + b" 900 without gnss,journal", 1200) == 2100
        assert await due(head, 1300) is None and await due(b"offline", 1400) is None

    ask(scene, tmp_path)
