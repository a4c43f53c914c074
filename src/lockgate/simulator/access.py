"""Who is asking: API keys of merchant accounts, and the one admin token."""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from lockgate.kernel.config import ConfigError


class Access:
    """Keys are compared by digest, so that timing tells nothing about them."""

    def __init__(self, api_keys: Mapping[str, str], admin_token: str) -> None:
        self._accounts = {_digest(key): account for key, account in api_keys.items()}
        self._admin = _digest(admin_token)

    def account(self, request: web.Request) -> str | None:
        """The account and mode label that the bearer key stands for."""
        key = _bearer(request)
        return None if key is None else self._accounts.get(_digest(key))

    def is_admin(self, request: web.Request) -> bool:
        token = _bearer(request)
        return token is not None and hmac.compare_digest(_digest(token), self._admin)


def from_secrets(secrets: Mapping[str, Any]) -> Access:
    """The access rules in ``secrets/simulator.json``."""
    keys, token = secrets.get("api_keys"), secrets.get("admin_token")
    if not isinstance(keys, dict) or not keys or not all(isinstance(label, str) for label in keys.values()):
        raise ConfigError("secrets/simulator.json must hold api_keys: run 'lockgate init'")
    if not isinstance(token, str) or len(token) < 16 or any(len(key) < 16 for key in keys):
        raise ConfigError("secrets/simulator.json holds a token shorter than 16 characters")
    return Access(keys, token)


def _bearer(request: web.Request) -> str | None:
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    return value if scheme.lower() == "bearer" and value else None


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()
