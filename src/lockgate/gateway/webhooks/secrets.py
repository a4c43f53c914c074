"""Signing secrets: made, rotated with an overlap, and sealed at rest under a data key of the endpoint's own."""

import json
import os
from typing import NamedTuple

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from lockgate.gateway.webhooks.core import sign
from lockgate.gateway.webhooks.ports import Box

PURPOSE = "webhook-secret"
_FORMAT = b"\x01"
_NONCE_BYTES = 12


class Secrets(NamedTuple):
    """``previous`` still signs beside ``current`` until ``previous_until`` (seconds)."""

    current: str
    previous: str | None = None
    previous_until: int = 0

    def __repr__(self) -> str:
        return "Secrets(...)"

    def signing(self, now: int) -> list[str]:
        """The secrets that sign at ``now``, the newest first."""
        if self.previous is not None and now < self.previous_until:
            return [self.current, self.previous]
        return [self.current]

    def rotated(self, *, now: int, overlap_s: int) -> "Secrets":
        """A fresh secret, with the current one alive for ``overlap_s`` more seconds."""
        return Secrets(new_secret(), self.current, now + overlap_s)


def new_secret() -> str:
    """A fresh random secret."""
    return sign.secret_from(os.urandom(sign.SECRET_BYTES))


async def seal(box: Box, account: str, endpoint: str, *, secrets: Secrets) -> bytes:
    """``secrets`` as `format | nonce | AES-256-GCM`, bound to account and endpoint."""
    nonce = os.urandom(_NONCE_BYTES)
    text = json.dumps(list(secrets)).encode()
    key = await _key(box, account, endpoint)
    return _FORMAT + nonce + AESGCM(key).encrypt(nonce, text, _bound(account, endpoint))


async def unseal(box: Box, account: str, endpoint: str, *, sealed: bytes) -> Secrets:
    """The secrets in ``sealed``; InvalidTag when it was altered or belongs to another endpoint."""
    assert sealed[:1] == _FORMAT, "an unknown format"
    key = await _key(box, account, endpoint)
    nonce, text = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
    return Secrets(*json.loads(AESGCM(key).decrypt(nonce, text, _bound(account, endpoint))))


async def _key(box: Box, account: str, endpoint: str) -> bytes:
    key = await box.key(account, PURPOSE, endpoint)
    assert key is not None, "an endpoint is nobody's personal data: its key is never shredded"
    return key


def _bound(account: str, endpoint: str) -> bytes:
    return f"{account}|{endpoint}|{PURPOSE}".encode()
