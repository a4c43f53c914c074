"""What setup intents are made from: the parameters of each operation, strictly; the unsupported ones by name."""

from typing import Any

from lockgate.gateway.customers.core.mandates import MANDATE_DATA
from lockgate.gateway.customers.core.params import BY_SCRIPT, PAYMENT_METHOD_DATA
from lockgate.gateway.customers.core.shapes import NEWEST_TYPES, OTHER_TYPES
from lockgate.gateway.payments.core.shapes import THREE_D_SECURE
from lockgate.kernel.params import (
    Array,
    Boolean,
    Choice,
    Listing,
    Metadata,
    Object,
    Only,
    Param,
    Range,
    Text,
    Unsupported,
    clearable,
    optional,
    required,
)

_CARDS_ONLY = "Cards are the only payment methods so far."
_MANY_TIMES = "A card is set up for any number of payments."
_NO_CONNECT = "Lockgate moves money for its own account only."
_LATER = "Lockgate has no such feature."
_CUSTOMERS = "Customers are cus_ objects only."
_ID = Text(255)


def _refused(names: str, why: str) -> dict[str, Param]:
    return {name: optional(Unsupported(why)) for name in names.split()}


def _is_off(value: Any) -> bool:
    return value is False


_CARD_OPTIONS = Object(
    {
        "request_three_d_secure": optional(Choice(*THREE_D_SECURE)),
        "mandate_options": optional(Unsupported(_MANY_TIMES)),
        "moto": optional(Only(Boolean(), _is_off, "Mail and telephone orders are not supported.")),
        "network": optional(Unsupported("The network is chosen by the processor.")),
        **_refused("setup_credential_usage three_d_secure", _LATER),
    }
)
_OPTIONS = Object({"card": clearable(_CARD_OPTIONS), **_refused(" ".join((*OTHER_TYPES, *NEWEST_TYPES)), _CARDS_ONLY)})
_METHOD: dict[str, Param] = {
    "payment_method": optional(_ID),
    "payment_method_data": optional(PAYMENT_METHOD_DATA),
    "payment_method_options": optional(_OPTIONS),
    **_refused("allowed_payment_method_types", _CARDS_ONLY),
}
_CONFIRMING: dict[str, Param] = {
    "return_url": optional(Text(2048, pattern=r"(?:https?://|[a-z][a-z0-9+.-]*://)[!-~]+")),
    "use_stripe_sdk": optional(Boolean(), "The next action is then left to the script in the shopper's browser."),
    "mandate_data": clearable(MANDATE_DATA),
    **_refused("confirmation_token", _LATER),
}
_DESCRIBING: dict[str, Param] = {
    "description": clearable(Text(1000)),
    "metadata": clearable(Metadata()),
    "attach_to_self": optional(Only(Boolean(), _is_off, _NO_CONNECT)),
    **_refused("flow_directions", _NO_CONNECT),
    **_refused("customer_account", _CUSTOMERS),
    **_refused("excluded_payment_method_types payment_method_configuration", _CARDS_ONLY),
}
_TYPES = Only(Array(Text(40, pattern="[a-z0-9_]+"), 20), lambda kinds: kinds == ["card"], _CARDS_ONLY)
_SECRET = optional(Text(255, secret=True))

CREATE = Object(
    {
        "automatic_payment_methods": optional(
            Object({"enabled": required(Boolean()), "allow_redirects": optional(Choice("always", "never"))})
        ),
        "confirm": optional(Boolean()),
        "customer": optional(_ID),
        "payment_method_types": optional(_TYPES),
        "usage": optional(Choice("off_session", "on_session")),
        **_refused("on_behalf_of", _NO_CONNECT),
        **_refused("single_use", _MANY_TIMES),
        **_METHOD,
        **_CONFIRMING,
        **_DESCRIBING,
    }
)
UPDATE = Object(
    {
        "customer": optional(_ID),
        "payment_method_types": optional(_TYPES),
        **_METHOD,
        **_DESCRIBING,
    }
)
CONFIRM = Object(
    {
        "client_secret": _SECRET,
        "expected_payment_method_type": optional(Only(Text(40), lambda kind: kind == "card", _CARDS_ONLY)),
        **_METHOD,
        **_CONFIRMING,
        **BY_SCRIPT,
    }
)
CANCEL = Object(
    {"cancellation_reason": optional(Choice("abandoned", "duplicate", "requested_by_customer"))}
)
GET = Object({"client_secret": _SECRET})
LIST = Listing(
    {
        "created": optional(Range()),
        "customer": optional(_ID),
        "payment_method": optional(_ID),
        "attach_to_self": optional(Boolean(), "No SetupIntent here is attached to the account itself."),
        **_refused("customer_account", _CUSTOMERS),
    }
).object()
LIST_ATTEMPTS = Listing({"created": optional(Range()), "setup_intent": required(_ID)}).object()
