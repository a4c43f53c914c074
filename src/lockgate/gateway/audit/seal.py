"""Seals records in the order in which they were committed: appends to the chain and to the tree, one portion a time."""

from itertools import pairwise
from typing import NamedTuple

from lockgate.gateway.audit import find, find_seals, store
from lockgate.gateway.audit.core.leaf import NO_CHAIN, Seal, leaf, link
from lockgate.gateway.audit.find import Cursor
from lockgate.gateway.storage.database import Connection, Pool
from lockgate.gateway.storage.rows import AuditRow
from lockgate.kernel.merkle import Frontier, Subtree

PORTION = 2_000


class Broken(Exception):
    """What is sealed already is not as it was sealed: nothing is added to it. ``lockgate audit verify`` says where."""


class _Edge(NamedTuple):
    chain: bytes
    frontier: Frontier


class Sealer:
    """Seals as ``lockgate_sealer``. Any number may run: only one at a time gets its turn, and no number is used twice.

    Remembers the tree's right edge from one portion to the next, as long as nobody else sealed in between.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._edge: _Edge | None = None

    async def portion(self, most: int = PORTION) -> int:
        """Seal up to ``most`` records; how many. Records of transactions that are still open wait for the next time."""
        async with self._pool.acquire() as connection, connection.transaction():
            if not await store.take_turn(connection):
                return 0
            last = await find_seals.last_seal(connection)
            cursor = Cursor(last.tx, last.record) if last else Cursor()
            rows = await find.after(connection, cursor, most)
            if not rows:
                return 0
            edge = await self._current(connection, last)
            self._edge = None  # until this transaction has ended well
            seals, nodes, edge = _append(edge, rows)
            await store.insert_seals(connection, seals)
            if nodes:
                await store.insert_nodes(connection, nodes)
        self._edge = edge
        return len(rows)

    async def _current(self, connection: Connection, last: Seal | None) -> _Edge:
        if last is None:
            return _Edge(NO_CHAIN, Frontier())
        size = last.seq + 1
        kept = self._edge
        if kept is not None and kept.frontier.size == size and kept.chain == last.chain:
            return kept
        try:
            return _Edge(last.chain, await find_seals.frontier(connection, size))
        except KeyError as error:
            raise Broken(f"seals or nodes below number {size} are missing") from error


def _append(
    edge: _Edge, rows: list[AuditRow]
) -> tuple[list[Seal], list[tuple[Subtree, bytes]], _Edge]:
    chain, frontier = edge
    seals, nodes = [], []
    for row in rows:
        assert row.tx is not None, "the database numbers every record's transaction"
        leaf_ = leaf(row)
        chain = link(chain, leaf_, account=row.account, livemode=row.livemode, record=row.id, tx=row.tx)
        seals.append(Seal(frontier.size, row.account, row.livemode, row.id, row.tx, leaf_, chain))
        nodes += [
            (place, hash_)
            for place, hash_ in frontier.append(leaf_)
            if place[0] and place[0] % find_seals.TILE == 0
        ]
    assert all(a.seq + 1 == b.seq and a.tx <= b.tx for a, b in pairwise(seals))
    return seals, nodes, _Edge(chain, frontier)
