"""Imports against a real database: versions, the record of them, and that running processes feel them."""

import asyncio
import json

import pytest_asyncio

from lockgate.gateway.geography import find
from lockgate.gateway.geography.core import bins, domains, rates
from lockgate.gateway.geography.core.bins import NOTHING, Issued
from lockgate.gateway.geography.import_table import import_table
from lockgate.gateway.geography.tables import Tables
from lockgate.kernel.principal import Principal
from tests.gateway.customers.desk import pool_as

BY = Principal("-", False, "internal", "cli")


@pytest_asyncio.fixture
async def pool(database):
    async with pool_as(database, "gateway") as opened:
        yield opened


async def put(pool, table, date="2026-06-25"):
    async with pool.acquire() as connection, connection.transaction():
        return await import_table(connection, BY, table, date=date, source="a file", licence="ours")


async def until(tables, condition):
    for _ in range(200):
        if condition(await tables.now()):
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it was not felt")


async def test_an_import_is_a_version_on_record_and_felt_without_a_restart(pool):
    tables = Tables(pool, seconds=0.05)
    assert (await tables.now()).bins.of("457173") == NOTHING
    table = bins.read(["first,country", "457173,DK"])
    assert (await put(pool, table)).version == 1
    await until(tables, lambda known: known.bins.of("457173") == Issued("DK"))
    assert (await put(pool, table)).version == 1, "the same again is no new version"
    assert (await put(pool, bins.read(["first,country,funding", "457173,SE,debit"]))).version == 2
    await until(tables, lambda known: known.bins.of("457173") == Issued("SE", "debit"))
    assert (await tables.now()).editions["bins"].version == 2
    assert [row.version for row in await find.history(pool)] == [2, 1]
    kept = await pool.fetch("select account, actor, detail from audit where action = 'risk_table.import'")
    assert [(row["account"], row["actor"]) for row in kept] == [("-", "internal:cli")] * 2
    assert json.loads(kept[0]["detail"])["licence"] == "ours"
    fresh = Tables(pool)
    assert (await fresh.now()).bins.of("457173") == Issued("SE", "debit"), "whoever starts has it from the first"


async def test_rates_and_domains_take_the_place_of_what_is_shipped(pool):
    tables = Tables(pool, seconds=0.05)
    before = await tables.now()
    assert "mailinator.com" in before.domains
    await put(pool, rates.read(["currency,usd", "eur,4"]))
    await put(pool, domains.read(["throwaway.example"]))
    await until(tables, lambda known: known.rates.to_usd_cents(400, "eur") == 100)
    await until(tables, lambda known: "mailinator.com" not in known.domains)
    now = await tables.now()
    assert now.rates.to_usd_cents(1000, "gbp") == before.rates.to_usd_cents(1000, "gbp"), "what is not quoted stays"
    assert now.domains == {"throwaway.example"}


async def test_nobody_changes_a_version(pool):
    await put(pool, bins.read(["first,country", "457173,DK"]))
    for statement in ("update reference_table set date = 'x'", "delete from reference_table"):
        try:
            await pool.execute(statement)
        except Exception as error:
            assert "permission denied" in str(error)
        else:
            raise AssertionError(statement)
