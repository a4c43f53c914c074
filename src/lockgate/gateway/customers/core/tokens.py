"""Tokens of the older API: a card on its way into one payment, or into a customer's keeping."""

from typing import Any

from lockgate.gateway.customers.core import sources
from lockgate.gateway.customers.core.params import CARD, WATCHING
from lockgate.gateway.storage.records import CardTokenRow
from lockgate.kernel.params import Object, Param, Text, Unsupported, clearable, optional, required
from lockgate.kernel.shapes import BOOLEAN, INTEGER, OBJECT, STRING, Field, Shape, const

LIFE_S = 3600
_CARDS_ONLY = "Tokens stand for cards only."
_NAME = Text(500)

TOKEN_CARD = Object(
    {
        **{name: CARD.params[name] for name in ("number", "exp_month", "exp_year", "cvc", "sealed", "networks")},
        "address_city": clearable(Text(255)),
        "address_country": clearable(Text(255)),
        "address_line1": clearable(Text(500)),
        "address_line2": clearable(Text(500)),
        "address_state": clearable(Text(255)),
        "address_zip": clearable(Text(40)),
        "name": clearable(_NAME),
        "currency": optional(Unsupported("A card is not bound to a currency.")),
    }
)
_OTHERS: dict[str, Param] = {
    name: optional(Unsupported(_CARDS_ONLY))
    for name in ("account", "bank_account", "customer", "cvc_update", "person", "pii")
}
CREATE = Object({"card": required(TOKEN_CARD), **_OTHERS, **WATCHING})
GET = Object({})

TOKEN = Shape(
    "token",
    {
        "id": Field(STRING, public=True),
        "object": Field(const("token"), default="token", public=True),
        "bank_account": Field(OBJECT, nullable=True),
        "card": Field(sources.CARD.json_schema(), nullable=True, personal=True, public=True),
        "client_ip": Field(STRING, nullable=True, public=True),
        "created": Field(INTEGER, public=True),
        "livemode": Field(BOOLEAN, public=True),
        "type": Field(const("card"), default="card", public=True),
        "used": Field(BOOLEAN, public=True),
    },
)


def render(row: CardTokenRow, card: dict[str, Any], *, sees_secrets: bool) -> dict[str, Any]:
    """The token as the API shows it; a browser does not learn the card's fingerprint."""
    shown = card if sees_secrets else {**card, "fingerprint": None}
    return TOKEN.render(
        {
            "id": row.id,
            "card": shown,
            "created": row.created,
            "livemode": row.livemode,
            "used": row.used,
        }
    )
