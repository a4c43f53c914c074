"""The fields of events, webhook endpoints and deliveries as the API shows them."""

from lockgate.kernel.shapes import BOOLEAN, INTEGER, METADATA, OBJECT, STRING, Field, Shape, const, list_of, one_of

_NULLABLE_STRING = {"type": ["string", "null"]}

EVENT = Shape(
    "event",
    {
        "id": Field(STRING),
        "object": Field(const("event"), default="event"),
        "account": Field(STRING, nullable=True),
        "api_version": Field(STRING, nullable=True),
        "context": Field(STRING, nullable=True),
        "created": Field(INTEGER),
        "data": Field(
            {
                "type": "object",
                "properties": {"object": OBJECT, "previous_attributes": OBJECT},
                "required": ["object"],
                "additionalProperties": False,
            }
        ),
        "livemode": Field(BOOLEAN),
        "pending_webhooks": Field(INTEGER, default=0),
        "request": Field(
            {
                "type": "object",
                "properties": {"id": _NULLABLE_STRING, "idempotency_key": _NULLABLE_STRING},
                "required": ["id", "idempotency_key"],
                "additionalProperties": False,
            },
            nullable=True,
        ),
        "type": Field(STRING),
    },
)

WEBHOOK_ENDPOINT = Shape(
    "webhook_endpoint",
    {
        "id": Field(STRING),
        "object": Field(const("webhook_endpoint"), default="webhook_endpoint"),
        "api_version": Field(STRING, nullable=True),
        "application": Field(STRING, nullable=True),
        "created": Field(INTEGER),
        "description": Field(STRING, nullable=True),
        "disabled_reason": Field(one_of("by_request", "failing", "gone"), nullable=True),
        "enabled_events": Field(list_of(STRING)),
        "livemode": Field(BOOLEAN),
        "metadata": Field(METADATA, default={}),
        "secret": Field(STRING, nullable=True),
        "status": Field(one_of("enabled", "disabled")),
        "url": Field(STRING),
    },
)

WEBHOOK_DELIVERY = Shape(
    "webhook_delivery",
    {
        "id": Field(STRING),
        "object": Field(const("webhook_delivery"), default="webhook_delivery"),
        "attempts": Field(
            list_of(
                {
                    "type": "object",
                    "properties": {
                        "number": INTEGER,
                        "at": INTEGER,
                        "outcome": STRING,
                        "http_status": {"type": ["integer", "null"]},
                        "duration_ms": INTEGER,
                    },
                    "required": ["number", "at", "outcome", "http_status", "duration_ms"],
                    "additionalProperties": False,
                }
            )
        ),
        "created": Field(INTEGER),
        "event": Field(STRING, expands="event"),
        "livemode": Field(BOOLEAN),
        "metadata": Field(METADATA, default={}),
        "next_attempt_at": Field(INTEGER, nullable=True),
        "status": Field(one_of("waiting", "delivered", "failed")),
        "webhook_endpoint": Field(STRING),
    },
)
