"""What a raw test card must look like before the vault is asked, and the dialect's words for what is wrong with it."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from lockgate.kernel.errors import Kind, Refusal
from lockgate.kernel.luhn import luhn_valid

_FAULTS = {
    "incorrect_number": "Your card number is incorrect.",
    "invalid_number": "The card number is not a valid credit card number.",
    "invalid_expiry_month": "Your card's expiration month is invalid.",
    "invalid_expiry_year": "Your card's expiration year is invalid.",
    "invalid_cvc": "Your card's security code is invalid.",
}
_FIELD = {
    "incorrect_number": "number",
    "invalid_number": "number",
    "invalid_expiry_month": "exp_month",
    "invalid_expiry_year": "exp_year",
    "invalid_cvc": "cvc",
}
_SAID_BY_VAULT = {
    "number": "incorrect_number",
    "exp_month": "invalid_expiry_month",
    "exp_year": "invalid_expiry_year",
    "expiry": "invalid_expiry_year",
    "cvc": "invalid_cvc",
}


def fault(code: str, path: str) -> Refusal:
    """The card error ``code``, about the card parameters at ``path``."""
    return Refusal(Kind.CARD, _FAULTS[code], code=code, param=f"{path}[{_FIELD[code]}]")


def fault_from_vault(reason: str | None, path: str) -> Refusal:
    """What the vault found wrong with a card: ``reason`` is a code of ours or the field it means."""
    code = reason if reason in _FAULTS else _SAID_BY_VAULT.get(reason or "", "invalid_number")
    return fault(code, path)


def checked(card: Mapping[str, Any], path: str, *, now: int) -> dict[str, Any]:
    """The raw card of a test-mode request, fit for the vault; card errors as the dialect has them."""
    number = re.sub(r"[ -]", "", card["number"])
    if not re.fullmatch(r"[0-9]{12,19}", number):
        raise fault("invalid_number", path)
    if not luhn_valid(number):
        raise fault("incorrect_number", path)
    today = datetime.fromtimestamp(now, UTC)
    month, year = card["exp_month"], card["exp_year"]
    if year < 100:
        year += 2000
    if not 1 <= month <= 12:
        raise fault("invalid_expiry_month", path)
    if not today.year <= year <= today.year + 50:
        raise fault("invalid_expiry_year", path)
    if (year, month) < (today.year, today.month):
        raise fault("invalid_expiry_month", path)
    checked_card = {"number": number, "exp_month": month, "exp_year": year}
    cvc = card.get("cvc")
    if cvc:
        if not re.fullmatch(r"[0-9]{3,4}", cvc):
            raise fault("invalid_cvc", path)
        checked_card["cvc"] = cvc
    return checked_card


def example(number: str, *, now: int) -> dict[str, Any]:
    """A ready-made test card: ``number`` with an expiry that is always ahead, and a security code."""
    year = datetime.fromtimestamp(now, UTC).year + 4
    return {"number": number, "exp_month": 12, "exp_year": year, "cvc": "1234" if number.startswith("3") else "123"}
