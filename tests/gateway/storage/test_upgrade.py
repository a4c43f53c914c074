"""A database of the release before disputes, payouts and search, with rows in it: it comes up to date and goes on."""

import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest_asyncio

from lockgate.gateway.customers import api, jobs
from lockgate.gateway.customers.ports import Ports
from lockgate.gateway.storage import migrate
from lockgate.gateway.storage.commit import Committer
from lockgate.kernel import clock
from tests.gateway.customers.desk import ACCOUNT, Desk, MemoryBox, ScriptedVault, issuer, pool_as, undefended
from tests.support.cluster import MIGRATIONS, Cluster, Database

RELEASED = ("001_gateway.sql", "002_commit.sql", "003_grants.sql", "004_webhooks.sql")
FRESH = ["005_records", "006_search"]
BOX = MemoryBox()


@pytest_asyncio.fixture
async def upgraded(cluster: Cluster, tmp_path: Path) -> AsyncIterator[Database]:
    for name in RELEASED:
        shutil.copy(MIGRATIONS["gateway"] / name, tmp_path / name)
    database = await cluster.copy("test_upgrade", "template0")
    connection = await asyncpg.connect(**database["owner"])
    try:
        assert len(await migrate.apply(connection, "gateway", tmp_path)) == len(RELEASED)
        await connection.execute("set search_path = gateway")
        await furnish(connection)
        assert (await migrate.apply(connection, "gateway", MIGRATIONS["gateway"]))[: len(FRESH)] == FRESH
        yield database
    finally:
        await connection.close()
        await cluster.drop(database.name)


async def furnish(connection: asyncpg.Connection) -> None:
    """What the older release wrote: a key, three customers of whom one was erased, a paid intent."""
    await connection.execute(
        "insert into api_key (account, livemode, id, kind, hash, hint, name, permissions, created, rate_per_s, burst)"
        " values ($1, false, 'key_1', 'secret', '\\x01', 'sk_test_...1', '', '{}', 1, 100, 100)",
        ACCOUNT,
    )
    for number, name in enumerate(("Ada", "Bob", "Cleo")):
        id_ = f"cus_old{number}"
        personal = await BOX.seal(ACCOUNT, id_, {"email": f"{name}@example.com", "name": name})
        if name == "Cleo":
            BOX.shred(ACCOUNT, id_)
        await connection.execute(
            "insert into customer (account, livemode, id, version, created, deleted, email_index, data, personal)"
            " values ($1, false, $2, 1, $3, false, $4, $5, $6)",
            ACCOUNT, id_, number, await BOX.blind_index(ACCOUNT, "customer.email", f"{name}@example.com"),
            json.dumps({"metadata": {"tier": "gold"}}), personal,
        )
    await connection.execute(
        "insert into payment_intent (account, livemode, id, version, created, status, amount, amount_capturable,"
        " amount_received, currency, latest_charge, subject, data)"
        " values ($1, false, 'pi_old', 3, 5, 'succeeded', 700, 0, 700, 'usd', 'ch_old', 'pi_old', $2)",
        ACCOUNT, json.dumps({"metadata": {"order": "7"}}),
    )


async def test_old_rows_are_found_by_the_new_search(upgraded: Database) -> None:
    async with pool_as(upgraded, "gateway") as pool, pool_as(upgraded, "worker") as workers:
        committer = Committer(pool)
        ports = Ports(pool, committer, ScriptedVault(), BOX, lambda: None, b"p" * 32, issuer, undefended)
        desk = Desk(pool, committer, {op.name: op for op in api.operations(ports)}, BOX, ScriptedVault())

        async def search(query: str) -> list[str]:
            found = await desk.do("customer.search", query=query)
            return [one["id"] for one in found["data"]]

        assert await search('metadata["tier"]:"gold"') == ["cus_old2", "cus_old1", "cus_old0"]
        assert await search('email:"ada@example.com"') == [], "nothing has hashed it yet"
        working = Ports(workers, Committer(workers), ScriptedVault(), BOX, lambda: None, b"p" * 32, issuer, undefended)
        assert await jobs.portion(working) == 3
        assert await jobs.portion(working) == 0, "each is hashed once, one that cannot be read any more too"
        assert await search('email:"ada@example.com"') == ["cus_old0"]
        assert await search('name:"bob"') == ["cus_old1"]
        renamed = await desk.do("customer.update", customer="cus_old0", name="Ida")
        assert (renamed["name"], renamed["email"], renamed["metadata"]) == ("Ida", "Ada@example.com", {"tier": "gold"})
        assert await search('name:"Ida" AND email:"ADA@example.com"') == ["cus_old0"]
        await working.committer.close()
        await committer.close()


async def test_old_keys_and_intents_stand_and_new_rows_go_beside_them(upgraded: Database) -> None:
    connection = await asyncpg.connect(**upgraded["gateway"])
    try:
        assert tuple(await connection.fetchrow("select kind, customer from api_key")) == ("secret", None)
        found = await connection.fetchval(
            "select search_v1('payment_intent', $1, false, null, 10, $2, 0, $3, 0, $3, 'none', null)",
            ACCOUNT, 'exists($."metadata"."order" ? (@ like_regex "^7$"))', 1 << 62,
        )
        assert found == "pi_old"
        await connection.execute(
            "insert into api_key (account, livemode, id, kind, hash, hint, name, permissions, created, expires_at,"
            " rate_per_s, burst, customer)"
            " values ($1, false, 'ephkey_1', 'ephemeral', '\\x02', 'ek_', '', '{}', $2, $2, 1, 1, 'cus_old0')",
            ACCOUNT, clock.now(),
        )
    finally:
        await connection.close()
