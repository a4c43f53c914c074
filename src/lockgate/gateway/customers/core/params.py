"""What customers and payment methods are made from: their parameters, strictly."""

from lockgate.gateway.customers.core.shapes import NEWEST_TYPES, OTHER_TYPES
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
_NO_BILLING = "Lockgate does no invoicing, tax or customer balances."
_WATCHING = "Lockgate does not watch shoppers: leave out what a page's script reports about its visitor."
_KIND = Text(40, pattern="[a-z0-9_]+")

EMAIL = Text(512, pattern=r"[^@\s]+@[^@\s]+")
ADDRESS = Object(
    {
        "city": clearable(Text(255)),
        "country": clearable(Text(2, 2, pattern="[A-Za-z]{2}")),
        "line1": clearable(Text(500)),
        "line2": clearable(Text(500)),
        "postal_code": clearable(Text(40)),
        "state": clearable(Text(255)),
    }
)
BILLING_DETAILS = Object(
    {
        "address": clearable(ADDRESS),
        "email": clearable(EMAIL),
        "name": clearable(Text(500)),
        "phone": clearable(Text(40)),
        "tax_id": clearable(Text(100)),
    }
)
SHIPPING = Object(
    {
        "address": required(ADDRESS),
        "carrier": optional(Text(255)),
        "name": required(Text(500)),
        "phone": clearable(Text(40)),
        "tracking_number": optional(Text(255)),
    }
)
RADAR_OPTIONS = Object(
    {
        "referrer": optional(Unsupported("Where the shopper came from is not looked at.")),
        "session": optional(Text(255), "What the shopper's page has reported under: rse_..."),
    }
)
CARD_TYPE = Only(_KIND, lambda kind: kind == "card", _CARDS_ONLY)

CARD = Object(
    {
        "number": optional(Text(40, secret=True), "Test mode only, and only a published test number."),
        "exp_month": optional(Integer(0, 9999)),
        "exp_year": optional(Integer(0, 9999)),
        "cvc": clearable(Text(10, secret=True)),
        "sealed": optional(Text(8000, 16, secret=True), "A card encrypted to the vault's public key."),
        "token": optional(Text(255), "A ready-made one such as tok_visa; test mode only."),
        "networks": optional(Unsupported("The network is chosen by the processor.")),
    }
)

WATCHING: dict[str, Param] = {
    name: optional(Unsupported(_WATCHING))
    for name in (
        "client_attribution_metadata", "guid", "muid", "pasted_fields", "payment_user_agent", "referrer", "sid",
        "time_on_page",
    )
}
"""What the browser's script of the dialect's own service adds to the cards that it sends."""

BY_SCRIPT: dict[str, Param] = {
    "client_attribution_metadata": WATCHING["client_attribution_metadata"],
    "referrer": WATCHING["referrer"],
    "set_as_default_payment_method": optional(
        Only(Boolean(), lambda wanted: not wanted, "Make it the customer's default by updating the customer.")
    ),
    "_stripe_account": optional(Unsupported("Send the header Stripe-Account.")),
    "_stripe_version": optional(Unsupported("Send the header Stripe-Version.")),
}
"""What that script adds where it confirms an intent."""

_OTHERS: dict[str, Param] = {name: optional(Unsupported(_CARDS_ONLY)) for name in (*OTHER_TYPES, *NEWEST_TYPES)}

PAYMENT_METHOD_DATA = Object(
    {
        "type": required(CARD_TYPE),
        "card": optional(CARD),
        "billing_details": optional(BILLING_DETAILS),
        "metadata": clearable(Metadata()),
        "allow_redisplay": optional(Choice("always", "limited", "unspecified")),
        "radar_options": optional(RADAR_OPTIONS),
        **_OTHERS,
        **WATCHING,
    }
)

CREATE_PAYMENT_METHOD = Object(
    {
        **PAYMENT_METHOD_DATA.params,
        "customer": optional(Unsupported("Attach the PaymentMethod after creating it.")),
        "payment_method": optional(Unsupported("Cloning between accounts does not exist here.")),
    }
)
UPDATE_PAYMENT_METHOD = Object(
    {
        "allow_redisplay": optional(Choice("always", "limited", "unspecified")),
        "billing_details": optional(BILLING_DETAILS),
        "metadata": clearable(Metadata()),
        "card": optional(Unsupported("A card's data cannot change; create a new PaymentMethod.")),
        "us_bank_account": optional(Unsupported(_CARDS_ONLY)),
    }
)
LIST_PAYMENT_METHODS = Listing(
    {
        "customer": optional(Text(255)),
        "type": optional(CARD_TYPE),
        "allow_redisplay": optional(Choice("always", "limited", "unspecified")),
        "customer_account": optional(Unsupported("Customers are cus_ objects only.")),
    }
).object()
LIST_OF_CUSTOMER = Listing(
    {
        "type": optional(CARD_TYPE),
        "allow_redisplay": optional(Choice("always", "limited", "unspecified")),
    }
).object()
ATTACH = Object(
    {
        "customer": required(Text(255)),
        "customer_account": optional(Unsupported("Customers are cus_ objects only.")),
    }
)

_INVOICE_SETTINGS = Object(
    {
        "default_payment_method": clearable(Text(255)),
        "custom_fields": optional(Unsupported(_NO_BILLING)),
        "footer": optional(Unsupported(_NO_BILLING)),
        "rendering_options": optional(Unsupported(_NO_BILLING)),
    }
)
_CUSTOMER: dict[str, Param] = {
    "address": clearable(ADDRESS),
    "business_name": clearable(Text(150)),
    "description": clearable(Text(5000)),
    "email": clearable(EMAIL),
    "individual_name": clearable(Text(150)),
    "invoice_settings": optional(_INVOICE_SETTINGS),
    "metadata": clearable(Metadata()),
    "name": clearable(Text(256)),
    "phone": clearable(Text(40)),
    "preferred_locales": clearable(Array(Text(35, 2, pattern="[A-Za-z0-9-]+"), 20)),
    "shipping": clearable(SHIPPING),
    "source": optional(Text(255), "A token of the older API: its card becomes the customer's default source."),
    **{
        name: optional(Unsupported(_NO_BILLING))
        for name in (
            "balance", "cash_balance", "coupon", "invoice_prefix", "next_invoice_sequence", "promotion_code", "tax",
            "tax_exempt",
        )
    },
    "validate": optional(Unsupported("Confirm a SetupIntent to verify a card.")),
}
CREATE_CUSTOMER = Object(
    {
        **_CUSTOMER,
        "payment_method": optional(Text(255), "Attached to the new customer."),
        "tax_id_data": optional(Unsupported(_NO_BILLING)),
        "test_clock": optional(Unsupported("Test clocks belong to subscriptions.")),
    }
)
UPDATE_CUSTOMER = Object({**_CUSTOMER, "default_source": optional(Text(255), "One of the customer's cards.")})
LIST_CUSTOMERS = Listing(
    {
        "created": optional(Range()),
        "email": optional(Text(512)),
        "test_clock": optional(Unsupported("Test clocks belong to subscriptions.")),
    }
).object()
CREATE_EPHEMERAL_KEY = Object(
    {
        "customer": required(Text(255), "Whom the key reaches."),
        "issuing_card": optional(Unsupported("Lockgate issues no cards.")),
        "nonce": optional(Unsupported("Lockgate issues no cards.")),
        "verification_session": optional(Unsupported("Lockgate does not verify identities.")),
    }
)
NOTHING = Object({})
