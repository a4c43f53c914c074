"""To whom a payment method belongs, and who may use it: the rules of attaching and detaching, without IO.

A payment method that belongs to nobody can be used once. Whoever wants to use it again attaches it first.
"""

import json

from lockgate.gateway.storage.rows import PaymentMethodRow
from lockgate.kernel.errors import Refusal, invalid

_SPENT = (
    "This PaymentMethod was previously used without being attached to a Customer, or was detached from one. "
    "It cannot be used again: create a new one, and attach it to a Customer to use it more than once."
)


def attached(row: PaymentMethodRow, customer_id: str) -> PaymentMethodRow:
    """``row`` as its next version, belonging to ``customer_id``; ``row`` itself when it already does.

    For a saved row: one that is still unsaved gets its customer when it is made.
    """
    if row.customer == customer_id:
        return row
    if row.customer is not None:
        raise invalid(
            "The payment method you provided has already been attached to a customer.", param="payment_method"
        )
    data = json.loads(row.data)
    if data.get("detached") or (data.get("used") and not data.get("consent")):
        raise _spent()
    return row._replace(version=row.version + 1, customer=customer_id)


def detached(row: PaymentMethodRow) -> PaymentMethodRow:
    """``row`` as its next version, belonging to nobody and spent for good."""
    if row.customer is None:
        raise invalid(
            "The payment method you provided is not attached to a customer so detachment is impossible.",
            param="payment_method",
        )
    data = {**json.loads(row.data), "detached": True}
    return row._replace(version=row.version + 1, customer=None, data=json.dumps(data, separators=(",", ":")))


def used(row: PaymentMethodRow) -> PaymentMethodRow:
    """``row`` as its next version, after a payment or a setup without a customer to keep it for."""
    data = {**json.loads(row.data), "used": True}
    return row._replace(version=row.version + 1, data=json.dumps(data, separators=(",", ":")))


def without_code(row: PaymentMethodRow) -> PaymentMethodRow:
    """``row`` as its next version, whose security code was used up: later orders must not wait for it."""
    data = json.loads(row.data)
    data["card"] = {**data["card"], "has_cvc": False}
    return row._replace(version=row.version + 1, data=json.dumps(data, separators=(",", ":")))


def is_detached(row: PaymentMethodRow) -> bool:
    """Whether ``row`` once had a customer and lost it."""
    return bool(json.loads(row.data).get("detached"))


def keepable(row: PaymentMethodRow, customer_id: str | None) -> bool:
    """Whether a card that was just paid with or verified may still be kept for ``customer_id``.

    Asked when the processor has answered, which may be long after the card was chosen: never a refusal, since what the
    processor did has to be written whatever became of the card.
    """
    return not is_detached(row) and row.customer in (None, customer_id)


def usable(row: PaymentMethodRow, customer_id: str | None) -> None:
    """Refuse the use of ``row`` in an intent for ``customer_id`` (None: no customer) unless it may be used there."""
    data = json.loads(row.data)
    if data.get("detached") or (data.get("used") and row.customer is None):
        raise _spent()
    if row.customer is not None and row.customer != customer_id:
        raise invalid(
            "The payment method supplied belongs to a Customer. Include the Customer in the `customer` parameter."
            if customer_id is None
            else "The PaymentMethod does not belong to the Customer you supplied. "
            "Please use it with the Customer that it belongs to.",
            param="payment_method",
        )


def _spent() -> Refusal:
    return invalid(_SPENT, param="payment_method")
