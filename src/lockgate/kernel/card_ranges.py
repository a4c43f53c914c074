"""Which numbers are cards: the networks' prefix ranges and lengths (ISO/IEC 7812), without any issuer's data."""

import re

from lockgate.kernel.luhn import luhn_valid

UNKNOWN = "unknown"
# As people write card numbers: in one piece or in a card's groups, on its own. A UUID or a digest, whose digits stand
# among letters and dashes, is none.
_WRITTEN = re.compile(
    r"(?<![0-9A-Za-z\-])"
    r"(?:[0-9]{14,19}"
    r"|[0-9]{4}([ \-.])[0-9]{4}\1[0-9]{4}\1[0-9]{4}(?:\1[0-9]{3})?"
    r"|[0-9]{4}([ \-.])[0-9]{6}\2[0-9]{4,5})"
    r"(?![0-9A-Za-z\-])"
)
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


def brand_of(number: str) -> str:
    """The brand whose range and length ``number`` fits, or ``unknown``."""
    for digits, first, last, brand, lengths in _RANGES:
        if first <= int(number[:digits]) <= last:
            return brand if len(number) in lengths else UNKNOWN
    return UNKNOWN


def card_like(number: str) -> bool:
    """Whether a run of ASCII digits could be a real card's number: a brand's prefix and length, and the check digit."""
    return brand_of(number) != UNKNOWN and luhn_valid(number)


def holds_card(text: str) -> bool:
    """Whether a card's number stands in ``text``, as a shop might send it where it does not belong."""
    if len(text) < 14:
        return False
    return any(card_like(re.sub(r"[^0-9]", "", match[0])) for match in _WRITTEN.finditer(text))
