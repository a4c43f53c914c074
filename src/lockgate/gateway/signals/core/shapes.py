"""The fields of radar sessions and of the collector's setting, as the API shows them."""

from lockgate.kernel.shapes import BOOLEAN, INTEGER, STRING, Field, Shape, const, list_of, one_of

SESSION = Shape(
    "radar.session",
    {
        "id": Field(STRING, public=True),
        "object": Field(const("radar.session"), default="radar.session", public=True),
        "created": Field(INTEGER, public=True),
        "device": Field(STRING, nullable=True, public=True),
        "livemode": Field(BOOLEAN, public=True),
        "signals": Field(
            {
                "type": "object",
                "properties": {
                    "bot_score": {"type": "integer", "minimum": 0, "maximum": 100},
                    "conflicts": list_of(STRING),
                    "form_seconds": {"type": "number"},
                    "is_card_autofilled": BOOLEAN,
                    "is_card_pasted": BOOLEAN,
                    "is_device_new": BOOLEAN,
                    "is_webdriver": BOOLEAN,
                    "signs": list_of(STRING),
                },
                "additionalProperties": False,
            },
            nullable=True,
        ),
    },
)
"""``device`` is the token that the same device sends next time, and stands in the answer that made the session alone;
``signals`` is what was judged of it, for the merchant only."""

COLLECTOR = Shape(
    "radar.collector",
    {
        "object": Field(const("radar.collector"), default="radar.collector", public=True),
        "collector": Field(one_of("off", "notice", "ask"), public=True),
        "livemode": Field(BOOLEAN, public=True),
        "notice": Field(STRING, nullable=True, public=True),
        "profiles": Field(BOOLEAN),
        "script": Field(STRING, public=True),
    },
)
