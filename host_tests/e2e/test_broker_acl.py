"""The broker's files as a city gets them: a truck can't hear a neighbour, speak as one, or take its place."""

import asyncio
import contextlib
import ssl

import aiomqtt
import pytest
import tls_kit
from tls_kit import Signed

pytestmark = pytest.mark.mosquitto
PASSWORDS = {"truck-1": "satu", "truck-2": "dua", "station": "tiga"}
NAMES = ("hist", "live", "state", "log", "ack", "cmd", "other")
TRUCK_SAYS = {"hist", "live", "state", "log"}
TRUCK_HEARS = {"ack", "cmd"}


@pytest.fixture(scope="module")
def broker(mosquitto, tmp_path_factory):
    """(ports, TLS context) of a Mosquitto that runs on the project's files."""
    ca = Signed("Kota", ca=True)
    context = ssl.create_default_context(cadata=ca.pem().decode())
    with tls_kit.city(mosquitto, tmp_path_factory.mktemp("city"), Signed("localhost", ca), PASSWORDS) as ports:
        yield ports, context


def client(broker, user, **more):
    ports, context = broker
    if user == "station":
        return aiomqtt.Client("127.0.0.1", ports["plain"], username=user, password=PASSWORDS[user], timeout=2, **more)
    return aiomqtt.Client("localhost", ports["tls"], username=user, password=PASSWORDS[user], tls_context=context, timeout=2, **more)


async def said(listener, speaker, topics, mark):
    """Which of the topics reach the listener when the speaker publishes on each; a last one always does."""
    for topic in topics:
        await speaker.publish(topic, mark, qos=1)
    await asyncio.sleep(0.3)
    heard = set()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.2):
            async for message in listener.messages:
                if message.payload == mark:
                    heard.add(str(message.topic))
    return heard


def topics_of(truck, names=NAMES):
    return {"lacak/%s/%s" % (truck, name) for name in names}


def test_what_each_may_say_to_the_station(broker):
    async def run():
        async with client(broker, "station") as station, client(broker, "truck-1", identifier="truck-1") as truck:
            await station.subscribe("#", qos=1)
            return (await said(station, truck, sorted(topics_of("truck-1")), b"own"),
                    await said(station, truck, [*topics_of("truck-2"), "lacak/x", "other", "$SYS/x"], b"foreign"))

    own, foreign = asyncio.run(run())
    assert own == topics_of("truck-1", TRUCK_SAYS)
    assert foreign == set()


def test_what_each_may_hear_from_the_station(broker):
    async def run():
        async with client(broker, "station") as station, client(broker, "truck-1", identifier="truck-1") as truck:
            await truck.subscribe("#", qos=1)
            await truck.subscribe([(topic, 1) for topic in sorted(topics_of("truck-2"))])
            return (await said(truck, station, sorted(topics_of("truck-1")), b"own"),
                    await said(truck, station, sorted(topics_of("truck-2")), b"foreign"))

    own, foreign = asyncio.run(run())
    assert own == topics_of("truck-1", TRUCK_HEARS)
    assert foreign == set()


def test_only_the_station_acknowledges_and_commands(broker):
    """A truck that may hear a topic is the one to tell whether anybody else can say something on it."""

    async def run():
        async with client(broker, "truck-1", identifier="truck-1") as truck, client(broker, "truck-2", identifier="truck-2") as other:
            await truck.subscribe([("lacak/truck-1/ack", 1), ("lacak/truck-1/cmd", 1)])
            topics = sorted(topics_of("truck-1"))
            return await said(truck, other, topics, b"forged"), await said(truck, truck, topics, b"to myself")

    assert asyncio.run(run()) == (set(), set())


def test_a_neighbour_is_not_heard_not_even_what_is_retained_or_its_last_will(broker):
    async def run():
        will = aiomqtt.Will("lacak/truck-1/state", b"will", qos=1)
        async with client(broker, "truck-1", identifier="truck-1") as truck:
            async with client(broker, "station") as station:
                await station.subscribe("lacak/+/state")
                await truck.publish("lacak/truck-1/live", b"kept", qos=1, retain=True)
                async with client(broker, "truck-2", identifier="truck-2") as other:
                    await other.subscribe([("#", 1), ("lacak/truck-1/live", 1), ("lacak/+/hist", 1)])
                    heard = await said(other, truck, sorted(topics_of("truck-1", TRUCK_SAYS)), b"secret")
                    heard |= await said(other, truck, [], b"kept")
                with contextlib.suppress(aiomqtt.MqttError):
                    async with client(broker, "truck-2", identifier="truck-2", will=will) as other:
                        other._client.socket().close()  # dies without a word
                        await asyncio.sleep(0.3)
                forged = await said(station, truck, [], b"will")
        return heard, forged

    assert asyncio.run(run()) == (set(), set())


def test_a_truck_cannot_take_a_neighbours_session(broker):
    async def run():
        async with client(broker, "station") as station, client(broker, "truck-1", identifier="truck-1") as truck:
            await truck.subscribe("lacak/truck-1/ack", qos=1)
            async with client(broker, "truck-2", identifier="truck-1", clean_session=False):
                await asyncio.sleep(0.2)
                return await said(truck, station, ["lacak/truck-1/ack"], b"still there")

    assert asyncio.run(run()) == {"lacak/truck-1/ack"}


@pytest.mark.parametrize("user, password", [(None, None), ("truck-1", "dua"), ("truck-9", "x"), ("station", "")])
@pytest.mark.parametrize("door", ["tls", "plain"])
def test_without_the_right_password_nobody_comes_in(broker, user, password, door):
    async def run():
        ports, context = broker
        tls = context if door == "tls" else None
        async with aiomqtt.Client("localhost", ports[door], username=user, password=password, tls_context=tls):
            pass

    with pytest.raises(aiomqtt.MqttError):
        asyncio.run(run())
