"""Seals what only the vault may read: JWE compact, ECDH-ES on P-256 with AES-256-GCM, to a key of the vault's list."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from joserfc import jwe
from joserfc.jwk import ECKey

from lockgate.kernel import clock


def newest(keys: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The newest JWE key of the vault's list."""
    return max((key for key in keys if key["format"] == "jwe"), key=lambda key: key["not_before"])


def seal(content: Mapping[str, Any], key: Mapping[str, Any], *, account: str, intent: str) -> str:
    """``content`` for ``account`` and ``intent`` alone, sealed now."""
    sealed = {**content, "account": account, "intent": intent, "iat": clock.now()}
    header = {"alg": "ECDH-ES", "enc": "A256GCM", "kid": key["kid"]}
    return jwe.encrypt_compact(header, json.dumps(sealed).encode(), ECKey.import_key(dict(key["jwk"])))
