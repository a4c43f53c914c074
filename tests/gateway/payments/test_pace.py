"""A verdict's block answers a browser after as long as a processor took: what is not sent is not known by its speed."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from lockgate.gateway.payments import pace
from lockgate.kernel.principal import Principal
from tests.gateway.payments.desk import MERCHANT, SHOPPER
from tests.gateway.payments.till import RETURN_URL, Till

pytestmark = pytest.mark.asyncio
BROWSER = replace(SHOPPER, address="203.0.113.9")
CONFIRM = {
    "payment_intent.confirm": f"payment_method=pm_card_visa&return_url={RETURN_URL}",
    "setup_intent.confirm": f"payment_method=pm_card_visa&return_url={RETURN_URL}",
}


@pytest.mark.parametrize("operation", CONFIRM)
async def test_a_browser_waits_as_long_as_an_answer_took_and_a_server_does_not(
    till: Till, monkeypatch: pytest.MonkeyPatch, operation: str
) -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr(pace, "asyncio", SimpleNamespace(sleep=sleep))
    room = operation.partition(".")[0]
    named = "intent" if room == "payment_intent" else "id"

    async def blocked(who: Principal) -> list[float]:
        made = await till.call(f"{room}.create", "amount=1000&currency=usd" if room == "payment_intent" else "")
        till.judge.verdicts = ["block"]
        waits.clear()
        answer = await till.call(operation, CONFIRM[operation], who=who, **{named: made["id"]})
        assert answer["error"]["code"] == "card_declined"
        return waits

    assert await blocked(BROWSER) == [], "nobody knows yet what is usual"
    till.ports.pace.took(0.75)
    assert await blocked(BROWSER) == [0.75]
    assert await blocked(MERCHANT) == []
    till.ports.pace.took(100.0)
    assert max(till.ports.pace._took) == 3.0
