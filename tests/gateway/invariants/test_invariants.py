"""Sound books pass; each planted breach turns exactly its own invariant red."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from lockgate.gateway.invariants.check import GRACE_S, Finding, check, witness
from lockgate.kernel import clock
from lockgate.kernel.orders import Lost
from tests.gateway.payments.desk import Desk, answers, open_desk
from tests.support.cluster import Database


@pytest_asyncio.fixture
async def desk(database: Database) -> AsyncIterator[Desk]:
    """A merchant with a capture, a part of it refunded, a declined refund, and one in doubt."""
    opened = await open_desk(database)
    opened.vault.script = answers()
    first = await opened.captured(1000)
    await opened.call("refund.create", f"charge={first.id}&amount=300", key="k1")
    opened.vault.script = answers(status="declined", decline_code="insufficient_funds")
    await opened.call("refund.create", f"charge={first.id}&amount=100")
    opened.vault.script = lambda order: Lost("reset")
    await opened.call("refund.create", f"charge={first.id}&amount=200")
    await opened.pool.execute("update charge set processor_reference = 'au_first'")
    opened.vault.script = answers()
    await opened.call("setup_intent.create", "")
    yield opened
    await opened.pool.close()


@pytest_asyncio.fixture
async def vandal(database: Database) -> AsyncIterator[asyncpg.Connection]:
    """Somebody with the owner's rights and no scruples."""
    connection = await asyncpg.connect(**database["owner"])
    yield connection
    await connection.close()


async def broken(desk: Desk, *, later_s: int = 0) -> set[str]:
    return {finding.invariant for finding in await check(desk.pool, now=clock.now() + later_s)}


async def test_sound_books_hold_every_invariant(desk: Desk) -> None:
    assert await check(desk.pool, now=clock.now()) == []


@pytest.mark.parametrize(
    ("statement", "invariants"),
    [
        ("update balance_delta set amount = amount + 1 where ledger = 'merchant:pending'", {"I1", "I2"}),
        ("delete from balance_delta", {"I2"}),
        ("update transfer set amount = amount + 1 where kind = 'fee'", {"I2"}),
        ("update balance_transaction set amount = amount - 1, net = net - 1 where type = 'refund'", {"I2"}),
        ("insert into charge select account, livemode, id || 'x', version, created, status, intent, amount, 0, 0, 0, 0,"
         " currency, customer, payment_method, null, processor, 'au_x', subject, data, personal from charge", {"I4"}),
        ("update event set object = 're_gone' where type = 'refund.created'", {"I5"}),
        ("update idempotency set attempt = 'pa_gone'", {"I5"}),
        ("update charge set refund_in_doubt = 0", {"I6"}),
        ("update charge set amount_refunded = 200", {"I6"}),
        ("update transfer set amount = 1001, settles = 'trh_x' where kind = 'capture'", {"I2", "I6"}),
        ("delete from audit where object in (select id from refund)", {"I7"}),
        ("update refund set status = 'canceled' where status = 'failed'", {"I7"}),
        ("update setup_intent set status = 'succeeded'", {"I7"}),
        ("insert into webhook_endpoint select account, livemode, 'we_1', 1, 1, 'https://x.test', 'enabled',"
         " '{refund.created}', false, '', '{}' from charge; delete from outbox", {"I8"}),
        ("insert into delivery select account, livemode, 'dl_1', id, 'we_1', created, 'delivered', 1, null, null"
         " from event limit 1", {"I8"}),
    ],
)
async def test_a_planted_breach_is_found(
    desk: Desk, vandal: asyncpg.Connection, statement: str, invariants: set[str]
) -> None:
    await vandal.execute(statement)
    assert await broken(desk) == invariants


async def test_an_endpoint_that_waits_for_its_event_is_no_breach(desk: Desk, vandal: asyncpg.Connection) -> None:
    await vandal.execute(
        "insert into webhook_endpoint select account, livemode, 'we_1', 1, 1, 'https://x.test', 'enabled', '{*}',"
        " false, '', '{}' from charge"
    )
    assert await broken(desk) == set()


@pytest.mark.parametrize("ahead_s", [0, 30 * 86_400])
async def test_an_attempt_that_stays_unknown_is_found_in_time(
    desk: Desk, vandal: asyncpg.Connection, ahead_s: int
) -> None:
    await vandal.execute("update attempt set created = created + $1", ahead_s)  # as by a test clock that is ahead
    assert await broken(desk, later_s=GRACE_S - 10) == set()
    assert await broken(desk, later_s=GRACE_S + 10) == {"I10"}


@pytest.mark.parametrize(
    ("status", "invariants"), [("requires_capture", set()), ("succeeded", {"I6"}), ("canceled", {"I6"})]
)
async def test_what_an_ended_payment_still_holds_is_found(
    desk: Desk, vandal: asyncpg.Connection, status: str, invariants: set[str]
) -> None:
    charge = await desk.captured(1000, taken=0)
    await vandal.execute(
        "insert into transfer select account, livemode, 'trh_1', created, 'processor:simulator', 'merchant:pending',"
        " amount, currency, 'authorization', 'pending', null, id from charge where id = $1",
        charge.id,
    )
    await vandal.execute(
        "insert into payment_intent select account, livemode, intent, 1, created, $2, amount, 0, 0, currency, null,"
        " null, id, null, null, intent, '{}', null from charge where id = $1",
        charge.id,
        status,
    )
    assert await broken(desk) - {"I7"} == invariants


def entry(kind: str, amount: int, **more: Any) -> dict[str, Any]:
    plain = {"account": "acct_a", "kind": kind, "reference": "pa_1", "id": "x", "status": "approved", "amount": amount}
    return {**plain, "authorization": "au_first", **more}


TAKEN = entry("authorization", 1000, id="au_first", capture=True)
GIVEN = entry("refund", 300, reference="pa_2", id="rf_1")


def reading(*pages: list[dict[str, Any]]) -> Callable[[], Awaitable[list[dict[str, Any]]]]:
    """A journal that reads as the next page each time, and stays with the last."""
    left = list(pages)

    async def read() -> list[dict[str, Any]]:
        return left.pop(0) if len(left) > 1 else left[0]

    return read


async def resolve(vandal: asyncpg.Connection) -> None:
    await vandal.execute("update attempt set state = 'declined' where state = 'unknown'")


async def seen(desk: Desk, *pages: list[dict[str, Any]]) -> list[Finding]:
    return await witness(desk.pool, read=reading(*pages))


async def test_the_journal_agrees_with_sound_books(desk: Desk, vandal: asyncpg.Connection) -> None:
    declined = entry("refund", 100, status="declined")
    assert await seen(desk, [TAKEN, GIVEN, declined]) == []
    await resolve(vandal)
    assert await seen(desk, [TAKEN, GIVEN, declined]) == []


async def test_what_really_moved_must_be_in_the_books_or_in_doubt(desk: Desk, vandal: asyncpg.Connection) -> None:
    lost = entry("refund", 200, reference="pa_3", id="rf_2")
    assert await seen(desk, [TAKEN, GIVEN, lost]) == []  # an order about the charge is out
    await resolve(vandal)
    assert "500 given back" in (await seen(desk, [TAKEN, GIVEN, lost]))[0].what
    more = entry("capture", 5, reference="pa_4")
    assert "1005 taken" in (await seen(desk, [TAKEN, GIVEN, more]))[0].what


async def test_a_charge_that_nobody_knows_of_is_found(desk: Desk) -> None:
    stray = entry("authorization", 70, id="au_stray", reference="pa_stray", capture=True)
    assert "au_stray took 70" in (await seen(desk, [TAKEN, GIVEN, stray]))[0].what
    undone = entry("reversal", 70, authorization="au_stray", status="reversed")
    assert await seen(desk, [TAKEN, GIVEN, stray, undone]) == []
    attempt = await desk.pool.fetchval("select id from attempt where state = 'unknown'")
    assert await seen(desk, [TAKEN, GIVEN, {**stray, "reference": attempt}]) == []


async def test_the_books_may_not_invent(desk: Desk, vandal: asyncpg.Connection) -> None:
    await resolve(vandal)
    assert [finding.invariant for finding in await seen(desk, [])] == ["I3", "I3"]
    reversed_ = entry("reversal", 1000, status="reversed")
    assert "1000 in the books, 0 taken" in (await seen(desk, [TAKEN, GIVEN, reversed_]))[0].what


async def test_payments_made_while_the_journal_is_read_are_no_breach(desk: Desk) -> None:
    assert await seen(desk, [], [TAKEN, GIVEN]) == []


async def test_the_stored_answer_was_really_kept(desk: Desk) -> None:
    """The fixture's own claim: without it the planted I5 breach would prove nothing."""
    answer = await desk.pool.fetchval("select answer from idempotency where key = 'k1'")
    assert json.loads(answer)["status"] == "succeeded"
