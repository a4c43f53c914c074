"""Certificates and private keys in files: read with plain errors, written so that no reader finds half of one."""

import os
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from lockgate.kernel.config import ConfigError


def load(file: Path) -> x509.Certificate | None:
    """The first certificate in ``file``; None where there is no such file."""
    return next(iter(load_all(file)), None)


def load_all(file: Path) -> list[x509.Certificate]:
    """Every certificate in ``file``, in their order."""
    try:
        return x509.load_pem_x509_certificates(file.read_bytes())
    except FileNotFoundError:
        return []
    except ValueError as error:
        raise ConfigError(f"{file} is not a certificate: remove it and start again to have it made anew") from error


def load_key(file: Path, passphrase: str | None = None) -> ec.EllipticCurvePrivateKey:
    """The private key in ``file``. TypeError where it is sealed and no passphrase was given."""
    text = file.read_bytes()
    sealed = b"ENCRYPTED" in text
    try:
        key = serialization.load_pem_private_key(text, passphrase.encode() if sealed and passphrase else None)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ConfigError(f"{file} cannot be opened: is this the passphrase that sealed it?") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ConfigError(f"{file} is not the P-256 key that Lockgate made: remove the ca folder to start afresh")
    return key


def write_key(file: Path, key: ec.EllipticCurvePrivateKey, *, passphrase: str | None = None) -> None:
    """``key``, readable by its owner alone, and sealed if there is a passphrase."""
    write(file, key_text(key, passphrase=passphrase), 0o600)


def key_text(key: ec.EllipticCurvePrivateKey, *, passphrase: str | None = None) -> bytes:
    """``key`` as its file holds it."""
    sealing = (
        serialization.BestAvailableEncryption(passphrase.encode())
        if passphrase is not None
        else serialization.NoEncryption()
    )
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, sealing)


def rewrite(file: Path, content: bytes, mode: int) -> None:
    """Write what a running program reads again: in place, for Landlock holds the very file that was there at its start.

    A reader may find half of it. Those who read such files try them first, and keep what they have.
    """
    if not file.exists():
        write(file, content, mode)
        return
    descriptor = os.open(file, os.O_WRONLY | os.O_NOFOLLOW)
    with os.fdopen(descriptor, "wb") as writing:
        writing.write(content)
        writing.truncate()
        writing.flush()
        os.fsync(writing.fileno())


def write(file: Path, content: bytes, mode: int) -> None:
    """Never readable by others, not even for the moment before a chmod; replaced in one step."""
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_suffix(file.suffix + ".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as writing:
        writing.write(content)
        os.fchmod(writing.fileno(), mode)
        writing.flush()
        os.fsync(writing.fileno())
    fresh.replace(file)
