"""Numeric aliases: numbers that look like a card's to old systems, are never valid as one, and are not made from it."""

from lockgate.vault.fpe import FF1

_KEPT = 4      # the card's own last four digits
_LEADING = "9"  # no card network issues numbers that begin with 9 (ISO/IEC 7812-1 leaves it to national bodies)
SHORTEST, LONGEST = 12, 19
_DOUBLED = tuple(value * 2 - 9 if value > 4 else value * 2 for value in range(10))


def alias(cipher: FF1, counter: int, *, pan_length: int, last4: str) -> str:
    """``9 | middle | last4``, where the middle is ``counter`` permuted among the middles that fail the Luhn check.

    For one length and one last four, nine middles in ten make a number that fails. The counter picks the counter-th of
    those, FF1 permutes all middles, and the walk repeats FF1 until it lands on a failing one again (1.1 steps on
    average). A walk that starts and ends in the same subset is a permutation of it, so two counters never meet: aliases
    are unique by construction. `capacity` says how many there are.
    """
    if not SHORTEST <= pan_length <= LONGEST:
        raise ValueError("a card number has 12 to 19 digits")
    if len(last4) != _KEPT or not (last4.isascii() and last4.isdigit()):
        raise ValueError("last4 is four digits")
    if not 0 <= counter < capacity(pan_length):
        raise ValueError("all aliases of this length are used up")
    length = pan_length - len(_LEADING) - _KEPT
    tweak = f"alias|{pan_length}|{last4}".encode()
    prefix, choice = divmod(counter, 9)
    middle = prefix * 10
    forbidden = _completing_digit(middle, length, last4=last4)
    middle += choice + (choice >= forbidden)
    while True:
        middle = cipher.encrypt_number(middle, length, tweak=tweak)
        if middle % 10 != _completing_digit(middle, length, last4=last4):
            return f"{_LEADING}{middle:0{length}d}{last4}"


def capacity(pan_length: int) -> int:
    """How many aliases exist for one length and one last four."""
    return 9 * 10 ** (pan_length - len(_LEADING) - _KEPT - 1)


def _completing_digit(middle: int, length: int, *, last4: str) -> int:
    """The one last digit of ``middle`` that would make the whole number pass the Luhn check."""
    digits = f"{_LEADING}{middle - middle % 10:0{length}d}{last4}"
    total = 0
    for place, char in enumerate(reversed(digits)):
        value = ord(char) - 48
        total += _DOUBLED[value] if place % 2 else value
    # The middle's last digit stands four places from the right: an even place, so it counts as it is.
    return -total % 10
