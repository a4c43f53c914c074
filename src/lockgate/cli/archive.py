"""The encrypted file that a backup is: authenticated chunks in order, so that nothing can be altered, moved or cut off.

The construction is STREAM (Hoang, Reyhanitabar, Rogaway, Vizar, "Online Authenticated-Encryption", 2015) over
AES-256-GCM, under a key of the file's own. Layout, numbers big-endian:

    "LGBACKUP" | format 0x01 | length of header (4) | header (JSON) | chunk | chunk | ...

Each chunk holds 1 MiB (the last one 0 to 1 MiB) and its tag of 16 bytes. Nonce: 7 zero bytes, counter (4), 1 for the
last chunk else 0. The file's key is HKDF-SHA256(backup key, salt of the header), and every chunk's associated data is
SHA-256 of all that stands before the first chunk.
"""

import hashlib
import io
import json
import os
from collections.abc import Mapping
from typing import Any, BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

MAGIC = b"LGBACKUP\x01"
CHUNK_BYTES = 1024 * 1024
KEY_BYTES = 32
_TAG_BYTES = 16
_SALT_BYTES = 32
_HEADER_LIMIT = 16 * 1024
_MOST_CHUNKS = 2**32 - 1


class DamagedError(Exception):
    """The file is not, or not any more, what was written under this key; the message says what was seen."""


def key_id(key: bytes) -> str:
    """Names a backup key without telling anything of it."""
    return hashlib.sha256(b"lockgate backup key id\0" + key).hexdigest()[:16]


class Sealer(io.RawIOBase):
    """A writable stream that encrypts into ``target``; only a file that was closed by `finish` is whole."""

    def __init__(self, target: BinaryIO, key: bytes, about: Mapping[str, Any]) -> None:
        super().__init__()
        salt = os.urandom(_SALT_BYTES)
        head = _head({**about, "key_id": key_id(key), "salt": salt.hex()})
        target.write(head)
        self._target = target
        self._cipher = _cipher(key, salt)
        self._bound = hashlib.sha256(head).digest()
        self._held = bytearray()
        self._count = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._held += data
        # One byte more than a chunk must be there before it is known not to be the last.
        while len(self._held) > CHUNK_BYTES:
            self._put(bytes(self._held[:CHUNK_BYTES]), last=False)
            del self._held[:CHUNK_BYTES]
        return len(data)

    def finish(self) -> None:
        """Write the last chunk, which says that it is the last."""
        self._put(bytes(self._held), last=True)
        self._held.clear()

    def _put(self, chunk: bytes, *, last: bool) -> None:
        self._target.write(self._cipher.encrypt(_nonce(self._count, last=last), chunk, self._bound))
        self._count += 1


class Opener(io.RawIOBase):
    """A readable stream of what a `Sealer` was given; raises `DamagedError` at the first byte that is not in order."""

    def __init__(self, source: BinaryIO, key: bytes) -> None:
        super().__init__()
        head, self.about = _read_head(source)
        if self.about["key_id"] != key_id(key):
            raise DamagedError("it was made with another key")
        self._source = source
        self._cipher = _cipher(key, bytes.fromhex(self.about["salt"]))
        self._bound = hashlib.sha256(head).digest()
        self._ahead = source.read(CHUNK_BYTES + _TAG_BYTES)
        self._held = memoryview(b"")
        self._count = 0
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._held and not self._ended:
            self._next()
        given = self._held[: len(buffer)]
        buffer[: len(given)] = given
        self._held = self._held[len(given) :]
        return len(given)

    def _next(self) -> None:
        chunk, self._ahead = self._ahead, self._source.read(CHUNK_BYTES + _TAG_BYTES)
        last = not self._ahead
        try:
            opened = self._cipher.decrypt(_nonce(self._count, last=last), chunk, self._bound)
        except InvalidTag:
            raise DamagedError(f"it was altered, reordered or cut off (at chunk {self._count + 1})") from None
        self._held = memoryview(opened)
        self._count += 1
        self._ended = last


def _head(about: Mapping[str, Any]) -> bytes:
    header = json.dumps(about, sort_keys=True).encode()
    return MAGIC + len(header).to_bytes(4, "big") + header


def _read_head(source: BinaryIO) -> tuple[bytes, dict[str, Any]]:
    start = source.read(len(MAGIC) + 4)
    length = int.from_bytes(start[len(MAGIC) :], "big")
    if not start.startswith(MAGIC) or len(start) != len(MAGIC) + 4 or length > _HEADER_LIMIT:
        raise DamagedError("it is no Lockgate backup of a known format")
    header = source.read(length)
    try:
        about = json.loads(header)
        if len(header) != length or len(bytes.fromhex(about["salt"])) != _SALT_BYTES or "key_id" not in about:
            raise ValueError("a header that is cut off")
    except (ValueError, KeyError, TypeError):
        raise DamagedError("its header cannot be read") from None
    return start + header, about


def _cipher(key: bytes, salt: bytes) -> AESGCM:
    if len(key) != KEY_BYTES:
        raise ValueError("a backup key has 32 bytes")
    return AESGCM(HKDF(SHA256(), KEY_BYTES, salt, b"lockgate backup file v1").derive(key))


def _nonce(count: int, *, last: bool) -> bytes:
    if count > _MOST_CHUNKS:
        raise ValueError("a backup has at most 4 PiB")
    return bytes(7) + count.to_bytes(4, "big") + bytes([last])
