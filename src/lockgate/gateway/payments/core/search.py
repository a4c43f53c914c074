"""By what payment intents and charges can be searched."""

from lockgate.kernel.search import Catalogue, Subject

POSTAL_CODE = ("billing_details", "address", "postal_code")
PAYMENT_INTENTS = Subject(
    "payment_intent",
    Catalogue(
        {
            "amount": "number",
            "created": "number",
            "currency": "token",
            "customer": "id",
            "metadata": "pairs",
            "status": "token",
        }
    ),
    anchors=("customer", "metadata", "status"),
)
CHARGES = Subject(
    "charge",
    Catalogue(
        {
            "amount": "number",
            "billing_details.address.postal_code": "sealed",
            "created": "number",
            "currency": "token",
            "customer": "id",
            "disputed": "boolean",
            "metadata": "pairs",
            "payment_method_details.*.brand": "token",
            "payment_method_details.*.exp_month": "number",
            "payment_method_details.*.exp_year": "number",
            "payment_method_details.*.fingerprint": "id",
            "payment_method_details.*.last4": "token",
            "refunded": "boolean",
            "status": "token",
        }
    ),
    anchors=("customer", "metadata", "status"),
)
