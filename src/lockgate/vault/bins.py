"""What a card number's first digits say (ISO/IEC 7812): brand and length; the issuer's country they do not say."""

from dataclasses import dataclass

from lockgate.kernel.luhn import luhn_valid
from lockgate.kernel.testcards import BY_NUMBER

UNKNOWN = "unknown"
CVC_LENGTH = {"amex": 4}
_RANGES: tuple[tuple[int, int, int, str, frozenset[int]], ...] = tuple(
    # digits compared, first, last, brand, lengths; the first match wins, so narrow ranges come first
    (len(str(first)), first, last, brand, frozenset(lengths))
    for first, last, brand, lengths in (
        (508500, 508999, "rupay", (16,)),
        (606985, 607984, "rupay", (16,)),
        (608001, 608500, "rupay", (16,)),
        (652150, 653149, "rupay", (16,)),
        (622126, 622925, "unionpay", (16, 17, 18, 19)),
        (6011, 6011, "discover", (16, 17, 18, 19)),
        (2221, 2720, "mastercard", (16,)),
        (3528, 3589, "jcb", (16, 17, 18, 19)),
        (3095, 3095, "diners", (14, 15, 16, 17, 18, 19)),
        (5018, 5018, "maestro", (12, 13, 14, 15, 16, 17, 18, 19)),
        (5020, 5020, "maestro", (12, 13, 14, 15, 16, 17, 18, 19)),
        (5038, 5038, "maestro", (12, 13, 14, 15, 16, 17, 18, 19)),
        (5893, 5893, "maestro", (12, 13, 14, 15, 16, 17, 18, 19)),
        (6304, 6304, "maestro", (12, 13, 14, 15, 16, 17, 18, 19)),
        (6759, 6763, "maestro", (12, 13, 14, 15, 16, 17, 18, 19)),
        (300, 305, "diners", (14, 15, 16, 17, 18, 19)),
        (644, 649, "discover", (16, 17, 18, 19)),
        (34, 34, "amex", (15,)),
        (37, 37, "amex", (15,)),
        (36, 36, "diners", (14, 15, 16, 17, 18, 19)),
        (38, 39, "diners", (14, 15, 16, 17, 18, 19)),
        (51, 55, "mastercard", (16,)),
        (62, 62, "unionpay", (16, 17, 18, 19)),
        (81, 81, "unionpay", (16, 17, 18, 19)),
        (65, 65, "discover", (16, 17, 18, 19)),
        (4, 4, "visa", (13, 16, 19)),
    )
)


@dataclass(frozen=True, slots=True)
class Issuer:
    """What may be shown of a card without its number. ``test_name`` names a published test number, else None."""

    brand: str
    funding: str
    country: str
    test_name: str | None


def brand_of(number: str) -> str:
    """The brand whose range and length ``number`` fits, or ``unknown``."""
    for digits, first, last, brand, lengths in _RANGES:
        if first <= int(number[:digits]) <= last:
            return brand if len(number) in lengths else UNKNOWN
    return UNKNOWN


def card_like(number: str) -> bool:
    """Whether a run of ASCII digits could be a real card's number: a brand's prefix and length, and the check digit."""
    return brand_of(number) != UNKNOWN and luhn_valid(number)


def issuer_of(number: str) -> Issuer:
    """Brand from the range; funding and country only where they are known, which is for published test numbers."""
    test = BY_NUMBER.get(number)
    if test is not None:
        return Issuer(test.brand, test.funding, test.country, test.name)
    return Issuer(brand_of(number), UNKNOWN, UNKNOWN, None)
