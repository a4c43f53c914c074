"""Proofs that anybody can check without us: that a record is in the log, and that one state continues another."""

from typing import Any

from lockgate.gateway.audit import find_seals
from lockgate.gateway.audit.core import leaf
from lockgate.gateway.storage.database import Pool
from lockgate.gateway.storage.rows import AuditRow
from lockgate.kernel import merkle


async def inclusion(pool: Pool, row: AuditRow) -> dict[str, Any] | None:
    """The proof that ``row`` is in the newest checkpoint; None as long as no checkpoint has it.

    ``encoded`` is the very text that was hashed, of what the record says now.
    """
    seal = await find_seals.seal_of(pool, row)
    newest = await find_seals.checkpoint(pool)
    if seal is None or newest is None or newest.size <= seal.seq:
        return None
    path = await find_seals.ranges(pool, merkle.inclusion(seal.seq, newest.size))
    return {
        "type": "inclusion",
        "encoded": leaf.encoded(leaf.values(row)).decode(),
        "index": seal.seq,
        "size": newest.size,
        "path": [hash_.hex() for hash_ in path],
        "checkpoint": newest.note,
    }


async def consistency(pool: Pool, old: find_seals.CheckpointRow, new: find_seals.CheckpointRow) -> dict[str, Any]:
    """The proof that the log at ``new`` is the log at ``old`` with records after it, and with nothing changed."""
    path = await find_seals.ranges(pool, merkle.consistency(old.size, new.size)) if old.size < new.size else []
    return {
        "type": "consistency",
        "from": old.note,
        "to": new.note,
        "path": [hash_.hex() for hash_ in path],
    }
