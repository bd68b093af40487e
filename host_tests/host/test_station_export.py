"""The export of a truck-day: what is in it, the same every time, by command and by page."""

import asyncio
import csv
import io
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout

import aiohttp
import export_kit as kit
import pytest
import station_truck
from export_kit import TRUCK
from hypothesis import given, settings
from hypothesis import strategies as st
from setup.place import ROOT
from station.db import Database
from station.export import command, export
from station.ingest import Ingest
from station.proof import judge
from station.truckday import day_of, span_of, touches, wanted
from station.web import Web
from tracker import record


def test_the_days_of_the_office_begin_at_its_midnight():
    day = day_of("2026-05-16")
    assert day.end - day.start == 86400 and (day.start + 7 * 3600) % 86400 == 0
    assert day.stamp(day.start) == "2026-05-16 00:00:00+07:00" and day.stamp(day.end - 1) == "2026-05-16 23:59:59+07:00"
    assert day_of("2026-05-16", "-03:30").start - day.start == (7 + 3.5) * 3600


@pytest.mark.parametrize("date", [
    "", "2026-5-16", "2026-02-30", "today", "1999-01-01", "2099-01-01", "20260516", "2026-05-16x",
])
def test_what_is_no_day_is_said(date):
    with pytest.raises(ValueError, match="2026|there is no|time that a truck"):
        day_of(date)


def test_a_day_is_what_its_fixes_enclose_out_to_the_next_ones():
    rows = kit.database().rows(TRUCK.device, TRUCK.journal)
    spans = [span_of(rows, day_of(date)) for date in ("2026-05-14", *kit.DATES, "2026-05-18")]
    assert [span and (span.lo, span.hi) for span in spans] == [None, (0, 26), (24, 52), (50, 76), None]


def test_a_day_asleep_lies_between_two_fixes():
    rows = kit.database(TRUCK.blocks(kit.days((kit.DATES[0], kit.DATES[2])))).rows(TRUCK.device, TRUCK.journal)
    span = span_of(rows, kit.DAY)
    assert (span.lo, span.hi) == (24, 26)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 76), unique=True, max_size=30), st.sampled_from(kit.DATES))
def test_reader_and_writer_mean_the_same_span(lost, date):
    """verify.py sees a part of the journal only; by the rule it must find the same numbers in it."""
    rows = [row for row in kit.database().rows(TRUCK.device, TRUCK.journal) if row.seq not in lost]
    day = day_of(date)
    span = span_of(rows, day)
    if span is None:
        return
    ranges = wanted(rows, day, span)
    part = [row for row in rows if touches(row.seq // 7 * 7, row.seq // 7 * 7 + 6, ranges)]
    assert span_of(part, day) == span and wanted(part, day, span) == ranges


def test_it_is_the_same_every_time_and_holds_the_messages_as_they_came():
    db = kit.database()
    made = [export(db, TRUCK.device, kit.DATE, "depot") for _ in range(2)]
    assert made[0] == made[1] and made[0].name == "truck-17_2026-05-16" and made[0].unproved == 0
    lines = made[0].text.splitlines()
    assert {kit.raw_of(lines[place]) for place in kit.places(lines)} <= set(TRUCK.blocks(kit.days(), size=7))
    db.close()


def test_the_table_has_the_day_and_nothing_else():
    db = kit.database()
    rows = list(csv.DictReader(io.StringIO(export(db, TRUCK.device, kit.DATE).csv)))
    db.close()
    assert [int(row["number"]) for row in rows] == list(range(25, 51))
    assert {row["time"][:10] for row in rows} == {kit.DATE}
    assert rows[1]["latitude"] == "-6.200000" and rows[1]["speed_kmh"] == "28.8"
    assert rows[0]["says"].startswith("asleep")


def test_a_gap_told_later_about_this_day_is_in_it():
    records = [*kit.days(), *[station_truck.fix(kit.DAY.end + 5 * 86400 + i) for i in range(50)],
               station_truck.gap(kit.DAY.start + 60, kit.DAY.start + 90, record.DROPPED, 4)]
    verdict = judge(kit.exported(blocks=TRUCK.blocks(records, size=7)).encode(), kit.RINGS)
    assert (kit.DAY.start + 60, kit.DAY.start + 90, record.DROPPED) in verdict.gaps and verdict.whole


def test_what_an_older_station_stored_without_its_message_is_counted():
    db = kit.database()
    db._db.execute("DELETE FROM blocks WHERE first = 35")
    assert export(db, TRUCK.device, kit.DATE).unproved == 7
    db.close()


# -- the command

@pytest.fixture
def path(tmp_path):
    path = tmp_path / "station.sqlite"
    db = Database(str(path))
    ingest = Ingest(db, kit.KEYS)
    ingest.commit([(TRUCK.topic("hist"), block) for block in TRUCK.blocks(kit.days(), size=7)], kit.RECEIVED)
    db.close()
    return path


def run(*arguments):
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = command(list(map(str, arguments)))
    return code, out.getvalue(), err.getvalue()


def test_the_command_writes_two_files_that_verify_finds_whole(path, tmp_path):
    code, out, err = run("truck-17", kit.DATE, "--db", path, "--out", tmp_path)
    assert code == 0 and err == "" and "5 blocks" in out and "tools/verify.py" in out
    data = (tmp_path / "truck-17_2026-05-16.lacak").read_bytes()
    assert judge(data, kit.RINGS).whole
    assert (tmp_path / "truck-17_2026-05-16.csv").read_text().count("\n") == 27


def test_the_command_says_what_it_can_not_write(path, tmp_path):
    assert run("truck-17", "2026-06-01", "--db", path)[::2] == (
        1, "export: %s has nothing of truck-17 on 2026-06-01; it knows: truck-17\n" % path)
    assert "it knows: truck-17" in run("truck-18", kit.DATE, "--db", path)[2]
    assert "is not a day" in run("truck-17", "yesterday", "--db", path)[2]
    assert "one line" in run("truck-17", kit.DATE, "--db", path, "--name", "a\nb")[2]
    code, _, err = run("truck-17", kit.DATE, "--db", tmp_path / "no.sqlite")
    assert code == 1 and "there is no database" in err and not (tmp_path / "no.sqlite").exists()


def test_the_page_gives_the_same_files(path):
    db = Database(str(path))
    web = Web(db, dict)

    async def scene():
        await web.start("127.0.0.1", 0)
        async with aiohttp.ClientSession(web.url) as http:
            for query, status in (("day=2026-05-16", 400), ("device=truck-17&day=may", 400),
                                  ("device=truck-99&day=2026-05-16", 404)):
                async with http.get("/api/export?" + query) as response:
                    assert response.status == status
            for query, end in (("", "lacak"), ("&as=csv", "csv")):
                async with http.get("/api/export?device=truck-17&day=2026-05-16" + query) as response:
                    assert response.status == 200
                    name = response.headers["Content-Disposition"]
                    assert name == "attachment; filename=truck-17_2026-05-16." + end
                    got.append(await response.text())
        await web.stop()

    got = []
    asyncio.run(scene())
    made = export(db, TRUCK.device, kit.DATE)
    db.close()
    assert got == [made.text, made.csv] and judge(got[0].encode(), kit.RINGS).whole


def test_the_stations_command_line_knows_the_word(path, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "station", "export", "truck-17", kit.DATE, "--db", path, "--out", tmp_path],
        cwd=ROOT / "tools", capture_output=True, text=True, timeout=30)
    assert done.returncode == 0 and "5 blocks" in done.stdout, done.stderr
    keys = tmp_path / "keys.json"
    keys.write_text('{"truck-17": "%s"}' % TRUCK.key.hex())
    file = tmp_path / "truck-17_2026-05-16.lacak"
    alone = subprocess.run(  # -I: nothing of this environment helps, no packages but Python's own
        [sys.executable, "-I", "-S", ROOT / "tools/verify.py", file, "--key-file", keys],
        cwd=tmp_path, capture_output=True, text=True, timeout=30)
    assert alone.returncode == 0 and "WHOLE" in alone.stdout, alone.stderr
