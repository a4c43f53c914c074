"""The keys that sign tokens: made ahead, published before they sign, kept until the last token they signed is over."""

import asyncio
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Protocol

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from lockgate.gateway.identity import find_signers, store_signers
from lockgate.gateway.identity.find_signers import SigningKeyRow
from lockgate.gateway.storage.database import Pool
from lockgate.kernel import clock, jws
from lockgate.kernel.ids import new_id

SIGNS_S = 30 * 24 * 3600      # then the next one does
AHEAD_S = 24 * 3600           # published so long before: whoever keeps a copy of the list has it by then
LONGEST_TOKEN_S = 3600        # a key that signs no longer is published for as long as its last token can live
READ_EVERY_S = 30.0
_PURPOSE = "token-signing"
_PLATFORM = "platform"
_NONCE_BYTES = 12


class Box(Protocol):
    """Gives data keys of the vault; None once they were destroyed."""

    async def key(self, account: str, purpose: str, subject: str) -> bytes | None: ...


@dataclass(slots=True)
class SigningKeys:
    """The list as this process last read it. Several processes may make the next key at once: all of them are good."""

    pool: Pool
    box: Box
    monotonic: Callable[[], float] = clock.monotonic
    _rows: list[SigningKeyRow] = field(default_factory=list)
    _read_at: float | None = None
    _private: dict[str, ec.EllipticCurvePrivateKey] = field(default_factory=dict, repr=False)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def current(self, now: int) -> tuple[str, ec.EllipticCurvePrivateKey]:
        """The key that signs now, by its id."""
        rows = [row for row in await self._list() if row.signs_from <= now]
        row = rows[-1] if rows else await self.rotate(now=now, at_once=True)
        return row.kid, await self._opened(row)

    async def public(self, kid: str) -> dict[str, Any] | None:
        """The public half of a key that may still verify tokens. An unknown one is looked for once more."""
        for anew in (False, True):
            if anew and self._read_at is not None and self.monotonic() - self._read_at < 1.0:
                break  # a flood of invented ids costs one read a second
            for row in await self._list(anew=anew):
                if row.kid == kid:
                    return json.loads(row.public)
        return None

    async def published(self) -> list[dict[str, Any]]:
        """The public halves, newest first: what outsiders verify by (RFC 7517)."""
        return [json.loads(row.public) for row in reversed(await self._list(anew=True))]

    async def rotate(self, *, now: int, at_once: bool = False) -> SigningKeyRow:
        """Make the next key. It signs a day from now, or ``at_once`` when there is none yet or the old one leaked."""
        kid = new_id("tsk")
        key = ec.generate_private_key(ec.SECP256R1())
        raw = key.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        nonce = os.urandom(_NONCE_BYTES)
        sealed = nonce + AESGCM(await self._sealing_key()).encrypt(nonce, raw, kid.encode())
        public = json.dumps(jws.public_jwk(key.public_key(), kid=kid), separators=(",", ":"))
        row = SigningKeyRow(kid, now, now if at_once else now + AHEAD_S, public, sealed)
        await store_signers.insert(self.pool, row)
        self._read_at = None
        return row

    async def keep_up(self, *, now: int) -> int:
        """Make the next key when the newest has signed long enough, and forget those whose tokens are all over."""
        rows = await self._list(anew=True)
        done = 0
        if not rows or rows[-1].signs_from + SIGNS_S - AHEAD_S <= now:
            await self.rotate(now=now, at_once=not rows)
            done += 1
        ended = [old.kid for old, after in pairwise(rows) if after.signs_from + LONGEST_TOKEN_S < now]
        if ended:
            await store_signers.delete(self.pool, ended)
            self._read_at = None
        return done + len(ended)

    async def revoke(self, kid: str, *, now: int) -> None:
        """Forget a key that leaked: its tokens end with it, and the next one signs at once."""
        await store_signers.delete(self.pool, [kid])
        self._read_at = None
        self._private.pop(kid, None)
        if not [row for row in await self._list(anew=True) if row.signs_from <= now]:
            await self.rotate(now=now, at_once=True)

    async def _list(self, *, anew: bool = False) -> list[SigningKeyRow]:
        """Oldest first."""
        async with self._lock:
            stale = self._read_at is None or self.monotonic() - self._read_at >= READ_EVERY_S
            if stale or anew:
                self._rows = await find_signers.signing_keys(self.pool)
                self._read_at = self.monotonic()
            return self._rows

    async def _opened(self, row: SigningKeyRow) -> ec.EllipticCurvePrivateKey:
        known = self._private.get(row.kid)
        if known is None:
            nonce, ciphertext = row.sealed[:_NONCE_BYTES], row.sealed[_NONCE_BYTES:]
            raw = AESGCM(await self._sealing_key()).decrypt(nonce, ciphertext, row.kid.encode())
            loaded = serialization.load_der_private_key(raw, None)
            assert isinstance(loaded, ec.EllipticCurvePrivateKey), "we make these keys on P-256"
            known = loaded
            self._private = {row.kid: known}
        return known

    async def _sealing_key(self) -> bytes:
        key = await self.box.key(_PLATFORM, _PURPOSE, _PLATFORM)
        if key is None:
            raise RuntimeError("the vault has destroyed the platform's keys")
        return key
