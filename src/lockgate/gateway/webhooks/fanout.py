"""Empties the outbox: each committed event becomes one delivery for each endpoint that wants it, exactly once."""

from lockgate.gateway.storage.database import Pool
from lockgate.gateway.webhooks import store

PORTION = 500


async def fan_out(pool: Pool, *, now_ms: int) -> int:
    """One portion; returns how many outbox rows are done."""
    return await store.fan_out(pool, now_ms=now_ms, limit=PORTION)
