"""Health at the office: each field once, whatever comes twice; what is wrong is said in words."""

import asyncio

import aiohttp
import pytest
import station_truck
from station import health
from station.db import Database
from station.ingest import Ingest
from station.web import EPOCH_2020, Web
from station_truck import START, Truck
from tracker.system import health as firmware

TRUCK = Truck()


def hour(n, **more):
    fields = {1: 7, 2: 60 + 3600 * n, 40: 7200 * n}
    fields.update({int(name[1:]): value for name, value in more.items()})
    return station_truck.health(START + 3600 * n, fields)


@pytest.fixture
def db():
    database = Database(":memory:")
    yield database
    database.close()


def send(db, first, records, truck=TRUCK):
    return Ingest(db, {TRUCK.device: TRUCK.key}).commit([(truck.topic("hist"), truck.block(first, records))], now=5e8)


def found(db):
    return health.reports(db.health(TRUCK.device))


def test_what_comes_twice_is_there_once(db):
    for _ in range(2):
        send(db, 4, [hour(0, _41=-3), hour(1, _41=5)])
    assert [report.fields for report in found(db)] == [{1: 7, 2: 60, 40: 0, 41: -3}, {1: 7, 2: 3660, 40: 7200, 41: 5}]
    assert [report.sec for report in found(db)] == [START, START + 3600]


def test_of_a_conflict_the_first_content_stands(db):
    send(db, 4, [hour(0, _41=3)])
    send(db, 4, [hour(0, _42=9)])
    assert [report.fields for report in found(db)] == [{1: 7, 2: 60, 40: 0, 41: 3}]
    assert db.counts()["conflicts"] == 1


def test_unknown_fields_are_kept_and_a_cut_payload_gives_what_is_whole(db):
    cut = hour(0, _99=5, _120=1000)
    cut.n -= 1
    send(db, 0, [cut])
    assert found(db)[0].fields == {1: 7, 2: 60, 40: 0, 99: 5}
    assert len(db.rows(TRUCK.device, TRUCK.journal)) == 1


def test_a_full_record_goes_on_in_the_next(db):
    send(db, 0, [hour(0, _41=3, _126=1), station_truck.health(START + 60, {1: 7, 2: 120, 50: 4}), hour(1)])
    first, second = found(db)
    assert first == health.Report(START, 5e8, {1: 7, 2: 60, 40: 0, 41: 3, 50: 4})
    assert second.fields == {1: 7, 2: 3660, 40: 7200}


def test_a_truck_that_does_not_know_the_time_is_placed_by_the_receipt(db):
    send(db, 0, [station_truck.health(0, {1: 7, 2: 600})])
    assert found(db)[0].sec is None and found(db)[0].received == 5e8


def test_only_the_newest_day_is_given(db):
    send(db, 0, [hour(n) for n in range(30)])
    assert [report.fields[2] for report in found(db)] == [60 + 3600 * n for n in range(5, 30)]


def test_growth_is_against_an_hour_before_or_the_start_of_the_boot(db):
    send(db, 0, [hour(0, _41=100), hour(1, _41=137), station_truck.health(START + 3700, {1: 7, 2: 3760, 22: 1, 41: 140})])
    seconds, grown = health.growth(found(db))
    assert (seconds, grown[41], grown[22]) == (3700, 40, 1)
    send(db, 3, [station_truck.health(START + 9000, {1: 8, 2: 300, 41: 30})])
    assert health.growth(found(db)) == (300, {1: 8, 2: 300, 41: 30})
    assert health.wrong(found(db)) == {41: "GNSS: 30 damaged sentences this hour"}
    send(db, 4, [station_truck.health(START + 16_000, {1: 9, 2: 6900, 41: 190})])
    assert health.growth(found(db)) == (6900, {1: 9, 2: 6900, 41: 190}), "of another boot nothing is taken off"


def test_what_is_wrong_is_said_and_nothing_else(db):
    send(db, 0, [hour(0, _41=63), hour(1, _41=100, _10=6, _11=0b1100, _26=2, _108=5, _109=88, _110=50, _100=900)])
    assert health.wrong(found(db)) == {
        10: "Board: 6 crashes in a row",
        11: "Safe mode: left out are link, uplink",
        26: "Uplink: 2 deaths of the room this hour",
        41: "GNSS: 37 damaged sentences this hour",
        108: "Memory: 5 KB lowest free Python heap",
    }
    send(db, 2, [hour(4, _41=121, _26=2, _108=9, _109=88, _110=50)])
    assert health.wrong(found(db)) == {41: "GNSS: 21 damaged sentences in 3 hours"}
    send(db, 3, [hour(5, _41=122, _26=1, _110=50)])  # the room was built anew and died once more
    assert health.wrong(found(db)) == {26: "Uplink: 1 deaths of the room this hour"}
    send(db, 4, [hour(6, _41=130, _26=1, _110=50)])
    assert health.wrong(found(db)) == {}


def test_every_field_of_the_firmware_has_a_name():
    number, numbers = 0, []
    for word in firmware.TABLE:
        if isinstance(word, int):
            number, owner = word - 1, None
        elif owner is None:
            owner = word
        else:
            number += 1
            numbers.append(number)
    assert sorted(health.FIELDS) == numbers


def test_the_page_is_told(db):
    async def scene():
        web = Web(db, lambda: {})
        await web.start("127.0.0.1", 0)
        try:
            async with aiohttp.ClientSession(web.url) as http:
                async with http.get("/api/health?device=truck-17") as response:
                    assert (await response.json()) == {"time": None, "fields": [], "wrong": [], "day": []}
                send(db, 0, [hour(0), hour(1, _3=12, _41=37, _99=5)])
                async with http.get("/api/health?device=truck-17") as response:
                    return await response.json()
        finally:
            await web.stop()

    told = asyncio.run(scene())
    assert told["time"] == START + 3600 + EPOCH_2020 and told["wrong"] == ["GNSS: 37 damaged sentences this hour"]
    by_field = {line["field"]: line for line in told["fields"]}
    assert by_field[41] == {"field": 41, "room": "GNSS", "name": "damaged sentences", "unit": "", "value": 37,
                            "words": None, "hour": 37, "wrong": True}
    assert by_field[3]["words"] == "reset" and not by_field[40]["wrong"]
    assert (by_field[99]["room"], by_field[99]["name"]) == ("Unknown", "field 99")
    assert [report["values"]["2"] for report in told["day"]] == [60, 3660]


def test_a_log_is_kept_as_it_came_and_bounded(db, monkeypatch):
    ingest = Ingest(db, {TRUCK.device: TRUCK.key})
    topic = TRUCK.topic("log")
    ingest.commit([(topic, b"1 I mulai\n2 E rusak\n"), (topic, b"3 I \xff\n"), (topic, b"x" * 513)], now=5e8)
    assert [tuple(row) for row in db.log(TRUCK.device)] == [(5e8, "1 I mulai\n2 E rusak\n"), (5e8, "3 I \ufffd\n")]
    assert db.quarantine()[0]["reason"] == "a piece of a log is longer than 512 bytes"
    monkeypatch.setattr("station.db.LOG_ROWS", 3)
    ingest.commit([(topic, b"%d\n" % n) for n in range(9)], now=6e8)
    assert [row["text"] for row in db.log(TRUCK.device)] == ["6\n", "7\n", "8\n"]


def test_a_log_is_given_line_by_line(db):
    Ingest(db, {TRUCK.device: TRUCK.key}).commit([(TRUCK.topic("log"), b"1 I mulai\n2 E rusak\n")], now=5e8)

    async def scene():
        web = Web(db, lambda: {})
        await web.start("127.0.0.1", 0)
        try:
            async with aiohttp.ClientSession(web.url) as http, http.get("/api/log?device=truck-17") as response:
                return await response.json()
        finally:
            await web.stop()

    assert asyncio.run(scene()) == [{"time": 5e8, "lines": ["1 I mulai", "2 E rusak"]}]
