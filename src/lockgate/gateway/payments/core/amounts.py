"""What may be charged: which currencies, and how little or how much of each."""

from lockgate.kernel import money
from lockgate.kernel.errors import invalid

_SIGNS = {"usd": "$", "eur": "\u20ac", "gbp": "\u00a3", "inr": "\u20b9", "jpy": "\u00a5"}


def currency(word: str) -> str:
    """The currency in small letters; refuses what ISO 4217 does not have."""
    lower = word.lower()
    if lower not in money.CURRENCIES:
        raise invalid("Invalid currency: it must be a three-letter ISO 4217 code that is supported.", param="currency")
    return lower


def chargeable(amount: int, currency: str) -> int:
    """``amount``, if a card may be charged with it."""
    if amount < money.minimum(currency):
        raise invalid(
            f"Amount must be at least {_named(money.minimum(currency), currency)}",
            param="amount",
            code="amount_too_small",
        )
    if amount > money.MAX_AMOUNT:
        raise invalid(
            f"Amount must be no more than {_named(money.MAX_AMOUNT, currency)}",
            param="amount",
            code="amount_too_large",
        )
    return amount


def capturable(amount: int | None, available: int) -> int:
    """How much a capture takes: all that can be captured unless ``amount`` says less."""
    if amount is None:
        return available
    if amount < 1:
        raise invalid(
            "Invalid positive integer: amount_to_capture must be at least 1.",
            param="amount_to_capture",
            code="parameter_invalid_integer",
        )
    if amount > available:
        raise invalid(
            "The payment could not be captured because the requested capture amount is greater than the amount you can "
            f"capture for this charge ({available}).",
            param="amount_to_capture",
            code="amount_too_large",
        )
    return amount


def incremented(amount: int, authorized: int, currency: str) -> int:
    """``amount`` as the new total of an authorisation."""
    if amount <= authorized:
        raise invalid(
            f"The amount must be greater than the currently authorized amount ({authorized}).",
            param="amount",
            code="parameter_invalid_integer",
        )
    return chargeable(amount, currency)


def shown(amount: int, currency: str) -> str:
    """``amount`` as the dialect's messages write it: ``$1,234.00``, ``250.00 dkk``."""
    decimals = money.exponent(currency)
    whole, rest = divmod(amount, 10**decimals)
    figures = f"{whole:,}.{rest:0{decimals}d}" if decimals else f"{whole:,}"
    return f"{_SIGNS[currency]}{figures}" if currency in _SIGNS else f"{figures} {currency}"


def _named(amount: int, currency: str) -> str:
    """The same, always with the currency's name."""
    return f"{shown(amount, currency)} {currency}" if currency in _SIGNS else shown(amount, currency)
