"""Checks the whole log as it stands in the database: records, seals, tree, checkpoints, and what is kept elsewhere."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from lockgate.gateway.audit import find_seals, find_strays
from lockgate.gateway.audit.core import leaf
from lockgate.gateway.audit.core.faults import Fault
from lockgate.gateway.audit.core.walk import Mark, Walk
from lockgate.gateway.audit.find import Cursor
from lockgate.gateway.audit.find_seals import CheckpointRow
from lockgate.gateway.storage.database import Connection, Pool
from lockgate.kernel import notes

_PORTION = 2_000
YEAR_MS = 365 * 86_400_000


class Checked(NamedTuple):
    """What was looked at, and what is wrong with it: nothing, when all is well."""

    faults: list[Fault]
    records: int
    checkpoints: int
    unsealed: int


class Known(NamedTuple):
    """What is known from elsewhere than the tables that are looked at.

    ``key`` is the log's public key (without it signatures are not looked at), ``signed`` what the vault remembers to
    have signed last, ``kept`` (name, note) of checkpoints from outside of the database.
    """

    key: str | None = None
    signed: Mapping[str, Any] | None = None
    kept: Sequence[tuple[str, str]] = ()


NOTHING_ELSE = Known()


async def verify(pool: Pool, known: Known = NOTHING_ELSE) -> Checked:
    """Walk through everything as of one instant. Safe under load."""
    key, signed, kept = known
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        faults, marks, checkpoints = await _marks(connection, key)
        faults += _outside(marks, kept, key)
        if signed is not None:
            marks.append(Mark(signed["size"], signed["root"], None, "what the vault signed last"))
        excused = await _excused(connection, key)
        walk = Walk(marks)
        last = await _walk(connection, walk, excused)
        faults += walk.end()
        waiting = await find_strays.waiting(connection, last)
    return Checked(faults, walk.seals, checkpoints, waiting)


async def _walk(connection: Connection, walk: Walk, excused: int) -> Cursor:
    cursor, first = Cursor(), 0
    while pairs := await find_seals.seals(connection, first, _PORTION):
        completed: dict[tuple[int, int], bytes] = {}
        for seal, row in pairs:
            completed |= {place: hash_ for place, hash_ in walk.step(seal) if _is_kept(place)}
            walk.record(seal, None if row is None else leaf.leaf(row), excused=seal.seq < excused)
        walk.faults += await _unlike(connection, completed)
        seals = [seal for seal, _ in pairs]
        to = Cursor(pairs[-1][0].tx, pairs[-1][0].record)
        walk.faults += [_inserted(row) for row in await find_strays.between(connection, cursor, to, known=seals)]
        cursor, first = to, pairs[-1][0].seq + 1
    return cursor


async def _marks(connection: Connection, key: str | None) -> tuple[list[Fault], list[Mark], int]:
    """What the database's own checkpoints say of the log, as far as they can be believed."""
    faults: list[Fault] = []
    marks: list[Mark] = []
    above = count = 0
    while rows := await find_seals.checkpoints(connection, above=above, most=_PORTION):
        for row in rows:
            name = f"checkpoint {row.size}"
            try:
                read = _read(row.note, key)
            except notes.BadNote as error:
                faults.append(Fault("signature", name, str(error)))
                continue
            if (read.size, read.root, read.chain, read.at_ms) != row[:4]:
                faults.append(Fault("signature", name, "the row does not say what its signed note says"))
            marks.append(Mark(read.size, read.root, read.chain, name))
        above, count = rows[-1].size, count + len(rows)
    return faults, marks, count


def _outside(marks: list[Mark], kept: Iterable[tuple[str, str]], key: str | None) -> list[Fault]:
    """Add what is kept outside to ``marks``; what of it cannot be believed."""
    faults = []
    for name, note in kept:
        try:
            read = _read(note, key)
        except notes.BadNote as error:
            faults.append(Fault("signature", name, str(error)))
        else:
            marks.append(Mark(read.size, read.root, read.chain, f"{name}, checkpoint {read.size}"))
    return faults


def _read(note: str, key: str | None) -> notes.Checkpoint:
    if key is not None:
        return notes.checkpoint(note, key)
    return notes.read_checkpoint(note.rpartition("\n\n")[0] + "\n")


async def _excused(connection: Connection, key: str | None) -> int:
    """Below which seal records may be missing: the policy retired them, and they were a year old by a signed clock.

    A record of a retirement is itself sealed and looked at like any other. It counts for no more than the checkpoint
    that it names: whoever invents one may at most claim what the policy could have done.
    """
    below = 0
    for told in await find_strays.retirements(connection):
        row: CheckpointRow | None = await find_seals.checkpoint(connection, size=told.size)
        if row is None:
            continue
        try:
            read = _read(row.note, key)
        except notes.BadNote:
            continue  # _marks says so
        if read.size == told.size and read.at_ms <= told.at_ms - YEAR_MS:
            below = max(below, read.size)
    return below


async def _unlike(connection: Connection, completed: Mapping[tuple[int, int], bytes]) -> list[Fault]:
    faults = []
    for level in sorted({level for level, _ in completed}):
        mine = {place: hash_ for (at, place), hash_ in completed.items() if at == level}
        kept = await find_seals.nodes(connection, level, min(mine), max(mine) + 1)
        faults += [
            Fault("tree", f"node {place} of level {level}", "it is not the hash of what is below it")
            for place, hash_ in mine.items()
            if kept.get(place) != hash_
        ]
    return faults


def _is_kept(place: tuple[int, int]) -> bool:
    return place[0] > 0 and place[0] % find_seals.TILE == 0


def _inserted(row: tuple[str, str]) -> Fault:
    account, id_ = row
    return Fault("inserted", f"{id_} ({account})", "the record stands among sealed ones and was never sealed")
