"""What payment intents are made from: the parameters of each operation, strictly; the unsupported ones by name."""

from typing import Any

from lockgate.gateway.customers.core.mandates import MANDATE_DATA
from lockgate.gateway.customers.core.params import BY_SCRIPT, EMAIL, PAYMENT_METHOD_DATA, RADAR_OPTIONS, SHIPPING
from lockgate.gateway.customers.core.shapes import NEWEST_TYPES, OTHER_TYPES
from lockgate.gateway.payments.core.shapes import CAPTURE_METHODS, REQUESTS, THREE_D_SECURE
from lockgate.kernel.params import (
    Array,
    Boolean,
    Choice,
    Integer,
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
_NO_CONNECT = "Lockgate moves money for its own account only."
_LATER = "Lockgate has no such feature."
_ID = Text(255)
_AMOUNT = Integer(1, 999_999_999_999)
_URL = Text(2048, pattern=r"(?:https?://|[a-z][a-z0-9+.-]*://)[!-~]+")


def _known(names: str, why: str) -> dict[str, Param]:
    return {name: optional(Unsupported(why)) for name in names.split()}


def _is_off(value: Any) -> bool:
    return value is False


_NEVER = Only(Choice("if_available", "never"), lambda word: word == "never", _LATER)

_CARD_OPTIONS = Object(
    {
        "request_three_d_secure": optional(Choice(*THREE_D_SECURE)),
        "moto": optional(Only(Boolean(), _is_off, "Mail and telephone orders are not supported.")),
        "network": optional(Unsupported("The network is chosen by the processor.")),
        "installments": optional(Unsupported(_LATER)),
        "mandate_options": optional(Unsupported(_LATER)),
        "setup_future_usage": optional(Unsupported("Set setup_future_usage on the PaymentIntent.")),
        "capture_method": optional(Unsupported("Set capture_method on the PaymentIntent.")),
        **{name: optional(Choice("if_available", "never")) for name in REQUESTS},
        "request_extended_authorization": optional(_NEVER),
        "request_overcapture": optional(_NEVER),
        **_known(
            "cvc_token require_cvc_recollection setup_credential_usage "
            "stored_credential_usage statement_descriptor_suffix_kana statement_descriptor_suffix_kanji three_d_secure",
            _LATER,
        ),
    }
)
_OTHERS = " ".join((*OTHER_TYPES, *NEWEST_TYPES))
PAYMENT_METHOD_OPTIONS = Object({"card": clearable(_CARD_OPTIONS), **_known(_OTHERS, _CARDS_ONLY)})
_TYPES = Only(Array(Text(40, pattern="[a-z0-9_]+"), 20), lambda kinds: kinds == ["card"], _CARDS_ONLY)
_OFF_SESSION = Choice("true", "false", "one_off", "recurring")
_DESCRIPTOR = Text(22)
_USAGE = Choice("off_session", "on_session")

_COMMON: dict[str, Param] = {
    "capture_method": optional(Choice(*CAPTURE_METHODS)),
    "payment_method": optional(_ID),
    "payment_method_data": optional(PAYMENT_METHOD_DATA),
    "payment_method_options": optional(PAYMENT_METHOD_OPTIONS),
    "payment_method_types": optional(_TYPES),
    "receipt_email": clearable(EMAIL),
    "setup_future_usage": clearable(_USAGE),
    "shipping": clearable(SHIPPING),
    **_known("allowed_payment_method_types excluded_payment_method_types payment_method_configuration", _CARDS_ONLY),
    **_known("amount_details payment_details hooks", _LATER),
}
_CONFIRMING: dict[str, Param] = {
    "error_on_requires_action": optional(Boolean()),
    "mandate": optional(_ID, "An active one that was given with this payment method."),
    "mandate_data": clearable(MANDATE_DATA),
    "off_session": optional(_OFF_SESSION),
    "return_url": optional(_URL),
    "use_stripe_sdk": optional(Boolean(), "The next action is then left to the script in the shopper's browser."),
    "radar_options": optional(RADAR_OPTIONS),
    **_known("confirmation_token", _LATER),
}
_DESCRIBING: dict[str, Param] = {
    "description": clearable(Text(1000)),
    "metadata": clearable(Metadata()),
    "statement_descriptor": clearable(_DESCRIPTOR),
    "statement_descriptor_suffix": clearable(_DESCRIPTOR),
    **_known("application_fee_amount on_behalf_of transfer_data transfer_group", _NO_CONNECT),
    **_known("customer_account", "Customers are cus_ objects only."),
}

CREATE = Object(
    {
        "amount": required(_AMOUNT),
        "currency": required(Text(3, 3, pattern="[A-Za-z]{3}")),
        "automatic_payment_methods": optional(
            Object({"enabled": required(Boolean()), "allow_redirects": optional(Choice("always", "never"))})
        ),
        "confirm": optional(Boolean()),
        "confirmation_method": optional(Choice("automatic", "manual")),
        "customer": optional(_ID),
        **_COMMON,
        **_CONFIRMING,
        **_DESCRIBING,
    }
)
UPDATE = Object(
    {
        "amount": optional(_AMOUNT),
        "currency": optional(Text(3, 3, pattern="[A-Za-z]{3}")),
        "customer": clearable(_ID),
        **_COMMON,
        **_DESCRIBING,
    }
)
CONFIRM = Object(
    {
        "client_secret": optional(Text(255, secret=True)),
        "expected_payment_method_type": optional(Only(Text(40), lambda kind: kind == "card", _CARDS_ONLY)),
        "amount_to_confirm": optional(_AMOUNT, "Refused unless it is the amount of the PaymentIntent."),
        **_COMMON,
        **_CONFIRMING,
        **BY_SCRIPT,
    }
)
CAPTURE = Object(
    {
        "amount_to_capture": optional(Integer(0, 999_999_999_999), "0 releases what several captures left."),
        "final_capture": optional(Boolean(), "False where multicapture is available, to capture more later."),
        "metadata": clearable(Metadata()),
        "statement_descriptor": clearable(_DESCRIPTOR),
        "statement_descriptor_suffix": clearable(_DESCRIPTOR),
        **_known("application_fee_amount transfer_data", _NO_CONNECT),
        **_known("amount_details hooks payment_details", _LATER),
    }
)
INCREMENT = Object(
    {
        "amount": required(_AMOUNT, "The new total."),
        "description": optional(Text(1000)),
        "metadata": optional(Metadata()),
        "statement_descriptor": optional(_DESCRIPTOR),
        **_known("application_fee_amount transfer_data", _NO_CONNECT),
        **_known("amount_details hooks payment_details", _LATER),
    }
)
CANCEL = Object(
    {
        "cancellation_reason": optional(Choice("abandoned", "duplicate", "fraudulent", "requested_by_customer")),
        "client_secret": optional(Text(255, secret=True)),
    }
)
GET = Object({"client_secret": optional(Text(255, secret=True))})
LIST = Listing(
    {
        "created": optional(Range()),
        "customer": optional(_ID),
        **_known("customer_account", "Customers are cus_ objects only."),
    }
).object()
