"""Writes X.509: roots, issuers, leaves and revocation lists, from keys, names, serials and times that it is given."""

import hashlib
import ipaddress
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPublicKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

SERVER, CLIENT = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH
DER = serialization.Encoding.DER
SKEW_S = 300  # a reader whose clock runs a little behind must not refuse a fresh certificate


class Period(NamedTuple):
    """From when to when, in seconds since the epoch."""

    begins: int
    ends: int


class Issuer(NamedTuple):
    """An authority that can sign: its certificate and its private half."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    def __repr__(self) -> str:
        return f"Issuer({self.certificate.subject.rfc4514_string()})"


def period(now: int, seconds: int, *, within: int | None = None) -> Period:
    """``seconds`` from a little before ``now``; never beyond ``within``, the issuer's own end."""
    ends = now - SKEW_S + seconds
    return Period(now - SKEW_S, ends if within is None else min(ends, within))


def name(common: str, *, organisation: str = "Lockgate", unit: str | None = None) -> x509.Name:
    """A subject of ours."""
    parts = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation)]
    if unit is not None:
        parts.append(x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, unit))
    return x509.Name([*parts, x509.NameAttribute(NameOID.COMMON_NAME, common)])


def general_names(hosts: Iterable[str]) -> list[x509.GeneralName]:
    """Host names and addresses as they stand in a certificate."""
    names: list[x509.GeneralName] = []
    for host in hosts:
        try:
            names.append(x509.IPAddress(ipaddress.ip_address(host)))
        except ValueError:
            names.append(x509.DNSName(host))
    return names


def root(key: ec.EllipticCurvePrivateKey, subject: x509.Name, *, serial: int, lasts: Period) -> x509.Certificate:
    """A root: it signs issuers, and these sign leaves."""
    return (
        _begun(key.public_key(), subject, subject, serial=serial, lasts=lasts)
        .add_extension(x509.BasicConstraints(ca=True, path_length=1), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .sign(key, hashes.SHA256())
    )


def issuer(
    by: Issuer, key: ec.EllipticCurvePublicKey, subject: x509.Name,
    *, serial: int, lasts: Period, purpose: ObjectIdentifier | None,
) -> x509.Certificate:
    """An authority for leaves alone; with ``purpose``, a leaf of another one is worth nothing under it."""
    built = (
        _begun(key, subject, by.certificate.subject, serial=serial, lasts=lasts)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .add_extension(_names_issuer(by), critical=False)
    )
    if purpose is not None:
        built = built.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    return built.sign(by.key, hashes.SHA256())


def leaf(
    by: Issuer, key: CertificateIssuerPublicKeyTypes, subject: x509.Name,
    *, serial: int, lasts: Period, purposes: Sequence[ObjectIdentifier],
    names: Sequence[x509.GeneralName] = (), revocations: str | None = None,
) -> x509.Certificate:  # fmt: skip
    """An end entity. ``revocations`` is where its issuer's revocation list can be had."""
    built = (
        _begun(key, subject, by.certificate.subject, serial=serial, lasts=lasts)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(list(purposes)), critical=False)
        .add_extension(_names_issuer(by), critical=False)
    )
    if names:
        built = built.add_extension(x509.SubjectAlternativeName(names), critical=False)
    if revocations is not None:
        point = x509.DistributionPoint([x509.UniformResourceIdentifier(revocations)], None, None, None)
        built = built.add_extension(x509.CRLDistributionPoints([point]), critical=False)
    return built.sign(by.key, hashes.SHA256())


class Revoked(NamedTuple):
    """One line of a revocation list."""

    serial: int
    at: int
    reason: x509.ReasonFlags


def revocation_list(by: Issuer, revoked: Iterable[Revoked], *, number: int, lasts: Period) -> bytes:
    """The signed list (RFC 5280, 5) in DER."""
    built = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(by.certificate.subject)
        .last_update(_moment(lasts.begins))
        .next_update(_moment(lasts.ends))
        .add_extension(x509.CRLNumber(number), critical=False)
        .add_extension(_names_issuer(by), critical=False)
    )
    for line in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(line.serial).revocation_date(_moment(line.at))
        if line.reason is not x509.ReasonFlags.unspecified:
            entry = entry.add_extension(x509.CRLReason(line.reason), critical=False)
        built = built.add_revoked_certificate(entry.build())
    return built.sign(by.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def pem(*certificates: x509.Certificate) -> bytes:
    """A chain as files hold it, the leaf first."""
    return b"".join(certificate.public_bytes(serialization.Encoding.PEM) for certificate in certificates)


def key_hash(key: CertificateIssuerPublicKeyTypes) -> bytes:
    """What a public key is known by, whatever certificate it stands in."""
    spki = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(spki).digest()


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _begun(
    key: CertificateIssuerPublicKeyTypes, subject: x509.Name, by: x509.Name, *, serial: int, lasts: Period
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by)
        .public_key(key)
        .serial_number(serial)
        .not_valid_before(_moment(lasts.begins))
        .not_valid_after(_moment(lasts.ends))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _names_issuer(by: Issuer) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(by.key.public_key())


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
