"""What may stand in a value list of each type, and the one form in which it is kept and found again."""

import re
from collections.abc import Callable, Mapping
from ipaddress import IPv6Address, ip_address

from lockgate.gateway.risk.core.countries import COUNTRIES
from lockgate.kernel.errors import invalid

MAX_ITEMS = 50_000
MAX_LENGTH = 800


def _matching(pattern: str) -> Callable[[str], str | None]:
    whole = re.compile(pattern)
    return lambda value: value if whole.fullmatch(value) else None


def _email(value: str) -> str | None:
    return value.lower() if re.fullmatch(r"[^@\s]+@[^@\s]+", value) and len(value) <= 512 else None


def _address(value: str) -> str | None:
    """One address, written as shortly as it can be; an IPv4 address stays one inside an IPv6 wrapper."""
    try:
        address = ip_address(value)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            return None
        address = address.ipv4_mapped or address
    return address.compressed


def _country(value: str) -> str | None:
    return value.upper() if value.upper() in COUNTRIES else None


_fingerprint = _matching(r"[A-Za-z0-9_\-]{8,64}")

_FORMS: Mapping[str, tuple[Callable[[str], str | None], str]] = {
    "account": (_matching(r"acct_[A-Za-z0-9]{8,64}"), "an account's id (acct_...)"),
    "card_bin": (_matching(r"[0-9]{6}"), "the first six digits of a card"),
    "card_fingerprint": (_fingerprint, "a card's fingerprint"),
    "case_sensitive_string": (lambda value: value, "text"),
    "country": (_country, "a two-letter country code (ISO 3166-1)"),
    "crypto_fingerprint": (_fingerprint, "a fingerprint"),
    "customer_id": (_matching(r"cus_[A-Za-z0-9]{8,64}"), "a customer's id (cus_...)"),
    "email": (_email, "an e-mail address"),
    "ip_address": (_address, "an IPv4 or IPv6 address"),
    "sepa_debit_fingerprint": (_fingerprint, "a fingerprint"),
    "string": (lambda value: value.lower(), "text"),
    "us_bank_account_fingerprint": (_fingerprint, "a fingerprint"),
}
ITEM_TYPES = tuple(_FORMS)


def normal(item_type: str, value: str) -> str | None:
    """``value`` as a list of this type keeps it, or None when it is no such value."""
    form, _ = _FORMS[item_type]
    trimmed = value.strip()
    return form(trimmed) if trimmed else None


def accepted(item_type: str, value: str) -> str:
    """The same, refused when it is no such value."""
    kept = normal(item_type, value)
    if kept is None:
        raise invalid(f"This value list holds {item_type}: value must be {_FORMS[item_type][1]}.", param="value")
    return kept


def index_name(item_type: str) -> str:
    """The name under which values of this type are hashed: equal values of two types have nothing in common."""
    return f"value_list_item.{item_type}"
