"""Where the root key comes from: a provider wraps merchant keys by root version and never shows the root itself."""

import asyncio
import hashlib
import os
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from argon2.low_level import Type, hash_secret_raw

from lockgate.kernel.config import ConfigError
from lockgate.vault import crypto

# RFC 9106, second recommended option; OWASP's floor is what an edited settings file may not go below.
ARGON2_TIME_COST, ARGON2_MEMORY_KIB, ARGON2_LANES = 3, 65536, 4
_TIME_COST_FLOOR, _MEMORY_KIB_FLOOR = 2, 19456
_SALT_BYTES = 16
_PASSPHRASE_CHARACTERS = 12


class Provider(Protocol):
    """One root version. Asynchronous, because a hardware module or a key service answers over a wire."""

    name: str
    version: int

    async def wrap(self, key: bytes, *, context: bytes) -> bytes:
        """``key`` readable only through this root, for ``context`` alone."""
        ...

    async def unwrap(self, wrapped: bytes, *, context: bytes) -> bytes:
        """The inverse; raises `crypto.Tampered`."""
        ...


class LocalRoot:
    """A root key held in this process's memory, whether read from a file or derived from a passphrase."""

    def __init__(self, name: str, version: int, *, key: bytes) -> None:
        self.name = name
        self.version = version
        self._key = key

    async def wrap(self, key: bytes, *, context: bytes) -> bytes:
        return crypto.wrap_key(self._key, key, context=self._context(context))

    async def unwrap(self, wrapped: bytes, *, context: bytes) -> bytes:
        return crypto.unwrap_key(self._key, wrapped, context=self._context(context))

    def _context(self, context: bytes) -> bytes:
        return crypto.bind("lockgate root v1", self.version, context)


class Roots:
    """The current root and the earlier ones that rows may still need; only the current one wraps."""

    def __init__(self, current: Provider, retired: Sequence[Provider] = ()) -> None:
        self.current = current
        self._by_version = {provider.version: provider for provider in (*retired, current)}
        if len(self._by_version) != len(retired) + 1 or any(old.version > current.version for old in retired):
            raise ConfigError("root versions must differ, and the current root must carry the highest")

    async def wrap(self, key: bytes, *, context: bytes) -> tuple[int, bytes]:
        return self.current.version, await self.current.wrap(key, context=context)

    async def unwrap(self, version: int, wrapped: bytes, *, context: bytes) -> bytes:
        provider = self._by_version.get(version)
        if provider is None:
            raise crypto.Tampered("the root version that wrapped this key is not at hand")
        return await provider.unwrap(wrapped, context=context)


async def open_roots(secrets: Mapping[str, Any], *, profile: str) -> Roots:
    """The roots of one vault: ``secrets["root"]``, and ``secrets["retired_roots"]`` while their rows are re-wrapped.

    A passphrase root takes its passphrase from ``secrets["passphrase"]``, which the program that starts the vault puts
    there after asking for it or reading a systemd credential; it never stands in a settings file. A retired root with
    another passphrase finds it in ``secrets["retired_passphrases"]`` under its version.
    """
    retired = [await _open_root(root, secrets, profile=profile) for root in secrets.get("retired_roots", ())]
    return Roots(await _open_root(secrets.get("root", {}), secrets, profile=profile), retired)


async def _open_root(root: Mapping[str, Any], secrets: Mapping[str, Any], *, profile: str) -> Provider:
    version = root.get("version", 1)
    if not isinstance(version, int) or version < 1:
        raise ConfigError("a root version is a number from 1 upward")
    match root.get("provider"):
        case "file":
            if profile != "sandbox":
                raise ConfigError("the root key may lie in a file in the sandbox profile only: choose the passphrase")
            return LocalRoot("file", version, key=_hex(root, "key", size=crypto.KEY_BYTES))
        case "passphrase":
            return await _open_passphrase(root, version, passphrase=_passphrase(secrets, version))
        case _:
            raise ConfigError("root.provider must be 'file' or 'passphrase'")


def _passphrase(secrets: Mapping[str, Any], version: int) -> object:
    return secrets.get("retired_passphrases", {}).get(str(version), secrets.get("passphrase"))


async def _open_passphrase(root: Mapping[str, Any], version: int, *, passphrase: object) -> Provider:
    if not isinstance(passphrase, str) or not passphrase:
        raise ConfigError("the vault is sealed by a passphrase and was not given one")
    salt, check = _hex(root, "salt", size=_SALT_BYTES), _hex(root, "check", size=32)
    params = root.get("params")
    if not isinstance(params, Mapping):
        raise ConfigError("root.params is missing")
    costs = [params.get(name) for name in ("time_cost", "memory_kib", "lanes")]
    if not all(isinstance(cost, int) and cost > 0 for cost in costs):
        raise ConfigError("root.params needs time_cost, memory_kib and lanes")
    time_cost, memory_kib, lanes = (int(cost) for cost in costs if cost is not None)
    if time_cost < _TIME_COST_FLOOR or memory_kib < _MEMORY_KIB_FLOOR:
        raise ConfigError("root.params are below the floor of 2 passes over 19 MiB")
    key = await asyncio.to_thread(_stretch, passphrase, salt, time_cost=time_cost, memory_kib=memory_kib, lanes=lanes)
    if not crypto.equal(_check(key), check):
        raise ConfigError("the passphrase is not the one this vault was made with")
    return LocalRoot("passphrase", version, key=key)


def new_file_root(*, version: int = 1) -> dict[str, Any]:
    """Settings of a fresh root kept in the secrets file: for the sandbox, where nothing in the vault is real."""
    return {"provider": "file", "version": version, "key": crypto.new_key().hex()}


def new_passphrase_root(passphrase: str, *, version: int = 1) -> dict[str, Any]:
    """Settings of a root derived from ``passphrase``. The check value lets guesses be tested, at argon2id's price."""
    if len(passphrase) < _PASSPHRASE_CHARACTERS:
        raise ConfigError("a vault passphrase has at least 12 characters")
    salt = os.urandom(_SALT_BYTES)
    key = _stretch(
        passphrase, salt, time_cost=ARGON2_TIME_COST, memory_kib=ARGON2_MEMORY_KIB, lanes=ARGON2_LANES
    )
    params = {"time_cost": ARGON2_TIME_COST, "memory_kib": ARGON2_MEMORY_KIB, "lanes": ARGON2_LANES}
    return {
        "provider": "passphrase", "version": version, "salt": salt.hex(), "params": params, "check": _check(key).hex(),
    }  # fmt: skip


def _stretch(passphrase: str, salt: bytes, *, time_cost: int, memory_kib: int, lanes: int) -> bytes:
    return hash_secret_raw(
        passphrase.encode(), salt, time_cost=time_cost, memory_cost=memory_kib, parallelism=lanes,
        hash_len=crypto.KEY_BYTES, type=Type.ID,
    )  # fmt: skip


def _check(key: bytes) -> bytes:
    return hashlib.sha256(crypto.derive(key, info=b"lockgate passphrase check v1")).digest()


def _hex(settings: Mapping[str, Any], name: str, *, size: int) -> bytes:
    try:
        value = bytes.fromhex(settings[name])
    except (KeyError, TypeError, ValueError):
        value = b""
    if len(value) != size:
        raise ConfigError(f"root.{name} must be {size} bytes in hexadecimal")
    return value
