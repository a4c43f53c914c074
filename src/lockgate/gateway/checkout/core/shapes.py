"""The fields of a checkout session and of its line items as the API shows them."""

from lockgate.gateway.checkout.core.params import LOCALES, SUBMIT_TYPES
from lockgate.gateway.checkout.core.ui import WORDS
from lockgate.kernel.shapes import (
    BOOLEAN,
    INTEGER,
    METADATA,
    OBJECT,
    STRING,
    Field,
    Shape,
    const,
    list_of,
    one_of,
)

STATUSES = ("open", "complete", "expired")
PAYMENT_STATUSES = ("no_payment_required", "paid", "unpaid")
_NULL = {"type": "null"}
_NULLABLE_STRING = {"type": ["string", "null"]}


def _closed(**properties: object) -> dict[str, object]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


_ADDRESS = _closed(
    **dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"), _NULLABLE_STRING)
)
CUSTOMER_DETAILS = (
    "address", "business_name", "email", "individual_name", "name", "phone", "tax_exempt", "tax_ids",
)  # fmt: skip

LINE_ITEM = Shape(
    "item",
    {
        "id": Field(STRING),
        "object": Field(const("item"), default="item"),
        "adjustable_quantity": Field(OBJECT, nullable=True),
        "amount_discount": Field(INTEGER, default=0),
        "amount_subtotal": Field(INTEGER),
        "amount_tax": Field(INTEGER, default=0),
        "amount_total": Field(INTEGER),
        "currency": Field(STRING),
        "description": Field(STRING, nullable=True),
        "discounts": Field(list_of(OBJECT), nullable=True, default=[], hollow=True),
        "metadata": Field(METADATA, nullable=True, default={}),
        "price": Field(
            _closed(
                id=STRING,
                object=const("price"),
                active=BOOLEAN,
                billing_scheme=const("per_unit"),
                created=INTEGER,
                currency=STRING,
                custom_unit_amount=_NULL,
                livemode=BOOLEAN,
                lookup_key=_NULL,
                metadata=METADATA,
                nickname=_NULL,
                product=STRING,
                recurring=_NULL,
                tax_behavior=const("unspecified"),
                tiers_mode=_NULL,
                transform_quantity=_NULL,
                type=const("one_time"),
                unit_amount={"type": ["integer", "null"]},
                unit_amount_decimal=STRING,
            ),
            nullable=True,
        ),
        "quantity": Field(INTEGER, nullable=True),
        "taxes": Field(list_of(OBJECT), nullable=True, default=[]),
    },
)

CHECKOUT_SESSION = Shape(
    "checkout.session",
    {
        "id": Field(STRING),
        "object": Field(const("checkout.session"), default="checkout.session"),
        "adaptive_pricing": Field(_closed(enabled=BOOLEAN), nullable=True),
        "after_expiration": Field(OBJECT, nullable=True),
        "allow_promotion_codes": Field(BOOLEAN, nullable=True),
        "allowed_payment_method_types": Field(list_of(STRING), nullable=True),
        "amount_subtotal": Field(INTEGER, nullable=True),
        "amount_total": Field(INTEGER, nullable=True),
        "automatic_tax": Field(
            _closed(enabled=BOOLEAN, liability=_NULL, provider=_NULL, status=_NULL),
            default={"enabled": False, "liability": None, "provider": None, "status": None},
        ),
        "billing_address_collection": Field(one_of("auto", "required"), nullable=True),
        "branding_settings": Field(OBJECT, nullable=True),
        "cancel_url": Field(STRING, nullable=True),
        "client_reference_id": Field(STRING, nullable=True),
        "client_secret": Field(STRING, nullable=True),
        "collected_information": Field(OBJECT, nullable=True),
        "consent": Field(OBJECT, nullable=True),
        "consent_collection": Field(
            _closed(
                payment_method_reuse_agreement=_NULL,
                promotions={"enum": ["auto", "none", None]},
                terms_of_service={"enum": ["none", "required", None]},
            ),
            nullable=True,
        ),
        "created": Field(INTEGER),
        "currency": Field(STRING, nullable=True),
        "currency_conversion": Field(OBJECT, nullable=True),
        "custom_fields": Field(list_of(OBJECT), default=[]),
        "custom_text": Field(
            _closed(after_submit=_NULL, shipping_address=_NULL, submit=_NULL, terms_of_service_acceptance=_NULL),
            default={
                "after_submit": None, "shipping_address": None, "submit": None, "terms_of_service_acceptance": None,
            },
        ),
        "customer": Field(STRING, nullable=True, expands="customer"),
        "customer_account": Field(STRING, nullable=True),
        "customer_creation": Field(one_of("always", "if_required"), nullable=True),
        "customer_details": Field(
            _closed(
                **{
                    **dict.fromkeys(CUSTOMER_DETAILS, _NULLABLE_STRING),
                    "address": {"anyOf": [_ADDRESS, _NULL]},
                    "tax_exempt": {"enum": ["none", None]},
                    "tax_ids": {"anyOf": [list_of(OBJECT), _NULL]},
                }
            ),
            nullable=True,
            personal=True,
        ),
        "customer_email": Field(STRING, nullable=True, personal=True),
        "discounts": Field(list_of(OBJECT), nullable=True, default=[]),
        "excluded_payment_method_types": Field(list_of(STRING), nullable=True),
        "expires_at": Field(INTEGER),
        "integration_identifier": Field(STRING, nullable=True),
        "invoice": Field(STRING, nullable=True, hollow=True),
        "invoice_creation": Field(OBJECT, nullable=True),
        "line_items": Field(
            _closed(
                object=const("list"),
                data=list_of({"$ref": f"#/components/schemas/{LINE_ITEM.kind}"}),
                has_more=BOOLEAN,
                url=STRING,
            ),
            nullable=True,
            lists="item",
        ),
        "livemode": Field(BOOLEAN),
        "locale": Field(one_of(*LOCALES), nullable=True),
        "managed_payments": Field(OBJECT, nullable=True),
        "metadata": Field(METADATA, nullable=True, default={}),
        "mode": Field(one_of("payment", "setup")),
        "name_collection": Field(OBJECT, nullable=True),
        "optional_items": Field(list_of(OBJECT), nullable=True),
        "origin_context": Field(STRING, nullable=True),
        "payment_intent": Field(STRING, nullable=True, expands="payment_intent"),
        "payment_link": Field(STRING, nullable=True, hollow=True),
        "payment_method_collection": Field(one_of("always", "if_required"), nullable=True),
        "payment_method_configuration_details": Field(OBJECT, nullable=True),
        "payment_method_options": Field(OBJECT, nullable=True, default={}),
        "payment_method_types": Field(list_of(STRING), default=["card"]),
        "payment_status": Field(one_of(*PAYMENT_STATUSES)),
        "permissions": Field(OBJECT, nullable=True),
        "phone_number_collection": Field(_closed(enabled=BOOLEAN), nullable=True, default={"enabled": False}),
        "presentment_details": Field(OBJECT, nullable=True),
        "recovered_from": Field(STRING, nullable=True),
        "redirect_on_completion": Field(one_of("always", "if_required", "never"), nullable=True),
        "return_url": Field(STRING, nullable=True),
        "saved_payment_method_options": Field(OBJECT, nullable=True),
        "setup_intent": Field(STRING, nullable=True, expands="setup_intent"),
        "shipping_address_collection": Field(OBJECT, nullable=True),
        "shipping_cost": Field(OBJECT, nullable=True),
        "shipping_options": Field(list_of(OBJECT), default=[]),
        "status": Field(one_of(*STATUSES), nullable=True),
        "submit_type": Field(one_of(*SUBMIT_TYPES), nullable=True),
        "subscription": Field(STRING, nullable=True, hollow=True),
        "success_url": Field(STRING, nullable=True),
        "tax_id_collection": Field(OBJECT, nullable=True),
        "total_details": Field(
            _closed(
                amount_discount=INTEGER, amount_shipping={"type": ["integer", "null"]}, amount_tax=INTEGER
            ),
            nullable=True,
        ),
        "ui_mode": Field(one_of(*WORDS), nullable=True),
        "url": Field(STRING, nullable=True),
        "wallet_options": Field(OBJECT, nullable=True),
    },
)
