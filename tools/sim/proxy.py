"""A bad line on loopback: real TCP between an MQTT client and its broker, and what may go wrong on the way.

In: a client's connections; faults, one by one. Out: what the other side said: late, in pieces, cut, altered, or never.
Owns: how a fault is played. Which one and when is the caller's (chaos_faults.py); what a hostile broker says is forgery.py's.

A fault is a dict: "what" is a method of _Pair or, where there need be no packet, of Line. Those of _Pair wait for a packet that
goes their "way" ("up" to the broker, "down" to the client), of the "type" and the "topic" that they name.
"""

import asyncio
import contextlib
import random
import socket
import struct
from collections import Counter

from sim import forgery
from sim.forgery import packet_type, packets, topic_of

_RESET = struct.pack("ii", 1, 0)  # SO_LINGER without time: close() sends RST


class _Over(Exception):
    """This connection has no more to say."""


class Line:
    """One client's way to the broker. at: where the client finds it."""

    def __init__(self, broker_at, seed):
        self.rng = random.Random("line/%s" % seed)
        self.at = None
        self.armed = []
        self.played = Counter()
        self.said = forgery.Said()  # by the client, on all its connections
        self.most_open = 0
        self._broker_at = broker_at
        self._pairs = set()
        self._tasks = set()

    async def start(self):
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.at = self._server.sockets[0].getsockname()

    async def stop(self):
        self._server.close()
        await self.calm()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def calm(self):
        """From here on a good line. What is left of the bad one is reset, so that nobody waits for it."""
        self.armed.clear()
        for pair in list(self._pairs):
            pair.reset()
        await asyncio.sleep(0)

    async def subscribed(self):
        """Until the client is there and listens: its wait for it is real, and the world's would be over by then."""
        while not any(pair.listens for pair in self._pairs):
            await asyncio.sleep(0.02)

    async def play(self, fault):
        """At once where it needs no packet, else with the next one that fits. The client stands still meanwhile: what it has sent is read first."""
        await asyncio.sleep(0.02)
        now = getattr(self, "_" + fault["what"], None)
        if now is None:
            self.armed.append(fault)
            return
        pair = next((pair for pair in self._pairs if not pair.mute and (pair.told or fault["what"] != "forge")), None)
        if pair:
            now(pair, fault)
            self.played[fault["what"]] += 1
            await asyncio.sleep(0.01)

    def _forge(self, pair, fault):
        for data in forgery.forge(fault["kind"], self.rng, self.said):
            pair.to_client.write(data)

    def _garbage(self, pair, fault):
        to = pair.to_client if fault["way"] == "down" else pair.to_broker
        to.write(self.rng.randbytes(fault["bytes"]))

    def _blackhole(self, pair, fault):
        """Neither bytes nor FIN from now on. "real_s": then somebody on the way resets it; else the client has to find out."""
        pair.mute = True
        if "real_s" in fault:
            asyncio.get_running_loop().call_later(fault["real_s"], pair.reset)

    def _accept(self, reader, writer):
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader, writer):
        deaf = self.take("connect", b"", "deaf")
        pair = _Pair(self, writer)
        self._pairs.add(pair)
        self.most_open = max(self.most_open, sum(not pair.is_gone for pair in self._pairs))
        try:
            if deaf:
                while await reader.read(4096):
                    pass
                return
            try:
                from_broker, pair.to_broker = await asyncio.open_connection(*self._broker_at)
            except OSError:
                return pair.reset()
            down = asyncio.create_task(pair.carry("down", from_broker))
            await pair.carry("up", reader)
            pair.is_gone = True
            ghost = self.take("gone", b"", "ghost")
            if ghost or pair.mute:  # the broker does not hear of it, and takes the client for alive
                await asyncio.sleep(ghost["real_s"] if ghost else 0.5)
            pair.close(pair.to_broker)
            await down
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            pair.reset()
            self._pairs.discard(pair)

    def take(self, way, packet, what=None):
        """The armed fault that this packet meets, or None."""
        for fault in self.armed:
            if fault.get("way", way) != way or what not in (None, fault["what"]):
                continue
            if what is None and fault["what"] in ("deaf", "ghost"):
                continue
            if "type" in fault and fault["type"] != packet_type(packet):
                continue
            if "topic" in fault and fault["topic"] != topic_of(packet):
                continue
            fault["times"] = fault.get("times", 1) - 1
            if fault["times"] <= 0:
                self.armed.remove(fault)
            self.played[fault["what"]] += 1
            return fault
        return None


class _Pair:
    """One connection of the client's and the one to the broker behind it."""

    def __init__(self, line, to_client):
        self.line = line
        self.to_client = to_client
        self.to_broker = None
        self.mute = False
        self.told = False  # its birth
        self.listens = False
        self.is_gone = False

    async def carry(self, way, reader):
        """Packets of one direction, until that side closes."""
        left = b""
        with contextlib.suppress(_Over, OSError):
            while data := await reader.read(4096):
                if self.mute:
                    continue
                found, left = packets(left + data)
                for packet in found:
                    if way == "up" and self.line.said.note(packet):
                        self.told = True
                    self.listens |= way == "up" and packet_type(packet) == forgery.SUBSCRIBE
                    await self._pass(way, packet)
        if way == "down" and not self.mute:
            self.close(self.to_client)

    async def _pass(self, way, packet):
        writer = self.to_broker if way == "up" else self.to_client
        fault = self.line.take(way, packet)
        if fault:
            packet = await getattr(self, fault["what"])(packet, fault, writer)
        if packet and not self.mute:
            writer.write(packet)
            await writer.drain()

    def close(self, writer):
        with contextlib.suppress(OSError):
            writer.close()

    def reset(self):
        for writer in (self.to_client, self.to_broker):
            if writer is not None:
                with contextlib.suppress(OSError):
                    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                writer.transport.abort()

    # What happens to a packet: each returns what is left of it to be sent.

    async def delay(self, packet, fault, writer):
        await asyncio.sleep(fault["real_s"])
        return packet

    async def drip(self, packet, fault, writer):
        for at in range(min(len(packet), 200)):
            writer.write(packet[at:at + 1])
            await asyncio.sleep(0.001)
        return packet[200:]

    async def cut(self, packet, fault, writer):
        """Reset behind so many bytes of it."""
        writer.write(packet[: self.line.rng.randrange(len(packet))])
        await asyncio.sleep(0.005)
        self.reset()
        raise _Over

    async def swallow(self, packet, fault, writer):
        return b""

    async def twice(self, packet, fault, writer):
        return packet + packet

    async def late(self, packet, fault, writer):
        """Behind whatever goes the same way in the next moment."""
        asyncio.get_running_loop().call_later(fault["real_s"], self._say_late, writer, packet)
        return b""

    def _say_late(self, writer, packet):
        if not self.mute and not writer.is_closing():
            writer.write(packet)

    async def lie(self, packet, fault, writer):
        """The broker says that it has what it does not pass on, and that the database has it."""
        self.to_client.write(forgery.puback(forgery.packet_id(packet)))
        for data in forgery.forge("stored", self.line.rng, self.line.said):
            self.to_client.write(data)
        return b""

    async def flip(self, packet, fault, writer):
        return forgery.flipped(packet, self.line.rng)
