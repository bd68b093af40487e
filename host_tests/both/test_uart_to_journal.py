"""The road without a board, a VM or a network: bytes on a serial line -> parser -> trail -> journal on flash -> blocks, and an outage."""

from lane_kit import Rig, answer
from receiver_kit import sentence
from sim.board.nor import NorFlash
from store_kit import Mark, mounted, read_all
from tracker.fix import Fix
from tracker.gnss.nmea import NmeaParser
from tracker.gnss.receiver import Receiver
from trail_kit import make_trail, unexplained
from tracker.record import FIX, GAP, SILENT, Record, gap_fields

POLL_MS = 100
BYTES_A_POLL = 96  # 9600 baud
RXBUF = 2048


class Uart:
    """Bytes come at 9600 baud; what does not fit into the driver's ring is gone, without a word, as on the ESP32."""

    def __init__(self):
        self.coming = bytearray()
        self.ring = bytearray()
        self.dropped = 0

    def pass_100_ms(self):
        arrived, self.coming = self.coming[:BYTES_A_POLL], self.coming[BYTES_A_POLL:]
        room = RXBUF - len(self.ring)
        self.dropped += max(0, len(arrived) - room)
        self.ring += arrived[:room]

    def readinto(self, buf):
        n = min(len(buf), len(self.ring))
        buf[:n] = self.ring[:n]
        self.ring = self.ring[n:]
        return n or None


class Truck:
    """One second after the other on a straight road, 10 m/s north; boot was five seconds before the first."""

    def __init__(self):
        self.journal = mounted(NorFlash(16 * 4096), Mark(), 256)
        self.trail = make_trail(self.journal)[0]
        self.uart = Uart()
        self.parser = NmeaParser(Fix(), self.on_epoch)
        self.receiver = Receiver(self.uart, self.parser, bytearray(256))
        self.ms = 5000
        self.second = 3 * 3600
        self.rig = Rig(journal=self.journal)
        self.delivered = {}

    def on_epoch(self, fix):
        self.trail.on_epoch(fix, self.ms)

    def live(self, seconds, say=None, poll=True, link=True):
        """say(bytes of a second) -> what is on the line instead."""
        for _ in range(seconds):
            said = bytes(self.burst())
            self.uart.coming += say(said) if say else said
            self.second += 1
            for _ in range(1000 // POLL_MS):
                self.uart.pass_100_ms()
                self.ms += POLL_MS
                if poll:
                    self.receiver.poll(self.ms)
                    self.trail.tick(self.ms)
            self.rig.clock.ms += 1000
            if link:
                self.deliver()
        return self

    def burst(self):
        clock = "%02d%02d%02d.00" % (self.second // 3600, self.second // 60 % 60, self.second % 60)
        minutes = 1_200_000 - (self.second - 10_800) * 540  # 0.0054 minutes are 10 m
        place = "06%02d.%05d,S,10636.00000,E" % (minutes // 10**5, minutes % 10**5)
        return sentence("GPRMC,%s,A,%s,19.438,0.00,241126,,,A" % (clock, place)) + sentence(
            "GPGGA,%s,%s,1,09,0.90,16.0,M,18.9,M,," % (clock, place)
        )

    def deliver(self):
        for first, last, packet in self.rig.drain():
            self.delivered[first] = last
            self.rig.station(answer(0x13, [(first, last)], self.journal.journal_id))
        self.rig.pump()

    def done(self):
        self.live(3)
        self.trail.close(self.ms)
        for _ in range(7):  # more than a batch's time
            self.deliver()
            self.rig.clock.ms += 10_000
        return self

    def records(self):
        """The records on flash, as the station's rule wants them."""
        rec = Record()
        cursor = self.journal.cursor()
        cursor.seek(0)
        found = []
        while cursor.next(rec):
            if rec.kind == FIX:
                fix = Fix()
                fix.copy(rec.fix)
                found.append(("fix", fix))
            elif rec.kind == GAP:
                found.append(("gap",) + gap_fields(rec))
        return found

    def gaps(self, reason):
        return [record for record in self.records() if record[0] == "gap" and record[3] == reason]

    def is_whole(self):
        """Every record has gone out and is confirmed; no second from the first record on is unexplained."""
        sent = [n for first, last in self.delivered.items() for n in range(first, last + 1)]
        assert sorted(sent) == sorted(read_all(self.journal)) == list(range(self.journal.next_seq))
        assert self.journal.next_unacked(0) == -1
        assert unexplained(self.records()) == []
        return True


def test_chunks_and_a_pause_and_an_outage():
    truck = Truck().live(60)
    kept = len(read_all(truck.journal))
    truck.live(120, link=False)
    assert truck.journal.next_unacked(0) >= 0 and len(read_all(truck.journal)) > kept
    truck.live(30, say=lambda said: b"")
    truck.live(60).done()
    assert truck.is_whole() and truck.uart.dropped == 0
    assert [29 <= gap[2] - gap[1] <= 32 for gap in truck.gaps(SILENT)[1:]] == [True]


def test_an_overflow_costs_its_bytes_and_nothing_else():
    truck = Truck().live(60)
    truck.live(30, poll=False)  # 30 s of 150 bytes, and room for 2,048
    assert truck.uart.dropped > 1000
    refused = truck.parser.bad_checksum + truck.parser.too_long + truck.parser.malformed
    truck.live(60).done()
    assert truck.parser.bad_checksum + truck.parser.too_long + truck.parser.malformed > refused
    assert truck.is_whole() and truck.trail.accepted > 100


def test_a_wrong_baud_rate_is_noise_until_it_is_right():
    garble = lambda said: bytes([byte * 7 & 0xFF | 0x80 for byte in said])  # noqa: E731
    truck = Truck().live(20, say=garble)
    assert truck.parser.sentences == 0 and read_all(truck.journal) == {}
    truck.live(60).done()
    assert truck.is_whole() and truck.trail.accepted > 40


def test_a_record_that_cannot_be_read_now_is_sent_when_it_can():
    truck = Truck().live(60, link=False)
    cursor = truck.rig.history._cursor
    seek, cursor.seek = cursor.seek, lambda seq: False
    truck.deliver()
    assert truck.rig.history.unread == 1 and truck.delivered == {}
    cursor.seek = seek
    truck.live(61).done()
    assert truck.is_whole()
