"""Has an issuer look at a card before it is kept for a customer: no money moves, and nothing is kept of the order.

The order has no attempt: whatever becomes of it, there is nothing to undo, and whoever asks again asks anew.
"""

import json
from dataclasses import replace
from typing import Any

from lockgate.gateway.payments import find_setups, keep
from lockgate.gateway.payments.core import decline as declines
from lockgate.gateway.payments.core.records import Method, dumps
from lockgate.gateway.payments.core.settle_authorization import CVC_GONE
from lockgate.gateway.payments.ports import Ports
from lockgate.gateway.payments.refund import SEND_WITHIN_MS, TIMEOUT_MS
from lockgate.gateway.payments.send import send
from lockgate.gateway.processors.contract import Authorize, Outcome, Result
from lockgate.gateway.storage.rows import PaymentMethodRow
from lockgate.kernel import clock
from lockgate.kernel.errors import Kind, Refusal
from lockgate.kernel.ids import new_id

_ABSENT = "authentication_required"
"""The issuer wants to see the cardholder: it will, when she pays. That is no reason not to keep her card."""


async def verify(ports: Ports, row: PaymentMethodRow) -> PaymentMethodRow:
    """``row`` with what the issuer checked. Raises the Refusal of a card that it declines."""
    method = await keep.open_method(row, ports.box)
    loose = replace(method, row=row._replace(customer=None))  # not its customer's yet: its code may still be sent
    result = await _asked(ports, loose, has_cvc=loose.has_cvc)
    if result.outcome is Outcome.FAILED and result.reason == CVC_GONE:
        result = await _asked(ports, loose, has_cvc=False)
    if result.outcome is Outcome.DECLINED and result.decline_code != _ABSENT:
        raise _refusal(result)
    if result.outcome in (Outcome.APPROVED, Outcome.DECLINED, Outcome.ACTION_REQUIRED):
        return row._replace(data=dumps(_checked(json.loads(row.data), result)))
    raise Refusal(
        Kind.UNAVAILABLE,
        "The card could not be verified. Nothing was attached; try again.",
        code="processor_unavailable",
        should_retry=True,
    )


async def _asked(ports: Ports, method: Method, *, has_cvc: bool) -> Result:
    row = method.row
    processor = ports.card_processor
    steps = ports.processors[processor].authorize(
        Authorize(
            step=new_id("pa"),
            send_before_ms=clock.now_ms() + SEND_WITHIN_MS,
            timeout_ms=TIMEOUT_MS,
            settings=ports.settings[processor],
            amount=0,
            currency=await find_setups.default_currency(ports.pool, row.account),
            card=row.token,
            capture=False,
            setup=True,
            off_session=True,
            has_cvc=has_cvc,
            has_line1=bool(method.address.get("line1")),
            has_postal_code=bool(method.address.get("postal_code")),
        )
    )
    return await send(ports, account=row.account, livemode=row.livemode, steps=steps)


def _checked(data: dict[str, Any], result: Result) -> dict[str, Any]:
    known = {name: check for name, check in result.checks.items() if check is not None}
    card = data["card"]
    return {**data, "card": {**card, "checks": {**(card.get("checks") or {}), **known}}}


def _refusal(result: Result) -> Refusal:
    """The decline as an answer: of a payment there is none, so there is no charge."""
    error = declines.of(result).error(charge=None)
    return Refusal(
        Kind.CARD,
        error["message"],
        code=error["code"],
        param=error.get("param"),
        decline_code=error.get("decline_code"),
        network_decline_code=error.get("network_decline_code"),
        advice_code=error.get("advice_code"),
    )
