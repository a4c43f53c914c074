"""Reads of the older API's tokens, the account and mode first."""

from lockgate.gateway.storage.database import Pool
from lockgate.gateway.storage.records import CardTokenRow


async def token(pool: Pool, account: str, livemode: bool, *, id_: str) -> CardTokenRow | None:
    """The token ``id_``, if there is one."""
    row = await pool.fetchrow(
        "select account, livemode, id, version, created, used, expires_at, payment_method, data"
        " from card_token where account = $1 and livemode = $2 and id = $3",
        account,
        livemode,
        id_,
    )
    return CardTokenRow(*row) if row else None
