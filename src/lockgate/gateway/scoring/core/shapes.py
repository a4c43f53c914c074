"""The fields of a label as the API shows it."""

from lockgate.kernel.shapes import BOOLEAN, INTEGER, STRING, Field, Shape, const

RISK_LABEL = Shape(
    "risk_label",
    {
        "id": Field(STRING),
        "object": Field(const("risk_label"), default="risk_label"),
        "charge": Field(STRING),
        "created": Field(INTEGER),
        "fraud": Field(BOOLEAN),
        "known_at": Field(INTEGER),
        "livemode": Field(BOOLEAN),
    },
)
