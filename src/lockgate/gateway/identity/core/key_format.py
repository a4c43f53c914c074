"""What an API key looks like: kind, mode, account, 160 random bits, and a checksum that tells a typo from a guess."""

import re
import zlib
from collections.abc import Iterator
from typing import Literal, NamedTuple

KeyKind = Literal["secret", "publishable", "restricted", "ephemeral"]
ACCOUNT_LENGTH = (16, 22)  # least and most, without ``acct_``
RANDOM_LENGTH = 27  # base 62: 160 bits
CHECKSUM_LENGTH = 6
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_PREFIX_OF: dict[KeyKind, str] = {"secret": "sk", "publishable": "pk", "restricted": "rk", "ephemeral": "ek"}
_KIND_OF: dict[str, KeyKind] = {prefix: kind for kind, prefix in _PREFIX_OF.items()}
_TAIL = RANDOM_LENGTH + CHECKSUM_LENGTH
_BODY = f"{ACCOUNT_LENGTH[0] + _TAIL},{ACCOUNT_LENGTH[1] + _TAIL}"
_PATTERN = re.compile(rf"(?<![0-9A-Za-z])([spre]k)_(test|live)_([0-9A-Za-z]{{{_BODY}}})(?![0-9A-Za-z])")


LONGEST = len("sk_test_") + ACCOUNT_LENGTH[1] + _TAIL
_START = re.compile(r"[spre]k_(?:test|live)_")
_LEAST_MASKED = 12  # of less, the last four would tell too much
_MOST_SHOWN = 64


class ParsedKey(NamedTuple):
    """What a well-formed key says of itself; nothing of it is believed before its hash is found."""

    kind: KeyKind
    livemode: bool
    account: str


def build(kind: KeyKind, *, livemode: bool, account: str, random: str) -> str:
    """The key's text. ``random`` is RANDOM_LENGTH base-62 characters from the operating system's generator."""
    body = account.removeprefix("acct_")
    if not ACCOUNT_LENGTH[0] <= len(body) <= ACCOUNT_LENGTH[1] or len(random) != RANDOM_LENGTH:
        raise ValueError("an API key is made of an account of 16 to 22 characters and 27 random ones")
    start = f"{_PREFIX_OF[kind]}_{'live' if livemode else 'test'}_{body}{random}"
    return start + _checksum(start)


def parse(text: str) -> ParsedKey | None:
    """What ``text`` says of itself, or None if it cannot be a key: wrong form or wrong checksum."""
    match = _PATTERN.fullmatch(text)
    if match is None or _checksum(text[:-CHECKSUM_LENGTH]) != text[-CHECKSUM_LENGTH:]:
        return None
    return ParsedKey(_KIND_OF[match[1]], match[2] == "live", f"acct_{match[3][:-_TAIL]}")


def hint(text: str) -> str:
    """As much of a key as may be shown again, so that its owner can tell it from others."""
    return f"{text[:8]}...{text[-4:]}"


def masked(text: str) -> str:
    """A text that came as a key, as it may be shown to whoever sent it: its beginning and its end."""
    start = _START.match(text)
    begin = start[0] if start else ""
    rest = re.sub(r"[^0-9A-Za-z]", "*", text[len(begin) :][-_MOST_SHOWN:])
    if len(rest) < _LEAST_MASKED:
        return begin + "*" * len(rest)
    return f"{begin}{'*' * (len(rest) - 4)}{rest[-4:]}"


def find_in(text: str) -> Iterator[str]:
    """Every key that stands in ``text``, such as a log or a repository; the checksum leaves no false alarms."""
    for _, found in places_in(text):
        yield found


def places_in(text: str) -> Iterator[tuple[int, str]]:
    """The same, each with where it begins."""
    for match in _PATTERN.finditer(text):
        if parse(match[0]) is not None:
            yield match.start(), match[0]


def _checksum(start: str) -> str:
    value = zlib.crc32(start.encode())
    digits = []
    for _ in range(CHECKSUM_LENGTH):
        value, rest = divmod(value, 62)
        digits.append(_DIGITS[rest])
    return "".join(reversed(digits))
