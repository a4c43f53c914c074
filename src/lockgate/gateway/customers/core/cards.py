"""Raw test cards on their way to the vault, and the dialect's words for what it finds wrong with them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from lockgate.kernel.errors import Kind, Refusal

_FAULTS = {
    "incorrect_number": "Your card number is incorrect.",
    "invalid_number": "The card number is not a valid credit card number.",
    "invalid_expiry_month": "Your card's expiration month is invalid.",
    "invalid_expiry_year": "Your card's expiration year is invalid.",
    "invalid_cvc": "Your card's security code is invalid.",
}
_AMEX = ("34", "37")
_FIELD = {
    "incorrect_number": "number",
    "invalid_number": "number",
    "invalid_expiry_month": "exp_month",
    "invalid_expiry_year": "exp_year",
    "invalid_cvc": "cvc",
}

def fault(reason: str | None) -> Refusal:
    """What the vault found wrong with a card, as the dialect's card error, which names the card's field alone."""
    code = reason if reason in _FAULTS else "invalid_number"
    return Refusal(Kind.CARD, _FAULTS[code], code=code, param=_FIELD[code])


def tidied(card: Mapping[str, Any]) -> dict[str, Any]:
    """The raw card of a test-mode request as the vault reads it: bare digits, a year of four; the vault judges it."""
    year = card["exp_year"]
    tidy = {
        "number": card["number"].replace(" ", "").replace("-", ""),
        "exp_month": card["exp_month"],
        "exp_year": year + 2000 if year < 100 else year,
    }
    return {**tidy, "cvc": card["cvc"]} if card.get("cvc") else tidy


def example(number: str, *, now: int) -> dict[str, Any]:
    """A ready-made test card: ``number`` with an expiry that is always ahead, and a security code."""
    year = datetime.fromtimestamp(now, UTC).year + 4
    return {"number": number, "exp_month": 12, "exp_year": year, "cvc": "1234" if number.startswith(_AMEX) else "123"}
