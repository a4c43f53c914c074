"""What may stand in a value list of each type, and the one form in which it is kept and found again."""

import re
from collections.abc import Callable, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from lockgate.gateway.risk.core.countries import COUNTRIES
from lockgate.kernel.errors import invalid

MAX_ITEMS = 50_000
MAX_LENGTH = 800
FAMILY = 1000
"""Tells the prefixes of IPv4 from those of IPv6: 4024 and 6064 are /24 and /64."""


def _matching(pattern: str) -> Callable[[str], str | None]:
    whole = re.compile(pattern)
    return lambda value: value if whole.fullmatch(value) else None


def _email(value: str) -> str | None:
    return value.lower() if re.fullmatch(r"[^@\s]+@[^@\s]+", value) and len(value) <= 512 else None


def network(value: str) -> IPv4Network | IPv6Network | None:
    """The range that ``value`` names: one address, or an address and how many of its first bits count (CIDR).

    None where it is neither, and where bits are set behind the prefix. What an IPv6 wrapper holds of IPv4 is IPv4.
    """
    address, slash, length = value.partition("/")
    if "%" in address or (slash and not re.fullmatch(r"[0-9]{1,3}", length, re.ASCII)):
        return None
    try:
        found = ip_network(value)
    except ValueError:
        return None
    inner = found.network_address.ipv4_mapped if isinstance(found, IPv6Network) else None
    return IPv4Network((inner, found.prefixlen - 96)) if inner is not None and found.prefixlen >= 96 else found


def _addresses(value: str) -> str | None:
    """One address or a range of them, written as shortly as it can be; a range of one address is that address."""
    found = network(value)
    if found is None:
        return None
    return found.compressed if found.num_addresses > 1 else found.network_address.compressed


def prefix(item_type: str, kept: str) -> int | None:
    """How many bits of a range count, told apart by family (4024, 6064); None for whatever is no range."""
    if item_type != "ip_address" or "/" not in kept:
        return None
    found = ip_network(kept)
    return found.version * FAMILY + found.prefixlen


def within(address: str, prefix_: int) -> str | None:
    """The range of this prefix around ``address`` as a list keeps it; None where the address is of another family."""
    found = ip_address(address)
    family, length = divmod(prefix_, FAMILY)
    if found.version != family:
        return None
    return ip_network((found, length), strict=False).compressed


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
    "ip_address": (
        _addresses,
        "an IPv4 or IPv6 address, or a range of them such as 198.51.100.0/24 with no bit set behind its prefix",
    ),
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
