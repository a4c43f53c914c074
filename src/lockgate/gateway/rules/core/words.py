"""What the texts of some attributes can be, so that a rule which can never match is refused when it is saved."""

import re
from collections.abc import Callable, Mapping

from lockgate.kernel.money import CURRENCIES

_LEVELS = ("normal", "elevated", "highest", "not_assessed")
_ANSWERS = ("allow", "review", "challenge", "block")
_FUNDINGS = ("credit", "debit", "prepaid")

CLOSED: Mapping[str, tuple[str, ...]] = {
    "risk_level": _LEVELS,
    "engine_decision": _ANSWERS,
    "card_funding": _FUNDINGS,
    "currency": tuple(sorted(CURRENCIES)),
}
"""Attribute -> every text that it can have."""

SMALL = frozenset({"card_brand", "email_domain", *CLOSED})
"""Attributes that are always in small letters: what a rule compares them with is brought to that form."""


def _country(word: str) -> str | None:
    return word.upper() if re.fullmatch(r"[A-Za-z]{2}", word) else None


def _bin(word: str) -> str | None:
    return word if re.fullmatch(r"[0-9]{6}", word) else None


_FORMS: Mapping[str, tuple[Callable[[str], str | None], str]] = {
    "country": (_country, "a two-letter country code such as 'US'"),
    "card_bin": (_bin, "the first six digits of a card"),
}


def form(name: str, item_type: str | None, word: str) -> tuple[str | None, str]:
    """``word`` as the attribute ``name`` would have it, or None and what it should have been."""
    if name in SMALL:
        word = word.lower()
    if name in CLOSED:
        shown = ", ".join(f"'{one}'" for one in CLOSED[name][:6])
        return (word, "") if word in CLOSED[name] else (None, "a known currency" if name == "currency" else shown)
    if item_type is not None and item_type in _FORMS:
        checked, expected = _FORMS[item_type]
        return checked(word), expected
    return word, ""
