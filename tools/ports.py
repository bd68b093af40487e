"""A free TCP port of 127.0.0.1, for a broker that keeps it through its restarts and for whoever waits for that broker.

Out: a port below those that the kernel hands out by itself (from 32768 on Linux, 49152 elsewhere): while the broker is down,
nobody's outgoing connection sits on its port, and no other process that asked for "any" has been given it.
"""

import errno
import random
import socket

FIRST, END = 20000, 32000
TRIES = 100

_any = random.SystemRandom()  # not a test's seed: two processes must not draw the same


def free_port():
    for _ in range(TRIES):
        port = _any.randrange(FIRST, END)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass
    raise OSError(errno.EADDRINUSE, "no free port found between %d and %d" % (FIRST, END))
