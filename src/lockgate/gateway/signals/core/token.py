"""The device token: a random name for a device at one merchant, with the day it was made, and a keyed hash of both.

It stands in a first-party cookie on our own page, and in the own storage of a merchant's page where the collector runs.
"""

import re
from typing import NamedTuple

COOKIE = "__Host-lockgate-device"
KEPT_S = 400 * 86_400
"""As long as browsers keep any cookie."""

INDEX = "signals.device-token"
"""Under which name the keyed hash is made: an account's own key, so that no token is good at two merchants."""

_FORM = re.compile(r"(ldv[tl]_[0-9A-Za-z]{22}\.[0-9]{1,6})\.([0-9a-f]{32})")


class Token(NamedTuple):
    """``body`` is what the hash is of; ``mac`` the hash in hexadecimal digits."""

    body: str
    mac: str

    def __str__(self) -> str:
        return f"{self.body}.{self.mac}"


def body(random: str, *, livemode: bool, day: int) -> str:
    """What a new token says: 22 random characters of base 62, the mode and the day since the epoch."""
    return f"ldv{'l' if livemode else 't'}_{random}.{day}"


def read(text: str | None, *, livemode: bool) -> Token | None:
    """The token that ``text`` claims to be; its hash is still to be compared. None where it is none of this mode."""
    match = _FORM.fullmatch(text or "")
    if match is None or match[1][3] != ("l" if livemode else "t"):
        return None
    return Token(match[1], match[2])
