"""The fields of client certificates and of what demands them, as the API shows them."""

from lockgate.kernel.shapes import BOOLEAN, INTEGER, STRING, Field, Shape, const, list_of, one_of

CLIENT_CERTIFICATE = Shape(
    "client_certificate",
    {
        "id": Field(STRING),
        "object": Field(const("client_certificate"), default="client_certificate"),
        "algorithm": Field(STRING),
        "api_key": Field(STRING, nullable=True),
        "app": Field(STRING, nullable=True),
        "certificate": Field(STRING),
        "chain": Field(STRING, nullable=True),
        "created": Field(INTEGER),
        "issuer": Field(STRING),
        "kind": Field(one_of("issued", "registered", "authority")),
        "livemode": Field(BOOLEAN),
        "name": Field(STRING, nullable=True),
        "names": Field(list_of(STRING), default=[]),
        "not_after": Field(INTEGER),
        "not_before": Field(INTEGER),
        "replaces": Field(STRING, nullable=True),
        "revocation_reason": Field(STRING, nullable=True),
        "revoked_at": Field(INTEGER, nullable=True),
        "serial": Field(STRING),
        "status": Field(one_of("active", "not_yet_valid", "expired", "revoked")),
        "thumbprint": Field(STRING),
    },
)

CERTIFICATE_REQUIREMENT = Shape(
    "certificate_requirement",
    {
        "object": Field(const("certificate_requirement"), default="certificate_requirement"),
        "api_key": Field(STRING, nullable=True),
        "created": Field(INTEGER, nullable=True),
        "livemode": Field(BOOLEAN),
        "required": Field(BOOLEAN),
    },
)
