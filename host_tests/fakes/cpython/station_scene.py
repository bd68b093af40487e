"""A stage for the station's tests: free ports, a truck's MQTT client, waiting with a deadline."""

import asyncio
import contextlib

import aiomqtt
from station import wire
from station.ingest import NO_DELAY
from tracker.uplink.block import ack_ranges

DEADLINE_S = 15


async def until(condition, what):
    """Wait until it is so; the test fails with `what` when it never is."""
    loop = asyncio.get_running_loop()
    end = loop.time() + DEADLINE_S
    while not condition():
        assert loop.time() < end, "waited in vain: %s" % what
        await asyncio.sleep(0.02)


class Client:
    """The truck's end of the broker: publishes, and remembers what it was answered, without the tags, which must be right."""

    def __init__(self, truck, mqtt):
        self.truck, self._mqtt = truck, mqtt
        self.answers = []

    async def send(self, lane, payload, **options):
        await self._mqtt.publish(
            self.truck.topic(lane), payload, qos=0 if lane == "live" else 1, **options
        )

    async def listen(self):
        async for message in self._mqtt.messages:
            head, tag = message.payload[:-8], message.payload[-8:]
            assert tag == wire.tag(self.truck.device, self.truck.key, b"ack", head)
            self.answers.append(head)

    def acknowledged(self):
        """Every number that was acknowledged."""
        return {
            n
            for answer in self.answers
            if answer[0] == wire.ACK
            for lo, hi in ack_ranges(answer, 0, len(answer))
            for n in range(lo, hi + 1)
        }

    def lacks(self):
        return [answer for answer in self.answers if answer[0] == wire.LACKS]

    def refused(self):
        return [answer for answer in self.answers if answer[0] == wire.REFUSED]


@contextlib.asynccontextmanager
async def client(truck, port, user=None, password=None):
    async with aiomqtt.Client(
        "127.0.0.1", port, username=user, password=password, socket_options=[NO_DELAY]
    ) as mqtt:
        await mqtt.subscribe(truck.topic("ack"), qos=1)
        one = Client(truck, mqtt)
        listening = asyncio.create_task(one.listen())
        try:
            yield one
        finally:
            listening.cancel()
            with contextlib.suppress(asyncio.CancelledError, aiomqtt.MqttError):
                await listening


@contextlib.asynccontextmanager
async def running(station):
    await station.start()
    try:
        yield station
    finally:
        await station.stop()
