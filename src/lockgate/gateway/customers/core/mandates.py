"""Mandates, without IO: a cardholder's leave to be charged later, how she gave it, and when it ends."""

import json
from collections.abc import Mapping
from typing import Any

from lockgate.gateway.storage.records import MandateRow
from lockgate.gateway.storage.rows import PaymentMethodRow
from lockgate.kernel.errors import invalid
from lockgate.kernel.params import Boolean, Choice, Object, Text, Timestamp, optional, required
from lockgate.kernel.principal import Principal
from lockgate.kernel.shapes import BOOLEAN, OBJECT, STRING, Field, Shape, const, one_of

_MAX_USER_AGENT = 1000
_ONLINE = "mandate_data[customer_acceptance][online]"

MANDATE_DATA = Object(
    {
        "customer_acceptance": required(
            Object(
                {
                    "type": required(Choice("online", "offline")),
                    "accepted_at": optional(Timestamp()),
                    "online": optional(
                        Object(
                            {
                                "ip_address": optional(Text(45, pattern=r"[0-9A-Fa-f.:]+")),
                                "user_agent": optional(Text(_MAX_USER_AGENT)),
                                "infer_from_client": optional(
                                    Boolean(), "From a browser: its address and name are the cardholder's own."
                                ),
                            }
                        )
                    ),
                    "offline": optional(Object({})),
                }
            )
        )
    }
)

_NULLABLE_STRING = {"type": ["string", "null"]}


def _closed(**properties: object) -> dict[str, object]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _or_null(schema: object) -> dict[str, object]:
    return {"anyOf": [schema, {"type": "null"}]}


MANDATE = Shape(
    "mandate",
    {
        "id": Field(STRING),
        "object": Field(const("mandate"), default="mandate"),
        # Whole because it says where the cardholder was.
        "customer_acceptance": Field(
            _closed(
                accepted_at={"type": ["integer", "null"]},
                offline=_or_null(OBJECT),
                online=_or_null(_closed(ip_address=_NULLABLE_STRING, user_agent=_NULLABLE_STRING)),
                type=one_of("offline", "online"),
            ),
            nullable=True,
            personal=True,
        ),
        "livemode": Field(BOOLEAN),
        "multi_use": Field(OBJECT, nullable=True),
        "on_behalf_of": Field(STRING, nullable=True),
        "payment_method": Field(STRING, expands="payment_method"),
        "payment_method_details": Field(_closed(card=OBJECT, type=const("card"))),
        "single_use": Field(OBJECT, nullable=True),
        "status": Field(one_of("active", "inactive", "pending")),
        "type": Field(one_of("multi_use", "single_use")),
    },
)


def acceptance(data: Mapping[str, Any], principal: Principal, *, now: int) -> dict[str, Any]:
    """How the cardholder agreed, from ``data`` (read by MANDATE_DATA): what the mandate will show.

    A browser's own address and name may stand for hers; a server must say them.
    """
    given = data["customer_acceptance"]
    accepted_at = given.get("accepted_at", now)
    if given["type"] == "offline":
        if "online" in given:
            raise invalid("An offline acceptance has no online part.", param=_ONLINE)
        return {"accepted_at": accepted_at, "offline": {}, "online": None, "type": "offline"}
    if "offline" in given:
        raise invalid(
            "An online acceptance has no offline part.", param="mandate_data[customer_acceptance][offline]"
        )
    online = dict(given.get("online") or {})
    if online.pop("infer_from_client", False):
        if principal.sees_secrets:
            raise invalid(
                "infer_from_client is for the cardholder's own browser: send ip_address and user_agent instead.",
                param=f"{_ONLINE}[infer_from_client]",
            )
        seen = {"ip_address": principal.address or None, "user_agent": principal.user_agent[:_MAX_USER_AGENT] or None}
        online = seen | online
    else:
        for name in ("ip_address", "user_agent"):
            if name not in online:
                raise invalid(
                    f"Missing required param: {_ONLINE}[{name}].",
                    param=f"{_ONLINE}[{name}]",
                    code="parameter_missing",
                )
    return {"accepted_at": accepted_at, "offline": None, "online": online, "type": "online"}


def given_with(method: PaymentMethodRow, *, id_: str, intent: str, subject: str, now: int) -> MandateRow:
    """The mandate given with ``method`` under ``intent``; how it was accepted is still to be sealed into it."""
    return MandateRow(
        account=method.account,
        livemode=method.livemode,
        id=id_,
        version=1,
        created=now,
        status="active",
        type="multi_use",
        payment_method=method.id,
        intent=intent,
        subject=subject,
        data="{}",
        personal=None,
    )


def ended(row: MandateRow) -> MandateRow:
    """``row`` as its next version, with which nothing can be charged any more."""
    return row._replace(version=row.version + 1, status="inactive")


def shown(row: MandateRow, acceptance: Mapping[str, Any] | None) -> dict[str, Any]:
    """The whole object. ``acceptance`` is None once the person was erased."""
    details = json.loads(row.data)
    return MANDATE.render(
        {
            "id": row.id,
            "customer_acceptance": acceptance,
            "livemode": row.livemode,
            "multi_use": {} if row.type == "multi_use" else None,
            "payment_method": row.payment_method,
            "payment_method_details": {"card": details.get("card", {}), "type": "card"},
            "status": row.status,
            "type": row.type,
        }
    )
