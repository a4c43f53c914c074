"""What checkout sessions are made from: the parameters of each operation, strictly; the unsupported ones by name."""

from lockgate.gateway.checkout.core.ui import WORDS
from lockgate.gateway.customers.core.params import EMAIL, SHIPPING
from lockgate.gateway.customers.core.shapes import NEWEST_TYPES, OTHER_TYPES
from lockgate.gateway.payments.core.shapes import CAPTURE_METHODS, THREE_D_SECURE
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
    Timestamp,
    Unsupported,
    clearable,
    optional,
    required,
)

_CARDS_ONLY = "Cards are the only payment methods so far."
_NO_CONNECT = "Lockgate moves money for its own account only."
_NO_BILLING = "Lockgate does no subscriptions, invoicing, coupons or tax."
_NO_CATALOGUE = "There are no products or prices here: describe each item in price_data."
_NO_SHIPPING = "Shipping rates are not offered: add shipping as a line item."
_LATER = "Lockgate has no such feature."
_CURRENCY = Text(3, 3, pattern="[A-Za-z]{3}")
_DESCRIPTOR = Text(22)
_URL = Text(5000)

LOCALES = (
    "auto", "bg", "cs", "da", "de", "el", "en", "en-GB", "es", "es-419", "et", "fi", "fil", "fr", "fr-CA", "hr", "hu",
    "id", "it", "ja", "ko", "lt", "lv", "ms", "mt", "nb", "nl", "pl", "pt", "pt-BR", "ro", "ru", "sk", "sl", "sv",
    "th", "tr", "vi", "zh", "zh-HK", "zh-TW",
)  # fmt: skip
SUBMIT_TYPES = ("auto", "book", "donate", "pay", "subscribe")
MAX_ITEMS = 100


def _known(names: str, why: str) -> dict[str, Param]:
    return {name: optional(Unsupported(why)) for name in names.split()}


_PRODUCT = Object(
    {
        "name": required(Text(250)),
        "description": optional(Text(40_000)),
        "images": optional(Array(Text(2048, pattern=r"https?://[!-~]+"), 8)),
        "metadata": clearable(Metadata()),
        **_known("tax_code tax_details", _NO_BILLING),
        **_known("unit_label", _LATER),
    }
)
_PRICE = Object(
    {
        "currency": required(_CURRENCY),
        "product_data": required(_PRODUCT),
        "unit_amount": optional(Integer(0, 999_999_999_999)),
        "unit_amount_decimal": optional(
            Text(30, pattern=r"[0-9]{1,12}(\.[0-9]{1,12})?"), "In minor units, with up to twelve decimals."
        ),
        **_known("product", _NO_CATALOGUE),
        **_known("recurring tax_behavior", _NO_BILLING),
    }
)
_ITEM = Object(
    {
        "price_data": optional(_PRICE),
        "quantity": optional(Integer(1, 999_999)),
        "metadata": clearable(Metadata()),
        **_known("price", _NO_CATALOGUE),
        **_known("adjustable_quantity", "Quantities are set when the session is made."),
        **_known("dynamic_tax_rates tax_rates", _NO_BILLING),
    }
)
PAYMENT_INTENT_DATA = Object(
    {
        "capture_method": optional(Choice(*CAPTURE_METHODS)),
        "description": optional(Text(1000)),
        "metadata": clearable(Metadata()),
        "receipt_email": optional(EMAIL),
        "setup_future_usage": optional(Choice("off_session", "on_session")),
        "shipping": optional(SHIPPING),
        "statement_descriptor": optional(_DESCRIPTOR),
        "statement_descriptor_suffix": optional(_DESCRIPTOR),
        **_known("application_fee_amount on_behalf_of transfer_data transfer_group", _NO_CONNECT),
    }
)
_SETUP_INTENT_DATA = Object(
    {
        "description": optional(Text(1000)),
        "metadata": clearable(Metadata()),
        **_known("on_behalf_of", _NO_CONNECT),
    }
)
_CARD_OPTIONS = Object(
    {
        "request_three_d_secure": optional(Choice(*THREE_D_SECURE)),
        **_known("capture_method setup_future_usage", "Set it in payment_intent_data."),
        **_known(
            "installments request_extended_authorization request_incremental_authorization request_multicapture "
            "request_overcapture restrictions statement_descriptor_suffix_kana statement_descriptor_suffix_kanji",
            _LATER,
        ),
    }
)
_ENABLED = Object({"enabled": required(Boolean())})
_CONSENT = Object(
    {
        "promotions": optional(Choice("auto", "none")),
        "terms_of_service": optional(Choice("none", "required")),
        **_known("payment_method_reuse_agreement", _LATER),
    }
)

CREATE = Object(
    {
        "mode": required(
            Only(Choice("payment", "setup", "subscription"), lambda mode: mode != "subscription", _NO_BILLING)
        ),
        "billing_address_collection": optional(Choice("auto", "required")),
        "cancel_url": optional(_URL),
        "client_reference_id": optional(Text(200)),
        "consent_collection": optional(_CONSENT),
        "currency": optional(_CURRENCY),
        "customer": optional(Text(255)),
        "customer_creation": optional(Choice("always", "if_required")),
        "customer_email": optional(EMAIL),
        "expires_at": optional(Timestamp(), "30 minutes to 24 hours from now; 24 hours if it is not given."),
        "line_items": optional(Array(_ITEM, MAX_ITEMS)),
        "locale": optional(Choice(*LOCALES)),
        "metadata": clearable(Metadata()),
        "payment_intent_data": optional(PAYMENT_INTENT_DATA),
        "payment_method_options": optional(
            Object({"card": optional(_CARD_OPTIONS), **_known(" ".join((*OTHER_TYPES, *NEWEST_TYPES)), _CARDS_ONLY)})
        ),
        "payment_method_types": optional(
            Only(Array(Text(40, pattern="[a-z0-9_]+"), 20), lambda kinds: kinds == ["card"], _CARDS_ONLY)
        ),
        "phone_number_collection": optional(_ENABLED),
        "redirect_on_completion": optional(Choice("always", "if_required", "never")),
        "return_url": optional(_URL),
        "setup_intent_data": optional(_SETUP_INTENT_DATA),
        "submit_type": optional(
            Only(Choice(*SUBMIT_TYPES), lambda word: word != "subscribe", "It belongs to subscriptions.")
        ),
        "success_url": optional(_URL),
        "ui_mode": optional(Choice(*WORDS), "Its names depend on the Stripe-Version."),
        **_known(
            "allow_promotion_codes automatic_tax customer_update discounts invoice_creation managed_payments "
            "payment_method_collection subscription_data tax_id_collection",
            _NO_BILLING,
        ),
        **_known("adaptive_pricing", "A session is paid in its own currency."),
        **_known(
            "allowed_payment_method_types excluded_payment_method_types payment_method_configuration", _CARDS_ONLY
        ),
        **_known("customer_account", "Customers are cus_ objects only."),
        **_known("shipping_address_collection shipping_options", _NO_SHIPPING),
        **_known(
            "after_expiration approval_method branding_settings custom_fields custom_text integration_identifier "
            "name_collection optional_items origin_context payment_method_data permissions "
            "saved_payment_method_options wallet_options",
            _LATER,
        ),
    }
)
LIST = Listing(
    {
        "created": optional(Range()),
        "customer": optional(Text(255)),
        "customer_details": optional(Object({"email": required(Text(512))})),
        "payment_intent": optional(Text(255)),
        "status": optional(Choice("complete", "expired", "open")),
        **_known("customer_account", "Customers are cus_ objects only."),
        **_known("payment_link subscription", _LATER),
    }
).object()
LIST_ITEMS = Listing().object()
NOTHING = Object({})
