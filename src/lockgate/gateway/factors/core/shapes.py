"""What a person's factors look like in the API. A secret is in the one answer that makes it."""

from lockgate.kernel.shapes import BOOLEAN, INTEGER, OBJECT, STRING, Field, Shape, const, list_of, one_of

FACTOR = Shape(
    "factor",
    {
        "id": Field(STRING),
        "object": Field(const("factor"), default="factor"),
        "created": Field(INTEGER),
        "kind": Field(one_of("totp", "passkey")),
        "last_used_at": Field(INTEGER, nullable=True),
        "name": Field(STRING, personal=True, default=""),
        "synced": Field(BOOLEAN),
    },
)
TOTP_ENROLLMENT = Shape(
    "totp_enrollment",
    {
        "id": Field(STRING),
        "object": Field(const("totp_enrollment"), default="totp_enrollment"),
        "secret": Field(STRING),
        "uri": Field(STRING),
    },
)
PASSKEY_ENROLLMENT = Shape(
    "passkey_enrollment",
    {"object": Field(const("passkey_enrollment"), default="passkey_enrollment"), "options": Field(OBJECT)},
)
ENROLLED = Shape(
    "factor_enrolled",
    {
        "object": Field(const("factor_enrolled"), default="factor_enrolled"),
        "kind": Field(one_of("totp", "passkey")),
    },
)
RECOVERY_CODES = Shape(
    "recovery_codes",
    {"object": Field(const("recovery_codes"), default="recovery_codes"), "codes": Field(list_of(STRING))},
)
