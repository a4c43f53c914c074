"""The account, as the dialect shows it to its owner, and the clock of its test mode."""

from lockgate.kernel.shapes import BOOLEAN, INTEGER, METADATA, OBJECT, STRING, Field, Shape, const

ACCOUNT = Shape(
    "account",
    {
        "id": Field(STRING),
        "object": Field(const("account"), default="account"),
        "business_profile": Field(OBJECT, nullable=True),
        "business_type": Field(STRING, nullable=True),
        "capabilities": Field(OBJECT, nullable=True),
        "charges_enabled": Field(BOOLEAN, default=True),
        "company": Field(OBJECT, nullable=True),
        "controller": Field(OBJECT, nullable=True),
        "country": Field(STRING),
        "created": Field(INTEGER),
        "default_currency": Field(STRING),
        "details_submitted": Field(BOOLEAN, default=True),
        "email": Field(STRING, nullable=True),
        "external_accounts": Field(OBJECT, nullable=True),
        "future_requirements": Field(OBJECT, nullable=True),
        "groups": Field(OBJECT, nullable=True),
        "individual": Field(OBJECT, nullable=True),
        "metadata": Field(METADATA, default={}),
        "payouts_enabled": Field(BOOLEAN, default=True),
        "requirements": Field(OBJECT, nullable=True),
        "settings": Field(OBJECT, nullable=True),
        "tos_acceptance": Field(OBJECT, nullable=True),
        "type": Field(STRING, default="standard"),
    },
)

TEST_CLOCK = Shape(
    "test_helpers.clock",
    {
        "object": Field(const("test_helpers.clock"), default="test_helpers.clock"),
        "ahead_seconds": Field(INTEGER),
        "livemode": Field(BOOLEAN, default=False),
        "now": Field(INTEGER),
    },
)
