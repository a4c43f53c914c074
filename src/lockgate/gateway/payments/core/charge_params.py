"""What charges of the older API are made from, and what may be changed on any charge: their parameters, strictly."""

from lockgate.gateway.customers.core.params import EMAIL, RADAR_OPTIONS, SHIPPING
from lockgate.kernel.params import (
    Boolean,
    Choice,
    Integer,
    Listing,
    Metadata,
    Object,
    Param,
    Range,
    Text,
    Unsupported,
    clearable,
    optional,
)

_NO_CONNECT = "Lockgate moves money for its own account only."
_ID = Text(255)
_AMOUNT = Integer(1, 999_999_999_999)
_DESCRIPTOR = Text(22)


def _refused(names: str, why: str = _NO_CONNECT) -> dict[str, Param]:
    return {name: optional(Unsupported(why)) for name in names.split()}


# Amount and currency are required; the flow says so, after it has missed a source as the dialect does.
CREATE = Object(
    {
        "amount": optional(_AMOUNT, "Required."),
        "capture": optional(Boolean()),
        "currency": optional(Text(3, 3, pattern="[A-Za-z]{3}"), "Required."),
        "customer": optional(_ID),
        "description": optional(Text(1000)),
        "metadata": clearable(Metadata()),
        "radar_options": optional(RADAR_OPTIONS),
        "receipt_email": optional(EMAIL),
        "shipping": optional(SHIPPING),
        "source": optional(_ID, "A token, or one of the customer's cards."),
        "statement_descriptor": optional(_DESCRIPTOR),
        "statement_descriptor_suffix": optional(_DESCRIPTOR),
        **_refused(
            "application_fee application_fee_amount destination on_behalf_of transfer_data transfer_group"
        ),
    }
)
CAPTURE = Object(
    {
        "amount": optional(_AMOUNT),
        "receipt_email": optional(EMAIL),
        "statement_descriptor": optional(_DESCRIPTOR),
        "statement_descriptor_suffix": optional(_DESCRIPTOR),
        **_refused("application_fee application_fee_amount transfer_data transfer_group"),
    }
)
UPDATE = Object(
    {
        "customer": optional(_ID, "Only where the charge has none yet."),
        "description": clearable(Text(1000)),
        "fraud_details": optional(Object({"user_report": clearable(Choice("fraudulent", "safe"))})),
        "metadata": clearable(Metadata()),
        "receipt_email": clearable(EMAIL),
        "shipping": clearable(SHIPPING),
        **_refused("transfer_group"),
    }
)
REFUND = Object(
    {
        "amount": optional(Integer(1)),
        "metadata": clearable(Metadata()),
        "payment_intent": optional(Unsupported("The path names the charge.")),
        "reason": optional(Choice("duplicate", "fraudulent", "requested_by_customer")),
        "instructions_email": optional(Unsupported("Card refunds need no instructions.")),
        **_refused("refund_application_fee reverse_transfer"),
    }
)
GET = Object({})
LIST = Listing(
    {
        "created": optional(Range()),
        "customer": optional(_ID),
        "payment_intent": optional(_ID),
        **_refused("transfer_group"),
    }
).object()
