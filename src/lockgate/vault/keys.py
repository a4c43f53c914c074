"""The vault's keyring: every use of a key goes through it, and no merchant, fingerprint or card key leaves it."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from lockgate.kernel import clock, ids
from lockgate.vault import crypto
from lockgate.vault.alias import alias
from lockgate.vault.contexts import data_context, named_context, record_context
from lockgate.vault.fpe import FF1
from lockgate.vault.hierarchy import PLATFORM, Hierarchy
from lockgate.vault.keystore import DataKeyRow, Destroyed, KeyStore, Pool, Rotation
from lockgate.vault.providers import open_roots
from lockgate.vault.rewrap import Rewrapper
from lockgate.vault.sealing import SealingKeys

FINGERPRINT_VERSION = 1      # the first character of every fingerprint; another key or method is another version
_FINGERPRINT_CHARACTERS = 15
_ALIAS_VERSION = 1
_RECORD_BYTES = 65_536
_NAMED_KEYS_KEPT = 50_000
_ACCOUNT = re.compile(r"[0-9A-Za-z_]{1,64}")
_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
_LABEL = re.compile(r"[\x21-\x7e]{1,200}")


class Gone(Exception):
    """The person's keys were destroyed; what they encrypted can never be read again."""


@dataclass(frozen=True, slots=True)
class SealedRecord:
    """One record and its own wrapped key: 69 bytes longer than the plaintext. Holds nothing readable."""

    wrapped_dek: bytes
    ciphertext: bytes
    kek_version: int


class Keyring:
    """Root -> merchant key versions -> record keys, and the named keys beside them.

    Every method takes the account first. An account that has no key yet gets one when something is sealed for it,
    never when something is opened.
    """

    def __init__(self, hierarchy: Hierarchy, *, sealing: SealingKeys) -> None:
        self._hierarchy = hierarchy
        self._store = hierarchy.store
        self._sealing = sealing
        self._rewrapper = Rewrapper(hierarchy)
        self._named: dict[tuple[str, str], bytes] = {}
        self._ciphers: dict[str, FF1] = {}

    @classmethod
    async def open(cls, pool: Pool, secrets: Mapping[str, Any], *, profile: str) -> "Keyring":
        """Unseals the root by ``secrets`` (vault.json; see `providers.open_roots`); makes what a first start lacks.

        Raises `ConfigError` when the root is missing, weak for the profile, or not the one of this database.
        """
        hierarchy = Hierarchy(KeyStore(pool), await open_roots(secrets, profile=profile))
        await hierarchy.prove_root()
        seed = await _named_key(hierarchy, PLATFORM, "service:sealing")
        ring = cls(hierarchy, sealing=SealingKeys(hierarchy, signer=ed25519.Ed25519PrivateKey.from_private_bytes(seed)))
        await ring.renew_sealing_keys()
        return ring

    async def seal_record(
        self, account: str, kind: str, token: str, subject: str, plaintext: bytes
    ) -> SealedRecord:
        """Encrypts one record under a fresh key. ``subject`` is whose it is; the row must carry it for `shred`."""
        _check(_ACCOUNT, account, kind, token)
        if subject:
            _check(_LABEL, subject)
        if len(plaintext) > _RECORD_BYTES:
            raise ValueError("a record has at most 64 KiB")
        kek = await self._hierarchy.sealing(account)
        fresh = os.urandom(crypto.KEY_BYTES + crypto.NONCE_BYTES)
        dek, nonce = fresh[: crypto.KEY_BYTES], fresh[crypto.KEY_BYTES :]
        associated = crypto.FORMAT + record_context(account, kind, token)
        ciphertext = crypto.FORMAT + nonce + AESGCM(dek).encrypt(nonce, plaintext, associated)
        return SealedRecord(kek.wrap_record(dek), ciphertext, kek.version)

    async def open_record(self, account: str, kind: str, token: str, sealed: SealedRecord) -> bytes:
        """The plaintext; raises `crypto.Tampered` for any altered, moved or foreign key or ciphertext."""
        kek = await self._hierarchy.opening(account, sealed.kek_version)
        dek = kek.unwrap_record(sealed.wrapped_dek)
        return crypto.unseal(dek, sealed.ciphertext, associated=record_context(account, kind, token))

    async def fingerprint(self, account: str, pan: str) -> str:
        """Sixteen base-62 characters, equal for equal numbers of one account: key version, then 89 bits of HMAC."""
        if not (12 <= len(pan) <= 19 and pan.isascii() and pan.isdigit()):
            raise ValueError("a card number has 12 to 19 digits")
        key = await self._key(account, f"fingerprint:{FINGERPRINT_VERSION}")
        value = int.from_bytes(crypto.mac(key, pan.encode()), "big") % 62**_FINGERPRINT_CHARACTERS
        return ids.base62(FINGERPRINT_VERSION, 1) + ids.base62(value, _FINGERPRINT_CHARACTERS)

    async def alias(self, account: str, counter: int, pan_length: int, last4: str) -> str:
        """The ``counter``-th numeric alias of the account; unique for different counters, see `alias.alias`."""
        cipher = self._ciphers.get(account)
        if cipher is None:
            if len(self._ciphers) >= _NAMED_KEYS_KEPT:
                self._ciphers.clear()
            cipher = self._ciphers[account] = FF1(await self._key(account, f"alias:{_ALIAS_VERSION}"))
        return alias(cipher, counter, pan_length=pan_length, last4=last4)

    async def data_key(self, account: str, purpose: str, subject: str) -> tuple[bytes, str]:
        """The key and key id for the gateway's own data of one person or thing, made when absent.

        Never a card's key: those live in another table under another derivation. Raises `Gone` after `shred`.
        """
        _check(_ACCOUNT, account)
        _check(_LABEL, purpose, subject)
        row = await self._store.data_key(account, purpose, subject=subject)
        if row is None:
            kek = await self._hierarchy.sealing(account)
            kid = ids.new_id("dk")
            wrapped = kek.wrap(crypto.new_key(), context=data_context(account, kid, purpose=purpose, subject=subject))
            made = DataKeyRow(kid, wrapped, kek.version)
            if not await self._store.add_data_key(account, purpose, subject=subject, key=made, now_ms=clock.now_ms()):
                raise Gone("the subject's keys were destroyed")
            row = await self._store.data_key(account, purpose, subject=subject)
        if row is None or row.wrapped is None:
            raise Gone("the subject's keys were destroyed")
        kek = await self._hierarchy.opening(account, row.kek_version)
        context = data_context(account, row.kid, purpose=purpose, subject=subject)
        return kek.unwrap(row.wrapped, context=context), row.kid

    async def sign(self, account: str, key: str, data: bytes) -> bytes:
        """Ed25519 signature by the account's named signing key, made on first use."""
        return (await self._signing_key(account, key)).sign(data)

    async def public_key(self, account: str, key: str) -> bytes:
        """The raw Ed25519 public half of a named signing key."""
        return (await self._signing_key(account, key)).public_key().public_bytes_raw()

    async def mac(self, account: str, key: str, data: bytes) -> bytes:
        """HMAC-SHA256 by the account's named key, made on first use."""
        _check(_NAME, key)
        return crypto.mac(await self._key(account, f"mac:{key}"), data)

    async def rotate(self, account: str) -> int:
        """Makes the account's next key version, which alone encrypts from now on; `rewrap` then moves the rows.

        Other vault processes notice within a minute; what they seal until then is re-wrapped like older rows.
        """
        _check(_ACCOUNT, account)
        return await self._hierarchy.rotate(account)

    async def rewrap(self, batch: int) -> int:
        """Brings at most ``batch`` wrapped keys under their newest version; how many. 0: nothing is left."""
        return await self._rewrapper.run(batch)

    async def rotations(self) -> list[Rotation]:
        """The accounts that were ever rotated, and what is left to re-wrap of each; for operators, it counts rows."""
        return await self._store.rotations()

    async def root_state(self) -> tuple[int, int]:
        """The root's version, and how many merchant keys still stand under an older one."""
        return self._hierarchy.root_version, await self._store.below_root()

    async def shred(self, account: str, subject: str) -> Destroyed:
        """Destroys every key of one person, cards' included, in one transaction."""
        _check(_ACCOUNT, account)
        _check(_LABEL, subject)
        return await self._store.shred(account, subject, now_ms=clock.now_ms())

    @property
    def verify_key(self) -> str:
        """The Ed25519 key that sealers pin (base64url); it signs the sealing keys and nothing else."""
        return self._sealing.verify_key

    def sealing_keys(self) -> list[dict[str, Any]]:
        """The signed public keys that cards may be sealed to now, newest first; docs/vault.md gives the form."""
        return self._sealing.offered()

    async def open_sealed(self, blob: str, *, account: str, intent: str | None) -> bytes:
        """The JSON of a sealed card whose context is right; raises `sealing.SealRefused`."""
        return await self._sealing.open(blob, account=account, intent=intent)

    async def renew_sealing_keys(self) -> None:
        """Makes the day's sealing keys and deletes ended ones; called hourly."""
        await self._sealing.renew()

    async def _signing_key(self, account: str, name: str) -> ed25519.Ed25519PrivateKey:
        _check(_NAME, name)
        return ed25519.Ed25519PrivateKey.from_private_bytes(await self._key(account, f"sign:{name}"))

    async def _key(self, account: str, name: str) -> bytes:
        held = self._named.get((account, name))
        if held is None:
            _check(_ACCOUNT, account)
            if len(self._named) >= _NAMED_KEYS_KEPT:
                self._named.clear()
            held = self._named[account, name] = await _named_key(self._hierarchy, account, name)
        return held


async def _named_key(hierarchy: Hierarchy, account: str, name: str) -> bytes:
    """A key that never leaves the vault, made when absent; two processes that make it at once keep the first."""
    store, context = hierarchy.store, named_context(account, name)
    row = await store.named_key(account, name)
    if row is None:
        kek = await hierarchy.sealing(account)
        wrapped = kek.wrap(crypto.new_key(), context=context)
        await store.add_named_key(account, name, wrapped=wrapped, kek_version=kek.version, now_ms=clock.now_ms())
        row = await store.named_key(account, name)
        assert row is not None
    kek = await hierarchy.opening(account, row.kek_version)
    return kek.unwrap(row.wrapped, context=context)


def _check(pattern: re.Pattern[str], *values: str) -> None:
    if not all(isinstance(value, str) and pattern.fullmatch(value) for value in values):
        raise ValueError("an account, kind, token, purpose, subject or key name is not well formed")
