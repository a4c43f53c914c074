"""What every order about a payout shares: its attempt, and how it is sent through the processor's adapter."""

from typing import Any, Literal

from lockgate.gateway.payments.send import send
from lockgate.gateway.processors.contract import CancelPayout, Payout, Result, ReversePayout, Steps
from lockgate.gateway.settlement.core.payouts import dumps
from lockgate.gateway.settlement.ports import Ports
from lockgate.gateway.storage.rows import AttemptRow
from lockgate.kernel import clock
from lockgate.kernel.errors import Kind, Refusal
from lockgate.kernel.ids import new_id
from lockgate.kernel.operations import Call
from lockgate.kernel.principal import Principal

Action = Literal["payout", "cancel_payout", "reverse_payout"]
SEND_WITHIN_MS = 5_000
TIMEOUT_MS = 20_000
FIRST_CHECK_MS = 15_000
LEASE_MS = SEND_WITHIN_MS + TIMEOUT_MS + 5_000


def attempt(
    principal: Principal,
    action: Action,
    *,
    processor: str,
    amount: int,
    currency: str,
    reference: str | None,
    now: int,
    api_version: str,
    call: Call | None,
    payout: dict[str, Any],
) -> AttemptRow:
    """An order that is about to go out. ``payout`` is what its payout is, or will be made of."""
    now_ms = clock.now_ms()
    claim = [call.claim.key, call.claim.owner] if call is not None and call.claim else None
    return AttemptRow(
        account=principal.account,
        livemode=principal.livemode,
        id=new_id("pa"),
        version=1,
        created=now,
        action=action,
        state="open",
        intent=None,
        charge=None,
        refund=None,
        processor=processor,
        amount=amount,
        currency=currency,
        processor_reference=reference,
        send_before_ms=now_ms + SEND_WITHIN_MS,
        next_check_ms=now_ms + LEASE_MS,
        checks=0,
        data=dumps({"api_version": api_version, "claim": claim, "payout": payout}),
    )


async def place(ports: Ports, order: AttemptRow, *, payout: dict[str, Any], now: int) -> Result:
    """Send the order, once; ``payout`` as it was given to ``attempt``."""
    steps = _steps(ports, order, payout=payout, now=now)
    return await send(ports, account=order.account, livemode=order.livemode, steps=steps)


def _steps(ports: Ports, order: AttemptRow, *, payout: dict[str, Any], now: int) -> Steps:
    processor = ports.processors[order.processor]
    own: Any = {
        "step": order.id,
        "send_before_ms": order.send_before_ms,
        "timeout_ms": TIMEOUT_MS,
        "settings": ports.settings[order.processor],
        "now": now,
    }
    if order.action == "payout":
        return processor.payout(
            Payout(
                **own,
                amount=order.amount,
                currency=order.currency,
                arrival_date=payout["arrival_date"],
                statement_descriptor=payout.get("statement_descriptor"),
            )
        )
    assert order.processor_reference is not None, "an order about a payout names it as its processor does"
    if order.action == "cancel_payout":
        return processor.cancel_payout(CancelPayout(**own, processor_reference=order.processor_reference))
    return processor.reverse_payout(
        ReversePayout(
            **own, processor_reference=order.processor_reference, amount=order.amount, currency=order.currency
        )
    )


def not_sent(what: str) -> Refusal:
    """Nothing happened: the caller may try again."""
    return Refusal(
        Kind.UNAVAILABLE,
        f"The processor cannot be reached. {what}; try again.",
        code="processor_unavailable",
        should_retry=True,
    )


def busy() -> Refusal:
    """Another order about this payout is out."""
    return Refusal(
        Kind.CONFLICT,
        "Another request about this payout is at work at this moment. Please try again.",
        code="lock_timeout",
        should_retry=True,
    )
