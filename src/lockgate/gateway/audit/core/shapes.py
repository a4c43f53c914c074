"""The fields of audit records and checkpoints as the API shows them."""

from lockgate.kernel.shapes import BOOLEAN, INTEGER, OBJECT, STRING, Field, Shape, const

AUDIT_RECORD = Shape(
    "audit_record",
    {
        "id": Field(STRING),
        "object": Field(const("audit_record"), default="audit_record"),
        "action": Field(STRING),
        "actor": Field(STRING),
        "address": Field(STRING, nullable=True),
        "created": Field(INTEGER),
        "created_ms": Field(INTEGER),
        "detail": Field(OBJECT, default={}),
        "livemode": Field(BOOLEAN),
        "object_id": Field(STRING, nullable=True),
        "outcome": Field(STRING),
        "proof": Field(OBJECT, nullable=True),
        "request": Field(STRING, nullable=True),
    },
)

AUDIT_CHECKPOINT = Shape(
    "audit_checkpoint",
    {
        "id": Field(STRING),
        "object": Field(const("audit_checkpoint"), default="audit_checkpoint"),
        "created": Field(INTEGER),
        "key": Field(STRING),
        "note": Field(STRING),
        "proof": Field(OBJECT, nullable=True),
        "size": Field(INTEGER),
    },
)
