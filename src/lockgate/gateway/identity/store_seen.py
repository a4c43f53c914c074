"""What was seen once and must not come again: written by whoever is first, for all processes."""

from lockgate.gateway.storage.database import Pool


async def first(pool: Pool, hash_: bytes, *, expires_at: int) -> bool:
    """Whether nobody came with ``hash_`` before; from now on somebody has."""
    done = await pool.execute(
        "insert into proof_seen (hash, expires_at) values ($1, $2) on conflict do nothing", hash_, expires_at
    )
    return done != "INSERT 0 0"
