"""What history costs: drives that wait for the link and go out whole when it is there. And how fast, at 300 ms.

In: a Lab, a script, settings. Out: bytes of whole packets, by the fix and by the kilometre.
"""

import subprocess
from pathlib import Path

from bench.uplink_day import log_km
from bench.uplink_relay import RTT_MS, Relay
from bench.uplink_wire import ANSWERS, HISTORY
from bench.vm import environment
from setup.place import ROOT
from setup.vm import vm_command
from sim import feed

HALF_S = 4400  # of the 2 s drive: 2,200 fixes, 37 blocks, enough to see a rate
_HEAD, _TAG = 1 + 8, 8
STOCK_MESSAGES, BLOCK_BYTES, BLOCK_FIXES = 10, 404, 60


def waiting(lab, name, script, tls, settings, relay=None):
    """The drive without a link; it comes when all has been written down."""
    return lab.run(name, script, tls, settings, [(0, script["duration_s"] + 120)], relay=relay, real_time=True)


def shortened(script, folder, length_s):
    path = Path(folder) / "short.bin"
    feed.write(path, [frame for frame in feed.read(script["feed"]) if frame[0] < length_s * 1000])
    return dict(script, feed=str(path), duration_s=min(length_s, script["duration_s"]))


def history_bytes(run):
    return run.split.bytes[HISTORY] + run.split.bytes[ANSWERS]


def blocks(run):
    """(ms, payload) of each block of history that went out."""
    return [(ms, payload) for session in run.sessions for ms, up, _, topic, payload in session.packets
            if up and is_of(topic, b"/hist")]


def is_of(topic, lane):
    return isinstance(topic, bytes) and topic.endswith(lane)


def records_in(payload):
    """How many records a block has, and their bytes."""
    at = _HEAD
    at = _behind_varint(payload, at)
    end = _behind_varint(payload, at)
    return sum((byte & 0x7F) << 7 * i for i, byte in enumerate(payload[at:end])), len(payload) - end - _TAG


def _behind_varint(data, at):
    while data[at] & 0x80:
        at += 1
    return at + 1


def per_fix(run):
    """Bytes of history and its answers a fix; all that happened from SYN on, a fix."""
    fixes = run.figures["fixes_stored"]
    return history_bytes(run) / fixes, run.split.total / fixes


def around(run):
    """Bytes on the wire around a record, when blocks are full: the wire's less the records' own."""
    full = [records_in(payload) for _, payload in blocks(run)]
    records, own = sum(n for n, _ in full), sum(size for _, size in full)
    return (history_bytes(run) - own) / records


def per_km(drive, script, full):
    """The drive's records, each with its share of a full block; and the drive in a block of its own."""
    counted = [records_in(payload) for _, payload in blocks(drive)]
    records, own = sum(n for n, _ in counted), sum(size for _, size in counted)
    km = log_km(script["fixes"])
    return (own + records * around(full)) / km, history_bytes(drive) / km, records, km


def rate(run):
    """Fixes a second, from the first block's first byte to the last PUBACK of one; and when the newest fix arrived, in
    round trips after CONNACK."""
    session = run.sessions[-1]
    sent = [ms for ms, up, _, topic, _ in session.packets if up and is_of(topic, b"/hist")]
    acked = [ms for ms, up, _, topic, _ in session.packets if not up and topic == HISTORY]
    live = next(ms for ms, up, _, topic, _ in session.packets if up and is_of(topic, b"/live"))
    fixes = sum(records_in(payload)[0] for _, payload in blocks(run))
    return 1000 * fixes / (acked[-1] - sent[0]), (live - session.ms) / RTT_MS + 0.5


def stock(lab):
    """umqtt.simple on the same relay, without TLS: messages a second."""
    with lab.broker(lab.folder / "stock", "1.2") as (_, plain), Relay("127.0.0.1", "127.0.0.1", plain) as port:
        script = str(ROOT / "tools/bench/vm_umqtt.py")
        words = [*vm_command(64), script, str(port), str(STOCK_MESSAGES), str(BLOCK_BYTES)]
        done = subprocess.run(words, env=environment("firmware/lib"), capture_output=True, text=True, timeout=60)
        if done.returncode:
            raise SystemExit("umqtt.simple failed:\n%s%s" % (done.stdout, done.stderr))
    return 1000 * STOCK_MESSAGES / int(done.stdout)
