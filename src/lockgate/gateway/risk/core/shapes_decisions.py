"""The fields of decisions and of the settings of the built-in rules, as the API shows them."""

from lockgate.gateway.risk.core.settings import LARGEST_LIMIT
from lockgate.gateway.risk.core.verdict import VERDICTS
from lockgate.kernel.shapes import BOOLEAN, INTEGER, OBJECT, STRING, Field, Shape, const, list_of, one_of

_NUMBER = {"type": "number"}
LEVELS = ("normal", "elevated", "highest", "not_assessed")
COUNTRIES = ("same", "different", "card_country_unknown", "shipping_country_missing", "neither_known")


def _closed(**properties: object) -> dict[str, object]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


DECISION = Shape(
    "risk_decision",
    {
        "id": Field(STRING),
        "object": Field(const("risk_decision"), default="risk_decision"),
        "attributes": Field(OBJECT),
        "challenge": Field(BOOLEAN),
        "charge": Field(STRING, nullable=True, expands="charge"),
        "countries": Field(one_of(*COUNTRIES), nullable=True),
        "created": Field(INTEGER),
        "engines": Field(list_of(OBJECT)),
        "faults": Field(list_of(STRING)),
        "flagged": Field(BOOLEAN),
        "latency_us": Field(INTEGER, nullable=True),
        "lists": Field(OBJECT),
        "livemode": Field(BOOLEAN),
        "model": Field(STRING, nullable=True),
        "payment_intent": Field(STRING, nullable=True, expands="payment_intent"),
        "reasons": Field(list_of(OBJECT)),
        "risk_level": Field(one_of(*LEVELS)),
        "risk_score": Field(_NUMBER, nullable=True),
        "rule": Field(STRING, nullable=True),
        "rules": Field(
            list_of(
                _closed(
                    id=STRING, action=one_of(*VERDICTS), shadow=BOOLEAN, version={"type": ["integer", "null"]}
                )
            )
        ),
        "ruleset": Field(STRING),
        "settings": Field(INTEGER),
        "shadow_model": Field(OBJECT, nullable=True),
        "verdict": Field(one_of(*VERDICTS)),
    },
)

SETTINGS = Shape(
    "risk_settings",
    {
        "object": Field(const("risk_settings"), default="risk_settings"),
        "allow_lists": Field(list_of(STRING)),
        "block_lists": Field(list_of(STRING)),
        "card_country_unknown": Field(one_of(*VERDICTS)),
        "card_testing": Field(one_of(*VERDICTS)),
        "countries_differ": Field(one_of(*VERDICTS)),
        "elevated": Field(one_of(*VERDICTS)),
        "highest": Field(one_of(*VERDICTS)),
        "hourly_limit": Field({"type": "integer", "minimum": 0, "maximum": LARGEST_LIMIT}),
        "livemode": Field(BOOLEAN),
        "updated": Field(INTEGER, nullable=True),
        "updated_by": Field(STRING, nullable=True),
        "version": Field(INTEGER),
    },
)
