"""What a request is told when its payment was refused: with the intent, or with the id of an older charge."""

from collections.abc import Mapping
from typing import Any

from lockgate.gateway.payments import render
from lockgate.gateway.payments.core.decline import Decline
from lockgate.gateway.payments.core.records import Intent
from lockgate.gateway.payments.core.settle import Settled
from lockgate.kernel.errors import Kind, Refusal
from lockgate.kernel.principal import Principal


def not_sent() -> Refusal:
    """Nothing reached the processor, and nothing has changed."""
    return Refusal(
        Kind.UNAVAILABLE,
        "The processor cannot be reached. Nothing was charged; try again.",
        code="processor_unavailable",
        should_retry=True,
    )


def faulty(fault: str, shown: Mapping[str, Any], principal: Principal) -> Refusal:
    """A parameter turned out to be needed."""
    return Refusal(
        Kind.INVALID,
        f"Missing required param: {fault}. This card asks for authentication on another page.",
        code="parameter_missing",
        param=fault,
        embed={"payment_intent": render.embedded(shown, principal)},
    )


def declined(refused: Decline, settled: Settled, *, shown: Mapping[str, Any], principal: Principal) -> Refusal:
    """The order of ``settled`` was refused."""
    action, error = settled.attempt.action, settled.intent.personal.get("last_payment_error")
    if action in ("authorize", "complete") and error:
        return of_error(error, settled.intent, shown=shown, principal=principal)
    kind, code = Kind.CARD, refused.code
    if action == "capture" and refused.decline_code in ("expired", "authorization_expired"):
        kind, code = Kind.INVALID, "charge_expired_for_capture"
    return Refusal(
        kind,
        refused.message,
        code=code,
        decline_code=refused.decline_code,
        network_decline_code=refused.network_decline_code,
        advice_code=refused.advice_code if action == "increment" else None,
        charge=settled.attempt.charge if action == "increment" else None,
        embed={} if settled.intent.is_hidden else {"payment_intent": render.embedded(shown, principal)},
    )


def of_error(
    error: Mapping[str, Any], intent: Intent, *, shown: Mapping[str, Any], principal: Principal
) -> Refusal:
    """A 402 made of ``last_payment_error``; the shopper's browser sees less of it."""
    seen = render.for_principal(shown, principal)["last_payment_error"]
    embed: dict[str, Any] = {}
    if not intent.is_hidden:
        embed = {
            "payment_intent": render.embedded(shown, principal), "payment_method": dict(error["payment_method"]),
        }  # fmt: skip
    return Refusal(
        Kind.CARD,
        seen["message"],
        code=seen["code"],
        param=seen.get("param"),
        decline_code=seen.get("decline_code"),
        network_decline_code=seen.get("network_decline_code"),
        advice_code=seen.get("advice_code"),
        charge=error.get("charge"),
        embed=embed,
    )
