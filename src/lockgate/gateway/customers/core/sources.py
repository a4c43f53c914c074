"""The older API's face of a card: the same payment method under a name of its own, with its address in plain fields."""

import json
from collections.abc import Mapping
from typing import Any

from lockgate.gateway.customers.core.shapes import NO_BILLING_DETAILS
from lockgate.gateway.storage.rows import PaymentMethodRow
from lockgate.kernel.shapes import INTEGER, METADATA, OBJECT, STRING, Field, Shape, const, list_of, one_of

_BRANDS = {
    "amex": "American Express", "diners": "Diners Club", "discover": "Discover", "jcb": "JCB",
    "mastercard": "MasterCard", "unionpay": "UnionPay", "visa": "Visa",
}  # fmt: skip
_CARD, _METHOD = "card_", "pm_"
_ADDRESS = {
    "address_city": "city", "address_country": "country", "address_line1": "line1", "address_line2": "line2",
    "address_state": "state", "address_zip": "postal_code",
}  # fmt: skip

CARD = Shape(
    "card",
    {
        "id": Field(STRING, public=True),
        "object": Field(const("card"), default="card", public=True),
        "account": Field(STRING, nullable=True),
        "address_city": Field(STRING, nullable=True, personal=True, public=True),
        "address_country": Field(STRING, nullable=True, personal=True, public=True),
        "address_line1": Field(STRING, nullable=True, personal=True, public=True),
        "address_line1_check": Field(STRING, nullable=True, public=True),
        "address_line2": Field(STRING, nullable=True, personal=True, public=True),
        "address_state": Field(STRING, nullable=True, personal=True, public=True),
        "address_zip": Field(STRING, nullable=True, personal=True, public=True),
        "address_zip_check": Field(STRING, nullable=True, public=True),
        "allow_redisplay": Field(one_of("always", "limited", "unspecified"), nullable=True),
        "available_payout_methods": Field(list_of(STRING), nullable=True),
        "brand": Field(STRING, public=True),
        "country": Field(STRING, nullable=True, public=True),
        "currency": Field(STRING, nullable=True),
        "customer": Field(STRING, nullable=True),
        "cvc_check": Field(STRING, nullable=True, public=True),
        "default_for_currency": Field({"type": "boolean"}, nullable=True),
        "description": Field(STRING, nullable=True),
        "dynamic_last4": Field(STRING, nullable=True, public=True),
        "exp_month": Field(INTEGER, public=True),
        "exp_year": Field(INTEGER, public=True),
        "fingerprint": Field(STRING, nullable=True),
        "funding": Field(STRING, public=True),
        "iin": Field(STRING, nullable=True),
        "issuer": Field(STRING, nullable=True),
        "last4": Field(STRING, public=True),
        "metadata": Field(METADATA, nullable=True, default={}),
        "name": Field(STRING, nullable=True, personal=True, public=True),
        "networks": Field(OBJECT, nullable=True),
        "regulated_status": Field(STRING, nullable=True),
        "status": Field(STRING, nullable=True),
        "tokenization_method": Field(STRING, nullable=True, public=True),
    },
)


def card_of(method: str) -> str:
    """The older name of a payment method."""
    return _CARD + method.removeprefix(_METHOD)


def method_of(source: str) -> str:
    """The payment method that ``source`` means, by its older or its present name."""
    return _METHOD + source.removeprefix(_CARD) if source.startswith(_CARD) else source


def card(row: PaymentMethodRow, billing_details: Mapping[str, Any] = NO_BILLING_DETAILS) -> dict[str, Any]:
    """The payment method as a card object; without ``billing_details`` it says nothing about a person."""
    data = json.loads(row.data)
    said = data["card"]
    checks = said.get("checks") or {}
    return CARD.render(
        {
            "id": card_of(row.id),
            "address_line1_check": checks.get("address_line1_check"),
            "address_zip_check": checks.get("address_postal_code_check"),
            "brand": _BRANDS.get(said["brand"], "Unknown"),
            "country": said.get("country"),
            "customer": row.customer,
            "cvc_check": checks.get("cvc_check"),
            "exp_month": said["exp_month"],
            "exp_year": said["exp_year"],
            "fingerprint": row.fingerprint,
            "funding": said.get("funding") or "unknown",
            "last4": said["last4"],
            "metadata": data.get("metadata", {}),
            **whereabouts(billing_details),
        }
    )


def whereabouts(billing_details: Mapping[str, Any]) -> dict[str, Any]:
    """The cardholder's name and address in a card's own fields."""
    address = billing_details.get("address") or {}
    return {"name": billing_details.get("name"), **{ours: address.get(theirs) for ours, theirs in _ADDRESS.items()}}


def billing_details(card: Mapping[str, Any]) -> dict[str, Any]:
    """The same the other way: what a token's card parameters say about the cardholder."""
    address = {theirs: card[ours] for ours, theirs in _ADDRESS.items() if card.get(ours)}
    return {**({"name": card["name"]} if card.get("name") else {}), **({"address": address} if address else {})}
