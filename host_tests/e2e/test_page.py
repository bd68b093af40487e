"""The page in a real browser: trail, gap with its reason, last position, a picture to look at."""

import asyncio
import json
import math
import os
import re
import time

import broker
import pytest
import station_truck
from ports import free_port
from setup import need
from setup.place import ROOT
from sim import roads, route
from station.app import Station
from station_scene import running, until
from station_truck import START, Truck
from tracker import record
from tracker.fix import HELD, STOPPED

pytestmark = pytest.mark.page

TRUCK = Truck()
SHOTS = ROOT / "build" / "screenshots"
HOLES = [
    (2400, 2700, record.NO_FIX, 2),
    (4980, 5040, record.RESET, 1),
    (9000, 9900, record.SILENT, 0),
]
HEALTH = {  # a good hour
    1: 7, 2: 3600, 3: record.RESET, 4: 2, 48: 1, 49: 1, 58: 3600, 59: 3540, 60: 410, 61: 2, 62: 12, 63: 3, 66: 900, 71: 640,
    72: 190, 73: 5, 78: 2, 79: 1, 81: 30, 82: 1, 83: 30, 90: 2, 91: 1, 100: 410, 105: 24_100, 104: 27_400, 108: 31, 109: 88,
    110: 48, 111: 12,
}  # fmt: skip


def records_of(drive):
    """As a truck would keep it: a fix every 20 s, stops held, three gaps with their reasons."""

    def fix_at(t, flags):
        lat, lon = roads.degrees(drive.x[t], drive.y[t])
        return station_truck.fix(START + t, round(lat * 1e6), round(lon * 1e6), flags)

    def stands(t):
        return (
            t + 1 < len(drive.x)
            and math.dist((drive.x[t], drive.y[t]), (drive.x[t + 1], drive.y[t + 1])) < 0.2
        )

    records, t, held_since = [], 0, None
    while t < len(drive.x):
        for start, to, reason, detail in HOLES:
            if start <= t < to:
                records += [fix_at(t, 0), station_truck.gap(START + t, START + to, reason, detail)]
                t, held_since = to, None
        if not stands(t):
            held_since = None
            records.append(fix_at(t, 0))
            t += 20
        elif held_since is None or t - held_since >= 300:
            records.append(fix_at(t, STOPPED | HELD if held_since else STOPPED))
            held_since = t
            t += 1
        else:
            t += 1
    return records


async def filled(station, records):
    lanes = [(TRUCK.topic("hist"), block) for block in TRUCK.blocks(records)]
    lanes += [(TRUCK.topic("live"), TRUCK.live(records[-1])), (TRUCK.topic("state"), b"online")]
    return station.ingest.commit(lanes)[1]


def test_the_page_shows_trail_gap_and_last_position(chromium, tmp_path, monkeypatch):
    from playwright.async_api import async_playwright, expect

    for name, value in need.browser_driver_env().items():
        monkeypatch.setenv(name, value)
    drive = route.drive(1, 3.0)
    outline = tmp_path / "roads.geojson"
    outline.write_text(json.dumps(drive.network.outline()))
    records = records_of(drive)
    SHOTS.mkdir(parents=True, exist_ok=True)

    async def stage():
        port = free_port()
        mqtt = await broker.start(port)
        station = Station(
            str(tmp_path / "s.sqlite"),
            ("127.0.0.1", port),
            ("127.0.0.1", 0),
            {TRUCK.device: TRUCK.key},
            outline=outline,
        )
        async with running(station), async_playwright() as browsers:
            await until(station.session.connected.is_set, "the station connects")
            await filled(station, records)
            browser = await browsers.chromium.launch(
                executable_path=chromium, args=["--no-sandbox"]
            )
            page = await browser.new_page(viewport={"width": 1366, "height": 768}, locale="en-GB")
            asked, faults = [], []
            page.on("request", lambda request: asked.append(request.url))
            page.on("pageerror", lambda error: faults.append(str(error)))
            page.on(
                "console", lambda message: message.type == "error" and faults.append(message.text)
            )
            await page.goto(station.url)
            await page.wait_for_selector("body[data-ready]")
            await look(page, station, expect)
            assert not faults and asked
            foreign = [url for url in asked if not url.startswith((station.url, "data:"))]
            assert foreign == [], "loaded from somewhere else"
            await browser.close()
        await mqtt.shutdown()

    async def look_at_health(page, station, expect, first):
        sec = records[-1].sec
        hours = [HEALTH | {2: 3600, 40: 7190}, HEALTH | {2: 7200, 40: 14_390, 41: 37, 99: 5}]
        said = [station_truck.health(sec, hours[0]), station_truck.health(sec, hours[1])]
        _, changed = station.ingest.commit([(TRUCK.topic("hist"), TRUCK.block(first, said[:1]))])
        station.web.changed(changed)
        await expect(page.locator("#health-sum")).to_contain_text("nothing wrong")
        _, changed = station.ingest.commit([(TRUCK.topic("hist"), TRUCK.block(first + 1, said[1:]))])
        station.web.changed(changed)
        await expect(page.locator("#health-sum.bad")).to_contain_text("1 wrong")
        await page.click("#health summary")
        assert await page.inner_text("#wrong") == "GNSS: 37 damaged sentences this hour"
        assert await page.inner_text("#fields tr.bad") == "damaged sentences\t37"
        rows = await page.locator("#fields tr").all_inner_texts()
        assert "lowest free Python heap\t31 KB" in rows and "field 99\t5" in rows and "started after\treset" in rows
        await page.screenshot(path=SHOTS / "page-health.png")
        await page.click("#health summary")
        said = station_truck.health(sec, HEALTH | {2: 7260, 22: 1, 41: 37})  # trouble between two hours
        station.web.changed(station.ingest.commit([(TRUCK.topic("hist"), TRUCK.block(first + 2, [said]))])[1])
        await expect(page.locator("#health-sum.bad")).to_contain_text("2 wrong")

    async def look_at_words(page, station, expect):
        for word, heard_ago_s, shown in (
            (b"parked", 0, r"parked, next word due \d\d:\d\d"),
            (b"asleep", 0, r"asleep, next word due"),
            (b"parked", 5000, r"a word was due \d\d:\d\d"),
        ):
            state = b"%s 0.1.0 %s 0 9 9 7 900" % (word, TRUCK.journal.hex().encode())
            _, changed = station.ingest.commit([(TRUCK.topic("state"), state)], time.time() - heard_ago_s)
            station.web.changed(changed)
            await expect(page.locator("#age")).to_contain_text(re.compile(shown))

    async def look(page, station, expect):
        assert await page.locator("path.trail").count() >= len(HOLES)
        assert await page.locator("#map .badge").count() == len(HOLES)
        listed = await page.locator("#gaps li").all_inner_texts()
        assert "no fix, 2 satellites" in listed[0] and "5 min" in listed[0]
        assert "reset" in listed[1] and "receiver silent" in listed[2] and "15 min" in listed[2]
        assert (
            await page.inner_text("#figure-missing") == "0"
            and await page.inner_text("#figure-unexplained") == "0 s"
        )
        assert (await page.inner_text("#figure-stored")).replace(",", "") == str(len(records))
        mark = await page.locator(".truck-icon").bounding_box()
        assert 0 < mark["x"] < 994 and 0 < mark["y"] < 768, "the start fits the view"
        assert "truck-17" in await page.inner_text(".leaflet-tooltip.truck")
        await page.wait_for_timeout(300)  # the tiles of a canvas fade in
        await page.screenshot(path=SHOTS / "page.png")

        await page.locator("#map .badge").nth(2).hover()
        assert "receiver silent" in await page.inner_text(
            ".leaflet-tooltip:not(.place):not(.truck)"
        )

        assert await page.locator("#health").is_hidden(), "this truck has said nothing of its health"
        await look_at_health(page, station, expect, len(records))

        before = await page.inner_text("#stamp")
        newer = station_truck.fix(records[-1].sec + 3600, -6_180_000, 106_650_000)
        _, changed = station.ingest.commit(
            [(TRUCK.topic("hist"), TRUCK.block(len(records) + 3, [newer]))]
        )
        station.web.changed(changed)
        await expect(page.locator("#stamp")).not_to_have_text(before)
        await expect(page.locator("#gaps li.bad")).to_contain_text("unexplained")

        await look_at_words(page, station, expect)

        station.ingest.commit([(TRUCK.topic("hist"), b"nonsense")])
        await page.click("#language")
        await expect(page.locator("#notes")).to_have_text("1 pesan dikarantina")
        await expect(page.locator("#gaps li").first).to_contain_text("tanpa posisi")
        await page.reload()
        await page.wait_for_selector("body[data-ready]")
        assert "Bahasa" not in await page.inner_text("#language"), "the language is kept"
        await page.screenshot(path=SHOTS / "page-id.png")

    asyncio.run(stage())
    assert os.path.getsize(SHOTS / "page.png") > 20_000
