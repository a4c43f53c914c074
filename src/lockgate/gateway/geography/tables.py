"""The reference tables as a running process knows them: what is shipped, and over it what was imported since."""

import asyncio
import zlib
from collections.abc import Mapping
from dataclasses import replace

from lockgate.gateway.geography import find, shipped
from lockgate.gateway.geography.core import bins, domains, rates
from lockgate.gateway.geography.core.known import Known
from lockgate.gateway.geography.core.tables import Edition
from lockgate.gateway.geography.find import TableRow
from lockgate.gateway.identity.remembered import Remembered
from lockgate.gateway.storage.database import Pool

_ALL = "all"
CHECKED_S = 0.5
MAX_UNPACKED = 500_000_000


class Tables:
    """``await tables.now()`` is what holds. A database that cannot be asked is an error, never an old answer."""

    def __init__(self, pool: Pool, *, seconds: float = CHECKED_S) -> None:
        self._pool = pool
        self._known = shipped.known()
        self._versions: dict[str, int] | None = None
        self._loading: asyncio.Task[None] | None = None
        self._remembered: Remembered[str, Known] = Remembered(self._read, seconds=seconds)

    async def now(self) -> Known:
        """The tables in force."""
        return self._remembered.peek(_ALL) or await self._remembered.get(_ALL)

    @property
    def last(self) -> Known:
        """What held when it was last read: for what is better known roughly than not at all."""
        return self._known

    async def _read(self, _: str) -> Known:
        versions = await find.versions(self._pool)
        if self._versions is None:  # nothing is judged before what was imported in the past is in force
            await self._load(versions)
        elif self._loading is not None and self._loading.done():
            finished, self._loading = self._loading, None
            finished.result()
        if versions != self._versions and self._loading is None:  # payments do not wait for a large table
            self._loading = asyncio.create_task(self._load(versions))
        return self._known

    async def _load(self, versions: Mapping[str, int]) -> None:
        loaded = dict(self._versions or {})
        for name in versions:
            if versions[name] != loaded.get(name):
                found = await find.newest(self._pool, name)
                assert found is not None, "versions are never deleted"
                row, data = found
                self._known = await asyncio.to_thread(over, self._known, row, data)
                loaded[name] = row.version
        self._versions = loaded


def over(known: Known, row: TableRow, data: bytes) -> Known:
    """``known`` with one imported table in force. What imported rates do not quote, the shipped ones still do."""
    unpacker = zlib.decompressobj()
    lines = unpacker.decompress(data, MAX_UNPACKED).decode().split("\n")
    edition = Edition(row.name, row.version, row.date, row.source, row.licence, row.sha256, row.row_count)
    known = replace(known, editions={**known.editions, row.name: edition})
    if row.name == bins.NAME:
        return replace(known, bins=bins.load(lines))
    if row.name == rates.NAME:
        return replace(known, rates=rates.load(lines).over(shipped.known().rates))
    if row.name == domains.NAME:
        return replace(known, domains=domains.load(lines))
    return known  # a newer Lockgate's table, in a database that this older one still reads
