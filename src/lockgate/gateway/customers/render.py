"""Customers and payment methods as the API shows them, from their rows."""

import json
from typing import Any

from lockgate.gateway.customers.core import cards, sources
from lockgate.gateway.customers.core.shapes import (
    CUSTOMER,
    EPHEMERAL_KEY,
    NO_BILLING_DETAILS,
    NO_INVOICE_SETTINGS,
    PAYMENT_METHOD,
)
from lockgate.gateway.customers.ports import Box
from lockgate.gateway.storage.rows import ApiKeyRow, CustomerRow, PaymentMethodRow
from lockgate.kernel.testcards import BY_NUMBER, READY_MADE

_DISPLAY_BRANDS = {"amex": "american_express", "diners": "diners_club", "unionpay": "union_pay", "unknown": "other"}
_CHECKS = ("address_line1_check", "address_postal_code_check", "cvc_check")


async def customer(row: CustomerRow, box: Box) -> dict[str, Any]:
    """The customer in ``row``; a deleted one in its short form."""
    if row.deleted:
        return deleted_customer(row.id)
    data = json.loads(row.data)
    settings = data.pop("invoice_settings", {})
    data.pop("index", None)
    personal = await box.open(row.account, row.id, row.personal) or {}
    return CUSTOMER.render(
        {
            "id": row.id,
            "created": row.created,
            "livemode": row.livemode,
            "invoice_settings": {**NO_INVOICE_SETTINGS, **settings},
            **data,
            **personal,
        }
    )


def deleted_customer(id_: str) -> dict[str, Any]:
    """All that is left to say about a deleted customer."""
    return {"id": id_, "object": "customer", "deleted": True}


def ephemeral_key(row: ApiKeyRow, *, secret: str | None) -> dict[str, Any]:
    """The key in ``row``; its secret is there only once."""
    return EPHEMERAL_KEY.render(
        {
            "id": row.id,
            "associated_objects": [{"id": row.customer, "type": "customer"}],
            "created": row.created,
            "expires": row.expires_at,
            "livemode": row.livemode,
            "secret": secret,
        }
    )


async def payment_method(row: PaymentMethodRow, box: Box) -> dict[str, Any]:
    """The payment method in ``row``."""
    data = json.loads(row.data)
    personal = await box.open(row.account, row.subject, row.personal) or {}
    return PAYMENT_METHOD.render(
        {
            "id": row.id,
            "allow_redisplay": data.get("allow_redisplay", "unspecified"),
            "billing_details": personal.get("billing_details", NO_BILLING_DETAILS),
            "card": _card(data["card"], row.fingerprint),
            "created": row.created,
            "customer": row.customer,
            "livemode": row.livemode,
            "metadata": data.get("metadata", {}),
            "radar_options": {"session": data["session"]} if "session" in data else {},
            "type": row.type,
        }
    )


async def card(row: PaymentMethodRow, box: Box) -> dict[str, Any]:
    """The payment method in ``row`` as the older API shows cards."""
    personal = await box.open(row.account, row.subject, row.personal) or {}
    return sources.card(row, personal.get("billing_details", NO_BILLING_DETAILS))


def _card(card: dict[str, Any], fingerprint: str | None) -> dict[str, Any]:
    brand = card["brand"]
    checks = card.get("checks") or {}
    return {
        "brand": brand,
        "checks": {name: checks.get(name) for name in _CHECKS},
        "country": card.get("country"),
        "description": None,
        "display_brand": _DISPLAY_BRANDS.get(brand, brand),
        "exp_month": card["exp_month"],
        "exp_year": card["exp_year"],
        "fingerprint": fingerprint,
        "funding": card.get("funding") or "unknown",
        "generated_from": None,
        "iin": None,
        "issuer": None,
        "last4": card["last4"],
        "networks": {"available": [card.get("network") or brand], "preferred": None},
        "regulated_status": None,
        "three_d_secure_usage": {"supported": brand != "unknown"},
        "wallet": None,
    }


def ready_made(name: str, *, now: int) -> dict[str, Any] | None:
    """The ready-made test payment method ``name`` as a look at it shows it; None when there is none of that name.

    It is nobody's and is not stored: attaching or paying with it makes a payment method of the merchant's own.
    """
    number = READY_MADE.get(name)
    if number is None:
        return None
    card, example = BY_NUMBER[number], cards.example(number, now=now)
    shown = {
        "brand": card.brand,
        "country": card.country,
        "exp_month": example["exp_month"],
        "exp_year": example["exp_year"],
        "funding": card.funding,
        "last4": number[-4:],
        "checks": {"cvc_check": "unchecked"},
    }
    return PAYMENT_METHOD.render(
        {"id": name, "card": _card(shown, None), "created": now, "livemode": False, "type": "card"}
    )
