"""The first account: made once, however many start at the same time."""

import asyncio

from lockgate.gateway.identity import bootstrap, find
from lockgate.gateway.identity.core import key_format
from lockgate.gateway.storage.database import connect_pool

ACCOUNT = "acct_0123456789abcdefABCDEF"


async def test_keys_are_made_once(database):
    pool = await connect_pool(
        database=database.settings, user="lockgate_gateway", password=database.passwords["gateway"], size=4
    )
    try:
        made = await asyncio.gather(*(bootstrap._make(pool, ACCOUNT, pepper=b"p" * 32) for _ in range(4)))
        keys = await find.keys(pool, account=ACCOUNT)
        audited = await pool.fetchval("select count(*) from audit where action = 'api_key.create'")
    finally:
        await pool.close()
    first = next(answer for answer in made if answer)
    assert sum(bool(answer) for answer in made) == 1
    assert set(first) == set(bootstrap.NAMES)
    assert {key_format.parse(text).account for text in first.values()} == {ACCOUNT}
    assert len(keys) == audited == 4
    assert {(row.rate_per_s, row.burst) for row in keys} == {bootstrap.RATE}
