"""The parameters of decisions and of the settings of the built-in rules, strictly."""

from lockgate.gateway.risk.core.settings import LARGEST_LIMIT, MOST_LISTS
from lockgate.gateway.risk.core.verdict import VERDICTS
from lockgate.kernel.params import Array, Choice, Integer, Listing, Object, Range, Text, clearable, optional

_ALIASES = Array(Text(100, pattern=r"[A-Za-z0-9_\-]+"), MOST_LISTS)
_VERDICT = Choice(*VERDICTS)

LIST_DECISIONS = Listing(
    {
        "charge": optional(Text(255)),
        "created": optional(Range()),
        "payment_intent": optional(Text(255)),
        "verdict": optional(_VERDICT),
    }
).object()

CHANGE = Object(
    {
        "allow_lists": clearable(_ALIASES, "Aliases of more value lists whose values are let through."),
        "block_lists": clearable(_ALIASES, "Aliases of more value lists whose values are blocked."),
        "card_country_unknown": optional(
            _VERDICT, "What becomes of a payment with a place to ship to whose card is from nobody knows where."
        ),
        "card_testing": optional(_VERDICT, "What becomes of a payment that looks like a card being tried out."),
        "countries_differ": optional(_VERDICT, "What becomes of one that goes to another country than the card's."),
        "elevated": optional(_VERDICT, "What becomes of a payment whose score is elevated."),
        "highest": optional(_VERDICT, "What becomes of a payment whose score is at the highest level."),
        "hourly_limit": optional(
            Integer(0, LARGEST_LIMIT),
            "In US cents: what a card, customer, device or address may pay in an hour before somebody looks at it.",
        ),
    }
)
NOTHING = Object({})
