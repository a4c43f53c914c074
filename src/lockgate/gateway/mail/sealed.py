"""Seals a mail while it waits: a database backup holds no recipient, and no link that opens something."""

import json
import os

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from lockgate.gateway.mail.core.message import Letter
from lockgate.gateway.mail.ports import Box

_PLATFORM = "platform"
_PURPOSE = "mail"
_FORMAT = b"\x01"
_NONCE_BYTES = 12


async def seal(box: Box, id_: str, content: Letter) -> bytes:
    """``content`` as `format | nonce | AES-256-GCM`, bound to the mail's id."""
    nonce = os.urandom(_NONCE_BYTES)
    text = json.dumps(list(content)).encode()
    return _FORMAT + nonce + AESGCM(await _key(box)).encrypt(nonce, text, id_.encode())


async def unseal(box: Box, id_: str, sealed: bytes) -> Letter:
    """The letter in ``sealed``; InvalidTag when it was altered or belongs to another mail."""
    assert sealed[:1] == _FORMAT, "an unknown format"
    nonce, text = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
    return Letter(*json.loads(AESGCM(await _key(box)).decrypt(nonce, text, id_.encode())))


async def _key(box: Box) -> bytes:
    key = await box.key(_PLATFORM, _PURPOSE, _PLATFORM)
    assert key is not None, "mail is sealed under the platform's own key, which nobody shreds"
    return key
