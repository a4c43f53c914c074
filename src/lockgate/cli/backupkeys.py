"""The keys that a backup must not hold: the backup's own key file, and the export of the vault's root."""

import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from argon2.low_level import Type, hash_secret_raw
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from lockgate.cli import archive
from lockgate.cli import home as homes
from lockgate.kernel.config import ConfigError, Home

_FORMAT = "lockgate-keys-v1"
_TIME_COST, _MEMORY_KIB, _LANES = 3, 65536, 4  # RFC 9106, second recommended option
_MOST_MEMORY_KIB = 1024 * 1024
_SALT_BYTES, _NONCE_BYTES = 16, 12
_PASSPHRASE_CHARACTERS = 12


def read_key(file: Path) -> bytes:
    """The backup key in ``file``, which nobody else may read."""
    try:
        if file.stat().st_mode & 0o077:
            raise ConfigError(f"{file} is open to others: run 'chmod 600 {file}'")
        key = bytes.fromhex(json.loads(file.read_text())["backup_key"])
    except OSError as error:
        raise ConfigError(f"cannot read the backup key {file}: name it with --key-file") from error
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{file} is no backup key of Lockgate's") from error
    if len(key) != archive.KEY_BYTES:
        raise ConfigError(f"{file} is no backup key of Lockgate's")
    return key


def key_for(file: Path, *, home: Home, target: Path) -> bytes:
    """The key in ``file``, made at the first backup. Never beside the backup nor in the home that may be lost."""
    place = file.resolve()
    if place.parent == target.resolve().parent:
        raise ConfigError("the key must not lie beside the backup that it opens: give --key-file another directory")
    if place.is_relative_to(home.path):
        raise ConfigError(f"a key inside {home.path} is lost together with it: give --key-file another place")
    if not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        homes.write_json(place, {"backup_key": secrets.token_hex(archive.KEY_BYTES)}, 0o600)
        print(f"made the backup key {place}: keep a copy where neither the home nor its backups are")
    return read_key(place)


def export(home: Home, file: Path, passphrase: str) -> None:
    """Write the vault's root, and the sandbox's kept API keys, sealed by ``passphrase``."""
    if len(passphrase) < _PASSPHRASE_CHARACTERS:
        raise ConfigError(f"the export's passphrase needs at least {_PASSPHRASE_CHARACTERS} characters")
    if file.exists():
        raise ConfigError(f"{file} exists already: choose another name, and destroy old exports yourself")
    salt, nonce = os.urandom(_SALT_BYTES), os.urandom(_NONCE_BYTES)
    head = {
        "format": _FORMAT, "time_cost": _TIME_COST, "memory_kib": _MEMORY_KIB, "lanes": _LANES,
        "salt": salt.hex(), "nonce": nonce.hex(),
    }  # fmt: skip
    sealed = AESGCM(_stretch(passphrase, head)).encrypt(nonce, json.dumps(kept_keys(home)).encode(), _bound(head))
    homes.write_json(file, {**head, "sealed": sealed.hex()}, 0o600)


def read_export(file: Path, passphrase: str) -> dict[str, Any]:
    """What `export` wrote."""
    try:
        content = json.loads(file.read_text())
        sealed, nonce = bytes.fromhex(content.pop("sealed")), bytes.fromhex(content["nonce"])
        known = content["format"] == _FORMAT and content["memory_kib"] <= _MOST_MEMORY_KIB
    except OSError as error:
        raise ConfigError(f"cannot read the keys export {file}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(f"{file} is no keys export of Lockgate's") from error
    if not known:
        raise ConfigError(f"{file} has a format that this Lockgate does not know")
    try:
        return json.loads(AESGCM(_stretch(passphrase, content)).decrypt(nonce, sealed, _bound(content)))
    except InvalidTag:
        raise ConfigError(f"{file} does not open with this passphrase, or was altered") from None


def kept_keys(home: Home) -> dict[str, Any]:
    """The root's settings with its retired versions, and the plain API keys where a sandbox keeps them."""
    vault = home.secrets("vault")
    kept = {"root": vault["root"], "retired_roots": vault.get("retired_roots", [])}
    if home.secrets_file("keys").exists():
        kept["api_keys"] = home.secrets("keys")
    return kept


def _stretch(passphrase: str, head: Mapping[str, Any]) -> bytes:
    return hash_secret_raw(
        passphrase.encode(),
        bytes.fromhex(head["salt"]),
        time_cost=head["time_cost"],
        memory_cost=head["memory_kib"],
        parallelism=head["lanes"],
        hash_len=archive.KEY_BYTES,
        type=Type.ID,
    )


def _bound(head: Mapping[str, Any]) -> bytes:
    return json.dumps(head, sort_keys=True).encode()
