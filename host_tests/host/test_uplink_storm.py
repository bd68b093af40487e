"""448 trucks lose the broker in the same second: the real back-off, each truck on a clock of its own, spreads their return."""

import errno
import random
from collections import Counter
from types import SimpleNamespace

import pytest
from uplink_fakes import Clock, Link, ListJournal

pytestmark = pytest.mark.libs

TRUCKS = 448


class Back(BaseException):
    """The truck has reached the broker again."""


def returned_s(seed, away_s):
    """Seconds after the broker's return at which one truck comes back."""
    from tracker.uplink.uplink import Uplink

    clock = Clock()

    async def sleep_ms(ms):
        clock.ms += ms

    async def open(host, port, timeout_ms, beat):
        if clock.ms < 1000 * away_s or clock.ms == 0:  # at 0 it is the session that ends
            raise OSError(errno.ECONNREFUSED)
        raise Back

    clock.sleep_ms = sleep_ms
    settings = SimpleNamespace(
        device_id="t", device_key=bytes(32), broker_host="broker", broker_port=1883, broker_user="", broker_password="",
        keepalive_s=60, keepalive_parked_s=900, live_s=10, live_m=50, batch_s=60, ahead_blocks=4,
    )  # fmt: skip
    net = SimpleNamespace(ready=lambda: True, open=open)
    log = SimpleNamespace(info=str, warn=str)
    link = Link()
    dice = random.Random(seed).randrange
    uplink = Uplink(settings, ListJournal(), SimpleNamespace(), net, link, clock, dice, log, 1)
    try:
        uplink.run(lambda: None).send(None)
    except Back:
        return clock.ms / 1000 - away_s


def storm(away_s):
    """{second after the broker's return: trucks that come in it}, of all of them."""
    return Counter(int(returned_s(truck, away_s)) for truck in range(TRUCKS))


def histogram(away_s, edges=(1, 2, 5, 10, 20, 50, 100, 200, 300, 600)):
    seconds = storm(away_s)
    counts = [sum(n for s, n in seconds.items() if lo <= s < hi) for lo, hi in zip((0, *edges), edges)]
    return counts, max(seconds.values())


@pytest.mark.parametrize("away_s, peak_at_most", [(1, 300), (60, 25), (300, 12)])
def test_they_come_back_spread_out_and_all_of_them(away_s, peak_at_most):
    seconds = storm(away_s)
    assert sum(seconds.values()) == TRUCKS
    assert max(seconds.values()) <= peak_at_most
    assert max(seconds) <= 300


if __name__ == "__main__":
    for away_s in (1, 10, 60, 300, 1800):
        print(away_s, *histogram(away_s))
