"""Which e-mail addresses mail is sent to: a narrow, unambiguous part of what RFC 5321 allows. Pure."""

import re

MAX_LENGTH = 254
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")


def is_address(text: str) -> bool:
    """Whether ``text`` is one plain address: no name, comment, quotes, list, line break or address literal."""
    local, at, domain = text.rpartition("@")
    return bool(
        at and len(text) <= MAX_LENGTH and len(local) <= 64 and _LOCAL.fullmatch(local) and _DOMAIN.fullmatch(domain)
    )
