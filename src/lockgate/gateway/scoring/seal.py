"""Seals model files with a key of this installation, and opens only what bears the seal, or is the shipped default."""

import hmac
from collections.abc import Awaitable, Callable

from lockgate.gateway.scoring.core.model import SEAL_BYTES, Model, Unreadable, read
from lockgate.gateway.vaultlink.personal import PersonalBox

SEALING = ("platform", "risk-model-seal", "platform")  # account, purpose and subject of the vault's data key
Sealing = Callable[[], Awaitable[bytes]]


async def sealing_key(box: PersonalBox) -> bytes:
    """The installation's key for seals, held by the vault. Raises Unreadable once the vault has destroyed it."""
    key = await box.key(*SEALING)
    if key is None:
        raise Unreadable("the key that seals models was destroyed")
    return key


def sealed(model: Model, key: bytes) -> Model:
    """The same model with the installation's seal."""
    return model.sealed(_seal(model, key))


def opened(file: bytes, key: bytes) -> Model:
    """The model of a file that this installation sealed. Raises Unreadable for any other."""
    model = read(file)
    if not hmac.compare_digest(model.seal, _seal(model, key)):
        raise Unreadable("the model was not sealed by this installation, or was changed since")
    return model


def _seal(model: Model, key: bytes) -> bytes:
    return hmac.digest(key, b"lockgate risk model\0" + bytes.fromhex(model.sha256), "sha256")[:SEAL_BYTES]
