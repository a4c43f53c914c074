"""What the risk room is told of a payment attempt, made of what the payments room holds of it: pure."""

from collections.abc import Mapping
from typing import Any

from lockgate.gateway.payments.core.records import Method
from lockgate.gateway.risk.core.subject import Card, Customer, Subject
from lockgate.gateway.storage.rows import AttemptRow
from lockgate.kernel.operations import Call

MADE_LATELY_S = 3600
"""For so long the browser that gave a card is believed to be the one that pays with it."""


def subject(
    call: Call,
    attempt: AttemptRow,
    *,
    now_ms: int,
    amount: int,
    method: Method,
    email: str | None,
    shipping: Mapping[str, Any] | None = None,
    metadata: Mapping[str, str] | None = None,
    session: str | None = None,
    off_session: bool = False,
    tries: int = 0,
) -> Subject:
    """The attempt as it is judged. ``now_ms`` is business time; ``amount`` is the money that it adds."""
    who = call.principal
    customer = method.payer
    return Subject(
        account=attempt.account,
        livemode=attempt.livemode,
        now=call.now,
        now_ms=now_ms,
        attempt=attempt.id,
        intent=attempt.intent,
        charge=attempt.charge,
        amount=amount,
        currency=attempt.currency,
        card=card(method),
        kind=who.kind,
        customer=Customer(id=customer.id, created=customer.created) if customer else None,
        email=email,
        shipping_country=_country((shipping or {}).get("address")),
        billing_country=_country(method.address),
        address=shopper_address(call, method),
        session=session,
        setup=attempt.action == "verify",
        off_session=off_session,
        tries=tries,
        request=call.request_id,
        puzzle=call.puzzle,
        metadata=metadata or {},
    )


def card(method: Method) -> Card:
    """The card, as far as it may be known outside the vault."""
    described = method.data["card"]
    return Card(
        fingerprint=method.row.fingerprint,
        bin=described.get("bin"),
        brand=described["brand"],
        funding=described.get("funding"),
        country=described.get("country"),
        test=described.get("test"),
        saved=method.row.customer is not None,
        has_cvc=method.has_cvc,
    )


def shopper_address(call: Call, method: Method) -> str | None:
    """Where the shopper is: whose browser asks, or gave the card a moment ago, or agreed to a mandate.

    A secret key is in the merchant's server, of which the address says nothing about her.
    """
    if not call.principal.sees_secrets:
        return call.principal.address or None
    if method.made_from is not None and call.now - method.row.created <= MADE_LATELY_S:
        return method.made_from
    accepted = (call.params.get("mandate_data") or {}).get("customer_acceptance", {})
    return (accepted.get("online") or {}).get("ip_address")


def _country(address: Mapping[str, Any] | None) -> str | None:
    country = (address or {}).get("country")
    return country.upper() if country else None
