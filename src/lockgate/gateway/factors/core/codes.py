"""Recovery codes as text: 28 letters and digits of Crockford's 32, which is 140 random bits, in groups of four."""

COUNT = 10
LENGTH = 28
ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_LOOK_ALIKES = str.maketrans("oil", "011")


def shown(number: int) -> str:
    """A number of 140 bits as a code."""
    letters = "".join(ALPHABET[number >> 5 * place & 31] for place in range(LENGTH))
    return "-".join(letters[place : place + 4] for place in range(0, LENGTH, 4))


def tidy(code: str) -> str:
    """A code as it was typed, in its one canonical form; empty where it cannot be one."""
    letters = "".join(sign for sign in code.lower() if sign not in "- ").translate(_LOOK_ALIKES)
    return letters if len(letters) == LENGTH and set(letters) <= set(ALPHABET) else ""
