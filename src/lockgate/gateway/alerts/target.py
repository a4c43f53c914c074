"""What a route holds that nobody else should read: its address or URL, and the secret that signs; sealed at rest."""

import json
import os
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from lockgate.gateway.alerts.ports import Box

_PLATFORM = "platform"
_PURPOSE = "alert-route"
_FORMAT = b"\x01"
_NONCE_BYTES = 12


async def seal(box: Box, account: str, route: str, *, target: Mapping[str, Any]) -> bytes:
    """``target`` as `format | nonce | AES-256-GCM`, bound to account and route."""
    nonce = os.urandom(_NONCE_BYTES)
    text = json.dumps(target).encode()
    return _FORMAT + nonce + AESGCM(await _key(box)).encrypt(nonce, text, _bound(account, route))


async def unseal(box: Box, account: str, route: str, *, sealed: bytes) -> dict[str, Any]:
    """The target in ``sealed``; InvalidTag when it was altered or belongs to another route."""
    assert sealed[:1] == _FORMAT, "an unknown format"
    nonce, text = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
    return json.loads(AESGCM(await _key(box)).decrypt(nonce, text, _bound(account, route)))


async def _key(box: Box) -> bytes:
    key = await box.key(_PLATFORM, _PURPOSE, _PLATFORM)
    assert key is not None, "routes are sealed under the platform's own key, which nobody shreds"
    return key


def _bound(account: str, route: str) -> bytes:
    return f"{account}|{route}|{_PURPOSE}".encode()
