"""The two lanes and a station: PUBACK frees nothing, a lost answer loses nothing."""

from lane_kit import HIST, LIVE, Rig, answer, lacks, spans
from sim.board.nor import NorFlash
from store_kit import Mark
from tracker.fix import STOPPED, Fix
from tracker.record import FIX, Record
from tracker.sampling.window import Window
from tracker.store.codec import Codec
from tracker.store.journal import Journal
from uplink_fakes import puback, signed

ACK, REFUSED = 0x13, 0x14
SLOTS, AHEAD = 12, 32


# --- history: order, batching, window ------------------------------------------------------------


def test_backlog_goes_in_order_without_a_hole():
    rig = Rig(500)
    assert spans(rig.drain()) == [(n, min(n + 59, 499)) for n in range(0, 500, 60)]


def test_twelve_at_once_then_as_pubacks_come():
    rig = Rig(60 * 20)
    blocks = rig.blocks()
    assert len(blocks) == SLOTS and rig.blocks() == []
    rig.pubacked(blocks[3:4])
    assert spans(rig.blocks()) == [(720, 779)]


def test_new_records_wait_for_sixty_or_for_a_minute():
    rig = Rig(60)
    rig.drain()
    for _ in range(59):
        rig.journal.append_fix()
    assert rig.blocks() == []
    rig.journal.append_fix()
    assert spans(rig.drain()) == [(60, 119)]
    rig.journal.append_fix()
    assert rig.blocks() == []
    assert rig.blocks(59) == []
    rig.journal.append_fix()
    assert spans(rig.blocks(1)) == [(120, 121)]


def test_at_a_reconnect_everything_that_waits_goes_at_once():
    rig = Rig(60)
    rig.drain()
    rig.journal.append_fix()
    assert rig.blocks() == []
    rig.cut()
    rig.connect()
    assert spans(rig.blocks()) == [(60, 60)]


def test_after_a_reset_with_nothing_to_send_new_records_wait_as_ever():
    rig = Rig(60)
    rig.journal.ack(0, 59)
    rig.pump()
    rig.journal.append_fix()
    assert rig.blocks() == [] and rig.blocks(59) == []
    assert spans(rig.blocks(1)) == [(60, 60)]


def test_a_block_due_again_waits_for_a_slot():
    rig = Rig(60)
    rig.drain()
    for _ in range(59):
        rig.pump(10)
    rig.pump(5)
    for _ in range(60 * SLOTS):
        rig.journal.append_fix()
    flying = rig.blocks()
    assert len(flying) == SLOTS
    assert rig.blocks(6) == []
    rig.pubacked(flying[:1])
    assert spans(rig.blocks()) == [(0, 59)]


def test_one_block_a_pump():
    rig = Rig(600)
    rig.session.pump(0)
    rig.history.pump(rig.session, 0)
    assert len(rig.wire.taken()) == 1


def test_no_more_than_32_blocks_ahead_of_the_stations_answer():
    rig = Rig(60 * 50)
    assert len(rig.drain()) == AHEAD and rig.history.ahead() == AHEAD
    assert rig.blocks(30) == []
    rig.station(answer(ACK, [(0, 119)]))
    assert spans(rig.drain()) == [(1920, 1979), (1980, 2039)]


def test_acked_records_are_not_sent_after_a_reset():
    rig = Rig(300)
    rig.drain()
    rig.station(answer(ACK, [(0, 119), (180, 239)]))
    rig.pump()
    rig.boot()
    blocks = spans(rig.drain())
    assert blocks[0][0] == 120 and blocks[-1][1] == 299


# --- history: what frees -------------------------------------------------------------------------


def test_puback_frees_nothing():
    rig = Rig(120)
    rig.drain()
    rig.pump(10)
    assert rig.journal.acked == set() and rig.history.ahead() == 2


def test_the_stations_answer_frees():
    rig = Rig(120)
    rig.drain()
    rig.station(answer(ACK, [(0, 59)]))
    rig.pump()
    assert rig.journal.acked == set(range(60))
    assert rig.history.ahead() == 1 and rig.history.freed == 1


def test_answer_before_the_puback():
    rig = Rig(60)
    blocks = rig.blocks()
    rig.station(answer(ACK, [(0, 59)]))
    rig.pubacked(blocks)
    rig.pump()
    assert rig.history.ahead() == 0 and rig.session.free == SLOTS
    assert rig.blocks(600) == []


def test_half_an_answer_keeps_the_block():
    rig = Rig(60)
    rig.drain()
    rig.station(answer(ACK, [(0, 30)]))
    rig.pump()
    assert rig.history.ahead() == 1
    assert len(rig.blocks(600)) == 1


def test_answers_for_what_never_left_free_nothing():
    rig = Rig(60)
    rig.drain()
    for _ in range(30):
        rig.journal.append_fix()
    rig.station(answer(ACK, [(60, 89)]))
    rig.station(answer(ACK, [(0, 1 << 29)]))
    rig.pump()
    assert rig.journal.acked == set(range(60)) and rig.history.unsent == 2


def test_repeated_stale_foreign_and_malformed_answers_change_only_counters():
    rig = Rig(120)
    rig.drain()
    good = answer(ACK, [(0, 59)])
    for data in (
        good, good, answer(ACK, [(0, 119)], b"JOURNAL2"), answer(ACK, []),
        answer(REFUSED, [(0, 119)], b"JOURNAL2"), lacks(120, [], b"JOURNAL2"),
    ) + tuple([
        signed(data) for data in (
            b"\x13", good[:-9], good[:-8] + b"x", lacks(0)[:9], answer(REFUSED, [(0, 59)])[:-9],
            lacks(120, [(0, 9)])[:-9], lacks(120)[:-8] + b"\0", b"\x17" + good[1:-8],
        )
    ]):  # fmt: skip
        rig.station(data)
    rig.pump()
    rig.pump()
    history = rig.history
    assert rig.session.reason is None
    assert rig.journal.acked == set(range(60)) and history.ahead() == 1
    assert (history.acks, history.stale, history.foreign, history.malformed, history.forged) == (2, 1, 3, 9, 0)


def test_what_the_office_has_not_signed_frees_stops_and_repeats_nothing():
    """A broker that swallows blocks: whatever it says without the key, only its counter knows."""
    rig = Rig(120)
    rig.drain()
    rig.pump(30)
    good = answer(ACK, [(0, 119)])
    other = (good, answer(REFUSED, [(0, 119)]), lacks(120), lacks(0), answer(ACK, []))
    forged = [b"", b"\x13", bytes(8), bytes(9), good[:-1], good + b"\0", good[:-9] + good[-8:], good[:-1] + bytes((good[-1] ^ 1,))]
    for data in other:
        head = data[:-8]
        forged += [
            head, head + bytes(8), signed(head, b"truck-2"), signed(head, key=b"another truck's"), signed(head, key=b""),
            signed(head, use=b"cmd"), signed(head, use=b"ans"), signed(head, use=b""),
        ]  # fmt: skip
    for at in range(len(good)):
        forged.append(good[:at] + bytes((good[at] ^ 0x40,)) + good[at + 1 :])
    for data in forged:
        rig.station(data)
        assert rig.blocks() == []
    history = rig.history
    assert rig.session.reason is None and rig.journal.acked == set() and history.ahead() == 2
    assert (history.forged, history.acks, history.refused, history.malformed) == (len(forged), 0, 0, 0)
    rig.station(good)
    rig.pump()
    assert rig.journal.acked == set(range(120)) and history.ahead() == 0


def test_a_true_answer_that_comes_again_or_from_another_journal_of_ours_frees_nothing_new():
    rig = Rig(60)
    rig.drain()
    old = (answer(ACK, [(0, 59)]), lacks(60), answer(ACK, [(0, 119)], b"JOURNAL0"), lacks(120, [], b"JOURNAL0"))
    for data in old:
        rig.station(data)
    rig.pump()
    for _ in range(60):
        rig.journal.append_fix()
    rig.drain()
    for data in old:
        rig.station(data)
    rig.pump()
    assert rig.journal.acked == set(range(60)) and rig.history.ahead() == 1 and rig.history.forged == 0


# --- history: sending again ----------------------------------------------------------------------


def test_lost_answer_sends_again_after_ten_minutes_doubling_to_six_hours():
    rig = Rig(60)
    rig.drain()
    s, waits = 0, []
    while len(waits) < 8:
        s += 20
        blocks = rig.blocks(20)
        if blocks:
            assert spans(blocks) == [(0, 59)] and not blocks[0][2].dup
            rig.pubacked(blocks)
            waits.append(s)
            s = 0
    assert rig.session.reason is None
    # each wait begins at the PUBACK, which is read one step after the block
    assert waits[0] == 600
    assert [wait - 20 for wait in waits[1:]] == [1200, 2400, 4800, 9600, 19200, 21600, 21600]


def test_reconnect_resends_only_what_lacks_a_puback_with_dup_and_its_id():
    rig = Rig(60 * 6)
    blocks = rig.blocks()
    rig.pubacked(blocks[:1] + blocks[4:])
    rig.pump()
    rig.cut()
    rig.connect()
    again = rig.blocks()
    assert spans(again) == spans(blocks[1:4])
    assert [block[2].pid for block in again] == [block[2].pid for block in blocks[1:4]]
    assert [block[2].payload for block in again] == [block[2].payload for block in blocks[1:4]]
    assert all(block[2].dup for block in again)
    rig.pubacked(again)
    rig.pump()
    assert rig.session.free == SLOTS and rig.blocks() == []


def test_new_blocks_after_a_reconnect_come_behind_and_are_no_dups():
    rig = Rig(60 * 14)
    first = rig.blocks()
    rig.cut()
    rig.connect()
    again = rig.blocks()
    assert spans(again) == spans(first)
    rig.pubacked(again)
    new = rig.blocks()
    assert spans(new) == [(720, 779), (780, 839)]
    assert not any(block[2].dup for block in new)
    assert not {block[2].pid for block in new} & {block[2].pid for block in again}


def test_cut_twice_before_anything_went_again():
    rig = Rig(60 * 3)
    first = rig.blocks()
    rig.cut()
    rig.connect()
    rig.wire.write_room = 0
    rig.pump()
    rig.cut()
    rig.connect()
    assert spans(rig.blocks()) == spans(first)


def test_answer_for_a_cut_block_gives_its_slot_back():
    rig = Rig(60 * 2)
    rig.blocks()
    rig.cut()
    rig.connect()
    rig.wire.write_room = 1
    rig.pump()  # the first block is stuck in the stream, the second still waits for its turn
    rig.station(answer(ACK, [(60, 119)]))
    rig.pump()
    assert rig.history.ahead() == 1 and rig.session.free == SLOTS - 1
    rig.wire.write_room = 5000
    blocks = rig.blocks()
    assert spans(blocks) == [(0, 59)]
    rig.pubacked(blocks)
    rig.pump(25)
    assert rig.session.reason is None


def test_what_the_station_lacks_goes_again_at_once_and_what_it_has_is_freed():
    rig = Rig(60 * 6)
    rig.drain()
    rig.pump(20)
    rig.station(lacks(300, [(0, 59), (130, 131)]))
    assert spans(rig.drain()) == [(0, 59), (120, 179), (300, 359)]
    assert rig.history.ahead() == 3 and rig.history.freed == 3
    assert rig.journal.acked == set(range(60, 300)) - {130, 131}
    assert rig.blocks(590) == [] and len(rig.blocks(20)) == 3


def test_a_station_that_has_nothing_gets_all_that_waits_and_one_that_has_all_nothing():
    rig = Rig(60 * 3)
    rig.drain()
    rig.pump(20)
    rig.station(lacks(0))
    assert spans(rig.drain()) == [(0, 59), (60, 119), (120, 179)] and rig.journal.acked == set()
    rig.pump(20)
    rig.station(lacks(180))
    assert rig.blocks() == [] and rig.history.ahead() == 0


def test_what_has_only_just_landed_is_not_sent_twice_because_the_station_spoke_first():
    rig = Rig(60 * 3)
    rig.pubacked(rig.blocks())
    rig.station(lacks(0))  # its answer to our birth, which stood before these blocks
    assert rig.blocks() == [] and rig.blocks(15) == []
    rig.station(answer(ACK, [(0, 119)]))
    assert spans(rig.blocks(10)) == [(120, 179)], "no answer came: that one was lost"


def test_what_the_station_says_that_it_has_frees_nothing_that_never_left():
    rig = Rig(60)
    rig.drain()
    for _ in range(30):
        rig.journal.append_fix()
    rig.station(lacks(90))
    rig.station(lacks(1 << 29, [(10, 19)]))
    rig.pump()
    assert rig.journal.acked == set(range(60))


def test_no_reconnect_by_itself_repeats_what_the_broker_has():
    rig = Rig(60 * 3)
    rig.drain()
    for kept in (True, False) * 5:
        rig.cut()
        rig.connect(kept)
        assert rig.blocks(30) == []


def test_a_broker_that_lost_our_session_gets_what_was_cut_off_as_new():
    rig = Rig(60 * 3)
    first = rig.blocks()
    rig.pubacked(first[:1])
    rig.pump()
    rig.cut()
    rig.connect(False)
    again = rig.blocks()
    assert spans(again) == spans(first[1:])
    assert not any(block[2].dup for block in again)
    assert not {block[2].pid for block in again} & {block[2].pid for block in first}
    rig.pubacked(again)
    rig.pump(25)
    assert rig.session.reason is None and rig.session.free == SLOTS


def test_a_block_whose_answer_did_not_come_for_weeks_goes_again():
    rig = Rig(60)
    rig.drain()
    rig.cut()
    rig.clock.ms += 7 * 86400 * 1000  # beyond the reach of the ticks
    rig.connect()
    assert spans(rig.blocks()) == [(0, 59)]


def test_a_shorter_window_by_setting():
    rig = Rig()
    rig.settings.ahead_blocks = 4
    for _ in range(60 * 10):
        rig.journal.append_fix()
    rig.boot()
    assert len(rig.drain()) == 4 and rig.history.ahead() == 4


def test_refused_block_is_kept_counted_and_not_sent_again():
    rig = Rig(120)
    rig.drain()
    rig.station(answer(REFUSED, [(0, 59)]))
    rig.station(answer(ACK, [(60, 119)]))
    rig.pump()
    assert rig.history.refused == 1 and rig.history.ahead() == 0
    assert rig.journal.acked == set(range(60, 120))
    for _ in range(200):
        assert rig.blocks(60) == []
    rig.cut()
    rig.connect()
    assert rig.blocks() == []


def test_block_that_the_ring_has_overwritten_is_let_go():
    rig = Rig(180)
    rig.blocks()
    rig.cut()
    rig.journal.oldest_seq = 90
    rig.connect()
    again = rig.blocks()
    assert spans(again) == [(90, 119), (120, 179)]
    assert rig.history.lost == 1 and rig.session.free == SLOTS - 2
    rig.pubacked(again)
    rig.pump(25)
    assert rig.session.reason is None


def test_lost_and_repeated_answers_cuts_and_lost_pubacks_in_any_mixture():
    for seed in range(5):
        _mixture(seed)


def _mixture(seed):
    rig = Rig(700)
    stored = set()
    for step in range(3000):
        seed = (seed * 1103 + 12347) % 1000003
        if step < 100:
            rig.journal.append_fix()
        elif len(rig.journal.acked) == 800:
            break
        if seed % 37 == 0 or rig.session.reason:
            rig.cut()
            rig.connect()
        for first, last, packet in rig.blocks(15):
            seed = (seed * 1103 + 12347) % 1000003
            stored.update(range(first, last + 1))
            if seed % 4:
                rig.wire.give(puback(packet.pid))
            for _ in range(seed // 8 % 3):
                rig.station(answer(ACK, [(first, last)]))
        assert rig.journal.acked <= stored
    assert stored == rig.journal.acked == set(range(800)), seed
    assert rig.history.ahead() == 0 and rig.history.again > 0


def test_the_real_journal_over_resets_and_a_ring_that_overwrites_what_was_never_sent():
    """Four sectors, two resets, a link that is away until the ring has gone round: what is still
    there arrives, once confirmed it is freed, and nothing that the station lacks is."""
    flash = NorFlash(4 * 4096)
    mark = Mark()
    stored = set()
    rec = Record()
    n = 0
    for boot in range(3):
        journal = Journal(flash, lambda size: bytes(range(size)), mark)
        journal.mount()
        rig = Rig(0, journal)
        for step in range(120):
            for _ in range((5, 40, 5)[boot]):
                rec.kind = FIX
                rec.fix.copy(_fix(10 * n, 800))
                rec.fix.lon_udeg += n * n % 97
                journal.append(rec)
                n += 1
            if boot == 1 and step < 100:
                rig.cut()
                continue
            if rig.session.reason:
                rig.connect()
            for first, last, packet in rig.blocks(15):
                stored.update(range(first, last + 1))
                rig.wire.give(puback(packet.pid))
                if (first // 60 + step) % 3:
                    rig.station(answer(ACK, [(first, last)], journal.journal_id))
            journal.flush_acks(rig.clock.ticks_ms())
            for seq in range(journal.oldest_seq, journal.next_seq):
                assert not journal.is_acked(seq) or seq in stored
        if boot == 1:
            assert journal.dropped > 1000
    for _ in range(100):
        for first, last, packet in rig.blocks(15):
            stored.update(range(first, last + 1))
            rig.wire.give(puback(packet.pid))
            rig.station(answer(ACK, [(first, last)], journal.journal_id))
    rig.pump()
    assert rig.history.ahead() == 0 and journal.next_unacked(0) == -1
    assert stored >= set(range(journal.oldest_seq, journal.next_seq))


# --- what the office asks for again ---------------------------------------------------------------


def _confirmed(n):
    """A rig whose database has all."""
    rig = Rig(n)
    for first, last, _ in rig.drain():
        rig.station(answer(ACK, [(first, last)]))
        rig.pump()
    assert rig.history.ahead() == 0
    return rig


def test_what_is_asked_again_goes_out_once_one_block_at_a_time():
    rig = _confirmed(500)
    assert rig.history.ask_again(100, 250) == 151
    blocks = rig.blocks()
    assert spans(blocks) == [(100, 159)] and rig.blocks(15) == []
    rig.pubacked(blocks)
    assert spans(rig.drain()) == [(160, 219), (220, 250)]
    assert rig.blocks(4000) == [] and rig.history.ahead() == rig.history.again == 0
    assert rig.journal.acked == set(range(500))


def test_one_wish_at_a_time_and_only_what_the_ring_has():
    rig = _confirmed(200)
    rig.journal.oldest_seq = 150
    assert rig.history.ask_again(0, 1 << 29) == 50
    assert rig.history.ask_again(160, 170) == -1
    assert spans(rig.drain()) == [(150, 199)]
    assert rig.history.ask_again(0, 149) == 0 and rig.history.ask_again(200, 300) == 0
    assert rig.drain() == [] and rig.history.ask_again(160, 170) == 11


def test_what_is_asked_again_waits_for_all_that_is_new():
    rig = _confirmed(120)
    for _ in range(130):
        rig.journal.append_fix()
    assert rig.history.ask_again(0, 20) == 21
    assert spans(rig.blocks()) == [(120, 179), (180, 239), (0, 20)]


def test_what_has_not_gone_out_yet_is_not_sent_twice():
    rig = _confirmed(120)
    rig.journal.append_fix()
    assert rig.history.ask_again(110, 120) == 11
    assert spans(rig.drain()) == [(110, 119)]
    assert spans(rig.blocks(60)) == [(120, 120)] and rig.drain() == []


def test_a_block_asked_for_that_was_cut_off_goes_once_more():
    rig = _confirmed(120)
    rig.history.ask_again(0, 100)
    assert spans(rig.blocks()) == [(0, 59)]
    rig.cut()
    rig.connect()
    assert spans(rig.drain()) == [(0, 59), (60, 100)]
    assert rig.session.free == SLOTS


# --- live ----------------------------------------------------------------------------------------


def _fix(sec, speed_cms, flags=0):
    fix = Fix()
    fix.sec, fix.lat_udeg, fix.lon_udeg, fix.kind = 200000000 + sec, -6178000 + sec, 106630000, 1
    fix.speed_cms, fix.flags = speed_cms, flags
    return fix


def _lives(speed, seconds, flags=0, rig=None, start=0):
    """Seconds at which a live fix went out, with a new fix each second."""
    rig = rig or Rig()
    found = []
    for s in range(start, start + seconds):
        rig.trail.newest, rig.trail.newest_ms = _fix(s, speed, flags), s * 1000
        for packet in rig.pump(1):
            assert packet.topic == LIVE and packet.op in (0x31, 0x33)  # the broker is asked when it was silent for long
            found.append(s)
            if packet.pid:
                rig.wire.give(puback(packet.pid))
    return found, rig


def test_newest_fix_is_the_first_word_after_a_connect():
    rig = Rig(500)
    rig.trail.newest, rig.trail.newest_ms = _fix(7, 1000), 7000
    packets = rig.pump()
    assert packets[0].topic == LIVE and packets[1].topic == HIST
    rec, codec = Record(), Codec()
    codec.reset()
    assert packets[0].payload[0] == 0x12
    assert codec.decode(packets[0].payload, 1, len(packets[0].payload), rec) == len(
        packets[0].payload
    )
    assert rec.kind == FIX and rec.fix.sec == 200000007 and rec.fix.lat_udeg == -6177993


def test_live_every_10_s_moving_and_every_60_s_standing():
    assert _lives(900, 61)[0] == [0, 10, 20, 30, 40, 50, 60]
    assert _lives(None, 21)[0] == [0, 10, 20]
    assert _lives(20, 121)[0] == [0, 60]  # then it is parked
    assert _lives(900, 121, STOPPED)[0] == [0, 60]


def test_live_goes_rarer_where_the_link_says_so():
    rig = Rig()
    rig.live.factor = 4
    assert _lives(900, 100, 0, rig)[0] == [0, 40, 80]


def test_the_stop_is_shown_like_a_moving_fix_and_so_is_the_start():
    found, rig = _lives(900, 15)
    assert found == [0, 10]
    found, rig = _lives(0, 100, 0, rig, 15)
    assert found == [20, 80]
    found, rig = _lives(900, 30, 0, rig, 115)
    assert found == [115, 125, 135]


def test_a_changed_interval_holds_at_once():
    rig = Rig(60)
    rig.drain()
    rig.trail.newest, rig.trail.newest_ms = _fix(0, 900), 1
    assert len(rig.pump()) == 1
    rig.trail.newest_ms = 2
    rig.journal.append_fix()
    assert rig.pump(2) == []
    rig.settings.live_s = 2
    assert [packet.topic for packet in rig.pump()] == [LIVE]
    rig.settings.batch_s = 5
    assert rig.pump(4) == [] and [packet.topic for packet in rig.pump(1)] == [HIST]


def test_live_goes_when_the_map_is_wrong_and_its_puback_spares_a_ping():
    rig = Rig()
    rig.settings.live_s, rig.settings.live_m = 60, 50
    rig.trail.newest = Fix()
    found = []
    for s in range(121):
        fix = _fix(s, 1000)
        fix.course_cdeg = 0
        fix.lat_udeg = -6178000 + 90 * (s if s < 30 else 30)  # it stops without braking
        if s >= 30:
            fix.speed_cms = 0
        rig.trail.newest, rig.trail.newest_ms = fix, s * 1000
        for packet in rig.pump(1):
            found.append((s, packet.type, packet.topic))
            if packet.pid:
                rig.wire.give(puback(packet.pid))
    assert [s for s, _, _ in found] == [0, 36, 96], "50 m behind, then each minute"
    assert {topic for _, _, topic in found} == {LIVE}, "no ping"


def test_live_says_nothing_new_twice_except_after_a_reconnect():
    rig = Rig()
    assert rig.pump() == []
    rig.trail.newest, rig.trail.newest_ms = _fix(0, 900), 0
    assert len(rig.pump()) == 1
    for _ in range(20):
        assert rig.pump(10) == []
    rig.cut()
    rig.connect()
    assert len(rig.pump()) == 1
    assert rig.live.sent == 2


def test_live_fix_that_cannot_be_said_is_left_out():
    rig = Rig()
    rig.trail.newest, rig.trail.newest_ms = _fix(0, 900), 0
    rig.trail.newest.lat_udeg = 91000000
    assert rig.pump() == [] and rig.session.reason is None


def test_thinned_records_go_in_blocks_without_a_hole_and_holes_are_passed_over():
    """A ring that was full for long: a block holds numbers in a row; confirmed, nothing is left to be sent, now or after a reset."""
    flash = NorFlash(4 * 4096)
    mark = Mark()
    journal = Journal(flash, lambda size: bytes(range(size)), mark, window=lambda: Window(20))
    journal.mount()
    rec = Record()
    for n in range(4000):
        rec.kind = FIX
        rec.fix.copy(_fix(2 * n, 800))
        rec.fix.lon_udeg += n * n % 97
        journal.append(rec)
    assert journal.thinned > 500
    rig = Rig(0, journal)
    there = set()
    cursor = journal.cursor()
    while cursor.next(rec):
        there.add(rec.seq)
    stored = set()
    for _ in range(200):
        for first, last, packet in rig.blocks(15):
            assert set(range(first, last + 1)) <= there
            stored.update(range(first, last + 1))
            rig.wire.give(puback(packet.pid))
            rig.station(answer(ACK, [(first, last)], journal.journal_id))
    rig.pump()
    assert stored == there and min(there) < max(there) - len(there)
    assert rig.history.ahead() == rig.history.again == 0 and journal.next_unacked(0) == -1
    journal.flush_acks(0)
    journal.flush_acks(60000)
    journal.mount()
    assert journal.next_unacked(0) == -1
