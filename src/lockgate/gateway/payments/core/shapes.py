"""The fields of a payment intent and of a charge as the API shows them."""

from lockgate.gateway.customers.core.shapes import NO_BILLING_DETAILS, PAYMENT_METHOD
from lockgate.kernel.shapes import BOOLEAN, INTEGER, METADATA, OBJECT, STRING, Field, Shape, const, list_of, one_of

_NULLABLE_STRING = {"type": ["string", "null"]}
_NULLABLE_INTEGER = {"type": ["integer", "null"]}
_NULL = {"type": "null"}

INTENT_STATES = (
    "requires_payment_method",
    "requires_confirmation",
    "requires_action",
    "processing",
    "requires_capture",
    "succeeded",
    "canceled",
)
CAPTURE_METHODS = ("automatic", "automatic_async", "manual")
CANCELLATION_REASONS = ("abandoned", "automatic", "duplicate", "expired", "fraudulent", "requested_by_customer")
THREE_D_SECURE = ("any", "automatic", "challenge")
CHARGES_UNTIL = "2022-11-15"
"""Versions before this one embed an intent's charges and a charge's refunds."""


def _closed(**properties: object) -> dict[str, object]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _null_or(schema: object) -> dict[str, object]:
    return {"anyOf": [schema, _NULL]}


_ADDRESS = _closed(
    city=_NULLABLE_STRING,
    country=_NULLABLE_STRING,
    line1=_NULLABLE_STRING,
    line2=_NULLABLE_STRING,
    postal_code=_NULLABLE_STRING,
    state=_NULLABLE_STRING,
)
_SHIPPING = _closed(
    address=_ADDRESS,
    carrier=_NULLABLE_STRING,
    name=_NULLABLE_STRING,
    phone=_NULLABLE_STRING,
    tracking_number=_NULLABLE_STRING,
)
_BILLING_DETAILS = _closed(
    address=_ADDRESS, email=_NULLABLE_STRING, name=_NULLABLE_STRING, phone=_NULLABLE_STRING, tax_id=_NULLABLE_STRING
)
LAST_ERROR = {
    "type": "object",
    "properties": {
        "type": one_of("card_error", "invalid_request_error", "api_error"),
        "code": STRING,
        "message": STRING,
        "decline_code": STRING,
        "network_decline_code": STRING,
        "advice_code": STRING,
        "charge": STRING,
        "param": STRING,
        "payment_method": {"$ref": f"#/components/schemas/{PAYMENT_METHOD.kind}"},
    },
    "required": ["type", "code", "message"],
    "additionalProperties": False,
}
NEXT_ACTION = {
    "anyOf": [
        _closed(type=const("redirect_to_url"), redirect_to_url=_closed(url=STRING, return_url=_NULLABLE_STRING)),
        _closed(
            type=const("use_stripe_sdk"),
            use_stripe_sdk=_closed(type=const("three_d_secure_redirect"), stripe_js=STRING),
        ),
    ]
}
REQUESTS = ("request_incremental_authorization", "request_multicapture")
"""What may be asked of an authorisation that is captured later: to be raised, or captured in parts."""

CARD_OPTIONS = {
    "capture_method": None,
    "installments": None,
    "mandate_options": None,
    "network": None,
    "request_extended_authorization": None,
    "request_incremental_authorization": None,
    "request_multicapture": None,
    "request_overcapture": None,
    "request_three_d_secure": "automatic",
    "require_cvc_recollection": None,
    "setup_credential_usage": None,
    "setup_future_usage": None,
    "statement_descriptor_suffix_kana": None,
    "statement_descriptor_suffix_kanji": None,
    "stored_credential_usage": None,
}
OPTIONS = {"card": CARD_OPTIONS}

PAYMENT_INTENT = Shape(
    "payment_intent",
    {
        "id": Field(STRING, public=True),
        "object": Field(const("payment_intent"), default="payment_intent", public=True),
        "allowed_payment_method_types": Field(list_of(STRING), nullable=True),
        "amount": Field(INTEGER, public=True),
        "amount_capturable": Field(INTEGER, default=0),
        "amount_details": Field(OBJECT, nullable=True, default={"tip": {}}, public=True),
        "amount_received": Field(INTEGER, default=0),
        "application": Field(STRING, nullable=True, hollow=True),
        "application_fee_amount": Field(INTEGER, nullable=True),
        "automatic_payment_methods": Field(
            _closed(allow_redirects=one_of("always", "never"), enabled=BOOLEAN), nullable=True, public=True
        ),
        "canceled_at": Field(INTEGER, nullable=True, public=True),
        "cancellation_reason": Field(one_of(*CANCELLATION_REASONS), nullable=True, public=True),
        "capture_method": Field(one_of(*CAPTURE_METHODS), default="automatic", public=True),
        "client_secret": Field(STRING, nullable=True, public=True),
        "confirmation_method": Field(one_of("automatic", "manual"), default="automatic", public=True),
        "created": Field(INTEGER, public=True),
        "currency": Field(STRING, public=True),
        "customer": Field(STRING, nullable=True, expands="customer"),
        "customer_account": Field(STRING, nullable=True),
        "description": Field(STRING, nullable=True, public=True),
        "excluded_payment_method_types": Field(list_of(STRING), nullable=True),
        "hooks": Field(OBJECT, nullable=True),
        # Whole because it holds the payment method with its billing details.
        "last_payment_error": Field(LAST_ERROR, nullable=True, personal=True, public=True),
        "latest_charge": Field(STRING, nullable=True, expands="charge"),
        "livemode": Field(BOOLEAN, public=True),
        "managed_payments": Field(OBJECT, nullable=True),
        "metadata": Field(METADATA, default={}),
        "next_action": Field(NEXT_ACTION, nullable=True, public=True),
        "on_behalf_of": Field(STRING, nullable=True, hollow=True),
        "payment_details": Field(OBJECT, nullable=True),
        "payment_method": Field(STRING, nullable=True, expands="payment_method", public=True),
        "payment_method_configuration_details": Field(OBJECT, nullable=True, public=True),
        "payment_method_options": Field(
            _closed(
                card=_closed(
                    **{
                        **dict.fromkeys(CARD_OPTIONS, _NULL),
                        **dict.fromkeys(REQUESTS, _null_or(one_of("if_available", "never"))),
                        "request_extended_authorization": _null_or(const("never")),
                        "request_overcapture": _null_or(const("never")),
                        "request_three_d_secure": one_of(*THREE_D_SECURE),
                    }
                )
            ),
            nullable=True,
            default=OPTIONS,
        ),
        "payment_method_types": Field(list_of(STRING), default=["card"], public=True),
        "presentment_details": Field(OBJECT, nullable=True),
        "processing": Field(OBJECT, nullable=True, public=True),
        "receipt_email": Field(STRING, nullable=True, personal=True, public=True),
        "review": Field(STRING, nullable=True, expands="review"),
        "setup_future_usage": Field(one_of("off_session", "on_session"), nullable=True, public=True),
        "shipping": Field(_SHIPPING, nullable=True, personal=True, public=True),
        "source": Field(STRING, nullable=True),
        "statement_descriptor": Field(STRING, nullable=True),
        "statement_descriptor_suffix": Field(STRING, nullable=True),
        "status": Field(one_of(*INTENT_STATES), public=True),
        "transfer_data": Field(OBJECT, nullable=True),
        "transfer_group": Field(STRING, nullable=True),
    },
    former={"charges": (CHARGES_UNTIL, Field(OBJECT, lists="charge"))},
)
PAYMENT_INTENT_WITH_CHARGES = Shape(
    PAYMENT_INTENT.kind, {**PAYMENT_INTENT.fields, "charges": Field(OBJECT, personal=True)}
)
"""As events of old versions show it: the charges hold what their cards' owners are called."""

_CHECK = {"type": ["string", "null"], "enum": ["pass", "fail", "unavailable", "unchecked", None]}
_OUTCOME = _closed(
    advice_code=_NULLABLE_STRING,
    network_advice_code=_NULLABLE_STRING,
    network_decline_code=_NULLABLE_STRING,
    network_status=one_of(
        "approved_by_network", "declined_by_network", "not_sent_to_network", "reversed_after_approval"
    ),
    reason=_NULLABLE_STRING,
    risk_level=one_of("normal", "elevated", "highest", "not_assessed"),
    risk_score=_NULLABLE_INTEGER,
    rule=_NULLABLE_STRING,
    seller_message=STRING,
    type=one_of("authorized", "manual_review", "issuer_declined", "blocked", "invalid"),
)
_THREE_D_SECURE = {
    "type": "object",
    "properties": {
        "authentication_flow": _NULLABLE_STRING,
        "result": _NULLABLE_STRING,
        "result_reason": _NULLABLE_STRING,
        "version": _NULLABLE_STRING,
    },
    "additionalProperties": _NULLABLE_STRING,
}
_CARD_DETAILS = _closed(
    amount_authorized=_NULLABLE_INTEGER,
    authorization_code=_NULL,
    brand=_NULLABLE_STRING,
    capture_before=_NULLABLE_INTEGER,
    checks=_closed(address_line1_check=_CHECK, address_postal_code_check=_CHECK, cvc_check=_CHECK),
    country=_NULLABLE_STRING,
    description=_NULL,
    electronic_commerce_indicator=_NULL,
    exp_month=INTEGER,
    exp_year=INTEGER,
    extended_authorization=_closed(status=one_of("disabled", "enabled")),
    fingerprint=_NULLABLE_STRING,
    funding=_NULLABLE_STRING,
    iin=_NULL,
    incremental_authorization=_closed(status=one_of("available", "unavailable")),
    installments=_NULL,
    issuer=_NULL,
    last4=_NULLABLE_STRING,
    mandate=_NULLABLE_STRING,
    moto=_NULL,
    multicapture=_closed(status=one_of("available", "unavailable")),
    network=_NULLABLE_STRING,
    network_token=_closed(used=BOOLEAN),
    network_transaction_id=_NULLABLE_STRING,
    overcapture=_closed(maximum_amount_capturable=INTEGER, status=one_of("available", "unavailable")),
    regulated_status=_NULL,
    setup_credential_usage=_NULL,
    stored_credential_usage=_NULL,
    three_d_secure=_null_or(_THREE_D_SECURE),
    transaction_link_id=_NULL,
    wallet=_NULL,
)

_FRAUD_DETAILS = {
    "type": "object",
    "properties": {"stripe_report": one_of("fraudulent"), "user_report": one_of("fraudulent", "safe")},
    "additionalProperties": False,
}

CHARGE = Shape(
    "charge",
    {
        "id": Field(STRING),
        "object": Field(const("charge"), default="charge"),
        "amount": Field(INTEGER),
        "amount_captured": Field(INTEGER, default=0),
        "amount_refunded": Field(INTEGER, default=0),
        "application": Field(STRING, nullable=True, hollow=True),
        "application_fee": Field(STRING, nullable=True, hollow=True),
        "application_fee_amount": Field(INTEGER, nullable=True),
        "authorization_code": Field(STRING, nullable=True),
        "balance_transaction": Field(STRING, nullable=True, expands="balance_transaction"),
        "billing_details": Field(_BILLING_DETAILS, default=NO_BILLING_DETAILS, personal=True),
        "calculated_statement_descriptor": Field(STRING, nullable=True),
        "captured": Field(BOOLEAN, default=False),
        "created": Field(INTEGER),
        "currency": Field(STRING),
        "customer": Field(STRING, nullable=True, expands="customer"),
        "description": Field(STRING, nullable=True),
        "disputed": Field(BOOLEAN, default=False),
        "failure_balance_transaction": Field(STRING, nullable=True, expands="balance_transaction"),
        "failure_code": Field(STRING, nullable=True),
        "failure_message": Field(STRING, nullable=True),
        "fraud_details": Field(_FRAUD_DETAILS, nullable=True, default={}),
        "level3": Field(OBJECT, nullable=True),
        "livemode": Field(BOOLEAN),
        "metadata": Field(METADATA, default={}),
        "on_behalf_of": Field(STRING, nullable=True, hollow=True),
        "outcome": Field(_OUTCOME, nullable=True),
        "paid": Field(BOOLEAN, default=False),
        "payment_intent": Field(STRING, nullable=True, expands="payment_intent"),
        "payment_method": Field(STRING, nullable=True),
        "payment_method_details": Field(_closed(card=_CARD_DETAILS, type=const("card")), nullable=True),
        "presentment_details": Field(OBJECT, nullable=True),
        "radar_options": Field(OBJECT, nullable=True, default={}),
        "receipt_email": Field(STRING, nullable=True, personal=True),
        "receipt_number": Field(STRING, nullable=True),
        "receipt_url": Field(STRING, nullable=True),
        "refunded": Field(BOOLEAN, default=False),
        "refunds": Field(OBJECT, nullable=True, lists="refund"),
        "review": Field(STRING, nullable=True, expands="review"),
        "shipping": Field(_SHIPPING, nullable=True, personal=True),
        "source": Field(OBJECT, nullable=True, personal=True),
        "source_transfer": Field(STRING, nullable=True, hollow=True),
        "statement_descriptor": Field(STRING, nullable=True),
        "statement_descriptor_suffix": Field(STRING, nullable=True),
        "status": Field(one_of("failed", "pending", "succeeded")),
        "transfer": Field(STRING, nullable=True, hollow=True),
        "transfer_data": Field(OBJECT, nullable=True),
        "transfer_group": Field(STRING, nullable=True),
    },
)
