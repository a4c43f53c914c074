"""What a card number's first digits say (ISO/IEC 7812): brand and length; the issuer's country they do not say."""

from dataclasses import dataclass

from lockgate.kernel.card_ranges import UNKNOWN, brand_of
from lockgate.kernel.testcards import BY_NUMBER, script_of

CVC_LENGTH = {"amex": 4}


@dataclass(frozen=True, slots=True)
class Issuer:
    """What may be shown of a card without its number. ``test_name`` names a published test number, else None."""

    brand: str
    funding: str
    country: str
    test_name: str | None


def issuer_of(number: str) -> Issuer:
    """Brand from the range; funding and country only where they are known, which is for test numbers."""
    test = BY_NUMBER.get(number)
    if test is not None:
        return Issuer(test.brand, test.funding, test.country, test.name)
    like = script_of(number)
    if like is not None:  # not a published card itself: whatever treats those apart must not see one
        return Issuer(like.brand, like.funding, like.country, None)
    return Issuer(brand_of(number), UNKNOWN, UNKNOWN, None)
