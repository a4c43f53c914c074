"""What time the database server has: compared with ours, never used as business time."""

from lockgate.gateway.storage.database import Pool


async def server_ms(pool: Pool) -> int:
    return int(await pool.fetchval("select (extract(epoch from clock_timestamp()) * 1000)::bigint"))
