"""Access reviews and their items, as their reviewers see them."""

from lockgate.kernel.shapes import BOOLEAN, INTEGER, STRING, Field, Shape, const, list_of, one_of

_PERMISSIONS = {"type": "object", "additionalProperties": {"type": "string", "enum": ["read", "write"]}}

REVIEW = Shape(
    "access_review",
    {
        "id": Field(STRING),
        "object": Field(const("access_review"), default="access_review"),
        "completed_at": Field(INTEGER, nullable=True),
        "completed_by": Field(STRING, nullable=True),
        "created": Field(INTEGER),
        "due_at": Field(INTEGER),
        "items_decided": Field(INTEGER),
        "items_total": Field(INTEGER),
        "started_by": Field(STRING),
        "status": Field(one_of("open", "completed")),
    },
)

ITEM = Shape(
    "access_review_item",
    {
        "id": Field(STRING),
        "object": Field(const("access_review_item"), default="access_review_item"),
        "decided_at": Field(INTEGER, nullable=True),
        "decided_by": Field(STRING, nullable=True),
        "decision": Field(one_of("attest", "reduce", "remove", "gone"), nullable=True),
        "expires_at": Field(INTEGER, nullable=True),
        "granted_at": Field(INTEGER),
        "granted_by": Field(STRING, nullable=True),
        "holder": Field(STRING),
        "label": Field(STRING),
        "last_used_at": Field(INTEGER, nullable=True),
        "livemode": Field(BOOLEAN, nullable=True),
        "permissions": Field(_PERMISSIONS, default={}),
        "review": Field(STRING),
        "roles": Field(list_of(STRING), default=[]),
        "strong": Field(BOOLEAN),
        "type": Field(one_of("person", "key", "app", "certificate", "role")),
    },
)
