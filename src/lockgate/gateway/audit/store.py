"""The audit room's own writes: seals, the tree's nodes, checkpoints, and the retirement of what is too old."""

from collections.abc import Sequence

from lockgate.gateway.audit.core.leaf import Seal
from lockgate.gateway.audit.find_seals import CheckpointRow
from lockgate.gateway.storage.database import Connection, Pool
from lockgate.gateway.storage.rows import AuditRow
from lockgate.kernel.merkle import Subtree

LOCK = 0x5EA1  # one sealer at a time, until its transaction ends


async def take_turn(connection: Connection) -> bool:
    """Whether this transaction is the only one that seals."""
    return bool(await connection.fetchval("select pg_try_advisory_xact_lock($1)", LOCK))


async def insert_seals(connection: Connection, seals: Sequence[Seal]) -> None:
    await connection.execute(
        "insert into audit_seal (seq, account, livemode, record, tx, leaf, chain)"
        " select * from unnest($1::bigint[], $2::text[], $3::boolean[], $4::text[], $5::bigint[], $6::bytea[],"
        " $7::bytea[])",
        *(list(column) for column in zip(*seals, strict=True)),
    )


async def insert_nodes(connection: Connection, nodes: Sequence[tuple[Subtree, bytes]]) -> None:
    await connection.execute(
        "insert into audit_node (level, place, hash) select * from unnest($1::int[], $2::bigint[], $3::bytea[])",
        [level for (level, _), _ in nodes],
        [place for (_, place), _ in nodes],
        [hash_ for _, hash_ in nodes],
    )


async def insert_checkpoint(pool: Pool | Connection, row: CheckpointRow) -> None:
    """Keep a checkpoint; one of the same size, signed by another sealer at the same time, is as good."""
    await pool.execute(
        "insert into audit_checkpoint (size, root, chain, at_ms, note) values ($1, $2, $3, $4, $5)"
        " on conflict do nothing",
        *row,
    )


async def retire(pool: Pool, size: int, *, most: int, told: AuditRow) -> int:
    """Delete up to ``most`` of the records below ``size`` that are old enough, and write ``told`` of it; how many."""
    gone = await pool.fetchval("select retire_audit_v1($1, $2, $3::audit)", size, most, told)
    return gone or 0
