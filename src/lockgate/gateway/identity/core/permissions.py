"""What a restricted key may do: a closed mapping of resources to none, read or write, as its owner wrote it."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, get_args

from lockgate.kernel.errors import invalid
from lockgate.kernel.principal import Access

_WORD = re.compile(r"([a-z][a-z_]{1,40})=(none|read|write)")
_LEVELS = get_args(Access)


# Every resource that an operation may ask a permission for; an operation that asks for another cannot be registered.
RESOURCES = (
    "account", "balance", "charges", "checkout_sessions", "customers", "disputes", "early_fraud_warnings",
    "ephemeral_keys", "events", "mandates", "payment_intents", "payment_methods", "payouts", "refunds", "reviews",
    "setup_intents", "test_clock", "tokens", "value_lists", "webhook_endpoints",
)  # fmt: skip


def read_words(words: Iterable[str]) -> dict[str, Access]:
    """``["refunds=write", ...]`` as a mapping. A word of another form, or said twice, is refused."""
    granted: dict[str, Access] = {}
    for word in words:
        match = _WORD.fullmatch(word)
        if match is None:
            raise invalid("A permission is written resource=none, resource=read or resource=write.", param="permission")
        name, level = match[1], match[2]
        if name not in RESOURCES:
            raise invalid(f"The resources are {', '.join(RESOURCES)}.", param="permission")
        if name in granted:
            raise invalid(f"The resource {name} was named twice.", param="permission")
        granted[name] = level  # type: ignore[assignment] - the pattern names the levels
    return granted


def from_stored(stored: Mapping[str, Any]) -> dict[str, Access]:
    """The mapping as it is kept with a key; anything that is not a known level counts as none."""
    return {name: level for name, level in stored.items() if level in _LEVELS}
