"""The processors' secrets by account, mode and name: sealed on their way in, encrypted at rest, opened for an order."""

import json
import re
from typing import Any

from lockgate.kernel import clock
from lockgate.vault import crypto
from lockgate.vault.keys import Keyring
from lockgate.vault.refusal import Refused
from lockgate.vault.sealing import SealRefused
from lockgate.vault.store import Store

PURPOSE = "vault_secret"
"""The data keys' purpose; no caller may ask for a data key of it."""

_KEPT_S = 60
_NAME = re.compile(r"[a-z0-9_]{1,48}")
_VALUE = re.compile(r"[!-~]{8,4096}")


def sealed_for(name: str, *, livemode: bool) -> str:
    """The ``intent`` with which a secret's blob must be sealed, so that it cannot become another secret."""
    return f"secret_{_mode(livemode)}_{name}"


class Secrets:
    """Opened secrets are kept a minute, so that a busy processor costs no query per order."""

    def __init__(self, store: Store, keyring: Keyring) -> None:
        self._store = store
        self._keyring = keyring
        self._opened: dict[tuple[str, bool, str], tuple[str, float]] = {}

    async def put(self, account: str, livemode: bool, *, name: str, blob: str) -> None:
        """Keep the secret inside ``blob``: JSON ``{"secret": ..., "account", "intent", "iat"}`` sealed to the vault."""
        if not _NAME.fullmatch(name):
            raise Refused("refused", "a secret's name has 1 to 48 of a-z, 0-9 and _")
        intent = sealed_for(name, livemode=livemode)
        try:
            payload: Any = json.loads(await self._keyring.open_sealed(blob, account=account, intent=intent))
        except SealRefused as refusal:
            raise Refused("invalid_seal", str(refusal)) from None
        value = payload.get("secret")
        if payload.get("intent") != intent:
            raise Refused("invalid_seal", "the blob was not sealed for this secret")
        if not isinstance(value, str) or not _VALUE.fullmatch(value):
            raise Refused("refused", "a secret has 8 to 4096 visible ASCII characters")
        key = await self._key(account, livemode, name=name)
        ciphertext = crypto.seal(key, value.encode(), associated=_bound(account, livemode, name=name))
        await self._store.put_secret(account, livemode, name=name, ciphertext=ciphertext, now_ms=clock.now_ms())
        self._opened.pop((account, livemode, name), None)

    async def get(self, account: str, livemode: bool, *, name: str) -> str | None:
        """The secret in clear, or None where there is none."""
        held = self._opened.get((account, livemode, name))
        if held is not None and clock.monotonic() < held[1]:
            return held[0]
        ciphertext = await self._store.secret(account, livemode, name=name)
        if ciphertext is None:
            return None
        key = await self._key(account, livemode, name=name)
        value = crypto.unseal(key, ciphertext, associated=_bound(account, livemode, name=name)).decode()
        self._opened[account, livemode, name] = (value, clock.monotonic() + _KEPT_S)
        return value

    async def _key(self, account: str, livemode: bool, *, name: str) -> bytes:
        key, _ = await self._keyring.data_key(account, PURPOSE, f"{_mode(livemode)}:{name}")
        return key


def _mode(livemode: bool) -> str:
    return "live" if livemode else "test"


def _bound(account: str, livemode: bool, *, name: str) -> bytes:
    return crypto.bind("secret", account, _mode(livemode), name)
