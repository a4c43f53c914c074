"""The fields of a customer and of a payment method as the API shows them."""

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

NO_ADDRESS = {"city": None, "country": None, "line1": None, "line2": None, "postal_code": None, "state": None}
NO_BILLING_DETAILS = {"address": NO_ADDRESS, "email": None, "name": None, "phone": None, "tax_id": None}
NO_INVOICE_SETTINGS = {"custom_fields": None, "default_payment_method": None, "footer": None, "rendering_options": None}

_NULLABLE_STRING = {"type": ["string", "null"]}


def _closed(**properties: object) -> dict[str, object]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


_ADDRESS = _closed(**dict.fromkeys(NO_ADDRESS, _NULLABLE_STRING))
_NULLABLE_ADDRESS = {"anyOf": [_ADDRESS, {"type": "null"}]}
_CHECK = {"type": ["string", "null"], "enum": ["pass", "fail", "unavailable", "unchecked", None]}

CUSTOMER = Shape(
    "customer",
    {
        "id": Field(STRING),
        "object": Field(const("customer"), default="customer"),
        "address": Field(_ADDRESS, nullable=True, personal=True),
        "balance": Field(INTEGER, default=0),
        "business_name": Field(STRING, nullable=True, personal=True),
        "cash_balance": Field(OBJECT, nullable=True, hollow=True),
        "created": Field(INTEGER),
        "currency": Field(STRING, nullable=True),
        "customer_account": Field(STRING, nullable=True),
        # A card's older name; it expands to the card as the older API shows it.
        "default_source": Field({"type": ["string", "object"]}, nullable=True, expands="payment_method"),
        "delinquent": Field(BOOLEAN, nullable=True, default=False),
        "description": Field(STRING, nullable=True),
        "discount": Field(OBJECT, nullable=True),
        "email": Field(STRING, nullable=True, personal=True),
        "individual_name": Field(STRING, nullable=True, personal=True),
        "invoice_credit_balance": Field(OBJECT, default={}, hollow=True),
        "invoice_prefix": Field(STRING, nullable=True),
        "invoice_settings": Field(
            _closed(
                custom_fields={"type": "null"},
                default_payment_method={
                    "anyOf": [STRING, {"$ref": "#/components/schemas/payment_method"}, {"type": "null"}]
                },
                footer={"type": "null"},
                rendering_options={"type": "null"},
            ),
            default=NO_INVOICE_SETTINGS,
            inside={"default_payment_method": "payment_method"},
        ),
        "livemode": Field(BOOLEAN),
        "metadata": Field(METADATA, default={}),
        "name": Field(STRING, nullable=True, personal=True),
        "next_invoice_sequence": Field(INTEGER, nullable=True, default=1),
        "phone": Field(STRING, nullable=True, personal=True),
        "preferred_locales": Field(list_of(STRING), nullable=True, default=[]),
        "shipping": Field(
            _closed(
                address=_NULLABLE_ADDRESS,
                carrier=_NULLABLE_STRING,
                name=_NULLABLE_STRING,
                phone=_NULLABLE_STRING,
                tracking_number=_NULLABLE_STRING,
            ),
            nullable=True,
            personal=True,
        ),
        "sources": Field(OBJECT, nullable=True, lists="card"),
        "subscriptions": Field(OBJECT, nullable=True, lists="subscription"),
        "tax": Field(OBJECT, nullable=True, hollow=True),
        "tax_exempt": Field(one_of("exempt", "none", "reverse"), nullable=True, default="none"),
        "tax_ids": Field(OBJECT, nullable=True, lists="tax_id"),
        "test_clock": Field(STRING, nullable=True, hollow=True),
    },
)

EPHEMERAL_KEY = Shape(
    "ephemeral_key",
    {
        "id": Field(STRING),
        "object": Field(const("ephemeral_key"), default="ephemeral_key"),
        "associated_objects": Field(list_of(_closed(id=STRING, type=const("customer")))),
        "created": Field(INTEGER),
        "expires": Field(INTEGER),
        "livemode": Field(BOOLEAN),
        "secret": Field(STRING, nullable=True),
    },
)

# The dialect names one field for each kind of payment method; all but the kind's own are null.
NEWEST_TYPES = ("demo_pay", "paypay", "sequra")
"""Types that only the newest dialect has: refused by name, not shown as fields."""

OTHER_TYPES = (
    "acss_debit", "affirm", "afterpay_clearpay", "alipay", "alma", "amazon_pay", "au_becs_debit", "bacs_debit",
    "bancontact", "billie", "bizum", "blik", "boleto", "card_present", "cashapp", "crypto", "custom",
    "customer_balance", "eps", "fpx", "giropay", "grabpay", "ideal", "interac_present", "kakao_pay", "klarna",
    "konbini", "kr_card", "link", "mb_way", "mobilepay", "multibanco", "naver_pay", "nz_bank_account", "oxxo",
    "p24", "pay_by_bank", "payco", "paynow", "paypal", "payto", "pix", "promptpay", "revolut_pay", "samsung_pay",
    "satispay", "scalapay", "sepa_debit", "sofort", "sunbit", "swish", "twint", "upi", "us_bank_account",
    "wechat_pay", "zip",
)

_CARD = _closed(
    brand=STRING,
    checks=_closed(address_line1_check=_CHECK, address_postal_code_check=_CHECK, cvc_check=_CHECK),
    country=_NULLABLE_STRING,
    description={"type": "null"},
    display_brand=_NULLABLE_STRING,
    exp_month={"type": "integer", "minimum": 1, "maximum": 12},
    exp_year=INTEGER,
    fingerprint=_NULLABLE_STRING,
    funding=one_of("credit", "debit", "prepaid", "unknown"),
    generated_from={"type": "null"},
    iin={"type": "null"},
    issuer={"type": "null"},
    last4=STRING,
    networks=_closed(available=list_of(STRING), preferred=_NULLABLE_STRING),
    regulated_status={"type": "null"},
    three_d_secure_usage=_closed(supported=BOOLEAN),
    wallet={"type": "null"},
)

PAYMENT_METHOD = Shape(
    "payment_method",
    {
        "id": Field(STRING, public=True),
        "object": Field(const("payment_method"), default="payment_method", public=True),
        "allow_redisplay": Field(
            one_of("always", "limited", "unspecified"), nullable=True, default="unspecified", public=True
        ),
        "billing_details": Field(
            _closed(
                address=_ADDRESS,
                email=_NULLABLE_STRING,
                name=_NULLABLE_STRING,
                phone=_NULLABLE_STRING,
                tax_id=_NULLABLE_STRING,
            ),
            default=NO_BILLING_DETAILS,
            personal=True,
            public=True,
        ),
        "card": Field(_CARD, nullable=True, public=True),
        "created": Field(INTEGER, public=True),
        "customer": Field(STRING, nullable=True, expands="customer", public=True),
        "customer_account": Field(STRING, nullable=True),
        "livemode": Field(BOOLEAN, public=True),
        "metadata": Field(METADATA, nullable=True, default={}),
        "radar_options": Field(OBJECT, nullable=True, default={}),
        "type": Field(one_of("card"), public=True),
        **{name: Field(OBJECT, nullable=True) for name in OTHER_TYPES},
    },
)
