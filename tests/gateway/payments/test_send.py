"""An adapter's conversation through the vault: its end, or an honest word when adapter or way failed."""

from collections.abc import Generator
from typing import Any

import pytest

from lockgate.gateway.payments.send import MAX_ORDERS, ask, send
from lockgate.gateway.processors.contract import Answered, Lost, Order, Outcome, PayoutFound, Reply, Result

ORDER = Order(
    step="st_1", processor="acme", method="POST", url="https://acme.example/", headers=(), body=(),
    send_before_ms=1_900_000_000_000, timeout_ms=1_000,
)  # fmt: skip
FOUND = PayoutFound(reference="po_1", status="paid", failure_code=None, arrival_date=1_900_000_000)


class Vault:
    """Answers 200, or raises; counts."""

    def __init__(self, *, broken: bool = False) -> None:
        self.broken = broken
        self.sent = 0

    async def forward(self, account: str, livemode: bool, order: Order, *, intent: str | None = None) -> Reply:
        self.sent += 1
        if self.broken:
            raise RuntimeError("the line")
        return Answered(200)


class Ports:
    def __init__(self, **told: Any) -> None:
        self.vault = Vault(**told)


def steps(end: Any, *, orders: int = 1, fault: bool = False) -> Generator[Order, Reply, Any]:
    for _ in range(orders):
        reply = yield ORDER
        if isinstance(reply, Lost):
            return Result(Outcome.UNKNOWN, reason=reply.reason)
    if fault:
        raise KeyError("not what the adapter expected")
    return end


async def test_the_end_of_a_conversation_is_its_result():
    ports, result = Ports(), Result(Outcome.APPROVED)
    assert await send(ports, account="acct_a", livemode=False, steps=steps(result, orders=3)) is result
    assert ports.vault.sent == 3
    assert await ask(ports, account="acct_a", livemode=False, question=steps(FOUND)) is FOUND
    assert await ask(ports, account="acct_a", livemode=False, question=steps(None)) is None


@pytest.mark.parametrize(("told", "reason"), [({"fault": True}, "adapter_fault"), ({"orders": 99}, "too_many_orders")])
async def test_a_faulty_adapter_leaves_it_unknown_and_a_question_unlearnt(told: dict[str, Any], reason: str):
    ports = Ports()
    result = await send(ports, account="acct_a", livemode=False, steps=steps(Result(Outcome.APPROVED), **told))
    assert (result.outcome, result.reason) == (Outcome.UNKNOWN, reason)
    assert ports.vault.sent <= MAX_ORDERS
    assert await ask(ports, account="acct_a", livemode=False, question=steps(FOUND, **told)) is None


async def test_a_broken_way_to_the_vault_is_a_lost_order():
    result = await send(Ports(broken=True), account="acct_a", livemode=False, steps=steps(Result(Outcome.APPROVED)))
    assert (result.outcome, result.reason) == (Outcome.UNKNOWN, "vault_fault")
