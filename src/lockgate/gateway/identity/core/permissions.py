"""What keys, roles and apps may do: a closed mapping of resources to none, read or write, in one language for all."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, get_args

from lockgate.kernel.errors import invalid
from lockgate.kernel.principal import ADMINISTRATIVE, RANK, Access

_WORD = re.compile(r"([a-z][a-z_]{1,40})=(none|read|write)")
_LEVELS = get_args(Access)


# What a merchant's business is made of.
MERCHANT = (
    "account", "balance", "charges", "checkout_sessions", "customers", "disputes", "early_fraud_warnings",
    "ephemeral_keys", "events", "mandates", "payment_intents", "payment_methods", "payouts", "refunds", "reviews",
    "risk", "risk_rules", "risk_sessions", "risk_settings", "setup_intents", "test_clock", "tokens",
    "value_lists", "webhook_endpoints",
)  # fmt: skip
# Every resource that an operation may ask a permission for; an operation that asks for another cannot be registered.
RESOURCES = tuple(sorted((*MERCHANT, *ADMINISTRATIVE)))
# What can be given by name: what is one's own (name, password, sessions) everybody has who signs in, and nobody else.
GIVEN = tuple(name for name in RESOURCES if name != "profile")


def beyond(granted: Mapping[str, Access], held: Mapping[str, Access]) -> dict[str, Access]:
    """What of ``granted`` is more than ``held``."""
    return {name: access for name, access in sorted(granted.items()) if RANK[access] > RANK[held.get(name, "none")]}


def union(grants: Iterable[Mapping[str, Access]]) -> dict[str, Access]:
    """What several grants allow together: of each resource the most."""
    found: dict[str, Access] = {}
    for grant in grants:
        for name, level in grant.items():
            if RANK[level] > RANK[found.get(name, "none")]:
                found[name] = level
    return found


def intersection(one: Mapping[str, Access], other: Mapping[str, Access]) -> dict[str, Access]:
    """What both grants allow: of each resource the less."""
    both: dict[str, Access] = {}
    for name, level in one.items():
        allowed = other.get(name, "none")
        least = level if RANK[level] <= RANK[allowed] else allowed
        if least != "none":
            both[name] = least
    return both


def read_words(words: Iterable[str]) -> dict[str, Access]:
    """``["refunds=write", ...]`` as a mapping. A word of another form, or said twice, is refused."""
    granted: dict[str, Access] = {}
    for word in words:
        match = _WORD.fullmatch(word)
        if match is None:
            raise invalid("A permission is written resource=none, resource=read or resource=write.", param="permission")
        name, level = match[1], match[2]
        if name not in GIVEN:
            raise invalid(f"The resources are {', '.join(GIVEN)}.", param="permission")
        if name in granted:
            raise invalid(f"The resource {name} was named twice.", param="permission")
        granted[name] = level  # type: ignore[assignment] - the pattern names the levels
    return granted


def from_stored(stored: Mapping[str, Any]) -> dict[str, Access]:
    """The mapping as it is kept with a key; anything that is not a known level counts as none."""
    return {name: level for name, level in stored.items() if level in _LEVELS}
