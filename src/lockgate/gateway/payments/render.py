"""Payment intents and charges as the API shows them."""

from collections.abc import Mapping
from typing import Any

from lockgate.gateway.customers.core import sources
from lockgate.gateway.customers.ports import Box
from lockgate.gateway.identity.client_secrets import ClientSecrets
from lockgate.gateway.payments import keep
from lockgate.gateway.payments.core import decline
from lockgate.gateway.payments.core.records import Charge, Intent
from lockgate.gateway.payments.core.shapes import CHARGE, PAYMENT_INTENT
from lockgate.gateway.storage.rows import ChargeRow, PaymentIntentRow
from lockgate.kernel.principal import Principal

_INTENT_PERSONAL = ("receipt_email", "shipping", "last_payment_error")
_CHARGE_PERSONAL = ("receipt_email", "shipping", "billing_details")


def shown_intent(intent: Intent, secrets: ClientSecrets) -> dict[str, Any]:
    """The whole object, as a secret key sees it."""
    row = intent.row
    values: dict[str, Any] = {
        "id": row.id,
        "amount": row.amount,
        "amount_capturable": row.amount_capturable,
        "amount_received": row.amount_received,
        "client_secret": secrets.of(row.account, row.id),
        "created": row.created,
        "currency": row.currency,
        "customer": row.customer,
        "latest_charge": row.latest_charge,
        "livemode": row.livemode,
        "payment_method": row.payment_method,
        "status": row.status,
        **intent.data,
    }
    for name in _INTENT_PERSONAL:
        if name in intent.personal:
            values[name] = intent.personal[name]
    return PAYMENT_INTENT.render(values)


def shown_charge(charge: Charge) -> dict[str, Any]:
    """The whole object."""
    row = charge.row
    values: dict[str, Any] = {
        "id": row.id,
        "amount": row.amount,
        "amount_captured": row.amount_captured,
        "amount_refunded": row.amount_refunded,
        "balance_transaction": row.balance_transaction,
        "captured": row.amount_captured > 0,
        "created": row.created,
        "currency": row.currency,
        "customer": row.customer,
        "livemode": row.livemode,
        "paid": row.status == "succeeded",
        "payment_intent": row.intent,
        "payment_method": row.payment_method,
        "status": row.status,
        **charge.data,
    }
    for name in _CHARGE_PERSONAL:
        if name in charge.personal:
            values[name] = charge.personal[name]
    if values.get("source"):
        about = sources.whereabouts(charge.personal.get("billing_details", {}))
        values["source"] = {**values["source"], **about}
    values["refunded"] = values["captured"] and 0 < row.amount_refunded == row.amount_captured
    return CHARGE.render(values)


async def payment_intent(row: PaymentIntentRow, box: Box, secrets: ClientSecrets) -> dict[str, Any]:
    """The whole object, from its row."""
    return shown_intent(await keep.open_intent(row, box), secrets)


async def charge(row: ChargeRow, box: Box) -> dict[str, Any]:
    """The whole object, from its row."""
    return shown_charge(await keep.open_charge(row, box))


def for_principal(rendered: Mapping[str, Any], principal: Principal) -> dict[str, Any]:
    """A rendered intent as ``principal`` may see it: a browser learns that a card was refused, not always why."""
    if principal.sees_secrets:
        return dict(rendered)
    error = rendered.get("last_payment_error")
    return {**rendered, "last_payment_error": decline.for_shopper(error) if error else None}


def embedded(rendered: Mapping[str, Any], principal: Principal) -> dict[str, Any]:
    """A rendered intent as it may stand inside an error: for a publishable key only what that key may see."""
    seen = for_principal(rendered, principal)
    return seen if principal.sees_secrets else PAYMENT_INTENT.reduce(seen)


def without_secret(rendered: Mapping[str, Any]) -> dict[str, Any]:
    """A rendered intent for an event: the client secret is derived when it is asked for, and stored nowhere."""
    return {**rendered, "client_secret": None}
