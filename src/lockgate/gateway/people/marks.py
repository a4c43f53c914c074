"""What this room hashes and derives with its one key: links, addresses, and a refresh token's only successor."""

import hashlib
import hmac
import secrets

from lockgate.kernel.jws import base64url
from lockgate.kernel.source import source

SECRET_BYTES = 32


def draw() -> str:
    """A fresh secret of 256 bits."""
    return secrets.token_urlsafe(SECRET_BYTES)


def hashed(secret: str) -> bytes:
    """What is kept of a secret that ``draw`` made: so many random bits need no key and no slow hash."""
    return hashlib.sha256(secret.encode()).digest()


def equal(hash_: bytes, secret: str) -> bool:
    """Whether ``hash_`` is of ``secret``, in constant time."""
    return hmac.compare_digest(hash_, hashed(secret))


def mark(key: bytes, kind: str, *words: str | bytes) -> bytes:
    """A keyed hash that stands for something nobody may read from the database, such as an address."""
    told = b"\0".join(word.encode() if isinstance(word, str) else word for word in (kind, *words))
    return hmac.digest(key, told, "sha256")[:16]


def address_mark(key: bytes, address: str, *, person: str = "") -> bytes:
    """One sender, for everybody or as one person's own place."""
    return mark(key, "address", person, source(address))


def successor(key: bytes, refresh: str) -> str:
    """The one refresh token that can follow ``refresh``: a retry after a lost answer gets the same again."""
    return base64url(hmac.digest(key, b"refresh\0" + refresh.encode(), "sha256"))
