"""The fields of apps, and of what people let them do, as the API shows them."""

from lockgate.gateway.oauth.core.clients import METHODS
from lockgate.kernel.shapes import BOOLEAN, INTEGER, OBJECT, STRING, Field, Shape, const, list_of, one_of

APP = Shape(
    "app",
    {
        "id": Field(STRING),
        "object": Field(const("app"), default="app"),
        "created": Field(INTEGER),
        "jwks": Field(OBJECT, nullable=True),
        "livemode": Field(BOOLEAN),
        "name": Field(STRING),
        "redirect_uris": Field(list_of(STRING)),
        "scope": Field(STRING),
        "strict": Field(BOOLEAN, default=False),
        "tls_client_auth": Field({"type": "object", "additionalProperties": STRING}, nullable=True),
        "token_endpoint_auth_method": Field(one_of(*METHODS)),
    },
)
AUTHORIZATION = Shape(
    "authorization",
    {
        "id": Field(STRING),
        "object": Field(const("authorization"), default="authorization"),
        "app": Field(STRING),
        "app_name": Field(STRING),
        "created": Field(INTEGER),
        "last_used_at": Field(INTEGER, nullable=True),
        "livemode": Field(BOOLEAN),
        "person": Field(STRING),
        "revoked_at": Field(INTEGER, nullable=True),
        "scope": Field(STRING),
    },
)
