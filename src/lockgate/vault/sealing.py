"""Sealed cards: the vault's daily key pairs, the signed list of their public halves, and the opening of blobs."""

import re
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives import hpke, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mlkem, x25519

from lockgate.kernel import clock, ids, jws
from lockgate.vault import crypto, jose
from lockgate.vault.contexts import sealing_context
from lockgate.vault.hierarchy import PLATFORM, Hierarchy
from lockgate.vault.keystore import WrappedRow

DAY_S = 86_400
OFFERED_S = 2 * DAY_S   # a sealer may use a key this long; a successor comes after one day
BLOB_LIFE_S = DAY_S     # a blob is opened this long after it was sealed, so a private key lives three days in all
CLOCK_SKEW_S = 300
_BLOB_BYTES = 8192
_HPKE_PREFIX = "lgh1"
_LABEL = "lockgate-sealed-card-v1"
_LIST_LABEL = "lockgate-sealing-key-v1"
_KID = re.compile(r"seal_[0-9A-Za-z]{22}")
_CONTEXT_WORD = re.compile(r"[0-9A-Za-z_]{1,64}")
_SECONDS = re.compile(r"[1-9][0-9]{0,11}")
_SUITE = hpke.Suite(hpke.KEM.MLKEM768_X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
_ENCAPSULATED_BYTES = 1120
_MLKEM_SEED_BYTES = 64
_JWE, _HPKE = "jwe", "hpke"


class SealRefused(Exception):
    """A blob that is not opened. ``code``: malformed, unknown_key, tampered, wrong_context or expired."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True, repr=False)
class HybridPrivateKey:
    """Both halves of an X-Wing key pair; stored as the ML-KEM seed followed by the X25519 scalar."""

    mlkem_key: mlkem.MLKEM768PrivateKey
    x25519_key: x25519.X25519PrivateKey

    @classmethod
    def generate(cls) -> "HybridPrivateKey":
        return cls(mlkem.MLKEM768PrivateKey.generate(), x25519.X25519PrivateKey.generate())

    @classmethod
    def load(cls, raw: bytes) -> "HybridPrivateKey":
        return cls(
            mlkem.MLKEM768PrivateKey.from_seed_bytes(raw[:_MLKEM_SEED_BYTES]),
            x25519.X25519PrivateKey.from_private_bytes(raw[_MLKEM_SEED_BYTES:]),
        )

    def private_bytes(self) -> bytes:
        return self.mlkem_key.private_bytes_raw() + self.x25519_key.private_bytes_raw()

    def public_bytes(self) -> bytes:
        return self.mlkem_key.public_key().public_bytes_raw() + self.x25519_key.public_key().public_bytes_raw()

    def open(self, ciphertext: bytes, info: bytes) -> bytes:
        return _SUITE.decrypt(ciphertext, hpke.MLKEM768X25519PrivateKey(self.mlkem_key, self.x25519_key), info)


PrivateKey = ec.EllipticCurvePrivateKey | HybridPrivateKey


@dataclass(frozen=True, slots=True, repr=False)
class SealingKey:
    """One key pair in memory. Its public half is always computed from the private one, never read from a row."""

    kid: str
    not_before: int
    not_after: int
    private: PrivateKey

    @property
    def format(self) -> str:
        return _HPKE if isinstance(self.private, HybridPrivateKey) else _JWE

    def private_bytes(self) -> bytes:
        if isinstance(self.private, HybridPrivateKey):
            return self.private.private_bytes()
        return self.private.private_numbers().private_value.to_bytes(32, "big")

    def public_bytes(self) -> bytes:
        if isinstance(self.private, HybridPrivateKey):
            return self.private.public_bytes()
        encoding, form = serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        return self.private.public_key().public_bytes(encoding, form)

    def published(self, signer: ed25519.Ed25519PrivateKey) -> dict[str, Any]:
        """The entry of the public key list, with the vault's signature over everything a sealer relies on."""
        public = self.public_bytes()
        entry: dict[str, Any] = {
            "kid": self.kid, "format": self.format, "not_before": self.not_before, "not_after": self.not_after,
        }  # fmt: skip
        if self.format == _JWE:
            x, y = jws.base64url(public[1:33]), jws.base64url(public[33:])
            entry["jwk"] = {
                "kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": self.kid, "use": "enc", "alg": "ECDH-ES",
            }  # fmt: skip
        else:
            entry["hpke_public"] = jws.base64url(public)
        lines = (_LIST_LABEL, self.kid, self.format, self.not_before, self.not_after, jws.base64url(public))
        entry["signature"] = jws.base64url(signer.sign("\n".join(map(str, lines)).encode()))
        return entry


class SealingKeys:
    """The key pairs of one vault process, kept in step with the table by `renew`."""

    def __init__(self, hierarchy: Hierarchy, *, signer: ed25519.Ed25519PrivateKey) -> None:
        self._hierarchy = hierarchy
        self._signer = signer
        self._keys: dict[str, SealingKey] = {}
        self._published: dict[str, dict[str, Any]] = {}

    @property
    def verify_key(self) -> str:
        """What sealers pin: the raw Ed25519 public key, base64url."""
        return jws.base64url(self._signer.public_key().public_bytes_raw())

    def offered(self) -> list[dict[str, Any]]:
        """The signed public list, newest first."""
        now = clock.now()
        fresh = [key for key in self._keys.values() if key.not_before <= now < key.not_after]
        fresh.sort(key=lambda key: (key.not_before, key.kid), reverse=True)
        return [self._published[key.kid] for key in fresh]

    async def renew(self) -> None:
        """Makes today's pairs if none were made, forgets and deletes ended ones, loads what other processes made."""
        now = clock.now()
        store = self._hierarchy.store
        await store.drop_sealing_keys(PLATFORM, ended_before=now - BLOB_LIFE_S)
        await self._load()
        newest = max((key.not_before for key in self._keys.values()), default=0)
        if newest <= now - DAY_S:
            rows = [await self._new_row(private, now) for private in _generate()]
            await store.add_sealing_keys(PLATFORM, keys=rows, unless_after=now - DAY_S)
            await self._load()

    async def open(self, blob: str, *, account: str, intent: str | None) -> bytes:
        """The JSON text inside ``blob``, once key, signature of the sender's context, and age are right."""
        if len(blob) > _BLOB_BYTES or not blob.isascii():
            raise SealRefused("malformed", "a sealed card is at most 8192 ASCII characters")
        try:
            if blob.startswith(_HPKE_PREFIX + "."):
                return await self._open_hpke(blob, account=account, intent=intent)
            kid = jose.jwe_header(blob).get("kid", "")
            key = await self._key(kid, expected=ec.EllipticCurvePrivateKey)
            plaintext = jose.open_jwe(blob, key)
            _check_payload(jws.parse_object(plaintext), account=account, intent=intent)
            return plaintext
        except jws.Malformed as error:
            raise SealRefused("malformed", str(error)) from None
        except crypto.Tampered:
            raise SealRefused("tampered", "the sealed card was altered, or sealed for another place") from None

    async def _open_hpke(self, blob: str, *, account: str, intent: str | None) -> bytes:
        parts = blob.split(".")
        if len(parts) != 5:
            raise jws.Malformed("an HPKE blob has five segments")
        _prefix, kid, sealed_at, bound_to, text = parts
        if not _SECONDS.fullmatch(sealed_at) or (bound_to and not _CONTEXT_WORD.fullmatch(bound_to)):
            raise jws.Malformed("the clear part of the blob is not well formed")
        if bound_to and bound_to != intent:
            raise SealRefused("wrong_context", "the card was sealed for another intent")
        ciphertext = jws.from_base64url(text)
        if len(ciphertext) < _ENCAPSULATED_BYTES + crypto.TAG_BYTES:
            raise jws.Malformed("the blob is too short")
        key = await self._key(kid, expected=HybridPrivateKey)
        try:
            plaintext = key.open(ciphertext, hpke_info(account, bound_to, sealed_at=int(sealed_at), kid=kid))
        except Exception:
            raise crypto.Tampered("HPKE refused the blob") from None
        payload = jws.parse_object(plaintext)
        _check_payload(payload, account=account, intent=intent)
        if payload["iat"] != int(sealed_at) or (payload.get("intent") or "") != bound_to:
            raise SealRefused("wrong_context", "the blob's clear part and its content differ")
        return plaintext

    async def _key(self, kid: str, *, expected: type) -> Any:
        if not _KID.fullmatch(kid):
            raise SealRefused("unknown_key", "the sealing key's id is not one of this vault's")
        if kid not in self._keys:
            await self._load()  # another vault process may have made it since
        key = self._keys.get(kid)
        if key is None or not isinstance(key.private, expected) or clock.now() >= key.not_after + BLOB_LIFE_S:
            raise SealRefused("unknown_key", "the sealing key is unknown or no longer kept: fetch the list again")
        return key.private

    async def _new_row(self, private: PrivateKey, now: int) -> WrappedRow:
        key = SealingKey(ids.new_id("seal"), now, now + OFFERED_S, private)
        kek = await self._hierarchy.sealing(PLATFORM)
        context = sealing_context(key.kid, key.format, not_before=key.not_before, not_after=key.not_after)
        wrapped = kek.wrap(key.private_bytes(), context=context)
        return WrappedRow(key.kid, wrapped, kek.version, (key.format, key.not_before, key.not_after))

    async def _load(self) -> None:
        loaded: dict[str, SealingKey] = {}
        for row in await self._hierarchy.store.sealing_keys(PLATFORM):
            loaded[row.id] = self._keys.get(row.id) or await self._unwrap(row)
        self._keys = loaded
        self._published = {
            kid: self._published.get(kid) or key.published(self._signer) for kid, key in loaded.items()
        }

    async def _unwrap(self, row: WrappedRow) -> SealingKey:
        key_format, not_before, not_after = str(row.binding[0]), int(row.binding[1]), int(row.binding[2])
        kek = await self._hierarchy.opening(PLATFORM, row.kek_version)
        context = sealing_context(row.id, key_format, not_before=not_before, not_after=not_after)
        raw = kek.unwrap(row.wrapped, context=context)
        if key_format == _HPKE:
            return SealingKey(row.id, not_before, not_after, HybridPrivateKey.load(raw))
        return SealingKey(
            row.id, not_before, not_after, ec.derive_private_key(int.from_bytes(raw, "big"), ec.SECP256R1())
        )


def hpke_info(account: str, intent: str, *, sealed_at: int, kid: str) -> bytes:
    """HPKE's ``info``: label, account, intent or nothing, Unix seconds and key id, one a line."""
    return "\n".join((_LABEL, account, intent, str(sealed_at), kid)).encode()


def _generate() -> tuple[PrivateKey, PrivateKey]:
    return ec.generate_private_key(ec.SECP256R1()), HybridPrivateKey.generate()


def _check_payload(payload: dict[str, Any], *, account: str, intent: str | None) -> None:
    if payload.get("account") != account:
        raise SealRefused("wrong_context", "the card was sealed for another account")
    bound_to = payload.get("intent")
    if bound_to is not None and (not isinstance(bound_to, str) or not _CONTEXT_WORD.fullmatch(bound_to)):
        raise SealRefused("malformed", "intent is an id")
    if bound_to is not None and bound_to != intent:
        raise SealRefused("wrong_context", "the card was sealed for another intent")
    sealed_at, now = payload.get("iat"), clock.now()
    if not isinstance(sealed_at, int) or isinstance(sealed_at, bool):
        raise SealRefused("malformed", "iat is the time of sealing in Unix seconds")
    if not now - BLOB_LIFE_S <= sealed_at <= now + CLOCK_SKEW_S:
        raise SealRefused("expired", "the card was sealed too long ago, or the sealer's clock is wrong")
