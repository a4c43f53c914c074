"""Client secrets: what lets a shopper's browser see and confirm one intent; derived from a key, stored nowhere."""

import hmac

from lockgate.kernel.ids import base62

_BITS = 160
_LENGTH = 27


class ClientSecrets:
    """Makes and checks client secrets. ``key`` comes from the vault and never changes."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        if len(key) < 32:
            raise ValueError("the client secret key must have 32 bytes")
        self._key = key

    def of(self, account: str, id_: str) -> str:
        """The secret of one intent, such as ``pi_..._secret_...``: 160 bits that only its account's key gives."""
        digest = hmac.digest(self._key, f"{account}\0{id_}".encode(), "sha256")
        return f"{id_}_secret_{base62(int.from_bytes(digest[: _BITS // 8], 'big'), _LENGTH)}"

    def matches(self, account: str, id_: str, secret: str) -> bool:
        """Whether ``secret`` opens this intent, in constant time."""
        return hmac.compare_digest(self.of(account, id_).encode(), secret.encode())
