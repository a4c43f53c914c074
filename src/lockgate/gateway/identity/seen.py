"""One-time ids of proofs and assertions: each may be shown once, whichever process it is shown to."""

import hashlib

from lockgate.gateway.identity import store_seen
from lockgate.gateway.storage.database import Pool

_APART = "\x1f"


async def first_time(pool: Pool, *, kind: str, maker: str, jti: str, expires_at: int) -> bool:
    """Whether ``maker`` shows ``jti`` for the first time. Remembered until it is too old anyhow."""
    hash_ = hashlib.sha256(_APART.join((kind, maker, jti)).encode()).digest()
    return await store_seen.first(pool, hash_, expires_at=expires_at)
