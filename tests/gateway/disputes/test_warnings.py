"""Early fraud warnings: told once, and past acting on as soon as their charge is refunded or disputed."""

import asyncio

from lockgate.gateway.disputes import warnings
from lockgate.gateway.storage.rows import ChargeRow
from lockgate.kernel import clock
from lockgate.kernel.ids import new_id
from tests.gateway.disputes.court import Court
from tests.gateway.payments.till import refusal


async def warned(court: Court, **facts: object) -> tuple[str, str]:
    """The charge of a warning that we were told of, and the warning's id."""
    charge = await court.paid()
    reference = new_id("sfw")
    court.issuer.warnings[reference] = {
        "step": f"pa_{charge.id}", "fraud_type": "misc", "created": clock.now(), "actionable": True, **facts,
    }
    assert all(await asyncio.gather(*(court.warned(reference) for _ in range(5))))
    page = await court.call("early_fraud_warning.list", f"charge={charge.id}")
    assert len(page["data"]) == 1, "copies make one warning"
    return charge.id, page["data"][0]["id"]


async def test_a_warning_is_told_once_and_shown(court: Court) -> None:
    charge, id_ = await warned(court, fraud_type="made_with_stolen_card")
    shown = await court.call("early_fraud_warning.get", warning=id_)
    assert id_.startswith("issfr_") and shown["object"] == "radar.early_fraud_warning"
    assert shown["charge"] == charge and shown["fraud_type"] == "made_with_stolen_card" and shown["actionable"]
    assert shown["payment_intent"].startswith("pi_") and shown["livemode"] is False
    assert await court.types() == ["radar.early_fraud_warning.created"]
    by_intent = await court.call("early_fraud_warning.list", f"payment_intent={shown['payment_intent']}&limit=1")
    assert by_intent["data"] == [shown] and not by_intent["has_more"]
    assert by_intent["url"] == "/v1/radar/early_fraud_warnings"
    said = await refusal(court.call("early_fraud_warning.get", warning="issfr_none"))
    assert said.message == "No such early_fraud_warning: 'issfr_none'"


async def test_a_refund_ends_it_at_once_for_readers_and_soon_for_listeners(court: Court) -> None:
    charge, id_ = await warned(court)
    assert await warnings.sweep(court.ports, limit=10) == 0
    await court.desk.pool.execute("update charge set amount_refunded = 999 where id = $1", charge)
    assert (await court.call("early_fraud_warning.get", warning=id_))["actionable"], "a part of it is left"
    await court.desk.pool.execute("update charge set amount_refunded = 1000 where id = $1", charge)
    assert not (await court.call("early_fraud_warning.get", warning=id_))["actionable"]
    assert await warnings.sweep(court.ports, limit=10) == 1
    assert await warnings.sweep(court.ports, limit=10) == 0
    ((_, shown, was),) = [e for e in await court.happened() if e[0] == "radar.early_fraud_warning.updated"]
    assert shown["id"] == id_ and not shown["actionable"] and was == {"actionable": True}


async def test_a_dispute_ends_it_in_the_same_commit(court: Court) -> None:
    charge, id_ = await warned(court)
    row = await court.desk.pool.fetchrow("select * from charge where id = $1", charge)
    assert row is not None
    await court.told(await court.raised(ChargeRow(*row)))
    assert not (await court.call("early_fraud_warning.get", warning=id_))["actionable"]
    assert "radar.early_fraud_warning.updated" in await court.types()
    assert await warnings.sweep(court.ports, limit=10) == 0
    assert not await court.warned("sfw_forged")
