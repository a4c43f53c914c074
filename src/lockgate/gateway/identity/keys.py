"""The secret half of API keys: drawing one, and the keyed hash under which it is kept."""

import hmac

from lockgate.gateway.identity.core import key_format
from lockgate.gateway.identity.core.key_format import KeyKind
from lockgate.kernel.ids import random_token

PEPPER = ("platform", "api-key-pepper", "platform")  # account, purpose and subject of the vault's data key


def draw(kind: KeyKind, *, livemode: bool, account: str) -> str:
    """A fresh key; it is shown to its owner once and kept only as its hash."""
    return key_format.build(kind, livemode=livemode, account=account, random=random_token(key_format.RANDOM_LENGTH))


def hashed(pepper: bytes, text: str) -> bytes:
    """HMAC-SHA256 under a key that only the vault keeps: a stolen table tells nothing, not even to a guesser."""
    return hmac.digest(pepper, text.encode(), "sha256")
