"""Requests so slow that recovery took their attempt up: what was certainly not sent is told so, whoever knew first.

Recovery bars the order at the vault before it goes out, and ends the attempt; then the request finds both.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from lockgate.gateway.payments import recover
from lockgate.gateway.storage import idempotency
from lockgate.kernel.errors import Kind
from tests.gateway.payments.till import Till, refusal

Asked = Callable[[Till], Awaitable[Awaitable[Any]]]


async def overtake(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on recovery is faster than the next order."""
    real = till.line.forward

    async def slow(*given: Any, **named: Any) -> Any:
        monkeypatch.undo()
        await till.make_due()
        await recover.portion(till.ports)
        return await real(*given, **named)

    monkeypatch.setattr(till.line, "forward", slow, raising=False)


async def paying(till: Till) -> Awaitable[Any]:
    return till.pay(key="k1")


async def confirming(till: Till) -> Awaitable[Any]:
    made = await till.call("payment_intent.create", "amount=1000&currency=usd")
    return till.call("payment_intent.confirm", "payment_method=pm_card_visa", intent=made["id"], key="k1")


async def capturing(till: Till) -> Awaitable[Any]:
    return till.call("payment_intent.capture", intent=await till.hold(), key="k1")


async def raising(till: Till) -> Awaitable[Any]:
    held = await till.hold("&payment_method_options[card][request_incremental_authorization]=if_available")
    return till.call("payment_intent.increment_authorization", "amount=1500", intent=held, key="k1")


async def canceling(till: Till) -> Awaitable[Any]:
    return till.call("payment_intent.cancel", intent=await till.hold(), key="k1")


async def charging(till: Till) -> Awaitable[Any]:
    return till.call("charge.create", "amount=1000&currency=usd&source=tok_visa", key="k1")


async def refunding(till: Till) -> Awaitable[Any]:
    paid = await till.pay()
    return till.call("refund.create", f"payment_intent={paid['id']}", key="k1")


async def setting_up(till: Till) -> Awaitable[Any]:
    made = await till.call("setup_intent.create", "payment_method=pm_card_visa")
    return till.call("setup_intent.confirm", id=made["id"], key="k1")


@pytest.mark.parametrize(
    "asked", [paying, confirming, capturing, raising, canceling, charging, refunding, setting_up]
)
async def test_what_recovery_barred_is_told_as_not_sent(
    till: Till, monkeypatch: pytest.MonkeyPatch, asked: Asked
) -> None:
    going = await asked(till)
    entries = len(till.line.acquirer.entries)
    await overtake(till, monkeypatch)
    got = await refusal(going)
    assert (got.kind, got.should_retry) == (Kind.UNAVAILABLE, True)
    assert len(till.line.acquirer.entries) == entries
    assert await idempotency.find(till.pool, account="acct_a", livemode=False, key="k1") is None
    assert (await till.attempts())[-1].state == "failed"
