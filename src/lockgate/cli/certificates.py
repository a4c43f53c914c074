"""Our own small certificate authority for local use, and the certificates of the three listeners."""

import ipaddress
import os
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from lockgate.kernel import clock
from lockgate.kernel.config import ConfigError, Home

LISTENERS = ("api", "cards", "simulator")
LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")
CA_DAYS = 730
LEAF_DAYS = 90
RENEW_BELOW_DAYS = 30
_SKEW = timedelta(minutes=5)  # a client whose clock runs a little behind must not refuse a fresh certificate


def ensure(home: Home, extra_hosts: Iterable[str] = ()) -> list[str]:
    """Make what is missing, expiring, or wrong for these hosts; returns one line for each thing made.

    The CA lasts two years. It is made again when it could not outlive a new leaf; clients must then trust the new one.
    """
    made = []
    ca_file, ca_key_file = home.path / "ca" / "ca.pem", home.path / "ca" / "ca.key"
    authority = _load(ca_file)
    if authority is None or not ca_key_file.exists() or _days_left(authority) < LEAF_DAYS:
        ca_key = ec.generate_private_key(ec.SECP256R1())
        authority = _authority(ca_key)
        _write_key(ca_key_file, ca_key)
        _write(ca_file, authority.public_bytes(serialization.Encoding.PEM), 0o644)
        made.append(f"made a certificate authority: {ca_file}")
    ca_key = _load_key(ca_key_file)
    hosts = list(dict.fromkeys((*LOCAL_NAMES, *extra_hosts)))
    for listener in LISTENERS:
        file, key_file = home.path / "tls" / f"{listener}.pem", home.path / "tls" / f"{listener}.key"
        present = _load(file)
        if present is not None and key_file.exists() and _still_good(present, authority, hosts):
            continue
        key = ec.generate_private_key(ec.SECP256R1())
        leaf = _leaf(key, authority, ca_key=ca_key, listener=listener, hosts=hosts)
        _write_key(key_file, key)
        _write(file, leaf.public_bytes(serialization.Encoding.PEM), 0o644)
        made.append(f"made the certificate of the {listener} listener: {file}")
    return made


def _now() -> datetime:
    return datetime.fromtimestamp(clock.now(), UTC)


def _days_left(certificate: x509.Certificate) -> float:
    return (certificate.not_valid_after_utc - _now()) / timedelta(days=1)


def _still_good(leaf: x509.Certificate, authority: x509.Certificate, hosts: list[str]) -> bool:
    if _days_left(leaf) < RENEW_BELOW_DAYS or leaf.issuer != authority.subject:
        return False
    try:
        leaf.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return set(_general_names(hosts)) <= set(names)


def _general_names(hosts: Iterable[str]) -> list[x509.GeneralName]:
    names: list[x509.GeneralName] = []
    for host in hosts:
        try:
            names.append(x509.IPAddress(ipaddress.ip_address(host)))
        except ValueError:
            names.append(x509.DNSName(host))
    return names


def _builder(key: ec.EllipticCurvePrivateKey, *, subject: x509.Name, days: int) -> x509.CertificateBuilder:
    now = _now()
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SKEW)
        .not_valid_after(now - _SKEW + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False, key_encipherment=False, data_encipherment=False, key_agreement=False,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _authority(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    # The serial in the name keeps an old authority and its successor apart in a client's store.
    name = x509.Name([
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Lockgate"),
        x509.NameAttribute(NameOID.COMMON_NAME, f"Lockgate local CA {os.urandom(4).hex()}"),
    ])
    return (
        _builder(key, subject=name, days=CA_DAYS)
        .issuer_name(name)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(key, hashes.SHA256())
    )


def _leaf(
    key: ec.EllipticCurvePrivateKey, authority: x509.Certificate, *,
    ca_key: ec.EllipticCurvePrivateKey, listener: str, hosts: list[str],
) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Lockgate {listener}")])
    return (
        _builder(key, subject=name, days=LEAF_DAYS)
        .issuer_name(authority.subject)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(_general_names(hosts)), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False
        )
        .sign(ca_key, hashes.SHA256())
    )


def _load(file: Path) -> x509.Certificate | None:
    try:
        return x509.load_pem_x509_certificate(file.read_bytes())
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise ConfigError(f"{file} is not a certificate: remove it and start again to have it made anew") from error


def _load_key(file: Path) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(file.read_bytes(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ConfigError(f"{file} is not the P-256 key that Lockgate made: remove the ca folder to start afresh")
    return key


def _write_key(file: Path, key: ec.EllipticCurvePrivateKey) -> None:
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    _write(file, pem, 0o600)


def _write(file: Path, content: bytes, mode: int) -> None:
    """Never readable by others, not even for the moment before a chmod; replaced in one step."""
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_suffix(file.suffix + ".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as writing:
        writing.write(content)
        os.fchmod(writing.fileno(), mode)
    fresh.replace(file)
