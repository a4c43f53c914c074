"""The evidence of a dispute: which fields there are, how changes are laid over what is staged, how much it may be."""

from collections.abc import Mapping
from typing import Any

from lockgate.kernel.errors import invalid
from lockgate.kernel.params import Object, Text, Unsupported, clearable

MAX_FIELD = 20_000
MAX_TOTAL = 150_000
FREE_TEXT = "uncategorized_text"

_LONG = (
    "access_activity_log",
    "cancellation_policy_disclosure",
    "cancellation_rebuttal",
    "duplicate_charge_explanation",
    "product_description",
    "refund_policy_disclosure",
    "refund_refusal_explanation",
    "uncategorized_text",
)
_SHORT = (
    "billing_address",
    "customer_email_address",
    "customer_name",
    "customer_purchase_ip",
    "duplicate_charge_id",
    "service_date",
    "shipping_address",
    "shipping_carrier",
    "shipping_date",
    "shipping_tracking_number",
)
_FILES = (
    "cancellation_policy",
    "customer_communication",
    "customer_signature",
    "duplicate_charge_documentation",
    "receipt",
    "refund_policy",
    "service_documentation",
    "shipping_documentation",
    "uncategorized_file",
)
TEXTS = tuple(sorted((*_LONG, *_SHORT)))
FIELDS = tuple(sorted((*TEXTS, *_FILES)))

_NO_FILES = Unsupported("There are no file uploads: say it in one of the text fields.")
_NO_PROGRAMS = Unsupported("The networks' programmes for enhanced evidence are not offered.")
PARAMS = Object(
    {
        **{name: clearable(Text(MAX_FIELD)) for name in TEXTS},
        **{name: clearable(_NO_FILES) for name in _FILES},
        "appeal": clearable(Unsupported("A lost dispute cannot be appealed here.")),
        "enhanced_evidence": clearable(_NO_PROGRAMS),
    }
)


def laid_over(staged: Mapping[str, str], changes: Mapping[str, Any]) -> dict[str, str]:
    """``staged`` with ``changes``: a cleared field is forgotten. Refuses more text than a dispute may hold."""
    merged = {**staged, **{name: value for name, value in changes.items() if name in TEXTS}}
    kept = {name: value for name, value in merged.items() if value}
    if sum(map(len, kept.values())) > MAX_TOTAL:
        raise invalid(f"All evidence together can be at most {MAX_TOTAL} characters long.", param="evidence")
    return kept


def shown(staged: Mapping[str, str]) -> dict[str, Any]:
    """The evidence as the API shows it: every field there is, those not given as null."""
    return {**dict.fromkeys(FIELDS), **staged, "appeal": None, "enhanced_evidence": {}}
