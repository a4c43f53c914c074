"""Checkout sessions from rows to records and back, and as the API shows them."""

import json
from collections.abc import Mapping
from typing import Any

from lockgate.gateway.checkout.core import items, ui
from lockgate.gateway.checkout.core.sessions import Session, dumps
from lockgate.gateway.checkout.core.shapes import CHECKOUT_SESSION
from lockgate.gateway.checkout.ports import Ports
from lockgate.gateway.customers.ports import Box
from lockgate.gateway.storage.records import CheckoutSessionRow

EMBEDDED_ITEMS = 10


async def opened(row: CheckoutSessionRow, box: Box) -> Session:
    """The session in ``row``."""
    personal = await box.open(row.account, row.subject, row.personal) if row.personal else {}
    return Session(row, json.loads(row.data), dict(personal or {}))


async def sealed(session: Session, box: Box) -> CheckoutSessionRow:
    """``session`` as it is written, found again by the e-mail address in its customer_details."""
    row = session.row
    email = (session.personal.get("customer_details") or {}).get("email")
    return row._replace(
        data=dumps(session.data),
        email_index=await email_index(box, row.account, email) if email else None,
        personal=await box.seal(row.account, row.subject, dict(session.personal)) if session.personal else None,
    )


async def email_index(box: Box, account: str, email: str) -> bytes:
    """What the list's filter finds ``email`` by."""
    return await box.blind_index(account, "checkout_session.email", email)


def session(ports: Ports, one: Session, *, version: str) -> dict[str, Any]:
    """The whole object, as a secret key sees it in ``version``."""
    row, shown = one.row, dict(one.data["shown"])
    mode = shown.pop("ui_mode")
    open_ = row.status == "open"
    return CHECKOUT_SESSION.render(
        {
            "id": row.id,
            "client_secret": ports.client_secrets.of(row.account, row.id) if mode != ui.HOSTED else None,
            "created": row.created,
            "customer": row.customer,
            "expires_at": row.expires_at,
            "livemode": row.livemode,
            "mode": row.mode,
            "payment_intent": row.payment_intent,
            "payment_status": row.payment_status,
            "setup_intent": row.setup_intent,
            "status": row.status,
            "ui_mode": ui.shown(mode, version),
            "url": f"{ports.public_url}/checkout/{row.id}" if open_ and mode == ui.HOSTED else None,
            **shown,
            **one.personal,
        }
    )


def without_secret(rendered: Mapping[str, Any]) -> dict[str, Any]:
    """A rendered session for an event: the client secret is derived when it is asked for, and stored nowhere."""
    return {**rendered, "client_secret": None}


def line_items(one: Session) -> list[dict[str, Any]]:
    """What is bought, in the order in which it was given."""
    row = one.row
    return [items.shown(item, created=row.created, livemode=row.livemode) for item in one.data["items"]]


def listed(one: Session) -> dict[str, Any]:
    """The first of its line items as the list that may stand inside of a session."""
    first = line_items(one)
    return {
        "object": "list",
        "data": first[:EMBEDDED_ITEMS],
        "has_more": len(first) > EMBEDDED_ITEMS,
        "url": f"/v1/checkout/sessions/{one.row.id}/line_items",
    }
