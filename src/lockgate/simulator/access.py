"""Who is asking, and who is told: merchants' API keys with the keys that sign messages, and the one admin token."""

import hashlib
import hmac
import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from lockgate.kernel.config import ConfigError

KEY_CHARACTERS = 16
_LABEL = re.compile(r"acct_[0-9A-Za-z]{1,40}:(test|live)")


class BadKey(Exception):
    """A key or label that cannot be added; the message says why."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Whom an API key stands for: an account and mode, and the keys that sign its messages and those to it.

    Homes made before there were notifications have no key for them; they are given new keys at the next start.
    """

    label: str
    signing_key: str = field(repr=False)
    notification_key: str | None = field(default=None, repr=False)


class Access:
    """API keys are compared by digest, so that timing tells nothing about them.

    Keys added while running are kept in ``file`` and known again at the next start: API keys by digest, signing keys
    as they are, because only the key itself checks a signature.
    """

    def __init__(self, api_keys: Mapping[str, Holder], admin_token: str, *, file: Path) -> None:
        self._file = file
        self._added = _read_added(file)
        self._holders = {_digest(key): holder for key, holder in api_keys.items()} | self._added
        self._admin = _digest(admin_token)

    def labels(self) -> list[str]:
        """Every account and mode that has all its keys."""
        return sorted({holder.label for holder in self._holders.values() if holder.notification_key is not None})

    def notification_key(self, label: str) -> str | None:
        """What signs notifications to ``label``: of several keys, the one given last."""
        keys = [
            holder.notification_key
            for holder in self._holders.values()
            if holder.label == label and holder.notification_key is not None
        ]
        return keys[-1] if keys else None

    def add(self, key: str, holder: Holder) -> None:
        """Let ``key`` stand for ``holder`` from now on, also after a restart; raises `BadKey`."""
        if not _LABEL.fullmatch(holder.label):
            raise BadKey("label is an account and a mode, such as acct_x:test.")
        given = {key, holder.signing_key, holder.notification_key or ""}
        if len(given) != 3 or not all(_is_key(one) for one in given):
            raise BadKey(
                f"key, signing_key and notification_key differ and have {KEY_CHARACTERS} to 200 printable characters."
            )
        digest = _digest(key)
        if self._holders.get(digest, holder).label != holder.label:
            raise BadKey("this key stands for another account already.")
        _write_added(self._file, {**self._added, digest: holder})
        self._added[digest] = self._holders[digest] = holder

    def holder(self, request: web.Request) -> Holder | None:
        """Whom the bearer key stands for."""
        key = _bearer(request)
        return None if key is None else self._holders.get(_digest(key))

    def is_admin(self, request: web.Request) -> bool:
        token = _bearer(request)
        return token is not None and hmac.compare_digest(_digest(token), self._admin)


def from_secrets(secrets: Mapping[str, Any], *, added: Path) -> Access:
    """The access rules in ``secrets/simulator.json``, and the keys that were added since."""
    keys, token = secrets.get("api_keys"), secrets.get("admin_token")
    try:
        holders = {str(key): _holder(entry) for key, entry in keys.items()} if isinstance(keys, dict) else {}
    except ValueError:
        holders = {}
    if not holders:
        raise ConfigError("secrets/simulator.json must hold api_keys, each with label and signing_key: make a new home")
    signing = [key for one in holders.values() for key in (one.signing_key, one.notification_key) if key is not None]
    keys = (*holders, *signing)
    if not isinstance(token, str) or any(len(key) < KEY_CHARACTERS for key in (token, *keys)):
        raise ConfigError("secrets/simulator.json holds a token shorter than 16 characters")
    return Access(holders, token, file=added)


def _is_key(key: str) -> bool:
    return KEY_CHARACTERS <= len(key) <= 200 and key.isascii() and key.isprintable()


def _holder(entry: Any) -> Holder:
    if not isinstance(entry, dict) or set(entry) - {"notification_key"} != {"label", "signing_key"}:
        raise ValueError("a key has a label, a signing_key and a notification_key")
    if not all(isinstance(value, str) for value in entry.values()):
        raise ValueError("label, signing_key and notification_key are strings")
    return Holder(**entry)


def _read_added(file: Path) -> dict[bytes, Holder]:
    try:
        return {bytes.fromhex(digest): _holder(entry) for digest, entry in json.loads(file.read_text()).items()}
    except FileNotFoundError:
        return {}
    except (ValueError, AttributeError) as error:
        raise ConfigError(f"{file} is damaged: remove it and start again; the keys are made anew") from error


def _write_added(file: Path, added: Mapping[bytes, Holder]) -> None:
    """Replace the file in one step, durably, readable by its owner alone."""
    fresh = file.with_suffix(".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        json.dump({digest.hex(): _kept(holder) for digest, holder in added.items()}, stream)
        stream.flush()
        os.fsync(stream.fileno())
    fresh.replace(file)


def _kept(holder: Holder) -> dict[str, str]:
    return {name: value for name, value in asdict(holder).items() if value is not None}


def _bearer(request: web.Request) -> str | None:
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    return value if scheme.lower() == "bearer" and value else None


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()
