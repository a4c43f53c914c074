"""What may be charged: which currencies, and how little or how much of each."""

from lockgate.kernel import money
from lockgate.kernel.errors import Refusal, invalid


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
            f"Amount must be at least {_shown(money.minimum(currency), currency)}.",
            param="amount",
            code="amount_too_small",
        )
    if amount > money.MAX_AMOUNT:
        raise invalid(
            f"Amount must be no more than {_shown(money.MAX_AMOUNT, currency)}.",
            param="amount",
            code="amount_too_large",
        )
    return amount


def capturable(amount: int | None, available: int) -> int:
    """How much a capture takes: all that is authorised unless ``amount`` says less."""
    if amount is None:
        return available
    if not 1 <= amount <= available:
        raise _too_much(available)
    return amount


def _too_much(available: int) -> Refusal:
    return invalid(
        f"The amount to capture must be between 1 and the {available} that can be captured.",
        param="amount_to_capture",
        code="amount_too_large",
    )


def _shown(amount: int, currency: str) -> str:
    decimals = money.exponent(currency)
    if not decimals:
        return f"{amount} {currency}"
    whole, rest = divmod(amount, 10**decimals)
    return f"{whole}.{rest:0{decimals}d} {currency}"
