"""Folding changes how a balance is kept, never what it is."""

import asyncio

import asyncpg
import pytest

from lockgate.gateway.ledger import find, store
from lockgate.gateway.ledger.jobs import jobs
from lockgate.gateway.storage.database import Pool, connect_pool
from tests.support.cluster import Database


async def pool_of(database: Database, role: str) -> Pool:
    login = database[role]
    return await connect_pool(database=database.settings, user=login["user"], password=login["password"], size=4)


async def add(pool: Pool, ledger: str, *amounts: int, account: str = "acct_a") -> None:
    await pool.executemany(
        "insert into balance_delta (account, livemode, ledger, currency, amount) values ($1, false, $2, 'usd', $3)",
        [(account, ledger, amount) for amount in amounts],
    )


async def test_a_read_is_folded_plus_unfolded(database: Database) -> None:
    gateway, worker = await pool_of(database, "gateway"), await pool_of(database, "worker")
    await add(gateway, "merchant:pending", 5, 7, -3)
    await add(gateway, "fees:simulator", 1)
    await add(gateway, "merchant:pending", 100, account="acct_b")
    before = await find.balances(gateway, account="acct_a", livemode=False)
    assert before == {("merchant:pending", "usd"): 9, ("fees:simulator", "usd"): 1}
    assert await store.fold(worker, limit=2) == 2
    assert await find.balances(gateway, account="acct_a", livemode=False) == before
    await add(gateway, "merchant:pending", 1)
    assert [await job.run() for job in jobs(worker)] == [0]
    assert await gateway.fetchval("select count(*) from balance_delta") == 0
    after = await find.balances(gateway, account="acct_a", livemode=False)
    assert after == {**before, ("merchant:pending", "usd"): 10}
    assert await find.balances(gateway, account="acct_a", livemode=True) == {}
    await gateway.close()
    await worker.close()


async def test_folds_side_by_side_with_writers_and_readers_lose_nothing(database: Database) -> None:
    gateway, worker = await pool_of(database, "gateway"), await pool_of(database, "worker")
    seen: list[int] = []

    async def write() -> None:
        for _ in range(40):
            await add(gateway, "merchant:pending", 1)
            read = await find.balances(gateway, account="acct_a", livemode=False)
            seen.append(read[("merchant:pending", "usd")])

    async def fold() -> None:
        for _ in range(30):
            await store.fold(worker, limit=3)

    await asyncio.gather(write(), fold(), fold())
    assert seen == list(range(1, 41))
    await gateway.close()
    await worker.close()


async def test_the_gateway_cannot_fold(database: Database) -> None:
    gateway = await pool_of(database, "gateway")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await store.fold(gateway, limit=1)
    await gateway.close()
