"""Identifiers: a prefix that names the kind, 48 bits of milliseconds and 80 random bits, so that ids sort by age.

Within one millisecond each id of a process lies a random step above the one before: they sort as they were made, and
none can be guessed from another.
"""

import secrets

from lockgate.kernel import clock

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
BODY_LENGTH = 22  # 128 bits in base 62
_PAIRS = [a + b for a in ALPHABET for b in ALPHABET]
_STEP_BITS = 64
_last = 0


def base62(value: int, length: int) -> str:
    """``value`` in base 62, left-padded; byte order equals numeric order."""
    pairs = []
    for _ in range(length // 2):
        value, rest = divmod(value, 3844)
        pairs.append(_PAIRS[rest])
    if length % 2:
        pairs.append(ALPHABET[value % 62])
    return "".join(reversed(pairs))


def new_id(prefix: str) -> str:
    """A fresh id such as ``pi_0PZ7...``. ``prefix`` comes without its underscore."""
    global _last
    fresh = (clock.now_ms() << 80) | secrets.randbits(80)
    _last = fresh if fresh >> 80 > _last >> 80 else _last + 1 + secrets.randbits(_STEP_BITS)
    return f"{prefix}_{base62(_last, BODY_LENGTH)}"


def random_token(length: int) -> str:
    """``length`` random base-62 characters: 5.95 bits each, so 22 are 130 bits."""
    return base62(secrets.randbelow(62**length), length)
