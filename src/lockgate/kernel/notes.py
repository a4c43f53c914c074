"""Signed notes and checkpoints of a log, in the form of C2SP (signed-note, tlog-checkpoint): readable, Ed25519."""

import base64
import binascii
import hashlib
import re
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from lockgate.kernel.merkle import HASH_BYTES

_ED25519 = b"\x01"
_ID_BYTES = 4
_NAME = re.compile(r"[\x21-\x2a\x2c-\x7e]{1,200}")  # no space, no plus
_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}")
_MARK = "— "


class BadNote(ValueError):
    """The note is not what its key signed, or not in the form of a note."""


class Checkpoint(NamedTuple):
    """What a log was at one moment: that many leaves, this root, this end of its chain."""

    origin: str
    size: int
    root: bytes
    chain: bytes
    at_ms: int

    def text(self) -> str:
        """The five lines that are signed."""
        return (
            f"{self.origin}\n{self.size}\n{_encode(self.root)}\nchain {_encode(self.chain)}\ntime {self.at_ms}\n"
        )


class Export(NamedTuple):
    """What one exported file was: its records, and the SHA-256 of all its bytes."""

    origin: str
    records: int
    digest: bytes

    def text(self) -> str:
        return f"{self.origin}/export\nrecords {self.records}\nsha256 {_encode(self.digest)}\n"


def is_name(text: str) -> bool:
    """Whether a log may be called so."""
    return _NAME.fullmatch(text) is not None


def verifier(name: str, public: bytes) -> str:
    """The public key as text, as verifiers of notes take it: name, id and key."""
    return f"{name}+{_key_id(name, public).hex()}+{_encode(_ED25519 + public)}"


def attach(text: str, signature: bytes, *, name: str, public: bytes) -> str:
    """The note: ``text`` with its signature."""
    return f"{text}\n{_MARK}{name} {_encode(_key_id(name, public) + signature)}\n"


def opened(note: str, key: str) -> str:
    """The text of ``note`` if ``key`` (as ``verifier`` writes it) signed it; BadNote otherwise."""
    name, public = _read_verifier(key)
    text, apart, signatures = note.rpartition("\n\n")
    if not apart or not signatures.endswith("\n"):
        raise BadNote("this is not a signed note")
    text += "\n"
    wanted = _key_id(name, public)
    for line in signatures[:-1].split("\n"):
        signer, _, encoded = line.removeprefix(_MARK).partition(" ")
        if not line.startswith(_MARK) or not is_name(signer):
            raise BadNote("a signature line of the note is malformed")
        signed = _decode(encoded)
        if signer != name or signed[:_ID_BYTES] != wanted:
            continue
        try:
            Ed25519PublicKey.from_public_bytes(public).verify(signed[_ID_BYTES:], text.encode())
        except InvalidSignature:
            raise BadNote("the signature does not fit the text") from None
        return text
    raise BadNote("the note is not signed by this key")


def read_checkpoint(text: str) -> Checkpoint:
    """The checkpoint in the text of a note."""
    lines = text.split("\n")
    if len(lines) != 6 or lines[5] or not lines[3].startswith("chain ") or not lines[4].startswith("time "):
        raise BadNote("the note is no checkpoint")
    size, at_ms = lines[1], lines[4].removeprefix("time ")
    if not (is_name(lines[0]) and _NUMBER.fullmatch(size) and _NUMBER.fullmatch(at_ms)):
        raise BadNote("a number or the name of the checkpoint is malformed")
    root, chain = _decode(lines[2]), _decode(lines[3].removeprefix("chain "))
    if len(root) != HASH_BYTES or len(chain) != HASH_BYTES:
        raise BadNote("a hash of the checkpoint has the wrong length")
    return Checkpoint(lines[0], int(size), root, chain, int(at_ms))


def checkpoint(note: str, key: str) -> Checkpoint:
    """The checkpoint that ``key`` signed; its origin must be the key's name."""
    read = read_checkpoint(opened(note, key))
    if read.origin != key.partition("+")[0]:
        raise BadNote("the checkpoint is of another log than its key")
    return read


def _read_verifier(key: str) -> tuple[str, bytes]:
    name, _, rest = key.partition("+")
    id_, _, encoded = rest.partition("+")
    public = _decode(encoded)
    if not is_name(name) or public[:1] != _ED25519 or len(public) != 33 or _key_id(name, public[1:]).hex() != id_:
        raise BadNote("this is no public key of a log: 'lockgate audit key' prints it")
    return name, public[1:]


def _key_id(name: str, public: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + public).digest()[:_ID_BYTES]


def _encode(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _decode(text: str) -> bytes:
    try:
        value = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise BadNote("the note holds something that is not base64") from None
    if _encode(value) != text:  # one writing for each value, so that no byte can change unnoticed
        raise BadNote("the note holds something that is not base64")
    return value
