"""The vault's few cryptographic operations, each made hard to misuse, all over OpenSSL through `cryptography`."""

import hashlib
import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16
WRAPPED_KEY_BYTES = KEY_BYTES + 8
FORMAT = b"\x01"  # AES-256-GCM, 96-bit random nonce, 128-bit tag; a change of any of these is a new marker


class Tampered(Exception):
    """Bytes that do not carry the proof of their key and place: altered, moved, or sealed by someone else."""


def new_key() -> bytes:
    """A fresh AES-256 or HMAC key."""
    return os.urandom(KEY_BYTES)


def bind(*parts: str | int | bytes) -> bytes:
    """One unambiguous byte string for several values: each is preceded by its length in four bytes, big-endian."""
    joined = bytearray()
    for part in parts:
        raw = part if isinstance(part, bytes) else str(part).encode()
        joined += len(raw).to_bytes(4, "big") + raw
    return bytes(joined)


def encrypt(key: bytes, nonce: bytes, *, plaintext: bytes, associated: bytes) -> bytes:
    """AES-GCM with a nonce the caller answers for; use `seal` unless a format dictates the nonce. Ends in the tag."""
    if len(nonce) != NONCE_BYTES:
        raise ValueError("a GCM nonce has 12 bytes here")
    return AESGCM(key).encrypt(nonce, plaintext, associated)


def decrypt(key: bytes, nonce: bytes, *, ciphertext: bytes, associated: bytes) -> bytes:
    """The inverse of `encrypt`; raises `Tampered`."""
    if len(nonce) != NONCE_BYTES or len(ciphertext) < TAG_BYTES:
        raise Tampered("the ciphertext has an impossible size")
    try:
        return AESGCM(key).decrypt(nonce, ciphertext, associated)
    except InvalidTag:
        raise Tampered("the ciphertext or its context was altered") from None


def seal(key: bytes, plaintext: bytes, *, associated: bytes) -> bytes:
    """`marker | nonce | ciphertext | tag`, bound to ``associated`` and to the marker: 29 bytes longer than the text."""
    nonce = os.urandom(NONCE_BYTES)
    return FORMAT + nonce + AESGCM(key).encrypt(nonce, plaintext, FORMAT + associated)


def unseal(key: bytes, sealed: bytes, *, associated: bytes) -> bytes:
    """What `seal` was given; raises `Tampered` for any other key, context, marker or byte."""
    if sealed[:1] != FORMAT:
        raise Tampered("unknown format marker")
    start = 1 + NONCE_BYTES
    return decrypt(key, sealed[1:start], ciphertext=sealed[start:], associated=FORMAT + associated)


def wrap_raw(kek: bytes, key: bytes) -> bytes:
    """RFC 3394 AES key wrap: deterministic, authenticated, eight bytes longer, and without any nonce to run out of."""
    return aes_key_wrap(kek, key)


def unwrap_raw(kek: bytes, wrapped: bytes) -> bytes:
    """The inverse of `wrap_raw`; raises `Tampered`."""
    try:
        return aes_key_unwrap(kek, wrapped)
    except (InvalidUnwrap, ValueError):
        raise Tampered("the wrapped key was altered, or wrapped by another key") from None


def wrap_key(kek: bytes, key: bytes, *, context: bytes) -> bytes:
    """`wrap_raw` under a key that HKDF derives from ``kek`` for ``context`` alone.

    RFC 3394 has no associated data. Deriving the wrapping key from the row's identity makes a wrapped key that was
    moved to another row as unreadable as an altered one.
    """
    return wrap_raw(derive(kek, info=context), key)


def unwrap_key(kek: bytes, wrapped: bytes, *, context: bytes) -> bytes:
    """The inverse of `wrap_key`; raises `Tampered`, also when ``wrapped`` belongs to another context."""
    return unwrap_raw(derive(kek, info=context), wrapped)


def derive(key: bytes, *, info: bytes, salt: bytes = b"", length: int = KEY_BYTES) -> bytes:
    """HKDF-SHA256 (RFC 5869). Written over `hmac.digest`, which costs a third of building an HKDF object each time."""
    if not 0 < length <= 255 * 32:
        raise ValueError("HKDF-SHA256 gives 1 to 8160 bytes")
    secret = hmac.digest(salt or bytes(32), key, "sha256")
    made = block = b""
    for counter in range(1, -(-length // 32) + 1):
        block = hmac.digest(secret, block + info + bytes([counter]), "sha256")
        made += block
    return made[:length]


def mac(key: bytes, data: bytes) -> bytes:
    """HMAC-SHA256, whole."""
    return hmac.digest(key, data, "sha256")


def equal(one: bytes, other: bytes) -> bool:
    """Comparison whose time does not depend on where the values differ."""
    return hmac.compare_digest(one, other)


def sha256(data: bytes) -> bytes:
    """SHA-256 of public or high-entropy data; never of a card number, which needs `mac`."""
    return hashlib.sha256(data).digest()
