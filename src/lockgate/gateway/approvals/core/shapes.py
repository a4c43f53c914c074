"""What approvals and an account's rules for them look like in the API."""

from lockgate.gateway.approvals.core.rules import CLASSES, MONEY
from lockgate.kernel.shapes import BOOLEAN, INTEGER, OBJECT, STRING, Field, Shape, const, list_of, one_of

APPROVAL = Shape(
    "approval",
    {
        "id": Field(STRING),
        "object": Field(const("approval"), default="approval"),
        "amount": Field(INTEGER, nullable=True),
        "created": Field(INTEGER),
        "currency": Field(STRING, nullable=True),
        "decided_at": Field(INTEGER, nullable=True),
        "decided_by": Field(STRING, nullable=True),
        "expires_at": Field(INTEGER),
        "livemode": Field(BOOLEAN),
        "maker": Field(STRING),
        "method": Field(STRING),
        "needs": Field(list_of(one_of("proof", "second_person"))),
        "operation": Field(STRING),
        "params": Field(OBJECT),
        "path": Field(STRING),
        "privilege": Field(one_of(*CLASSES)),
        "proved_at": Field(INTEGER, nullable=True),
        "status": Field(one_of("pending", "approved", "refused", "expired", "used")),
        "summary": Field(STRING),
        "used_at": Field(INTEGER, nullable=True),
    },
)

CHALLENGE = Shape(
    "approval_challenge",
    {
        "object": Field(const("approval_challenge"), default="approval_challenge"),
        "options": Field(OBJECT),
        "summary": Field(STRING),
    },
)

_LIMIT = {"type": ["integer", "null"]}
_MONEY_RULE = {
    "type": "object",
    "properties": {"confirm_above": _LIMIT, "two_people_above": _LIMIT},
    "required": ["confirm_above", "two_people_above"],
    "additionalProperties": False,
}
_RULE = {
    "type": "object",
    "properties": {"two_people": {"type": "boolean"}},
    "required": ["two_people"],
    "additionalProperties": False,
}
POLICY = Shape(
    "approval_policy",
    {
        "object": Field(const("approval_policy"), default="approval_policy"),
        **{name: Field(_MONEY_RULE if name in MONEY else _RULE) for name in CLASSES},
    },
)

STEP_UP = Shape(
    "session_step_up",
    {
        "id": Field(STRING),
        "object": Field(const("session_step_up"), default="session_step_up"),
        "access_token": Field(STRING),
        "expires_in": Field(INTEGER),
        "proved_at": Field(INTEGER),
        "refresh_token": Field(STRING),
    },
)
