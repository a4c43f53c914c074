"""Exports a part of the log with all that is needed to check it anywhere: seals, hashes, checkpoints, the key."""

import hashlib
from collections.abc import AsyncIterator
from typing import Literal, NamedTuple, Protocol

from lockgate.gateway.audit import checkpoint, find_seals, find_spans
from lockgate.gateway.audit.core import lines
from lockgate.gateway.audit.core.leaf import NO_CHAIN
from lockgate.gateway.audit.find_seals import CheckpointRow
from lockgate.gateway.audit.find_strays import retirements
from lockgate.gateway.audit.ports import Ports
from lockgate.gateway.audit.seal import Sealer
from lockgate.gateway.storage.database import Connection
from lockgate.kernel import merkle

_PORTION = 2_000


class Filters(NamedTuple):
    """Which records: written from ``since_ms`` on and before ``until_ms``, of one account; None: any."""

    since_ms: int | None = None
    until_ms: int | None = None
    account: str | None = None

    def shown(self) -> dict[str, object]:
        return {name: value for name, value in self._asdict().items() if value is not None}


class Signs(Protocol):
    """The vault, as far as it signs exports."""

    async def sign_export(self, origin: str, *, records: int, digest: bytes) -> str: ...


class Exported(NamedTuple):
    """What was written, and its signature."""

    records: int
    note: str


async def bring_up_to_date(ports: Ports) -> None:
    """Seal what was committed so far and have it signed, so that nothing of it is left out."""
    sealer = Sealer(ports.sealing)
    while await sealer.portion():
        pass
    await checkpoint.make(ports)


async def export(
    ports: Ports, signs: Signs, filters: Filters, *, form: Literal["jsonl", "csv"]
) -> AsyncIterator[str | Exported]:
    """The file's text in pieces, and last what it was. As of one instant; reads under the sealer's role."""
    key = (await ports.vault.checkpoint_key(ports.policy.origin))["key"]
    digest, records = hashlib.sha256(), 0
    async with (
        ports.sealing.acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        newest = await find_seals.checkpoint(connection)
        pieces = _csv(connection, newest, filters) if form == "csv" else _jsonl(ports, connection, newest, filters, key)
        async for piece, has_record in pieces:
            digest.update(piece.encode())
            records += has_record
            yield piece
    note = await signs.sign_export(ports.policy.origin, records=records, digest=digest.digest())
    if form == "jsonl":
        yield lines.end(note)
    yield Exported(records, note)


async def _span(connection: Connection, newest: CheckpointRow | None, filters: Filters) -> merkle.Range:
    size = 0 if newest is None else newest.size
    if filters.since_ms is None and filters.until_ms is None:
        return 0, size
    first, last = await find_spans.written_between(
        connection, from_ms=filters.since_ms or 0, to_ms=filters.until_ms or 2**62
    )
    return min(first, size), min(last, size)


async def _csv(
    connection: Connection, newest: CheckpointRow | None, filters: Filters
) -> AsyncIterator[tuple[str, bool]]:
    yield lines.csv_head(), False
    first, last = await _span(connection, newest, filters)
    for start in range(first, last, _PORTION):
        for seal, row in await find_seals.seals(connection, start, min(_PORTION, last - start)):
            if row is not None and _is_wanted(row.account, row.created_ms, filters):
                yield lines.csv_row(seal, row), True


async def _jsonl(
    ports: Ports, connection: Connection, newest: CheckpointRow | None, filters: Filters, key: str
) -> AsyncIterator[tuple[str, bool]]:
    first, last = await _span(connection, newest, filters)
    size = 0 if newest is None else newest.size
    before = await find_seals.seals(connection, first - 1, 1) if first else []
    chain = before[0][0].chain if before else NO_CHAIN
    left = (await find_seals.frontier(connection, first)).peaks
    yield lines.head(
        (first, last), origin=ports.policy.origin, key=key, size=size, chain=chain, left=left, filters=filters.shown()
    ), False
    above = first
    while rows := await find_seals.checkpoints(connection, above=above, most=_PORTION):
        for row in rows:
            if row.size <= last or row.size == size:
                yield lines.checkpoint(row.note), False
        above = rows[-1].size
    retired = max((told.size for told in await retirements(connection)), default=0)
    for start in range(first, last, _PORTION):
        for seal, row in await find_seals.seals(connection, start, min(_PORTION, last - start)):
            if filters.account is not None and seal.account != filters.account:
                yield lines.other(seal), False
            else:
                yield lines.sealed(seal, row, retired=seal.seq < retired), row is not None
    behind = merkle.cover(last, size)
    hashes = await find_seals.subtrees(connection, behind)
    yield lines.rest([hashes[place] for place in behind]), False


def _is_wanted(account: str, created_ms: int, filters: Filters) -> bool:
    return (
        filters.account in (None, account)
        and created_ms >= (filters.since_ms or 0)
        and created_ms < (filters.until_ms or 2**62)
    )
