"""The station as one object: broker in, database, page out. For the command, demo and tests."""

import asyncio
import contextlib
import logging
import os

from station.db import Database
from station.ingest import SILENT_S, Ingest, Session
from station.web import Web

log = logging.getLogger("station")


class PortTaken(Exception):
    """The page's port belongs to somebody else; the text says what to do."""


class Station:
    """start() returns when the page answers; the broker may come and go."""

    def __init__(self, db_path, broker=("127.0.0.1", 1883), http=("127.0.0.1", 8080), keys=None,
                 user=None, password=None, outline=None, tiles_url=None, leaflet_dir=None, silent_s=SILENT_S):
        self.writer = Database(db_path)
        self.reader = Database(db_path)
        self.ingest = Ingest(self.writer, keys)
        self.web = Web(self.reader, self.status, outline, tiles_url, leaflet_dir)
        self.session = Session(self.ingest, *broker, user, password, on_change=self.web.changed, silent_s=silent_s)
        self.http = http
        self._task = None

    async def start(self):
        try:
            await self.web.start(*self.http)
        except OSError as error:
            raise PortTaken(
                "The page cannot use %s:%d (%s). Stop the program that has it, or choose another port."
                % (*self.http, os.strerror(error.errno) if error.errno else error)
            ) from error
        self._task = asyncio.create_task(self.session.run())

    async def stop(self):
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        self.session.close()
        await self.web.stop()
        self.reader.close()
        self.writer.close()

    @property
    def url(self):
        return self.web.url

    def status(self):
        """What the page needs to know of the station itself."""
        return {"connected": self.session.connected.is_set(), "trouble": self.session.trouble,
                "dropped": self.session.inbox.dropped,
                "tags_checked": self.ingest.keys is not None, **self.ingest.counters}

    def stats(self):
        """Counters since the start, and how many rows the database has."""
        return {**self.status(), **{"db_" + name: n for name, n in self.reader.counts().items()}}
