"""The fields of value lists, their items and reviews as the API shows them."""

from lockgate.gateway.risk.core.values import ITEM_TYPES
from lockgate.kernel.shapes import BOOLEAN, INTEGER, METADATA, STRING, Field, Shape, const, list_of, one_of

OPENED_REASONS = ("manual", "rule")
CLOSED_REASONS = (
    "acknowledged", "approved", "canceled", "disputed", "payment_never_settled", "redacted", "refunded",
    "refunded_as_fraud",
)  # fmt: skip


def _closed(**properties: object) -> dict[str, object]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _or_null(type_: str) -> dict[str, object]:
    return {"type": [type_, "null"]}


VALUE_LIST_ITEM = Shape(
    "radar.value_list_item",
    {
        "id": Field(STRING),
        "object": Field(const("radar.value_list_item"), default="radar.value_list_item"),
        "created": Field(INTEGER),
        "created_by": Field(STRING),
        "livemode": Field(BOOLEAN),
        "value": Field(STRING, personal=True),
        "value_list": Field(STRING),
    },
)

VALUE_LIST = Shape(
    "radar.value_list",
    {
        "id": Field(STRING),
        "object": Field(const("radar.value_list"), default="radar.value_list"),
        "alias": Field(STRING),
        "created": Field(INTEGER),
        "created_by": Field(STRING),
        "item_type": Field(one_of(*ITEM_TYPES)),
        "list_items": Field(
            _closed(
                object=const("list"),
                data=list_of({"$ref": f"#/components/schemas/{VALUE_LIST_ITEM.kind}"}),
                has_more=BOOLEAN,
                total_count=INTEGER,
                url=STRING,
            ),
            personal=True,
        ),
        "livemode": Field(BOOLEAN),
        "metadata": Field(METADATA, default={}),
        "name": Field(STRING),
    },
)

_LOCATION = _closed(
    city=_or_null("string"),
    country=_or_null("string"),
    latitude=_or_null("number"),
    longitude=_or_null("number"),
    region=_or_null("string"),
)
_SESSION = _closed(**{name: _or_null("string") for name in ("browser", "device", "platform", "version")})

REVIEW = Shape(
    "review",
    {
        "id": Field(STRING),
        "object": Field(const("review"), default="review"),
        "billing_zip": Field(STRING, nullable=True, personal=True),
        "charge": Field(STRING, nullable=True, expands="charge"),
        "closed_reason": Field(one_of(*CLOSED_REASONS), nullable=True),
        "created": Field(INTEGER),
        "ip_address": Field(STRING, nullable=True, personal=True),
        "ip_address_location": Field(_LOCATION, nullable=True, personal=True),
        "livemode": Field(BOOLEAN),
        "open": Field(BOOLEAN),
        "opened_reason": Field(one_of(*OPENED_REASONS)),
        "payment_intent": Field(STRING, nullable=True, expands="payment_intent"),
        "reason": Field(one_of(*OPENED_REASONS, *CLOSED_REASONS)),
        "session": Field(_SESSION, nullable=True, personal=True),
    },
)
