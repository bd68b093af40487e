"""Health: how every room is, as one HEALTH record an hour, and within a minute when something goes wrong.

In: watch() for each object with counters; look() once a minute.  Out: records in the journal.
Owns: the numbers of the fields (docs/protocol.md), in the office's database: never reuse one.
"""

from micropython import const

from tracker.record import HEALTH, put_varint

_ALWAYS = const(3)  # fields below are in every record: boot and uptime tell what it goes on with
_TROUBLE = const(40)  # and a change of those below is told at once
_MORE = const(126)  # the rest is in the next record
_MOST = const(190)  # bytes of payload
_PAIR = const(7)  # bytes of a field at most, number and value
_HOUR_S = const(3600)
_PATIENCE_S = const(600)  # for the clock, after a start; then the record goes without a second
_DATA = const(4)  # esp32.HEAP_DATA

# Number of a field, whose it is, the attribute; those that follow have the next numbers. A flat list: nested, it would
# cost 1 KB more on the board.
TABLE = [
    1, "board", "boot", "uptime_s", "reason", "detail",
    10, "resets", "crashes", "off", "tries",
    13, "settings", "refused",
    14, "supply", "lows",
    16, "journal", "dropped", "refused", "skipped", "thinned",
    20, "history", "refused", "lost",
    22, "gnss", "deaths", "silences",
    24, "link", "deaths", "silences",
    26, "uplink", "deaths", "silences",
    28, "power", "deaths", "silences",
    30, "health", "deaths", "silences",
    32, "safe", "deaths", "silences",
    40, "parser", "sentences", "bad_checksum", "malformed", "too_long", "mixed_epochs", "date_refused",
    48, "receiver", "hunts", "set_ups", "refusals", "silences", "power_cycles",
    54, "gate", "out_of_window", "rollovers", "disputed",
    58, "trail", "epochs", "accepted", "kept", "gaps", "no_fix", "unbelieved", "refused",
    66, "quality", "drift", "cold", "jump", "hdop",
    71, "journal", "appended", "tails", "generation", "aged", "stale_acks",
    78, "session", "connects", "failures",
    81, "history", "sent", "again", "freed", "unread",
    86, "names", "silences", "strangers", "from_memory",
    89, "tls", "poor",
    90, "wifi", "joins", "losses", "driver_errors", "power_cycles",
    94, "session", "obeyed", "refused", "missed",
    97, "history", "forged",
    100, "loop", "worst_block_ms",
    102, "log", "dropped",
    104, "supply", "mv", "min_mv", "dips",
    108, "board", "heap_low_kb", "idf_free_kb", "idf_block_kb", "backlog", "backlog_s",
]  # fmt: skip


class Health:
    """The object is its own record: the journal asks for kind, sec, n and body."""

    def __init__(self, journal, boot, reason, detail, gc, idf_heap_info):
        """reason, detail: of the gap that this start closes."""
        self.watched = {"board": self, "journal": journal}  # by the table's names; what is not here is not said
        self.kind = HEALTH
        self.sec = self.n = 0
        self.body = bytearray(_MOST)
        self.boot = boot
        self.reason = reason
        self.detail = detail
        self.uptime_s = 0
        self.heap_low_kb = self.idf_free_kb = self.idf_block_kb = None
        self.backlog = self.backlog_s = 0
        self._gc = gc
        self._idf_heap_info = idf_heap_info
        self._seen_ms = 0
        self._due_s = 0  # uptime at which a record is due
        self._cut = self._next = 0  # the first field that the body, the last record had no room for
        self._trouble = 0
        self._low = -1  # the journal's acked_low,
        self._low_s = 0  # and since when

    def look(self, uptime_ms, now_sec):
        """Once a minute, from the task that appends: a record, if one is due. now_sec: None while nobody knows."""
        passed_ms = (uptime_ms - self._seen_ms) & 0x3FFFFFFF
        self.uptime_s += passed_ms // 1000
        self._seen_ms = uptime_ms - passed_ms % 1000
        self._measure()
        trouble = self._write(0)
        if now_sec is None and self.uptime_s < _PATIENCE_S:
            return
        if trouble != self._trouble or self._next or self.uptime_s >= self._due_s:
            if not self._next:
                self._due_s = self.uptime_s + _HOUR_S
            self._trouble = trouble
            self.sec = now_sec or 0
            self._measure_idf()
            self._write(self._next)
            self._next = self._cut
            self.watched["journal"].append(self)

    def _measure(self):
        """Garbage goes at a time of our own; what is free then is the true figure."""
        self._gc.collect()
        free_kb = self._gc.mem_free() >> 10
        if self.heap_low_kb is None or free_kb < self.heap_low_kb:
            self.heap_low_kb = free_kb
        journal = self.watched["journal"]
        low = journal.acked_low
        self.backlog = journal.next_seq - low
        if low != self._low or not self.backlog:
            self._low = low
            self._low_s = self.uptime_s
        self.backlog_s = self.uptime_s - self._low_s

    def _measure_idf(self):
        """What Wi-Fi and TLS live on: regions of (total, free, largest block, lowest ever)."""
        free = block = 0
        for region in self._idf_heap_info(_DATA):
            free += region[1]
            block = max(block, region[2])
        self.idf_free_kb = free >> 10
        self.idf_block_kb = block >> 10

    def _write(self, begin):
        """The fields from number begin on, as far as they go, without what is 0 or unknown; the sum of all that is trouble."""
        body = self.body
        self._cut = trouble = at = number = 0
        owner = named = None
        for word in TABLE:
            if isinstance(word, int):
                number = word - 1
                named = False
                continue
            if not named:
                owner = self.watched.get(word)
                named = True
                continue
            number += 1
            value = getattr(owner, word, 0)
            if not value:
                continue
            if _ALWAYS <= number < _TROUBLE:
                trouble += value
            if number < begin and number >= _ALWAYS:
                continue
            if at > _MOST - 2 * _PAIR:
                self._cut = number
                at = put_varint(body, put_varint(body, at, _MORE), 2)
                break
            at = put_varint(body, put_varint(body, at, number), value << 1 if value >= 0 else ~(value << 1))
        self.n = at
        return trouble
