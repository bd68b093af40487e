"""An MQTT broker in this process, for the demo and for tests without a real one. Not for a city.

In: a loopback port, a user and a password if wanted. Out: MQTT 3.1.1.
Owns: how amqtt is set up.
"""

import asyncio
import contextlib
import logging
import sys
from dataclasses import dataclass

from amqtt.broker import Broker
from amqtt.plugins.base import BaseAuthPlugin


class OneUser(BaseAuthPlugin):
    """Lets in whoever names the one user and the one password."""

    async def authenticate(self, *, session):
        return session.username == self.config.user and session.password == self.config.password

    @dataclass
    class Config:
        user: str
        password: str


async def start(port, user=None, password=None, host="127.0.0.1"):
    """A running broker; await its shutdown(). OSError when the port is taken."""
    for name in ("amqtt", "transitions"):  # every message and every state change would be told
        logging.getLogger(name).setLevel(logging.CRITICAL)
    if user is None:
        plugins = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}
    else:
        plugins = {__name__ + ".OneUser": {"user": user, "password": password}}
    listener = {"type": "tcp", "bind": "%s:%d" % (host, port)}
    broker = Broker({"listeners": {"default": listener}, "plugins": plugins})
    await broker.start()
    return broker


async def _main(port):
    broker = await start(port)
    print("MQTT on 127.0.0.1:%d   Ctrl-C ends." % port, flush=True)
    try:
        await asyncio.Event().wait()
    finally:
        await broker.shutdown()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_main(int(sys.argv[1]) if len(sys.argv) > 1 else 1883))
