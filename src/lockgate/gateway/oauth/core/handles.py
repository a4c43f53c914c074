"""Texts that stand for a row: which account keeps it, and 256 random bits of which only a hash is stored."""

import hashlib
import re
from typing import Literal

from lockgate.gateway.identity.core.key_format import ACCOUNT_LENGTH

Kind = Literal["ac", "rt", "cr", "ca"]
RANDOM_LENGTH = 43  # base 62: 256 bits
APP_LENGTH = 22  # an app's id is public: it only has to be nobody else's
REQUEST_URI = "urn:ietf:params:oauth:request_uri:"


def build(kind: Kind, *, account: str, random: str) -> str:
    """A code (``ac``), refresh token (``rt``), consent request (``cr``) or app (``ca``) of ``account``."""
    return f"{kind}_{account.removeprefix('acct_')}{random}"


def account_of(kind: Kind, text: str) -> str | None:
    """The account that a well-formed ``text`` names; nothing of it is believed before its row is found."""
    tail = APP_LENGTH if kind == "ca" else RANDOM_LENGTH
    least, most = ACCOUNT_LENGTH
    match = re.fullmatch(rf"{kind}_([0-9A-Za-z]{{{least},{most}}})[0-9A-Za-z]{{{tail}}}", text)
    return f"acct_{match[1]}" if match else None


def hashed(text: str) -> bytes:
    """What is kept of a text of 256 random bits; nobody can guess them, so the hash needs no key."""
    return hashlib.sha256(text.encode()).digest()
