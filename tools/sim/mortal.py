"""A station in a process of its own, which dies where a seed says and comes back.

In: database, broker, lives. Out: start(), stop(), stats() like the station's; kill().
A life is a dict; commits are counted that have a block in them. "dies": ("before" or "inside" or "after", n): killed at the nth
commit, when nothing is written, when all is and nothing committed, when all is committed and nobody answered.
"full": (n, times), "locked": (n, times): so many tries to commit fail, by SQLite's own words.
Owns: the process. The station knows nothing of this: its methods are wrapped here.
"""

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_PATH = [str(ROOT / folder) for folder in ("tools", "host_tests/fakes/cpython", "firmware")]
_BACK_S = (0.05, 0.1, 0.3)
# Real seconds, while the world's pass in milliseconds: a station that is away for a minute would be for days.
_BACKOFF_S = (0.05, 0.2)
_RETRY_S = (0.02, 0.2)
_BUSY_S = 0.05
_ANSWER_S = 1.0


class Mortal:
    """Lives one life after the other; the last one does not end by itself."""

    def __init__(self, db_path, broker_at, keys, lives):
        self._words = {"db": db_path, "broker": list(broker_at), "keys": {name: key.hex() for name, key in keys.items()}}
        self._lives = list(lives)
        self._process = self._task = None
        self.deaths = 0
        self.ended_by_itself = []  # exit codes that nobody ordered

    async def start(self):
        self._log = open(self._words["db"] + ".log", "ab")
        self._task = asyncio.create_task(self._live())
        await asyncio.sleep(0)

    async def _live(self):
        while True:
            life = self._lives.pop(0) if self._lives else {}
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, __file__, json.dumps(dict(self._words, life=life)),
                env=dict(os.environ, PYTHONPATH=os.pathsep.join(_PATH)), stderr=self._log)
            code = await self._process.wait()
            self.deaths += 1
            if code != -signal.SIGKILL:
                self.ended_by_itself.append(code)
            await asyncio.sleep(_BACK_S[self.deaths % len(_BACK_S)])

    def calm(self):
        """From here on a life without an end."""
        self._lives.clear()
        self.kill()

    def kill(self):
        if self._process and self._process.returncode is None:
            self._process.kill()

    async def stop(self):
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self.kill()
        if self._process:
            await self._process.wait()
        self._log.close()

    def faults(self):
        """What it could not do and did not expect, from its log."""
        with open(self._words["db"] + ".log", encoding="utf-8", errors="replace") as log:
            return [line.strip() for line in log if line.startswith("a fault of the station")]

    def stats(self):
        try:
            db = sqlite3.connect("file:%s?mode=ro" % self._words["db"], uri=True)
        except sqlite3.Error:
            return {"db_records": 0}
        try:
            return {"db_records": db.execute("SELECT count(*) FROM records").fetchone()[0]}
        except sqlite3.Error:
            return {"db_records": 0}
        finally:
            db.close()


class Fate:
    """What a life has in store for the commits of one station."""

    def __init__(self, ingest, life):
        self._life = life
        self._ingest = ingest
        self._commits = 0
        self._inner = ingest.commit
        ingest.commit = self.commit

    def commit(self, messages, now=None):
        if not any(message[0].endswith("/hist") for message in messages):
            return self._inner(messages, now)
        self._commits += 1
        where, when = self._life.get("dies") or ("", 0)
        if self._is_within("full"):
            return self._full(messages, now)
        if self._is_within("locked"):
            return self._locked(messages, now)
        due = when and self._commits >= when
        if due and where == "before":
            _die()
        if due and where == "inside":
            self._ingest.db = _DiesBeforeCommit(self._ingest.db)
        answers = self._inner(messages, now)
        if due and where == "after":
            _die()
        return answers

    def _is_within(self, what):
        first, times = self._life.get(what) or (0, 0)
        return first <= self._commits < first + times

    def _full(self, messages, now):
        db = self._ingest.db._db
        pages = db.execute("PRAGMA page_count").fetchone()[0]
        db.execute("PRAGMA max_page_count=%d" % pages)
        try:
            return self._inner(messages, now)
        finally:
            db.execute("PRAGMA max_page_count=1073741823")

    def _locked(self, messages, now):
        other = sqlite3.connect(self._ingest.db.path, isolation_level=None)
        try:
            other.execute("BEGIN IMMEDIATE")
            return self._inner(messages, now)
        finally:
            other.close()


class _DiesBeforeCommit:
    """A database whose batch is whole, and then the process is gone."""

    def __init__(self, db):
        self._db = db

    def __getattr__(self, name):
        return getattr(self._db, name)

    def __enter__(self):
        self._db.__enter__()
        return self

    def __exit__(self, *failure):
        _die()


def _die():
    os.kill(os.getpid(), signal.SIGKILL)


async def _serve(words):
    import functools

    import aiomqtt
    import station.app
    import station.ingest

    station.ingest.BACKOFF_S, station.ingest.RETRY_S = _BACKOFF_S, _RETRY_S
    station.app.Database = functools.partial(station.app.Database, busy_s=_BUSY_S)
    client = aiomqtt.Client
    aiomqtt.Client = lambda *where, **more: client(*where, **dict(more, timeout=_ANSWER_S))
    keys = {name: bytes.fromhex(key) for name, key in words["keys"].items()}
    mortal = station.app.Station(words["db"], tuple(words["broker"]), ("127.0.0.1", 0), keys)
    Fate(mortal.ingest, words["life"])
    await mortal.start()
    while os.getppid() == words["parent"]:  # whoever started us was killed and could not end us
        await asyncio.sleep(0.5)


if __name__ == "__main__":
    _words = json.loads(sys.argv[1])
    _words.setdefault("parent", os.getppid())
    asyncio.run(_serve(_words))
