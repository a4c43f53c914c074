"""Sound payouts hold every invariant; each planted breach, in the books or in the journal, is found."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from lockgate.gateway.invariants.check import check, witness
from lockgate.gateway.settlement.schedule import Plan, put
from lockgate.kernel import clock
from tests.gateway.payments.desk import MERCHANT
from tests.gateway.settlement.bank import DAY_S, House, open_house
from tests.support.cluster import Database


@pytest_asyncio.fixture
async def house(database: Database) -> AsyncIterator[House]:
    """A merchant with a paid payout, a canceled and a failed one, one on its way, and an automatic one."""
    opened = await open_house(database)
    await opened.earn(10_000)
    await opened.pay(1_000)
    opened.said_by_bank(status="paid")
    await opened.ask()
    stopped = await opened.pay(200)
    await opened.call("payout.cancel", payout=stopped["id"])
    await opened.pay(300)
    opened.said_by_bank(status="failed", failure_code="no_account")
    await opened.ask()
    await opened.pay(400)
    await put(opened.ports.pool, opened.ports.committer, MERCHANT, Plan("daily", delay_days=0), box=opened.ports.box)
    await opened.wait(DAY_S)
    yield opened
    await opened.ports.pool.close()


@pytest_asyncio.fixture
async def vandal(database: Database) -> AsyncIterator[asyncpg.Connection]:
    """Somebody with the owner's rights and no scruples."""
    connection = await asyncpg.connect(**database["owner"])
    yield connection
    await connection.close()


async def broken(house: House) -> set[str]:
    return {finding.invariant for finding in await check(house.ports.pool, now=clock.now() + DAY_S)}


async def test_sound_payouts_hold_every_invariant(house: House) -> None:
    payouts = (await house.call("payout.list"))["data"]
    assert [payout["status"] for payout in payouts] == ["pending", "pending", "failed", "canceled", "paid"]
    assert payouts[0]["amount"] == 8_600
    assert await check(house.ports.pool, now=clock.now() + DAY_S) == []


@pytest.mark.parametrize(
    ("statement", "invariants"),
    [
        ("update payout set status = 'paid' where amount = 400", {"I2", "I7"}),
        ("update payout set amount = 401 where amount = 400", {"I2"}),
        ("update payout set status = 'failed' where amount = 1000", {"I2", "I7"}),
        ("delete from transfer where kind = 'payout_arrival'", {"I2"}),
        ("update balance_transaction set amount = -1, net = -1 where type = 'payout' and net = -400", {"I2", "I6"}),
        ("update payout_line set payout = null where id = (select min(id) from payout_line)", {"I6"}),
        ("update payout_line set payout = 'po_gone'", {"I6"}),
        ("insert into payout_line select account, livemode, 'txn_x', 1, 1, id from payout where amount = 400", {"I6"}),
        ("insert into attempt select account, livemode, 'pa_x', 1, created, 'payout', 'open', null, null, null,"
         " processor, 9999, currency, null, 1, 1, 0, '{}' from attempt limit 1", {"I6", "I10"}),
        ("update event set object = 'po_gone' where type = 'payout.paid'", {"I5"}),
        ("delete from audit where detail->>'status' = 'canceled'", {"I7"}),
    ],
)
async def test_a_planted_breach_is_found(
    house: House, vandal: asyncpg.Connection, statement: str, invariants: set[str]
) -> None:
    await vandal.execute(statement)
    assert await broken(house) == invariants


async def journal(house: House) -> list[dict[str, Any]]:
    """The entries that a processor would have written for all of it."""
    entries: list[dict[str, Any]] = []
    for row in await house.ports.pool.fetch("select * from payout order by id"):
        sent = {"kind": "payout", "status": "approved", "id": row["processor_reference"], "amount": row["amount"]}
        attempt = await house.ports.pool.fetchval(
            "select id from attempt where action = 'payout' and data->'payout'->>'id' = $1", row["id"]
        )
        entries.append({**sent, "reference": attempt})
        if row["status"] == "canceled":
            entries.append({"kind": "payout_cancellation", "status": "approved", "payout": sent["id"]})
        elif row["status"] != "pending":
            entries.append({"kind": "payout_status", "status": row["status"], "id": sent["id"]})
    return entries


def reading(entries: list[dict[str, Any]]) -> Callable[[], Awaitable[list[dict[str, Any]]]]:
    async def read() -> list[dict[str, Any]]:
        return entries

    return read


async def seen(house: House, entries: list[dict[str, Any]]) -> list[str]:
    findings = await witness(house.ports.pool, read=reading(entries))
    return [finding.what for finding in findings if "au_" not in finding.what and "ch_" not in finding.what]


async def test_the_journal_agrees_with_sound_payouts(house: House) -> None:
    assert await seen(house, await journal(house)) == []


async def test_every_payout_must_have_happened_as_the_books_say(house: House) -> None:
    entries = await journal(house)
    assert len(await seen(house, [])) == 5
    assert "nothing paid out" in (await seen(house, []))[0]
    undone = [entry for entry in entries if entry["kind"] == "payout" or entry["status"] == "paid"]
    assert len(await seen(house, undone)) == 2  # the canceled and the failed one, of which the money went after all
    early = [entry for entry in entries if entry["status"] != "paid"]
    assert "paid in the books, but really pending" in (await seen(house, early))[0]
    more = [{**entry, "amount": entry.get("amount", 0) + 1} for entry in entries]
    assert len(await seen(house, more)) == 5


async def test_whatever_was_paid_out_must_be_in_the_books(house: House, vandal: asyncpg.Connection) -> None:
    entries = await journal(house)
    stray = {"kind": "payout", "status": "approved", "id": "spo_stray", "amount": 7, "reference": "pa_stray"}
    assert "spo_stray paid out 7" in (await seen(house, [*entries, stray]))[0]
    await vandal.execute("update attempt set state = 'unknown' where id = (select min(id) from attempt)")
    doubted = await vandal.fetchval("select id from attempt where state = 'unknown'")
    assert await seen(house, [*entries, {**stray, "reference": doubted}]) == []
    back = {"kind": "payout_status", "status": "failed", "id": entries[0]["id"]}
    assert await seen(house, [*entries, back]) == []  # it will be asked about
    await vandal.execute("update payout set ask_at = null")
    assert "nobody will ask" in (await seen(house, [*entries, back]))[0]
