"""Checkout sessions without IO: their states, and what a session learns from the intent that it leads to."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from lockgate.gateway.storage.records import CheckoutSessionRow

STATES: Mapping[str, frozenset[str]] = {
    "open": frozenset({"complete", "expired"}),
    "complete": frozenset(),
    "expired": frozenset(),
}
PAYMENT: Mapping[str, frozenset[str]] = {
    "unpaid": frozenset({"paid"}),
    "paid": frozenset(),
    "no_payment_required": frozenset(),
}
WAITING = frozenset({"requires_payment_method", "requires_confirmation", "requires_action"})
"""States of an intent of which nothing is known and nothing is under way."""

COMPLETED = "checkout.session.completed"
EXPIRED = "checkout.session.expired"
SUCCEEDED_LATER = "checkout.session.async_payment_succeeded"
FAILED_LATER = "checkout.session.async_payment_failed"


@dataclass(frozen=True, slots=True)
class Session:
    """A session in the hand. ``data`` holds ``items``, ``shown`` (fields as the API has them) and ``delayed``."""

    row: CheckoutSessionRow
    data: Mapping[str, Any]
    personal: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def intent(self) -> str:
        """The payment or setup intent that it leads to."""
        found = self.row.payment_intent or self.row.setup_intent
        assert found is not None, "a session is made together with its intent"
        return found


class Learnt(NamedTuple):
    """What the intent's state makes of a session. ``event`` is the one event that tells of it, if any."""

    status: str
    payment_status: str
    watched: bool
    delayed: bool
    event: str | None


def learn(session: Session, status: str, *, in_doubt: bool) -> Learnt | None:
    """What is news for ``session`` in its intent's ``status``; None if nothing is.

    ``in_doubt``: the intent is processing and this was announced; before that an order has just gone out.
    """
    row, delayed = session.row, bool(session.data.get("delayed"))
    if not row.watched:
        return None
    if row.status == "open":
        return _of_open(row, status, in_doubt=in_doubt)
    if status == "succeeded":
        return Learnt("complete", "paid", False, delayed, SUCCEEDED_LATER if delayed else None)
    if status == "canceled" or (delayed and status == "requires_payment_method"):
        return Learnt("complete", "unpaid", False, delayed, FAILED_LATER if delayed else None)
    return None


def _of_open(row: CheckoutSessionRow, status: str, *, in_doubt: bool) -> Learnt | None:
    if status == "canceled":
        return Learnt("expired", row.payment_status, False, False, EXPIRED)
    if status == "succeeded":
        paid = "paid" if row.mode == "payment" else "no_payment_required"
        return Learnt("complete", paid, False, False, COMPLETED)
    if row.mode == "payment" and status == "requires_capture":
        return Learnt("complete", "unpaid", True, False, COMPLETED)
    if row.mode == "payment" and status == "processing" and in_doubt:
        return Learnt("complete", "unpaid", True, True, COMPLETED)
    return None


def after(session: Session, learnt: Learnt, **columns: Any) -> Session:
    """``session`` as its next version, by the tables."""
    row = session.row
    assert learnt.status == row.status or learnt.status in STATES[row.status], "a session does not go back"
    assert (
        learnt.payment_status == row.payment_status or learnt.payment_status in PAYMENT[row.payment_status]
    ), "what is paid stays paid"
    return Session(
        row._replace(
            version=row.version + 1,
            status=learnt.status,
            payment_status=learnt.payment_status,
            watched=learnt.watched,
            **columns,
        ),
        {**session.data, "delayed": learnt.delayed},
        session.personal,
    )


def expired(session: Session) -> Session:
    """``session`` as it ends unpaid."""
    return after(session, Learnt("expired", session.row.payment_status, False, False, EXPIRED))


def details(billing: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """``customer_details`` from the payment method's billing details; what is not there, from what was known before."""
    given = {name: billing.get(name) or known.get(name) for name in ("email", "name", "phone")}
    address = billing.get("address") or {}
    return {
        "address": dict(address) if any(address.values()) else known.get("address"),
        "business_name": None,
        "email": given["email"],
        "individual_name": None,
        "name": given["name"],
        "phone": given["phone"],
        "tax_exempt": "none",
        "tax_ids": [],
    }


def foreseen(email: str) -> dict[str, Any]:
    """``customer_details`` of an open session of which only the e-mail address is known."""
    return {**details({"email": email}, {}), "tax_ids": None}


def creates_customer(session: Session) -> bool:
    """Whether its completion makes a customer: only when the merchant asked for one always."""
    return session.row.customer is None and session.data["shown"].get("customer_creation") == "always"


def dumps(data: Mapping[str, Any]) -> str:
    """JSON as the ``data`` column keeps it."""
    return json.dumps(data, separators=(",", ":"))
