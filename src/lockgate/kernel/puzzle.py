"""A proof of work that a browser gives when asked: SHA-256 with leading zero bits, in small parts (after hashcash).

The token is opaque here; who asks signs it. Many small parts instead of a large one make the time to solve all of them
nearly the same for everybody: sixteen parts of twelve bits are 65,536 hashes, give or take a quarter.
"""

import hashlib
import re
from itertools import count

PARTS = 16
MAX_BITS = 13
"""131,072 hashes on average: under two seconds for a telephone that does 100,000 in a second."""

_NUMBER = re.compile(r"[0-9]{1,9}")
LONGEST_SOLUTION = 1_024


def solve(token: str, *, bits: int, parts: int = PARTS) -> str:
    """What to send back for ``token``: the token and, for each part, a number whose hash begins with ``bits`` zeros."""
    if not 0 <= bits <= MAX_BITS:
        raise ValueError("that is more work than anybody is asked for")
    found = []
    for part in range(parts):
        found.append(next(number for number in count() if _zeros(token, part, str(number)) >= bits))
    return f"{token}~{'-'.join(map(str, found))}"


def token_of(solution: str) -> str:
    """The token that ``solution`` says it solves."""
    return solution.partition("~")[0]


def is_solved(solution: str, *, bits: int, parts: int = PARTS) -> bool:
    """Whether every part holds. All parts are looked at, whichever of them fails."""
    token, _, given = solution.partition("~")
    numbers = given.split("-")
    if len(solution) > LONGEST_SOLUTION or len(numbers) != parts or not all(map(_NUMBER.fullmatch, numbers)):
        return False
    return sum(_zeros(token, part, number) >= bits for part, number in enumerate(numbers)) == parts


def _zeros(token: str, part: int, number: str) -> int:
    """How many zero bits the hash of one part begins with."""
    digest = hashlib.sha256(f"{token}.{part}.{number}".encode()).digest()
    return 256 - int.from_bytes(digest, "big").bit_length()
