"""A drive through the firmware from parser to window, without a board.

In: a log or a feed of bytes.
Out: Drive: every position, what was accepted, what was kept, as the station decodes it.
"""

from tracker.fix import Fix
from tracker.gnss.clock import ClockGate
from tracker.gnss.nmea import NmeaParser
from tracker.record import FIX, GAP, RESET, Record, gap_fields
from tracker.sampling.quality import Quality
from tracker.sampling.trail import Trail
from tracker.sampling.window import Window
from tracker.store.codec import RECORD_MAX, Codec

BLOCK = 60  # records after which a codec begins anew, as in a page or a block
START_SEC = 200086400
DAY_S = 86400
BOOT_MS = 4000  # the first epoch comes so long after boot


def copy_of(fix):
    other = Fix()
    other.copy(fix)
    return other


class MemoryJournal:
    """Records through the codec and back, in a list; beside it the tail, void behind a fix."""

    oldest_seq = next_seq = 0

    def __init__(self):
        self.fixes = []  # as decoded
        self.gaps = []  # (from, to, reason, detail)
        self.tail_fix = None
        self.tails = 0
        self.said_sec = None  # second of the newest fix or tail
        self._buf = bytearray(RECORD_MAX)
        self._in, self._out, self._rec = Codec(), Codec(), Record()

    def append(self, rec):
        if rec.kind == GAP:
            self.gaps.append(gap_fields(rec))
            return
        if len(self.fixes) % BLOCK == 0:
            self._in.reset()
            self._out.reset()
        end = self._in.encode(rec, self._buf, 0)
        if rec.kind != FIX or end < 0 or self._out.decode(self._buf, 0, end, self._rec) != end:
            raise ValueError("the codec refuses a record of kind %d" % rec.kind)
        self._in.advance(rec)
        self._out.advance(self._rec)
        self.fixes.append(copy_of(self._rec.fix))
        self.tail_fix = None
        self.said_sec = rec.fix.sec

    def append_tail(self, fix):
        self.tail_fix = copy_of(fix)
        self.tails += 1
        self.said_sec = fix.sec

    def tail(self):
        return None


class SeenWindow(Window):
    """Remembers the fixes that were accepted."""

    def __init__(self, *args):
        super().__init__(*args)
        self.accepted = []

    def offer(self, fix, keep):
        self.accepted.append(copy_of(fix))
        super().offer(fix, keep)


class Drive:
    """epochs: (uptime_ms, Fix) in order; each(drive) is called after each."""

    def __init__(self, epochs, bound_m=10, each=None):
        self.positions = [fix for _, fix in epochs if fix.kind]
        self.journal = MemoryJournal()
        self.window = SeenWindow(bound_m)
        self.quality = Quality()
        build_sec = min(fix.sec for fix in self.positions) - 86400
        self.trail = Trail(self.journal, ClockGate(build_sec), self.quality, self.window, RESET, 0)
        for uptime_ms, fix in epochs:
            self.trail.on_epoch(copy_of(fix), uptime_ms)
            self.trail.tick(uptime_ms + 900)
            if each:
                each(self)
        self.trail.commit()

    @property
    def accepted(self):
        return self.window.accepted

    @property
    def kept(self):
        return self.journal.fixes


def epochs_of(frames):
    """(uptime_ms, Fix) of bytes that come as (ms, bytes)."""
    now_ms = 0
    epochs = []
    parser = NmeaParser(Fix(), lambda fix: epochs.append((now_ms, copy_of(fix))))
    for now_ms, data in frames:
        data = bytearray(data)
        parser.feed(data, len(data))
    parser.flush()
    return epochs


def epochs_of_log(path):
    """A log's own times, on another day: some are older than our second 0."""
    data = path.read_bytes()
    fixes = [fix for _, fix in epochs_of((0, data[i:i + 200]) for i in range(0, len(data), 200))]
    first_sec = next((fix.sec for fix in fixes if fix.kind), 0)
    days = (START_SEC - first_sec) // DAY_S
    epochs = []
    for fix in fixes:
        if fix.kind:
            epochs.append(((fix.sec - first_sec) * 1000 + fix.ms + BOOT_MS, fix))
            fix.sec += days * DAY_S
    return epochs


def standing_still(epochs, speed_max_cms=80, least=10):
    """Runs of at least so many fixes in a row in which the receiver says that it hardly moves."""
    run, runs = [], []
    for _, fix in epochs:
        is_slow = fix.speed_cms is not None and fix.speed_cms < speed_max_cms
        if is_slow and (not run or fix.sec - run[-1].sec <= 2):
            run.append(fix)
        else:
            runs.append(run)
            run = []
    return [run for run in [*runs, run] if len(run) >= least]


def parked(runs, hours=8, start_sec=START_SEC):
    """Runs of standing fixes, moved to one place by their means, over and over, one a second."""
    fixes = []
    lat0, lon0 = _middle(runs[0])
    for run in runs:
        lat, lon = _middle(run)
        for fix in run:
            moved = copy_of(fix)
            moved.lat_udeg += lat0 - lat
            moved.lon_udeg += lon0 - lon
            moved.ms = moved.flags = 0
            fixes.append(moved)
    epochs = []
    for i in range(hours * 3600):
        fix = copy_of(fixes[i % len(fixes)])
        fix.sec = start_sec + i
        epochs.append((i * 1000 + BOOT_MS, fix))
    return epochs


def _middle(run):
    lats, lons = [fix.lat_udeg for fix in run], [fix.lon_udeg for fix in run]
    return sum(lats) // len(run), sum(lons) // len(run)
