"""The built-in rules, in the language that merchants write theirs in: always there, and beaten by no rule that allows.

``@blocked`` stands for every value list of the account that blocks (``settings.is_block_list``), of whatever type.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from lockgate.gateway.risk.core import testing
from lockgate.gateway.risk.core.settings import Settings
from lockgate.gateway.rules.core.catalogue import ATTRIBUTES
from lockgate.gateway.rules.core.nodes import Rule
from lockgate.gateway.rules.core.parser import parse

Kind = Literal["list", "unknown", "velocity", "country", "testing", "level"]

BLOCKED = "blocked"
ALLOWED = "allowed"
LISTABLE = tuple(name for name, attribute in ATTRIBUTES.items() if attribute.item_type is not None)
"""Attributes whose value can stand in a value list."""

MONEY_KEYS = ("card", "customer", "device", "ip")

ACTS_ALWAYS: Mapping[Kind, bool] = {
    "list": True, "unknown": True, "velocity": False, "country": True, "testing": False, "level": True,
}  # fmt: skip
"""Whether rules of a kind act in test mode too, where a developer's load comes from one address and one test card."""


@dataclass(frozen=True, slots=True)
class Builtin:
    """One built-in rule. ``id`` is what decisions and charges name it by."""

    id: str
    kind: Kind
    text: str
    rule: Rule


@lru_cache(maxsize=256)
def rules(settings: Settings) -> tuple[Builtin, ...]:
    """All of them for an account with ``settings``. What the account lets pass (``allow``) has no rule."""
    found: list[tuple[str, Kind, str]] = [
        ("builtin.blocked", "list", f"block if {_any('in @' + BLOCKED)}"),
        # Without a rate of exchange nobody can say what it is worth: a limit that cannot be checked is not kept.
        ("builtin.amount_unknown", "unknown", "review if is_missing(:amount:)"),
    ]
    limit = f"{settings.hourly_limit // 100}.{settings.hourly_limit % 100:02d} USD"
    for key in MONEY_KEYS:
        found.append((f"builtin.hourly_limit_{key}", "velocity", f"review if :{key}_amount_1h: > {limit}"))
    if settings.countries_differ != "allow":
        condition = ":card_country: != :shipping_country:"
        found.append(("builtin.countries_differ", "country", f"{settings.countries_differ} if {condition}"))
    if settings.card_country_unknown != "allow":
        condition = (
            "is_missing(:card_country:) and not is_missing(:card_brand:) and not is_missing(:shipping_country:)"
        )
        found.append(("builtin.card_country_unknown", "country", f"{settings.card_country_unknown} if {condition}"))
    if settings.card_testing != "allow":
        for name, condition in testing.CONDITIONS.items():
            found.append((f"builtin.{name}", "testing", f"{settings.card_testing} if {condition}"))
    return _parsed(found)


@lru_cache(maxsize=256)
def by_level(settings: Settings) -> tuple[Builtin, ...]:
    """What becomes of a payment by its score's level: unlike the others a default, which an allow rule stops."""
    found: list[tuple[str, Kind, str]] = []
    for level, verdict in (("elevated", settings.elevated), ("highest", settings.highest)):
        if verdict != "allow":
            found.append((f"builtin.{level}", "level", f"{verdict} if :risk_level: = '{level}'"))
    return _parsed(found)


def _any(condition: str) -> str:
    return " or ".join(f":{name}: {condition}" for name in LISTABLE)


def _parsed(texts: Sequence[tuple[str, Kind, str]]) -> tuple[Builtin, ...]:
    return tuple(Builtin(id_, kind, text, parse(text)) for id_, kind, text in texts)
