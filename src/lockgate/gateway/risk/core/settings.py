"""How strict the built-in rules are for one account in one mode, and which of two settings is the looser."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from lockgate.gateway.risk.core.verdict import Verdict, at_least

LARGEST_LIMIT = 10**11
"""In US cents: a billion dollars an hour is as good as no limit."""

MOST_LISTS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What an account can set. The defaults are what RISK demands of everybody.

    ``hourly_limit`` is in US cents, for each card, customer, device and address. ``countries_differ`` and
    ``card_country_unknown`` are what becomes of a payment whose card's country is not, or not known to be, the one that
    the goods go to. ``elevated`` and ``highest`` are what becomes of a payment by its score's level, unless a rule of
    the merchant's allows it. ``card_testing`` is what becomes of a payment that looks like a card being tried out.
    ``block_lists`` and ``allow_lists`` are aliases of value lists, beside those that say it by their alias.
    """

    hourly_limit: int = 500_000
    countries_differ: Verdict = "flag"
    card_country_unknown: Verdict = "flag"
    elevated: Verdict = "flag"
    highest: Verdict = "review"
    card_testing: Verdict = "block"
    block_lists: tuple[str, ...] = ()
    allow_lists: tuple[str, ...] = ()


DEFAULTS = Settings()
VERDICT_FIELDS = ("countries_differ", "card_country_unknown", "elevated", "highest", "card_testing")


def is_block_list(alias: str, settings: Settings) -> bool:
    """Whether what stands in the list ``alias`` is blocked: its alias says so, or the account."""
    return _says(alias, "blocklist", "blocked") or alias in settings.block_lists


def is_allow_list(alias: str, settings: Settings) -> bool:
    """Whether what stands in the list ``alias`` is let through: as a merchant's own allow rule would."""
    return _says(alias, "allowlist", "allowed") or alias in settings.allow_lists


def _says(alias: str, noun: str, participle: str) -> bool:
    """Whether an alias is the bare word, or like ip_address_blocklist, or like blocked_cards."""
    return alias in (noun, participle) or alias.endswith(f"_{noun}") or alias.startswith(f"{participle}_")


def from_stored(kept: Mapping[str, Any]) -> Settings:
    """The settings of a stored row: what it does not say is as the defaults have it."""
    given: dict[str, Any] = {}
    for name in (f.name for f in fields(Settings)):
        if name in kept:
            given[name] = tuple(kept[name]) if isinstance(kept[name], list) else kept[name]
    return Settings(**given)


def to_stored(settings: Settings) -> dict[str, Any]:
    """What differs from the defaults: a later, stricter default is felt by everybody who never said otherwise."""
    standard = asdict(DEFAULTS)
    return {name: value for name, value in asdict(settings).items() if value != standard[name]}


def loosened(before: Settings, after: Settings) -> Sequence[str]:
    """The names of what ``after`` is less strict in than ``before``."""
    found = [name for name in VERDICT_FIELDS if not at_least(getattr(after, name), getattr(before, name))]
    if after.hourly_limit > before.hourly_limit:
        found.append("hourly_limit")
    if set(before.block_lists) - set(after.block_lists):
        found.append("block_lists")
    if set(after.allow_lists) - set(before.allow_lists):
        found.append("allow_lists")
    return sorted(found)
