"""Who is asking: API keys of merchant accounts, and the one admin token."""

import hashlib
import hmac
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aiohttp import web

from lockgate.kernel.config import ConfigError

KEY_CHARACTERS = 16
_LABEL = re.compile(r"acct_[0-9A-Za-z]{1,40}:(test|live)")


class BadKey(Exception):
    """A key or label that cannot be added; the message says why."""


class Access:
    """Keys are compared by digest, so that timing tells nothing about them.

    Keys added while running are kept in ``file``, by digest, and known again at the next start.
    """

    def __init__(self, api_keys: Mapping[str, str], admin_token: str, *, file: Path) -> None:
        self._file = file
        self._added = _read_added(file)
        self._accounts = {_digest(key): account for key, account in api_keys.items()} | self._added
        self._admin = _digest(admin_token)

    def labels(self) -> list[str]:
        """Every account and mode that has a key."""
        return sorted(set(self._accounts.values()))

    def add(self, key: str, label: str) -> None:
        """Let ``key`` stand for ``label`` from now on, also after a restart; raises `BadKey`."""
        if not _LABEL.fullmatch(label):
            raise BadKey("label is an account and a mode, such as acct_x:test.")
        if not (KEY_CHARACTERS <= len(key) <= 200 and key.isascii() and key.isprintable()):
            raise BadKey(f"key has {KEY_CHARACTERS} to 200 printable characters.")
        digest = _digest(key)
        if self._accounts.get(digest, label) != label:
            raise BadKey("this key stands for another account already.")
        _write_added(self._file, {**self._added, digest: label})
        self._added[digest] = self._accounts[digest] = label

    def account(self, request: web.Request) -> str | None:
        """The account and mode label that the bearer key stands for."""
        key = _bearer(request)
        return None if key is None else self._accounts.get(_digest(key))

    def is_admin(self, request: web.Request) -> bool:
        token = _bearer(request)
        return token is not None and hmac.compare_digest(_digest(token), self._admin)


def from_secrets(secrets: Mapping[str, Any], *, added: Path) -> Access:
    """The access rules in ``secrets/simulator.json``, and the keys that were added since."""
    keys, token = secrets.get("api_keys"), secrets.get("admin_token")
    if not isinstance(keys, dict) or not keys or not all(isinstance(label, str) for label in keys.values()):
        raise ConfigError("secrets/simulator.json must hold api_keys: run 'lockgate init'")
    if not isinstance(token, str) or len(token) < KEY_CHARACTERS or any(len(key) < KEY_CHARACTERS for key in keys):
        raise ConfigError("secrets/simulator.json holds a token shorter than 16 characters")
    return Access(keys, token, file=added)


def _read_added(file: Path) -> dict[bytes, str]:
    try:
        return {bytes.fromhex(digest): str(label) for digest, label in json.loads(file.read_text()).items()}
    except FileNotFoundError:
        return {}
    except (ValueError, AttributeError) as error:
        raise ConfigError(f"{file} is damaged: remove it and start again; the keys are made anew") from error


def _write_added(file: Path, added: Mapping[bytes, str]) -> None:
    """Replace the file in one step, durably, readable by its owner alone."""
    fresh = file.with_suffix(".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        json.dump({digest.hex(): label for digest, label in added.items()}, stream)
        stream.flush()
        os.fsync(stream.fileno())
    fresh.replace(file)


def _bearer(request: web.Request) -> str | None:
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    return value if scheme.lower() == "bearer" and value else None


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()
