"""The database that answers the truck: SQLite, one writer, idempotent on (device, journal, seq).

In: blocks, live fixes, states, bad messages. Out: the ranges it has, after commit.
Owns: schema.sql; what a conflict is (same number, other content: first wins, the other is kept).
"""

import sqlite3
from pathlib import Path

from station import health
from station.wire import Row, content
from tracker.record import HEALTH

QUARANTINE_ROWS = 10_000  # a hostile sender must not fill the disk that the trail needs
QUARANTINE_BYTES = 16384  # of one payload
CONFLICT_ROWS = 10_000
AGAINST_ROWS = 1_000  # blocks that only contradict
LOG_ROWS = 10_000
TOPIC_CHARS = 200
EPOCH_2020 = 1577836800

_COLUMNS = ", ".join(Row._fields)
_MARKS = ", ".join("?" * len(Row._fields))

_SCHEMA = Path(__file__).with_name("schema.sql")


class Database:
    """One connection. The writer and the page have one each: WAL lets them work side by side."""

    def __init__(self, path, busy_s=5.0):
        self.path = path
        self._db = sqlite3.connect(path, busy_s, isolation_level=None, check_same_thread=False)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode=WAL")
        # FULL: in WAL mode NORMAL may lose the last commits when the server's power goes, and by
        # then the truck has freed what we acknowledged.
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.executescript(_SCHEMA.read_text())
        self._migrate()

    def _migrate(self):
        """A database of before there were blocks has the tag in each record, where nothing can check it."""
        if self._has_tags():
            with self:
                if self._has_tags():  # the page's connection or another process may have been quicker
                    self._db.execute("ALTER TABLE records DROP COLUMN tag")

    def _has_tags(self):
        return any(row["name"] == "tag" for row in self._all("PRAGMA table_info(records)"))

    def close(self):
        self._db.close()

    def __enter__(self):
        """A batch: everything inside is committed together or not at all."""
        self._db.execute("BEGIN IMMEDIATE")
        return self

    def __exit__(self, kind, error, trace):
        try:
            if kind is None:
                self._db.execute("COMMIT")
        finally:
            if self._db.in_transaction:  # the batch failed, or the commit did: disk full
                self._db.execute("ROLLBACK")

    def run(self, sql, *args):
        """For the owner of a table of its own: commands.py."""
        return self._db.execute(sql, args)

    # -- writing, inside a batch

    def put_block(self, block, now):
        """Store what is new; the range (lo, hi) now around it, and how many rows are new."""
        device, journal = block.device, block.journal
        self._heard(device, now)
        self._db.execute("INSERT OR IGNORE INTO journals VALUES (?, ?, ?)", (device, journal, now))
        replay = int(block.last < self._highest(device, journal))
        tail = (now, replay)
        cursor = self._db.executemany(
            f"INSERT OR IGNORE INTO records (device, journal, {_COLUMNS}, received, replay) "
            f"VALUES (?, ?, {_MARKS}, ?, ?)",
            [(device, journal, *row, *tail) for row in block.rows])
        fresh = cursor.rowcount
        against = fresh < len(block.rows) and self._keep_conflicts(block, now)
        if fresh or against:
            self._put_raw(block, fresh, now)
        self._put_health(block)
        return self._add_range(device, journal, block.first, block.last), fresh

    def _put_raw(self, block, fresh, now):
        self._db.execute(
            "INSERT OR IGNORE INTO blocks (device, journal, first, last, received, fresh, raw) VALUES (?,?,?,?,?,?,?)",
            (block.device, block.journal, block.first, block.last, now, fresh, block.raw))
        if not fresh:
            self._db.execute("DELETE FROM blocks WHERE id IN (SELECT id FROM blocks WHERE fresh=0 "
                             "ORDER BY id DESC LIMIT -1 OFFSET ?)", (AGAINST_ROWS,))

    def _put_health(self, block):
        """The fields of what is stored: where another content came first, the other's stand."""
        for row in block.rows:
            if row.kind == HEALTH:
                name = (block.device, block.journal, row.seq)
                self._db.executemany(
                    "INSERT OR IGNORE INTO health (device, journal, seq, field, value, sec, received) "
                    "SELECT device, journal, seq, ?, ?, nullif(sec, 0), received FROM records "
                    "WHERE device=? AND journal=? AND seq=? AND sec=? AND body=?",
                    [(*pair, *name, row.sec, row.body) for pair in health.pairs(row.body)])

    def put_live(self, device, row, now, fresh=True):
        """The map never drives backwards: a fix older than the shown one is left out."""
        self._heard(device, now, fresh)
        return self._db.execute(
            "INSERT OR REPLACE INTO live SELECT ?, ?, ?, ?, ?, ?, ?, ? "
            "WHERE NOT EXISTS (SELECT 1 FROM live WHERE device=? AND sec>=?)",
            (device, row.sec, row.lat_udeg, row.lon_udeg, row.speed_cms, row.course_cdeg,
             row.flags, now, device, row.sec)).rowcount > 0

    def put_state(self, device, state, now, fresh=True):
        self._heard(device, now, fresh)
        self._db.execute(
            "UPDATE devices SET state=?, state_since=? WHERE device=? AND state IS NOT ?",
            (state, now, device, state))

    def put_log(self, device, text, now):
        self._heard(device, now)
        self._db.execute("INSERT INTO logs (device, received, text) VALUES (?, ?, ?)", (device, now, text))
        self._trim("logs", LOG_ROWS)

    def put_quarantine(self, topic, payload, reason, now):
        """Raw, once per content; the oldest go when there are too many."""
        self._db.execute(
            "INSERT INTO quarantine (received, topic, reason, size, payload) VALUES (?,?,?,?,?) "
            "ON CONFLICT (topic, payload) DO UPDATE SET times=times+1, received=excluded.received",
            (now, topic[:TOPIC_CHARS], reason, len(payload), payload[:QUARANTINE_BYTES]))
        self._trim("quarantine", QUARANTINE_ROWS)

    def _heard(self, device, now, fresh=True):
        """What the broker kept, or says in the truck's name, is no word of the truck's."""
        self._db.execute(
            "INSERT INTO devices (device, first_heard, last_heard) VALUES (?, ?, ?) "
            "ON CONFLICT (device) DO UPDATE SET last_heard=excluded.last_heard WHERE ?",
            (device, now, now, fresh))

    def _highest(self, device, journal):
        return self._one("SELECT coalesce(max(hi), -1) FROM ranges WHERE device=? AND journal=?",
                         device, journal)

    def _keep_conflicts(self, block, now):
        """Were there any?"""
        have = {row["seq"]: tuple(row)[1:] for row in self._db.execute(
            f"SELECT {_COLUMNS} FROM records WHERE device=? AND journal=? AND seq BETWEEN ? AND ?",
            (block.device, block.journal, block.first, block.last))}
        others = [row for row in block.rows if have[row.seq] != tuple(row)[1:]]
        self._db.executemany(
            "INSERT OR IGNORE INTO conflicts (received, device, journal, seq, content) VALUES (?, ?, ?, ?, ?)",
            [(now, block.device, block.journal, row.seq, content(row)) for row in others])
        self._trim("conflicts", CONFLICT_ROWS)
        return bool(others)

    def _add_range(self, device, journal, lo, hi):
        """Merge lo..hi with the ranges that it overlaps or touches; the merged one."""
        touching = self._db.execute(
            "DELETE FROM ranges WHERE device=? AND journal=? AND lo<=? AND hi>=? RETURNING lo, hi",
            (device, journal, hi + 1, lo - 1)).fetchall()
        for row in touching:
            lo, hi = min(lo, row["lo"]), max(hi, row["hi"])
        self._db.execute("INSERT INTO ranges VALUES (?, ?, ?, ?)", (device, journal, lo, hi))
        return lo, hi

    def _trim(self, table, rows):
        self._db.execute(
            f"DELETE FROM {table} WHERE id <= (SELECT max(id) FROM {table}) - ?", (rows,))

    # -- reading

    def devices(self):
        """One row per truck: state, when it was heard, its live fix, how many records it has."""
        return self._all(
            "SELECT d.*, l.sec live_sec, l.lat_udeg, l.lon_udeg, l.speed_cms, l.course_cdeg, "
            "l.flags, (SELECT coalesce(sum(hi - lo + 1), 0) FROM ranges r "
            "WHERE r.device=d.device) stored "
            "FROM devices d LEFT JOIN live l USING (device) ORDER BY device")

    def newest_fix(self, device):
        return self._db.execute(
            "SELECT sec, lat_udeg, lon_udeg, speed_cms, course_cdeg, flags FROM records "
            "WHERE device=? AND kind=0 AND flags & 16 = 0 ORDER BY sec DESC LIMIT 1",
            (device,)).fetchone()

    def journals(self, device):
        return [row["journal"] for row in self._db.execute(
            "SELECT journal FROM journals WHERE device=? ORDER BY first_heard", (device,))]

    def rows(self, device, journal):
        """Every record of a journal as Row, by number: what explain() judges."""
        return [Row(*row) for row in self._all(
            f"SELECT {_COLUMNS} FROM records WHERE device=? AND journal=? ORDER BY seq",
            device, journal)]

    def arrived(self, device, after, limit=5000):
        """Fixes of a truck, and anchors of their times, in the order in which they came, after a cursor."""
        return self._all(
            "SELECT arrival, journal, kind, seq, sec, lat_udeg, lon_udeg, speed_cms, flags FROM records "
            "WHERE device=? AND arrival>? AND kind IN (0, 1) ORDER BY arrival LIMIT ?",
            device, after, limit)

    def untimed(self, device):
        """How many fixes have no second of their own: an anchor may stamp them."""
        return self._one("SELECT count(*) FROM records WHERE device=? AND kind=0 AND flags & 16", device)

    def health(self, device, span_s=86400):
        """Fields of a truck's HEALTH records of the newest one's day, by journal and number."""
        return self._all(
            "WITH mine AS (SELECT h.*, coalesce(sec + ?, received) at, j.first_heard FROM health h "
            "JOIN journals j USING (device, journal) WHERE device=?) "
            "SELECT * FROM mine WHERE at >= (SELECT max(at) FROM mine) - ? "
            "ORDER BY first_heard, seq, field", EPOCH_2020, device, span_s)

    def log(self, device, limit=20):
        """The newest pieces of a truck's log, in the order in which they came."""
        return self._all("SELECT received, text FROM logs WHERE device=? ORDER BY id DESC LIMIT ?", device, limit)[::-1]

    def blocks(self, device, journal):
        """A journal's messages as they came, in the order in which they came."""
        return self._all("SELECT id, first, last, received, raw FROM blocks WHERE device=? AND journal=? ORDER BY id",
                         device, journal)

    def ranges(self, device, journal):
        return [tuple(row) for row in self._all(
            "SELECT lo, hi FROM ranges WHERE device=? AND journal=? ORDER BY lo", device, journal)]

    def lacking(self, device, journal, low):
        """(the number above all that are stored, [(lo, hi), ...] that are missing below it, from low on)."""
        behind, missing = 0, []
        for lo, hi in self.ranges(device, journal):
            if max(behind, low) < lo:
                missing.append((max(behind, low), lo - 1))
            behind = hi + 1
        return behind, missing

    def shown(self):
        """[(device, state, last_heard), ...] of the trucks that the live lane has on the map."""
        return [tuple(row) for row in self._all("SELECT device, state, last_heard FROM devices JOIN live USING (device)")]

    def quarantine(self, limit=100):
        return self._all("SELECT * FROM quarantine ORDER BY id DESC LIMIT ?", limit)

    def conflicts(self, limit=100):
        return self._all("SELECT * FROM conflicts ORDER BY id DESC LIMIT ?", limit)

    def counts(self):
        return {table: self._one(f"SELECT count(*) FROM {table}")
                for table in ("devices", "records", "quarantine", "conflicts")}

    def _one(self, sql, *args):
        return self._db.execute(sql, args).fetchone()[0]

    def _all(self, sql, *args):
        return self._db.execute(sql, args).fetchall()
