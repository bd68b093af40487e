"""verify.py names whatever was done to an exported truck-day, and never falls over."""

import io
import json
from contextlib import redirect_stderr, redirect_stdout

import export_kit as kit
import pytest
import station_truck
import verify
import verify_words
from export_kit import OTHER, RINGS, TRUCK
from hypothesis import given, settings
from hypothesis import strategies as st
from station import proof
from station.proof import Unreadable, judge
from tracker import record
from tracker.fix import UNTIMED

TEXT = kit.exported()
LINES = TEXT.splitlines()
PLACES = kit.places(LINES)
some = settings(max_examples=60, deadline=None)
places = st.sampled_from(PLACES)


def names(data):
    return [name for name, _ in judge(data, RINGS).findings]


def facts(data, wanted):
    return [told for name, told in judge(data, RINGS).findings if name == wanted]


def changed(place, line):
    return kit.sealed([line if i == place else old for i, old in enumerate(LINES)])


def without(*gone):
    return [line for i, line in enumerate(LINES) if i not in gone]


@pytest.mark.parametrize("date", kit.DATES)
def test_an_untouched_export_is_whole(date):
    verdict = judge(kit.exported(date).encode(), RINGS)
    assert verdict.whole and verdict.findings == [] and verdict.notes == []
    assert [reason for _, _, reason in verdict.gaps if reason == record.NO_FIX] == [record.NO_FIX]


def test_a_day_in_the_middle_is_closed_at_both_ends_and_covered_from_midnight_to_midnight():
    verdict = judge(TEXT.encode(), RINGS)
    (_, span), = verdict.journals.values()
    assert span.before.sec < kit.DAY.start and span.after.sec >= kit.DAY.end
    assert verdict.known == [(kit.DAY.start, kit.DAY.end)]


@some
@given(places, st.data())
def test_any_changed_byte_of_a_block_is_named(place, data):
    raw = bytearray(kit.raw_of(LINES[place]))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    (told,) = facts(changed(place, kit.with_raw(LINES[place], bytes(raw))), "changed")
    assert told["block"].number == PLACES.index(place) + 1 and told["block"].line == place + 1
    assert said(changed(place, kit.with_raw(LINES[place], bytes(raw))))


@some
@given(st.integers(0, len(TEXT) - 1), st.integers(1, 255))
def test_any_changed_byte_of_the_file_is_seen(at, flip):
    data = bytearray(TEXT.encode())
    data[at] ^= flip
    try:
        assert not judge(bytes(data), RINGS).whole
    except Unreadable:
        pass


@some
@given(st.integers(0, len(TEXT) - 1))
def test_a_file_that_was_cut_anywhere_is_said_to_be(at):
    try:
        found = names(TEXT.encode()[:at])
    except Unreadable as problem:
        assert problem.args[0] in ("not_export", "head")
    else:
        assert "cut" in found


@some
@given(places)
def test_a_removed_block_is_named(place):
    lines = without(place)
    number = PLACES.index(place) + 1
    assert facts(kit.sealed(lines), "removed") == [{"lo": number, "hi": number}]


@some
@given(places)
def test_a_removed_block_is_missed_by_its_numbers_when_the_file_was_counted_anew(place):
    first, count = numbers_of(LINES[place])
    (told,) = facts(kit.sealed(kit.renumbered(without(place))), "missing")
    claimed = judge(TEXT.encode(), RINGS).claimed[TRUCK.journal]
    assert (told["lo"], told["hi"]) == (max(first, claimed[0]), min(first + count - 1, claimed[1]))


@some
@given(st.sampled_from(PLACES[1:-1]))
def test_with_the_head_rewritten_too_the_next_days_fix_still_closes_the_day(place):
    """The head is the office's word alone; between the fixes before and after the day every number must be there."""
    lines = [line for line in kit.renumbered(without(place)) if not line.startswith("journal ")]
    lines.insert(4, "journal %s numbers 25 to 25" % TRUCK.journal.hex())
    data = kit.sealed(lines)
    first, count = numbers_of(LINES[place])
    assert facts(data, "missing") == [{"journal": TRUCK.journal, "lo": first, "hi": first + count - 1}]
    assert "unexplained" in names(data)


def numbers_of(line):
    raw = kit.raw_of(line)
    first, at = record.varint(raw, 9, len(raw))
    return first, record.varint(raw, at, len(raw))[0]


@some
@given(places, places)
def test_a_doubled_block_is_named(place, where):
    lines = list(LINES)
    lines.insert(where, LINES[place])
    for data in (kit.sealed(lines), kit.sealed(kit.renumbered(lines))):
        (told,) = facts(data, "twice")
        assert {kit.raw_of(LINES[place])} == {told["block"].raw, told["other"].raw}


@some
@given(places, st.integers(0, 9))
def test_a_true_block_that_was_put_in_by_hand_has_no_number_left(where, number):
    added = TRUCK.block(30, kit.days()[30:33])
    lines = list(LINES)
    lines.insert(where, "block %d %s" % (number, kit.with_raw(LINES[where], added).split(" ", 2)[2]))
    assert "added" in names(kit.sealed(lines))


def test_in_whatever_order_the_blocks_came_the_day_is_whole():
    blocks = TRUCK.blocks(kit.days(), size=7)
    for came in (blocks[::-1], blocks[3:] + blocks[:3]):
        assert names(kit.exported(blocks=came).encode()) == []


@some
@given(places)
def test_a_line_that_is_none_is_named(where):
    lines = list(LINES)
    lines.insert(where, "and so on")
    assert facts(kit.sealed(lines), "line") == [{"line": where + 1}]


def test_an_export_of_nothing_is_not_whole():
    lines = [line.replace("numbers 24 to 52", "numbers 1 to 0") for line in LINES if not line.startswith("block ")]
    verdict = judge(kit.sealed(kit.renumbered(lines)), RINGS)
    assert verdict.findings == [] and not verdict.whole
    assert "Nothing that is proved" in said(kit.sealed(kit.renumbered(lines)))


@some
@given(places, places)
def test_swapped_blocks_are_named(one, other):
    lines = list(LINES)
    lines[one], lines[other] = lines[other], lines[one]
    assert ("moved" in names(kit.sealed(lines))) == (one != other)


@some
@given(places, st.integers(0, 500))
def test_a_block_of_another_truck_is_named(place, first):
    foreign = OTHER.block(first, station_truck.drive(5, 30, kit.DAY.start + 8 * 3600))
    (told,) = facts(changed(place, kit.with_raw(LINES[place], foreign)), "foreign")
    assert told["device"] == OTHER.device and told["block"].number == PLACES.index(place) + 1


@some
@given(places)
def test_a_true_block_of_another_day_is_named(where):
    stray = TRUCK.block(400, station_truck.drive(5, 30, kit.DAY.end + 9 * 86400))
    lines = list(LINES)
    lines.insert(where, kit.with_raw(LINES[where], stray))
    (told,) = facts(kit.sealed(kit.renumbered(lines)), "stray")
    assert told["block"].raw == stray


@some
@given(st.lists(st.tuples(st.integers(0, 70), st.integers(1, 30)), max_size=20))
def test_whatever_was_sent_again_in_other_cuts_is_whole(again):
    records = kit.days()
    more = [TRUCK.block(first, records[first:first + count]) for first, count in again]
    blocks = TRUCK.blocks(records, size=7)
    for i, block in enumerate(more):
        blocks.insert(i * 3 % len(blocks), block)
    verdict = judge(kit.exported(blocks=blocks).encode(), RINGS)
    assert verdict.findings == [] and verdict.whole


def test_the_same_number_with_other_content_is_shown_with_both():
    blocks = TRUCK.blocks(kit.days(), size=7)
    first, count = numbers_of(LINES[PLACES[2]])
    lie = station_truck.fix(kit.DAY.start + 8 * 3600, lat=-1)
    verdict = judge(kit.exported(blocks=blocks + [TRUCK.block(first, [lie])]).encode(), RINGS)
    ((name, told),) = verdict.findings
    assert name == "conflict" and told["number"] == first
    assert "lat_udeg=-1" in told["second"] and "lat_udeg=-6194600" in told["first"]
    assert told["other"].number < told["block"].number
    rows, _ = verdict.journals[TRUCK.journal]
    assert next(row for row in rows if row.seq == first).lat_udeg != -1, "the first content counts"


def test_skipped_numbers_are_a_note():
    records = kit.days()
    place = 30
    first = TRUCK.blocks(records[:place], size=7)
    rest = [station_truck.skipped(kit.DAY.start + 8 * 3600, place, 9)] + records[place:]
    text = kit.exported(blocks=first + TRUCK.blocks(rest, place + 9, 7))
    verdict = judge(text.encode(), RINGS)
    assert verdict.findings == []
    assert verdict.notes == [("skipped", {"journal": TRUCK.journal, "lo": place, "hi": place + 8})]


def test_what_the_full_memory_let_go_is_a_note_wherever_that_was_told():
    records = kit.days()
    at = kit.DAY.start + 8 * 3600
    records[28:36] = [None] * 8  # of the second day's drive before its gap
    told = station_truck.gap(at, at + 600, record.DROPPED, 8)
    blocks = [TRUCK.block(0, records[:28]), TRUCK.block(36, records[36:]),
              TRUCK.block(len(records), [*station_truck.drive(3, 30, kit.DAY.end + 3 * 86400), told])]
    for came in (blocks, blocks[::-1]):
        verdict = judge(kit.exported(blocks=came).encode(), RINGS)
        assert [name for name, _ in verdict.findings] == []
        assert verdict.notes == [("let_go", {"journal": TRUCK.journal, "lo": 28, "hi": 35, "told": 8})]
    silent = judge(kit.exported(blocks=blocks[:2]).encode(), RINGS)
    found = [(name, told.get("lo"), told.get("hi")) for name, told in silent.findings]
    assert found == [("missing", 28, 35), ("unexplained", None, None)]


def test_fixes_without_a_time_lie_in_the_day_by_their_number():
    at = kit.DAY.start + 8 * 3600
    records = [station_truck.anchor(0, 7, 1000), *[station_truck.fix(n, flags=UNTIMED) for n in (10, 20, 30)],
               station_truck.anchor(at + 40, 7, 40_000), *station_truck.drive(5, 10, at + 40)]
    verdict = judge(kit.exported(blocks=[TRUCK.block(0, records)]).encode(), RINGS)
    assert verdict.whole and verdict.known == [(at + 10, at + 81)]
    lost = judge(kit.exported(blocks=[TRUCK.block(1, records[1:4] + records[5:])]).encode(), RINGS)
    assert lost.notes == [("untimed", {"count": 3})]


def test_a_second_journal_of_the_day_leaves_the_time_between_unexplained():
    at = kit.DAY.start + 8 * 3600
    young = station_truck.Truck(journal=b"journal2")
    blocks = [TRUCK.block(0, station_truck.drive(5, 10, at)), young.block(0, station_truck.drive(5, 10, at + 1000))]
    verdict = judge(kit.exported(blocks=blocks).encode(), RINGS)
    assert list(verdict.journals) == [TRUCK.journal, b"journal2"]
    assert verdict.findings == [("unexplained", {"start": at + 41, "end": at + 1000})]


def signed(payload):
    return payload + proof.block_tag(TRUCK.device, TRUCK.key, payload)


def test_a_block_of_a_newer_version_is_named_and_not_taken_for_changed():
    raw = signed(b"\x31" + kit.raw_of(LINES[PLACES[1]])[1:-8])
    (told,) = facts(changed(PLACES[1], kit.with_raw(LINES[PLACES[1]], raw)), "newer")
    assert "0x31" in told["reason"]


# -- garbage

@some
@given(st.binary(max_size=300))
def test_no_file_makes_it_fall_over(data):
    for text in (data, b"lacak-export 1\n" + data):
        with pytest.raises(Unreadable):
            judge(text, RINGS)


@some
@given(st.lists(st.sampled_from(range(len(LINES))), max_size=40),
       st.lists(st.binary(max_size=40), max_size=4), st.randoms())
def test_no_mix_of_lines_and_garbage_makes_it_fall_over(lines, garbage, rng):
    mixed = [LINES[i].encode() for i in lines] + garbage
    rng.shuffle(mixed)
    data = b"\n".join([line.encode() for line in LINES[:6]] + mixed) + b"\n"
    try:
        assert not judge(data, RINGS).whole
    except Unreadable:
        pass


@some
@given(st.lists(st.tuples(st.integers(0, 1 << 35), st.binary(max_size=60)), min_size=1, max_size=4))
def test_no_content_makes_it_fall_over_though_its_tag_fits(parts):
    """Whoever holds the key can sign anything."""
    lines = LINES[:PLACES[0]]
    for first, body in parts:
        head = bytearray(24)
        head[0:9] = kit.raw_of(LINES[PLACES[0]])[:9]
        at = record.put_varint(head, 9, first)
        raw = signed(bytes(head[:at]) + body)
        lines.append("block 1 received 2026-05-16T00:00:00Z " + raw.hex())
    said(kit.sealed(kit.renumbered(lines)))


def said(data, language="en"):
    return "\n".join(verify.Words(judge(data, RINGS), language).lines())


def test_every_finding_has_words_in_both_languages():
    """A sentence whose facts do not fit it fails here and not in court."""
    block, claim = proof.Sent(3, 9, "2026-05-16T00:00:00Z", b""), (b"12345678", 1, 60)
    every = {"block": block, "other": block, "journal": b"12345678", "lo": 1, "hi": 2, "line": 4, "claim": claim,
             "device": "truck-18", "reason": "x", "number": 5, "first": "a", "second": "b", "start": kit.DAY.start,
             "end": kit.DAY.end, "told": 4, "count": 3}
    verdict = judge(TEXT.encode(), RINGS)
    for language, pick in (("en", 0), ("id", 1)):
        words = verify.Words(verdict, language)
        for table in (verify_words.FINDINGS, verify_words.NOTES):
            for name in table:
                (line,) = words._listed(table, [(name, dict(every))])
                assert "%" not in line and "None" not in line
        more = list(words._listed(verify_words.FINDINGS, [("line", {"line": i}) for i in range(50)]))
        assert len(more) == verify.LISTED + 1 and "30" in more[-1]
    assert all(len(pair) == 2 for table in (verify_words.SAYS, verify_words.UNREADABLE) for pair in table.values())


# -- the command

def run(tmp_path, data, *options, keys=None):
    file, key_file = tmp_path / "day.lacak", tmp_path / "keys.json"
    file.write_bytes(data)
    key_file.write_text(json.dumps({device: key.hex() for device, key in kit.KEYS.items()}) if keys is None else keys)
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = verify.main([str(file), "--key-file", str(key_file), *options])
    return code, out.getvalue(), err.getvalue()


def test_the_command_says_whole_in_two_languages(tmp_path):
    code, out, err = run(tmp_path, TEXT.encode())
    assert code == 0 and err == "" and "WHOLE from 00:00:00 to 24:00:00" in out and "no fix" in out and "NOT" not in out
    code, out, err = run(tmp_path, TEXT.encode(), "--lang", "id")
    assert code == 0 and "UTUH dari 00:00:00 sampai 24:00:00" in out and "tanpa posisi" in out


def test_the_command_says_what_is_wrong(tmp_path):
    raw = bytearray(kit.raw_of(LINES[PLACES[2]]))
    raw[30] ^= 1
    code, out, _ = run(tmp_path, changed(PLACES[2], kit.with_raw(LINES[PLACES[2]], bytes(raw))))
    assert code == 1 and "NOT WHOLE" in out and "the tag of block 3" in out and "Missing: numbers 35–41" in out


def test_an_open_end_is_said(tmp_path):
    code, out, _ = run(tmp_path, kit.exported(kit.DATES[-1]).encode())
    assert code == 0 and "Open at the end" in out and "Open at the beginning" not in out
    code, out, _ = run(tmp_path, kit.exported(kit.DATES[0]).encode())
    assert code == 0 and "begins with number 0" in out and "Open at the end" not in out


@pytest.mark.parametrize("data, words", [
    (b"", "is not an export"),
    (b"\x00\xff" * 500, "is not an export"),
    (b"lacak-export 2\nfuture\n", "another version"),
    (TEXT.replace("\n", "\r\n").encode(), "CRLF"),
    (TEXT.encode()[:60], "it lacks: station, journal, blocks"),
    (TEXT.replace(kit.DATE, "2026-02-31").encode(), "there is no 2026-02-31"),
    (TEXT.replace("truck-17", "truck-99").encode(), "has no key of truck-99"),
])
def test_what_can_not_be_judged_is_said_with_exit_code_2(tmp_path, data, words):
    for options in ((), ("--lang", "id")):
        code, out, err = run(tmp_path, data, *options)
        assert code == 2 and out == "" and len(err) < 500
    assert words in run(tmp_path, data)[2]


def test_a_day_on_which_the_key_was_renewed(tmp_path):
    renewed = station_truck.Truck(key=b"a new key, 32 bytes of it.......")
    data = changed(PLACES[3], kit.with_raw(LINES[PLACES[3]], renewed.block(42, kit.days()[42:49])))
    assert run(tmp_path, data)[0] == 1
    keys = {TRUCK.device: [renewed.key.hex(), TRUCK.key.hex()]}
    assert run(tmp_path, data, keys=json.dumps(keys))[0] == 0


def test_an_empty_key_is_none(tmp_path):
    """A truck without a key tags with the empty one, as anybody can."""
    bare = station_truck.Truck(key=b"")
    lines = [kit.with_raw(line, bare.block(numbers_of(line)[0], kit.days()[21 + 7 * i:28 + 7 * i]))
             for i, line in enumerate(LINES[place] for place in PLACES)]
    data = kit.sealed(LINES[:PLACES[0]] + lines)
    for keys in ('{"truck-17": ""}', '{"truck-17": [""]}', '{"truck-17": []}'):
        code, _, err = run(tmp_path, data, keys=keys)
        assert code == 2 and "has no key of truck-17" in err


@pytest.mark.parametrize("keys", ["", "[]", "{", '{"truck-17": 5}', '{"truck-17": [5]}', '{"truck-17": {"a": 1}}', '{"truck-17": "xy"}', "[" * 5000])
def test_a_file_of_keys_that_is_none(tmp_path, keys):
    code, out, err = run(tmp_path, TEXT.encode(), keys=keys)
    assert code == 2 and "is not a file of keys" in err


def test_the_table_is_what_is_proved(tmp_path):
    code, _, _ = run(tmp_path, TEXT.encode(), "--csv", str(tmp_path / "day.csv"))
    db = kit.database()
    made = kit.export(db, TRUCK.device, kit.DATE, "depot")
    db.close()
    assert code == 0 and (tmp_path / "day.csv").read_text() == made.csv
