"""Typing profiles: learned from visits that ended in an approved payment by a customer, and from no others."""

import json

import pytest

from lockgate.gateway.signals import find, jobs, learn
from lockgate.gateway.signals.core import judge
from lockgate.gateway.signals.core.typing import FEWEST, LATEST
from lockgate.gateway.signals.ports import Ports
from lockgate.kernel import clock
from tests.gateway.customers.desk import pool_as
from tests.gateway.signals.desk import ACCOUNT, MERCHANT, Desk

pytestmark = pytest.mark.asyncio
CUSTOMER = "cus_1"


async def paid(
    desk: Desk, session: str, *, number: int, state: str = "approved", customer: str | None = CUSTOMER
) -> None:
    """What a decision and its payment leave behind."""
    pool, attempt, intent = desk.ports.pool, f"pat_{number}", f"pi_{number}"
    await pool.execute(
        "insert into payment_intent (account, livemode, id, version, created, status, amount, amount_capturable,"
        " amount_received, currency, customer, subject, data)"
        " values ($1, false, $2, 1, 1, 'succeeded', 100, 0, 100, 'eur', $3, $2, '{}')", ACCOUNT, intent, customer,
    )  # fmt: skip
    await pool.execute(
        "insert into risk_event (account, livemode, attempt, at_ms, amount, state) values ($1, false, $2, 1, 100, $3)",
        ACCOUNT, attempt, state,
    )  # fmt: skip
    await pool.execute(
        "insert into risk_decision (account, livemode, id, created, at_ms, attempt, intent, verdict, challenge,"
        " flagged, ruleset, data, attributes, others) values"
        " ($1, false, $2, 1, 1, $3, $4, 'allow', false, false, 'r', $5, '', '[]')",
        ACCOUNT, f"rdec_{number}", attempt, intent, json.dumps({"session": session}),
    )  # fmt: skip


async def learned(desk: Desk, database) -> int:
    async with pool_as(database, "worker") as pool:
        return await learn.portion(Ports(pool, desk.ports.box, ""))


async def seen(desk: Desk, session: str, customer: str = CUSTOMER) -> dict:
    found = await find.session(desk.ports.pool, desk.ports.box, MERCHANT, session, now=desk.now, customer=customer)
    return judge.attributes(found)


async def test_a_customer_has_a_profile_after_a_few_visits_and_others_are_unlike_it(desk, database):
    for number in range(FEWEST):
        await paid(desk, (await desk.report())["id"], number=number)
    assert await learned(desk, database) == FEWEST
    assert await learned(desk, database) == 0, "a visit counts once"
    same = await seen(desk, (await desk.report())["id"])
    assert same["typing_deviation"] < 0.1 and same["pointer_deviation"] < 0.1
    slow = "_".join(str(40 + place) for place in range(20))
    other = await seen(desk, (await desk.report(**{"typing_email][holds": slow}))["id"])
    assert other["typing_deviation"] > 1
    assert "typing_deviation" not in await seen(desk, (await desk.report())["id"], "cus_2")


@pytest.mark.parametrize(("state", "customer"), [("declined", CUSTOMER), ("blocked", CUSTOMER), ("approved", None)])
async def test_nothing_is_learned_of_payments_that_did_not_pass_or_of_nobody(desk, database, state, customer):
    for number in range(FEWEST):
        await paid(desk, (await desk.report())["id"], number=number, state=state, customer=customer)
    assert await learned(desk, database) == 0
    assert "typing_deviation" not in await seen(desk, (await desk.report())["id"])


async def test_a_profile_keeps_the_latest_and_goes_with_the_customer_or_the_setting(desk, database):
    full = await desk.ports.box.seal(ACCOUNT, CUSTOMER, {"email": [[float(one)] * 6 for one in range(LATEST)]})
    await desk.ports.pool.execute(
        "insert into typing_profile (account, livemode, customer, day, samples) values ($1, false, $2, 1, $3)",
        ACCOUNT, CUSTOMER, full,
    )  # fmt: skip
    for number in range(2):
        await paid(desk, (await desk.report())["id"], number=number)
    assert await learned(desk, database) == 2
    sealed = await desk.ports.pool.fetchval("select samples from typing_profile")
    kept = await desk.ports.box.open(ACCOUNT, CUSTOMER, sealed)
    assert len(kept["email"]) == LATEST and kept["email"][0] == [2.0] * 6 and len(kept["pointer"]) == 2
    session = (await desk.report())["id"]
    desk.ports.box.shred(ACCOUNT, CUSTOMER)
    assert "typing_deviation" not in await seen(desk, session)
    await desk.do("collector.update", form={"profiles": "false"})
    assert await desk.ports.pool.fetchval("select count(*) from typing_profile") == 0


async def test_a_visit_that_paid_often_is_one_sample(desk, database):
    session = (await desk.report())["id"]
    for number in range(FEWEST):
        await paid(desk, session, number=number)
    assert await learned(desk, database) == 1
    assert "typing_deviation" not in await seen(desk, (await desk.report())["id"])


@pytest.mark.parametrize("switch", [{"profiles": "false"}, {"collector": "off"}])
async def test_nothing_is_learned_any_more_once_it_is_switched_off(desk, database, switch):
    for number in range(FEWEST):
        await paid(desk, (await desk.report())["id"], number=number)
    await desk.do("collector.update", form=switch)
    assert await learned(desk, database) == 0
    assert await desk.ports.pool.fetchval("select count(*) from typing_profile") == 0


async def test_a_profile_that_was_learned_in_the_moment_of_switching_off_goes_too(desk, database):
    await desk.do("collector.update", form={"profiles": "false"})
    await desk.ports.pool.execute(
        "insert into typing_profile (account, livemode, customer, day, samples) values ($1, false, $2, $3, '\\x00')",
        ACCOUNT, CUSTOMER, clock.now() // 86_400,
    )  # fmt: skip
    async with pool_as(database, "worker") as pool:
        assert await jobs.forgotten(Ports(pool, desk.ports.box, ""), now=clock.now()) == 1
