"""The parameters of approvals: an operation by method, path and its own parameters; proofs; and an account's rules."""

from collections.abc import Mapping
from typing import Any

from lockgate.gateway.approvals.core.rules import CLASSES, MONEY, OWN
from lockgate.kernel.errors import invalid
from lockgate.kernel.params import (
    UNSET,
    Boolean,
    Choice,
    Integer,
    Listing,
    Object,
    Text,
    clearable,
    optional,
    required,
)


class OtherParams:
    """Another operation's parameters, read by that operation's own words."""

    def parse(self, raw: Any, path: str) -> dict[str, Any]:
        if not isinstance(raw, dict):
            raise invalid(f"Invalid object: {path} must be sent as {path}[...].", param=path)
        return raw

    def schema(self) -> dict[str, Any]:
        return {"type": "object"}


CREATE = Object(
    {
        "method": required(Choice("POST", "DELETE")),
        "path": required(Text(500, pattern=r"/v1/[A-Za-z0-9_./-]+"), "The operation's path, its ids filled in."),
        "params": optional(OtherParams(), "What the operation will be sent, field by field."),
    }
)
PROVE = Object(
    {
        "method": required(Choice("totp", "passkey")),
        "proof": required(Text(20_000, secret=True), "A code, or a passkey's answer as JSON."),
    }
)
LIST = Listing({"status": optional(Choice("pending", "approved", "refused", "expired", "used"))}).object()
_UNITS = Integer(0, 999_999_999)
_MONEY_RULE = Object(
    {
        "confirm_above": clearable(_UNITS, "In whole units of the currency that is moved. Empty: never."),
        "two_people_above": clearable(_UNITS, "In whole units of the currency that is moved. Empty: never."),
    }
)
_RULE = Object({"two_people": required(Boolean())})
POLICY = Object({name: optional(_MONEY_RULE if name in MONEY else _RULE) for name in CLASSES if name not in OWN})


def plain(changes: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Parsed rules as they are kept: a cleared limit is null."""
    return {
        name: {word: None if value is UNSET else value for word, value in rule.items()}
        for name, rule in changes.items()
    }
