"""The check digit of ISO/IEC 7812-1, for those who validate card numbers, make them or look for them."""

_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def luhn_valid(digits: str) -> bool:
    """Whether a string of ASCII digits ends in its right check digit."""
    return _sum(digits) % 10 == 0


def with_check_digit(digits: str) -> str:
    """``digits`` followed by the check digit that makes them valid."""
    return digits + str(-_sum(digits + "0") % 10)


def _sum(digits: str) -> int:
    total = 0
    for place, char in enumerate(reversed(digits)):
        value = ord(char) - 48
        total += _DOUBLED[value] if place % 2 else value
    return total
