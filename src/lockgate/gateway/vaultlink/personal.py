"""Personal fields, sealed under the data key of the person they belong to: destroy that key and they are gone."""

import hmac
import json
import os
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from lockgate.gateway.vaultlink.client import VaultClient, VaultRefused
from lockgate.kernel import clock

KEPT_S = 300
_MOST_KEYS = 10_000
_FORMAT = b"\x01"
_NONCE_BYTES = 12
PERSONAL = "personal"
BLIND_INDEX = "blind-index"


class Tampered(Exception):
    """A sealed value that was altered, or that stands in the place of another."""


@dataclass(frozen=True, slots=True)
class _Kept:
    key: bytes | None = field(repr=False)
    until: float


class PersonalBox:
    """Seals and opens with data keys from the vault, each kept five minutes at most."""

    def __init__(self, client: VaultClient) -> None:
        self._client = client
        self._keys: OrderedDict[tuple[str, str, str], _Kept] = OrderedDict()

    async def seal(self, account: str, subject: str, fields: Mapping[str, Any]) -> bytes | None:
        """``fields`` as `format | nonce | ciphertext`, bound to account and subject; None after a shredding."""
        key = await self.key(account, PERSONAL, subject)
        if key is None:
            return None
        nonce = os.urandom(_NONCE_BYTES)
        text = json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()
        return _FORMAT + nonce + AESGCM(key).encrypt(nonce, text, _bound(account, subject))

    async def open(self, account: str, subject: str, blob: bytes | None) -> dict[str, Any]:
        """The fields; ``{}`` where nothing was sealed, or the person was shredded since. Tampered if it was altered."""
        if blob is None:
            return {}
        key = await self.key(account, PERSONAL, subject)
        if key is None:
            return {}
        if blob[:1] != _FORMAT:
            raise Tampered("unknown format")
        nonce, ciphertext = blob[1 : 1 + _NONCE_BYTES], blob[1 + _NONCE_BYTES :]
        try:
            return json.loads(AESGCM(key).decrypt(nonce, ciphertext, _bound(account, subject)))
        except (InvalidTag, ValueError):
            raise Tampered("a personal value does not belong where it stands") from None

    async def blind_index(self, account: str, name: str, value: str) -> bytes:
        """A keyed hash for equality search: 16 bytes, equal for equal values of one field of one account."""
        [index] = await self.blind_indexes(account, [(name, value)])
        return index

    async def blind_indexes(self, account: str, values: Sequence[tuple[str, str]]) -> list[bytes]:
        """The same for several fields, each given as its name and its value."""
        key = await self.key(account, BLIND_INDEX, account)
        if key is None:
            raise VaultRefused("gone", "the account's keys were destroyed", reason=None)
        return [hmac.digest(key, f"{name}\0{value}".encode(), "sha256")[:16] for name, value in values]

    async def key(self, account: str, purpose: str, subject: str) -> bytes | None:
        """The data key for a purpose of the gateway's own; None once its subject was shredded."""
        place = (account, purpose, subject)
        kept = self._keys.get(place)
        if kept is not None and clock.monotonic() < kept.until:
            self._keys.move_to_end(place)
            return kept.key
        try:
            key, _ = await self._client.data_key(account, purpose, subject=subject)
        except VaultRefused as refusal:
            if refusal.code != "gone":
                raise
            key = None
        self._keys[place] = _Kept(key, clock.monotonic() + KEPT_S)
        self._keys.move_to_end(place)
        while len(self._keys) > _MOST_KEYS:
            self._keys.popitem(last=False)
        return key


def _bound(account: str, subject: str) -> bytes:
    return f"{account}|{subject}".encode()
