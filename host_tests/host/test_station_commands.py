"""The station's side of commands: the queue, its counters, what is sent when, answers, and what a person types."""

import sqlite3
import sys

import pytest
from command_kit import KEY, Office, told
from hypothesis import given, settings
from hypothesis import strategies as st
from setup.place import ROOT
from station import commands, wire
from station.db import EPOCH_2020, Database
from station.ingest import Ingest
from tracker.record import varint

NOW = 1_790_000_000.0
TRUCK = "truck-1"


@pytest.fixture
def ingest():
    return Ingest(Database(":memory:"), {TRUCK: KEY, "truck-2": bytes(31) + b"2"})


def state(ingest, text, now=NOW, device=TRUCK):
    """The truck says how it is; the commands that go with the station's answer."""
    answers, _ = ingest.commit([("lacak/%s/state" % device, text.encode())], now)
    return [answer for answer in answers if answer[0].endswith("/cmd")]


def put(ingest, *words, now=NOW, device=TRUCK):
    return commands.put(ingest.db, device, *commands.parse(words), now)


def say(ingest, payload, now=NOW, device=TRUCK):
    return ingest.commit([("lacak/%s/log" % device, payload)], now)[0]


def rows(ingest):
    return ingest.db.run("SELECT * FROM commands ORDER BY id").fetchall()


def test_the_firmware_reads_what_the_station_writes_and_the_reverse(ingest):
    office = Office()
    for words in (("status",), ("set", "live_s=5"), ("resend", "100-200"), ("log",)):
        put(ingest, *words)
    sent = state(ingest, "online 0.1.0")
    while sent:
        ((topic, data),) = sent
        assert topic == "lacak/truck-1/cmd"
        head, tag = data[:-8], data[-8:]
        assert tag == office.tagger.digest(b"cmd\0" + head)[:8]
        sent = [answer for answer in say(ingest, office.obey(data)) if answer[0].endswith("/cmd")]
    assert [done[:2] if isinstance(done, tuple) and done[0] != "again" else done for done in office.done] == [
        (1, ""), (2, "live_s=5"), ("again", 100, 200), "log"]  # fmt: skip
    assert [row["result"] for row in rows(ingest)] == [0] * 4 and ingest.counters["commands_answered"] == 4
    assert ingest.db.counts()["quarantine"] == 0


def test_the_documents_vectors():
    text = (ROOT / "docs/protocol.md").read_text()
    key = bytes(range(32))
    head = b"\x21\x81\xa0\xa0\x3a\0Up to 3 records are sent again."
    for message in (
        commands.frame("truck-7", key, 122163200, *commands.parse(("set", "live_s=5"))),
        commands.frame("truck-7", key, 122163201, *commands.parse(("resend", "1000-1002"))),
        head + wire.tag("truck-7", key, b"ans", head),
    ):
        assert message.hex() in [quoted.replace(" ", "") for quoted in text.split("`")]
    assert commands.parse_answer("truck-7", message, key) == (122163201, 0, "Up to 3 records are sent again.")


def test_one_at_a_time_and_only_to_a_truck_that_is_there(ingest):
    put(ingest, "status")
    put(ingest, "log")
    assert ingest.due(NOW) == []  # never heard of
    assert state(ingest, "offline") == []
    assert len(state(ingest, "online 0.1.0", NOW + 1)) == 1
    assert ingest.due(NOW + 2) == []
    assert rows(ingest)[1]["sent"] is None


def test_without_an_answer_it_goes_again_the_same_doubling_and_at_once_after_a_new_birth(ingest):
    put(ingest, "status")
    (first,) = state(ingest, "online a", NOW)
    times, at = [], 0
    while len(times) < 4:
        at += 10
        found = ingest.due(NOW + at)
        assert found in ([], [first])
        if found:
            times.append(at)
    assert times == [60, 180, 420, 900]
    state(ingest, "offline", NOW + 1000)
    assert ingest.due(NOW + 5000) == []
    assert state(ingest, "online b", NOW + 1010) == [first]


def test_after_a_week_nobody_wants_it_any_more(ingest):
    put(ingest, "reboot")
    assert state(ingest, "online a", NOW + 7 * 86400 + 1) == []
    put(ingest, "status", now=NOW + 7 * 86400)
    assert len(ingest.due(NOW + 7 * 86400 + 2)) == 1


def test_counters_grow_also_over_a_lost_database():
    first, second = Database(":memory:"), Database(":memory:")
    for n in range(5):
        commands.put(first, TRUCK, 1, b"", NOW)
    counters = [row[0] for row in first.run("SELECT counter FROM commands")]
    assert counters == list(range(counters[0], counters[0] + 5)) and counters[0] == int(NOW) - EPOCH_2020
    commands.put(second, TRUCK, 1, b"", NOW + 10)
    assert second.run("SELECT counter FROM commands").fetchone()[0] > counters[-1]
    commands.put(first, TRUCK, 1, b"", NOW - 86400)  # the server's clock went back
    assert first.run("SELECT max(counter) FROM commands").fetchone()[0] == counters[-1] + 1


def test_a_queue_outlives_the_station_and_a_password_does_not_outlive_its_answer(tmp_path):
    path = str(tmp_path / "station.sqlite")
    first = Ingest(Database(path), {TRUCK: KEY})
    put(first, "set", "wifi_password=sangat rahasia")
    (sent,) = state(first, "online a")
    first.db.close()
    again = Ingest(Database(path), {TRUCK: KEY})
    assert again.due(NOW + 100) == [sent]
    say(again, Office().obey(sent[1]))
    again.db.close()
    assert again.counters["commands_answered"] == 1
    assert sqlite3.connect(path).execute("SELECT body FROM commands").fetchall() == [(b"",)]


def test_without_keys_or_without_this_trucks_key_nothing_is_sent():
    for keys in (None, {"truck-2": KEY}):
        ingest = Ingest(Database(":memory:"), keys)
        put(ingest, "status")
        ingest.db.run("INSERT INTO devices VALUES (?, ?, ?, 'online', ?)", TRUCK, NOW, NOW, NOW)
        assert ingest.due(NOW) == []


def test_an_answer_that_is_forged_cut_late_or_unasked_changes_no_row(ingest):
    put(ingest, "status")
    ((_, data),) = state(ingest, "online a")
    answer = Office().obey(data)
    for bad in (answer[:-1], answer + b"\0", answer[:3] + b"\7" + answer[4:], b"\x21", b"\x21" + bytes(20)):
        say(ingest, bad)
    assert ingest.db.counts()["quarantine"] == 5 and rows(ingest)[0]["answered"] is None
    say(ingest, answer, device="truck-2")
    assert rows(ingest)[0]["answered"] is None
    say(ingest, answer, NOW + 1)
    say(ingest, answer, NOW + 9)
    assert rows(ingest)[0]["answered"] == NOW + 1 and ingest.counters["answers_unasked"] == 1


def test_a_piece_of_a_log_is_no_answer(ingest):
    say(ingest, b"1234 I ! Lacak\n")
    assert [row["text"] for row in ingest.db.log(TRUCK)] == ["1234 I ! Lacak\n"]


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_any_answer_is_read_or_refused(payload):
    for key in (KEY, None):
        assert isinstance(commands.parse_answer(TRUCK, b"\x21" + payload, key), wire.Bad)
    head = b"\x21" + payload
    signed = head + wire.tag(TRUCK, KEY, b"ans", head)
    assert isinstance(commands.parse_answer(TRUCK, signed, KEY), (wire.Bad, commands.Answer))


@pytest.mark.parametrize(
    "words, code, body",
    [
        (("status",), 1, b""),
        (("set", "live_s=5"), 2, b"live_s=5"),
        (("set", "wifi_password=a=b"), 2, b"wifi_password=a=b"),
        (("resend", "100-200"), 3, b"\0\x64\x64"),
        (("resend", "2026-11-24T08:00..2026-11-24T08:00:10"), 3, None),
        (("reboot",), 4, b""),
        (("log",), 5, b""),
    ],
)
def test_what_is_typed(words, code, body):
    found = commands.parse(words)
    assert found[0] == code and body in (None, found[1])


def test_a_time_is_utc_unless_it_says_otherwise():
    body = commands.parse(("resend", "2020-01-01T00:01..2020-01-01T07:02+07:00"))[1]
    first, at = varint(body, 1, len(body))
    assert body[0] == 1 and (first, varint(body, at, len(body))[0]) == (60, 60)


@pytest.mark.parametrize(
    "words",
    [("set",), ("set", "live_s"), ("set", "a=" + "b" * 400), ("set", "a=1", "b=2"), ("status", "x"), ("resend",), ("resend", "200-100"),
     ("resend", "-5"), ("resend", "0-99999999999"), ("resend", "2026-13-01..2026-13-02"), ("resend", "1999-01-01..2020-02-02"),
     ("reboot", "now")],
)  # fmt: skip
def test_what_can_not_be_meant_is_said_in_words(words):
    with pytest.raises(ValueError):
        commands.parse(words)


def test_the_command_line_queues_waits_and_says(tmp_path, capsys):
    path = str(tmp_path / "station.sqlite")
    assert commands.main(["truck-1", "status", "--db", path]) == 1 and "no database" in capsys.readouterr().err
    db = Database(path)
    assert commands.main(["truck-1", "dance", "--db", path]) == 1 and "no command 'dance'" in capsys.readouterr().err
    assert commands.main(["truck-1", "set", "live_s=5", "--db", path, "--wait", "0"]) == 2
    assert "never heard of" in (said := capsys.readouterr().out) and "Not sent yet" in said
    ingest = Ingest(db, {TRUCK: KEY})
    ((_, data),) = state(ingest, "online a")
    assert commands.main(["truck-1", "status", "--db", path, "--wait", "0"]) == 2
    assert told(Office().obey(data))[1] == 0
    assert "said last: online a" in capsys.readouterr().out


def test_it_is_a_word_of_the_stations_command_line(monkeypatch, tmp_path, capsys):
    from station.__main__ import main

    monkeypatch.setattr(sys, "argv", ["station", "command", "truck-1", "status", "--db", str(tmp_path / "none")])
    assert main() == 1 and "no database" in capsys.readouterr().err
