"""The secret that signs what an engine is sent: sealed at rest under a key of the engine's own, bound to its place."""

import os

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from lockgate.gateway.risk.engines.ports import Keys

_PURPOSE = "risk-engine"
_FORMAT = b"\x01"
_NONCE_BYTES = 12


async def seal(box: Keys, account: str, engine: str, *, secret: str) -> bytes:
    """``secret`` as `format | nonce | AES-256-GCM`."""
    nonce = os.urandom(_NONCE_BYTES)
    key = await _key(box, account, engine)
    return _FORMAT + nonce + AESGCM(key).encrypt(nonce, secret.encode(), _bound(account, engine))


async def unseal(box: Keys, account: str, engine: str, *, sealed: bytes) -> str:
    """The secret in ``sealed``; InvalidTag when it was altered or belongs to another engine."""
    assert sealed[:1] == _FORMAT, "an unknown format"
    nonce, text = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
    return AESGCM(await _key(box, account, engine)).decrypt(nonce, text, _bound(account, engine)).decode()


async def _key(box: Keys, account: str, engine: str) -> bytes:
    key = await box.key(account, _PURPOSE, engine)
    assert key is not None, "an engine is nobody's personal data: its key is never shredded"
    return key


def _bound(account: str, engine: str) -> bytes:
    return f"{account}|{engine}|{_PURPOSE}".encode()
