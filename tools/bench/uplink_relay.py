"""A long way between truck and broker: each byte arrives 150 ms later, both ways. In user space: no kernel is asked."""

import asyncio
import contextlib
import threading

WAY_S = 0.15
RTT_MS = 2 * round(WAY_S * 1000)


class Relay:
    """with Relay(host, port) as port: what connects there is led to the broker, slowly."""

    def __init__(self, listen, host, port):
        self._listen, self._to = listen, (host, port)
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    def __enter__(self):
        self._thread.start()
        self._ready.wait(10)
        return self.port

    def __exit__(self, *failure):
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()

    async def _serve(self):
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._lead, self._listen, 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._over.wait()
        server.close()
        await asyncio.sleep(2 * WAY_S)  # what is on its way, and the end behind it

    async def _lead(self, reader, writer):
        far_reader, far_writer = await asyncio.open_connection(*self._to)
        await asyncio.gather(_carry(reader, far_writer), _carry(far_reader, writer), return_exceptions=True)


async def _carry(reader, writer):
    loop = asyncio.get_running_loop()
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            loop.call_later(WAY_S, writer.write, data)
    loop.call_later(WAY_S, writer.close)
