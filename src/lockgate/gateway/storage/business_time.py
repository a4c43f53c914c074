"""The time that business goes by: the world's clock, plus what an account's test clock is ahead of it.

What is due over all accounts is asked for with both: ``due <= now + ahead`` finds the rows by their index, and each
row's own account then says whether its time has really come.
"""

from lockgate.gateway.storage.database import Connection, Pool
from lockgate.kernel import clock


async def now(pool: Pool | Connection, account: str, livemode: bool) -> int:
    """Seconds since the epoch on the clock of ``account`` in this mode."""
    return clock.now() + await offset(pool, account, livemode)


async def offset(pool: Pool | Connection, account: str, livemode: bool) -> int:
    """How many seconds that clock is ahead of the world's; in live mode none, always."""
    if livemode:
        return 0
    found = await pool.fetchval(
        "select offset_s from test_clock where account = $1 and livemode = $2", account, livemode
    )
    return found or 0


async def ahead(pool: Pool) -> int:
    """How far the furthest test clock is ahead, in seconds."""
    return await pool.fetchval("select coalesce(max(offset_s), 0) from test_clock")
