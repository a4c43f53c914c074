"""Reads of seals, of the tree above them, and of checkpoints."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from lockgate.gateway.audit.core.leaf import Seal
from lockgate.gateway.storage.database import Connection, Pool
from lockgate.gateway.storage.rows import AuditRow
from lockgate.kernel import merkle
from lockgate.kernel.merkle import Range, Subtree

TILE = 8  # the tree's nodes are kept at every eighth level
Source = Pool | Connection


class CheckpointRow(NamedTuple):
    """A checkpoint as it is kept: ``note`` is what counts, the rest is what is searched."""

    size: int
    root: bytes
    chain: bytes
    at_ms: int
    note: str


async def last_seal(source: Source) -> Seal | None:
    row = await source.fetchrow(
        "select seq, account, livemode, record, tx, leaf, chain from audit_seal order by seq desc limit 1"
    )
    return None if row is None else Seal(*row)


async def seal_of(source: Source, row: AuditRow) -> Seal | None:
    """The seal of one record; None before it is sealed."""
    found = await source.fetchrow(
        "select seq, account, livemode, record, tx, leaf, chain from audit_seal"
        " where account = $1 and livemode = $2 and tx = $3 and record = $4",
        row.account,
        row.livemode,
        row.tx,
        row.id,
    )
    return None if found is None else Seal(*found)


async def seals(source: Source, first: int, most: int) -> list[tuple[Seal, AuditRow | None]]:
    """The next ``most`` seals from number ``first`` on, each with its record where that still stands."""
    rows = await source.fetch(
        "select s.seq, s.account, s.livemode, s.record, s.tx, s.leaf, s.chain, a.account, a.livemode, a.id,"
        " a.created_ms, a.action, a.outcome, a.actor, a.object, a.address, a.request, a.detail, a.personal, a.tx"
        " from audit_seal s left join audit a on a.account = s.account and a.livemode = s.livemode and a.id = s.record"
        " where s.seq >= $1 and s.seq < $2 order by s.seq",
        first,
        first + most,
    )
    width = len(Seal._fields)
    found = []
    for row in rows:
        columns = tuple(row)
        record = None if columns[width] is None else AuditRow(*columns[width:])
        found.append((Seal(*columns[:width]), record))
    return found


async def subtrees(source: Source, wanted: Iterable[Subtree]) -> dict[Subtree, bytes]:
    """The hashes of complete subtrees. Every one must be complete in the log as it stands."""
    places = list(wanted)
    parts = [_kept(place) for place in places]
    leaves = await _hashes_of_leaves(source, [(first, last) for tile, first, last in parts if tile == 0])
    nodes = await _hashes_of_nodes(source, [part for part in parts if part[0] > 0])
    hashes = {(0, place): hash_ for place, hash_ in leaves.items()} | nodes
    found = {}
    for place, (tile, first, last) in zip(places, parts, strict=True):
        level = [hashes[tile, number] for number in range(first, last)]
        while len(level) > 1:
            level = [merkle.node_hash(*pair) for pair in zip(level[::2], level[1::2], strict=True)]
        found[place] = level[0]
    return found


async def ranges(source: Source, wanted: Sequence[Range]) -> list[bytes]:
    """The hash over each range of leaves: what a proof is made of."""
    covers = [merkle.cover(*part) for part in wanted]
    hashes = await subtrees(source, {place for cover in covers for place in cover})
    return [merkle.fold([hashes[place] for place in cover]) for cover in covers]


async def frontier(source: Source, size: int) -> merkle.Frontier:
    """The right edge of the tree of the first ``size`` leaves."""
    places = merkle.cover(0, size)
    hashes = await subtrees(source, places)
    return merkle.Frontier(size, [hashes[place] for place in places])


async def nodes(source: Source, level: int, first: int, last: int) -> dict[int, bytes]:
    """What is kept of one level of the tree."""
    rows = await source.fetch(
        "select place, hash from audit_node where level = $1 and place >= $2 and place < $3", level, first, last
    )
    return {row["place"]: row["hash"] for row in rows}


async def checkpoint(source: Source, *, size: int | None = None) -> CheckpointRow | None:
    """The checkpoint of ``size``, or the newest."""
    row = await source.fetchrow(
        "select size, root, chain, at_ms, note from audit_checkpoint where $1::bigint is null or size = $1"
        " order by size desc limit 1",
        size,
    )
    return None if row is None else CheckpointRow(*row)


async def checkpoint_before(source: Source, *, at_ms: int) -> CheckpointRow | None:
    """The newest checkpoint from before ``at_ms``."""
    row = await source.fetchrow(
        "select size, root, chain, at_ms, note from audit_checkpoint where at_ms < $1 order by size desc limit 1",
        at_ms,
    )
    return None if row is None else CheckpointRow(*row)


async def checkpoint_page(source: Source, size: int | None, *, upwards: bool, most: int) -> list[CheckpointRow]:
    """Checkpoints beyond ``size``: larger ones, smallest first, when ``upwards``; else smaller ones, largest first."""
    if upwards:
        return await checkpoints(source, above=size or 0, most=most)
    rows = await source.fetch(
        "select size, root, chain, at_ms, note from audit_checkpoint where $1::bigint is null or size < $1"
        " order by size desc limit $2",
        size,
        most,
    )
    return [CheckpointRow(*row) for row in rows]


async def checkpoints(source: Source, *, above: int, most: int) -> list[CheckpointRow]:
    """The next checkpoints, smallest first."""
    rows = await source.fetch(
        "select size, root, chain, at_ms, note from audit_checkpoint where size > $1 order by size limit $2",
        above,
        most,
    )
    return [CheckpointRow(*row) for row in rows]


def _kept(place: Subtree) -> tuple[int, int, int]:
    """Which level of kept hashes a subtree is made of, and which of its places: (level, first, last)."""
    level, index = place
    tile = level - level % TILE
    return tile, index << (level - tile), (index + 1) << (level - tile)


async def _hashes_of_leaves(source: Source, parts: Sequence[Range]) -> dict[int, bytes]:
    rows = await source.fetch(
        "select s.seq, s.leaf from unnest($1::bigint[], $2::bigint[]) r(first, last)"
        " join audit_seal s on s.seq >= r.first and s.seq < r.last",
        [first for first, _ in parts],
        [last for _, last in parts],
    )
    return {row["seq"]: row["leaf"] for row in rows}


async def _hashes_of_nodes(source: Source, parts: Sequence[tuple[int, int, int]]) -> dict[Subtree, bytes]:
    rows = await source.fetch(
        "select n.level, n.place, n.hash from unnest($1::int[], $2::bigint[], $3::bigint[]) r(level, first, last)"
        " join audit_node n on n.level = r.level and n.place >= r.first and n.place < r.last",
        [tile for tile, _, _ in parts],
        [first for _, first, _ in parts],
        [last for _, _, last in parts],
    )
    return {(row["level"], row["place"]): row["hash"] for row in rows}
