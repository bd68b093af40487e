"""The road to the office: connects, comes back after every loss, says in words what is wrong.

In: journal, newest fix, link, settings, a stream opener. Out: the journal's acknowledged ranges;
lines in the log; counters.
Owns: the connection, its back-off, the truck's topics.
"""

from binascii import hexlify

from micropython import const

from tracker.store.codec import Codec
from tracker.uplink.block import BLOCK_MAX, BlockWriter
from tracker.uplink.connect import Connector, Refused
from tracker.uplink.lanes import HistoryLane
from tracker.uplink.live import LiveLane
from tracker.uplink.mqtt import Session
from tracker.uplink.stream import words
from tracker.version import VERSION

_OPEN_MS = const(20_000)  # for TCP, and again for CONNACK
_IDLE_MS = const(200)
_BUSY_MS = const(20)  # answers are on their way
_BACKOFF_MIN_MS = const(2_000)
_BACKOFF_MAX_MS = const(300_000)
_PROVEN_MS = const(60_000)  # a session that lived this long begins the back-off anew
_SAY_MS = const(3_600_000)  # until the same trouble is said again; the log's ring has room for some ten lines
_TROUBLES = const(4)  # that are kept apart
_LOG_PIECE = const(512)  # bytes of the log in one message
_COMMAND_MS = const(2_000)  # between two looks at what came as a command: a flood must not take the road's time
_COMMAND = const(0x20)
_COMMAND_MIN = const(11)  # version, counter, code, tag
_CONNECT_BYTES = const(2_500)  # a TLS handshake and CONNECT; a try costs as much at most
_SILENCES = ("connection is dead", "no answer in time", "no name server", "no road")  # troubles that the link may be to blame for
_RX_SIZE = const(512)  # the longest message for us; an answer has 10 bytes and a few a range


class Uplink:
    """net opens streams (stream.Tcp, secure.Secure). clock has ticks_ms, ticks_diff and sleep_ms. randbelow(n)
    gives 0 .. n - 1."""

    obey = None  # (frame, self) -> the answer to a command that our key has signed, or None; app.py's

    def __init__(self, settings, journal, trail, net, link, clock, randbelow, log, boot, missing=str):
        self._host = settings.broker_host
        self._port = settings.broker_port
        self._every_s = settings.keepalive_s, settings.keepalive_parked_s  # a word at least so often: awake, parked
        self._word_s = 0  # the one that holds
        self._bye_s = None  # the board sleeps for so long, 0: until the ignition
        self._journal = journal
        self._net = net
        self._link = link
        self._clock = clock
        self._randbelow = randbelow
        self._log = log
        self._boot = boot
        self._missing = missing  # () -> what this board has to do without
        self.told = False  # the state has been said in this session
        device = settings.device_id.encode()
        topic = b"lacak/" + device + b"/"
        self._state_topic = topic + b"state"
        self._ack_topic = topic + b"ack"
        self._log_topic = topic + b"log"
        self._log_asked = False
        self._cmd_topic = topic + b"cmd"
        self._frame = None  # a command that nobody has looked at yet
        self._looked_ms = None
        self._answer = None  # until the broker has it
        self._answer_pid = 0
        self.then = None  # what is done when the broker has the answer
        self.obeyed = self.refused = self.missed = 0  # commands: done; not ours, old or none; too many at once
        writer = BlockWriter(Codec(), device, settings.device_key)
        self.tagger = writer.tagger
        self.live = LiveLane(trail, writer, topic + b"live", settings, clock.ticks_diff)
        self.history = HistoryLane(journal, writer, topic + b"hist", settings, clock.ticks_diff)
        tx_size = BLOCK_MAX + len(topic) + 16
        self.session = Session(
            clock.ticks_diff, self._on_puback, self._on_message, tx_size, _RX_SIZE
        )
        self._connector = Connector(
            clock,
            device,
            settings.broker_user.encode(),
            settings.broker_password.encode(),
            max(self._every_s),  # it holds for a connection, and a new one is dearer than what it would spare
            self._state_topic,
        )
        self._backoff_ms = _BACKOFF_MIN_MS
        self.connects = 0
        self.failures = 0
        self.strange_topics = 0
        self.trouble = None  # in words, while there is no session
        self._said = {}  # trouble -> [when it was said, how often it came since]

    async def run(self, beat):
        """For ever. beat() is called at least every 200 ms."""
        while True:
            while not self._host or not self._link.up() or not self._net.ready() or self._bye_s is not None:
                await self._pause(_IDLE_MS, beat)
            self.trouble = await self._connection(beat)
            self._link.count(_CONNECT_BYTES)
            if any([word in self.trouble for word in _SILENCES]):
                self._link.suspect()
            if self._bye_s is not None:
                continue
            # full jitter: trucks of one tunnel come back spread out
            wait_ms = self._randbelow(self._backoff_ms + 1)
            self._say(wait_ms // 1000, self._clock.ticks_ms())
            self._backoff_ms = min(2 * self._backoff_ms, _BACKOFF_MAX_MS)
            await self._pause(wait_ms, beat)

    def _say(self, wait_s, now):
        """Each trouble once, then each hour: a truck out of cover must not push all else out of the log."""
        said = self._said.get(self.trouble)
        if said and 0 <= self._clock.ticks_diff(now, said[0]) < _SAY_MS:
            said[1] += 1
            return
        more = " It came %d times since this was last said." % said[1] if said and said[1] else ""
        if len(self._said) >= _TROUBLES:
            self._said.clear()
        self._said[self.trouble] = [now, 0]
        self._log.warn("uplink: %s:%d: %s. Trying again in %d s.%s" % (self._host, self._port, self.trouble, wait_s, more))

    async def _connection(self, beat):
        """One connection from opening to its end; why it ended, in words."""
        stream = None
        try:
            stream = await self._net.open(self._host, self._port, _OPEN_MS, beat)
            kept = await self._connector.connect(stream, _OPEN_MS, beat)
            self._net.proven()
            self._link.proven()
            await self._session(stream, kept, beat)
            return self.session.reason
        except Refused as error:
            reason = error.args[0]
        except (OSError, ValueError, MemoryError) as error:  # TLS has all three
            reason = words(error)
        finally:
            self.session.close("stopped")
            self.history.disconnected()
            self._answer_pid = 0
            if stream is not None:
                stream.close()
        self.failures += 1
        return reason

    async def _session(self, stream, kept, beat):
        session = self.session
        clock = self._clock
        begun_ms = clock.ticks_ms()
        session.attach(stream, self._every_s[0], begun_ms)
        self.live.connected()
        self.history.connected(session, kept)
        self.connects += 1
        said = self._said.get(self.trouble)
        if not said or not said[1]:  # as often as the trouble
            self._log.info("uplink: connected to %s:%d" % (self._host, self._port))
        self.trouble = None
        subscribed = self.told = False
        while session.pump(clock.ticks_ms()):
            now = clock.ticks_ms()
            if not self._link.up():
                session.close("the link is down")
                self._backoff_ms = _BACKOFF_MIN_MS  # the broker is not to blame
            self._link.count(session.take_bytes())
            self.live.factor = self._link.live_s_factor
            self.live.pump(session, now)
            parked = self.live.parked
            word_s = self._every_s[parked] if self._bye_s is None else self._bye_s
            if word_s != self._word_s:
                self._word_s = word_s
                self.told = False
            session.keepalive_ms = self._every_s[parked] * 1000
            self.history.rest_ms = session.keepalive_ms if parked else 0
            if not subscribed and session.idle():
                session.subscribe((self._ack_topic, self._cmd_topic), now)
                subscribed = True
            if not self.told and session.idle():
                self._tell_state(now)
                self.told = True
            if self._link.backlog_ok:
                self.history.pump(session, now)
            if clock.ticks_diff(now, session.said_ms) >= session.keepalive_ms:
                self.told = False  # nothing went out: the office hears that we are here
            if self._bye_s is not None and self.told and not session.busy():
                session.say_goodbye(now)
            if self._frame or self._answer:
                self._serve(session, now)
            if self._log_asked and session.idle():
                self._tell_log(now)
            if clock.ticks_diff(now, begun_ms) >= _PROVEN_MS:
                self._backoff_ms = _BACKOFF_MIN_MS
            await self._pause(_BUSY_MS if session.busy() else _IDLE_MS, beat)

    def rest(self, minutes):
        """The board sleeps in a moment: all that waits goes, the office hears how long, the last will stays unsaid. None: it does not."""
        self._bye_s = None if minutes is None else 60 * minutes
        self.told = False
        self.history.catching_up = True

    def send_log(self):
        """The log from its oldest line on goes out when the session has room. Who may ask for it, the caller knows."""
        self._log.rewind()
        self._log_asked = True

    def _tell_log(self, now):
        """One piece of it, whole lines; the end when there is none left."""
        session = self.session
        at = session.begin(self._log_topic, 0, 0)
        end = self._log.piece(session.tx, at, _LOG_PIECE)
        self._log_asked = end > at
        if end > at:
            session.send(end, False, now)

    def _tell_state(self, now):
        """Birth: what it does, version, journal, its oldest, first unacked and next number, boot, seconds to the next word."""
        journal = self._journal
        text = "%s %s %s %d %d %d %d %d%s" % (
            "asleep" if self._bye_s is not None else "parked" if self.live.parked else "online",
            VERSION,
            hexlify(journal.journal_id).decode(),
            journal.oldest_seq,
            journal.acked_low,
            journal.next_seq,
            self._boot,
            self._word_s,
            self._missing(),
        )
        data = text.encode()
        tx = self.session.tx
        at = self.session.begin(self._state_topic, self.session.doubt(now), 0)
        tx[at : at + len(data)] = data
        self.session.send(at + len(data), True, now)

    def _serve(self, session, now):
        """The command that waits, then its answer, again after each reconnect until the broker has it."""
        if self._frame and (self._looked_ms is None or self._clock.ticks_diff(now, self._looked_ms) >= _COMMAND_MS):
            self._looked_ms = now
            self._look_at(self._frame)
            self._frame = None
        if self._answer and not self._answer_pid:
            at = session.begin(self._log_topic, 1, 0)
            if at >= 0:
                end = at + len(self._answer)
                session.tx[at:end] = self._answer
                self._answer_pid = session.send(end, False, now)

    def _look_at(self, frame):
        """Nothing is loaded for what our key has not signed."""
        right = self.tagger.is_right(b"cmd\0", frame, 0, len(frame))
        if not right or frame[0] != _COMMAND or not self.obey:
            self.refused += 1
        else:
            answer = self.obey(frame, self)
            if answer:
                self._answer = answer
                self._answer_pid = 0

    def _on_puback(self, pid, now):
        if pid == self._answer_pid:
            self._answer = None
            self._answer_pid = 0
            if self.then:
                self.then()
                self.then = None
        self.history.on_puback(pid, now)

    def _on_message(self, buf, topic_at, topic_n, at, end):
        topic = buf[topic_at : topic_at + topic_n]
        if topic == self._ack_topic:
            self.history.on_message(self.session, buf, at, end)
        elif topic == self._cmd_topic:
            if end - at < _COMMAND_MIN:
                self.refused += 1
            elif self._frame:
                self.missed += 1
            else:
                self._frame = bytes(buf[at:end])
        else:
            self.strange_topics += 1

    async def _pause(self, ms, beat):
        """Sleep in steps that a watchdog sees; acknowledgements move to flash meanwhile."""
        clock = self._clock
        begun_ms = clock.ticks_ms()
        while True:
            beat()
            left_ms = ms - clock.ticks_diff(clock.ticks_ms(), begun_ms)
            if left_ms <= 0:
                return
            self._journal.flush_acks(clock.ticks_ms())
            await clock.sleep_ms(min(left_ms, _IDLE_MS))
