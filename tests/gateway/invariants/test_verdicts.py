"""Orders that were judged hold I12; one that was not, that went out all the same or is miscounted breaks it."""

from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio

from lockgate.gateway.invariants.check import check
from lockgate.kernel import clock
from tests.gateway.payments.desk import Desk, answers, open_desk
from tests.support.cluster import Database

CONFIRM = "confirm=true&payment_method=pm_card_visa&return_url=https://shop.test/done"


@pytest_asyncio.fixture
async def desk(database: Database) -> AsyncIterator[Desk]:
    """A merchant with a card that was verified, one that was declined, and one that was blocked."""
    opened = await open_desk(database)
    opened.vault.script = answers()
    await opened.call("setup_intent.create", CONFIRM)
    opened.vault.script = answers(status="declined", decline_code="insufficient_funds")
    await opened.call("setup_intent.create", CONFIRM)
    opened.judge.verdicts = ["block"]
    await opened.call("setup_intent.create", CONFIRM)
    yield opened
    await opened.ports.committer.close()
    await opened.pool.close()


@pytest.mark.asyncio
async def test_each_breach_is_found_and_nothing_else(desk: Desk, database: Database) -> None:
    assert await check(desk.pool, now=clock.now()) == []
    owner = await asyncpg.connect(**database["owner"])
    for statement, undo, said in (
        (
            "update risk_decision set attempt = attempt || 'x' where verdict = 'block'",
            "update risk_decision set attempt = trim(trailing 'x' from attempt) where verdict = 'block'",
            "has no verdict",
        ),
        (
            "update attempt set processor_reference = 'au_x' where processor_reference is null",
            "update attempt set processor_reference = null where processor_reference = 'au_x'",
            "was blocked, and is declined",
        ),
        (
            "update risk_event set state = 'open' where state = 'approved'",
            "update risk_event set state = 'approved' where state = 'open'",
            "is approved, and counted as open",
        ),
    ):
        await owner.execute(statement)
        findings = await check(desk.pool, now=clock.now())
        assert [(one.invariant, said in one.what) for one in findings] == [("I12", True)], said
        await owner.execute(undo)
    assert await check(desk.pool, now=clock.now()) == []
    await owner.close()
