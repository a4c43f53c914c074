"""API keys and roles, as they are shown to those who may manage them."""

from lockgate.kernel.shapes import BOOLEAN, INTEGER, STRING, Field, Shape, const, one_of

_PERMISSIONS = {"type": "object", "additionalProperties": {"type": "string", "enum": ["read", "write"]}}

API_KEY = Shape(
    "api_key",
    {
        "id": Field(STRING),
        "object": Field(const("api_key"), default="api_key"),
        "created": Field(INTEGER),
        "created_by": Field(STRING, nullable=True),
        "expires_at": Field(INTEGER, nullable=True),
        "hint": Field(STRING),
        "last_used_at": Field(INTEGER, nullable=True),
        "livemode": Field(BOOLEAN),
        "name": Field(STRING),
        "permissions": Field(_PERMISSIONS, default={}),
        "replaced_by": Field(STRING, nullable=True),
        "revoked_at": Field(INTEGER, nullable=True),
        "secret": Field(STRING, nullable=True),
        "status": Field(one_of("active", "expired", "revoked")),
        "type": Field(one_of("publishable", "restricted", "secret")),
        "unused": Field(BOOLEAN),
    },
)

ROLE = Shape(
    "role",
    {
        "id": Field(STRING),
        "object": Field(const("role"), default="role"),
        "built_in": Field(BOOLEAN),
        "created": Field(INTEGER, nullable=True),
        "created_by": Field(STRING, nullable=True),
        "description": Field(STRING),
        "name": Field(STRING),
        "permissions": Field(_PERMISSIONS, default={}),
        "updated": Field(INTEGER, nullable=True),
    },
)
