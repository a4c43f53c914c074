"""Reads what others send us of certificates: requests, certificates, authorities; what is weak or odd is refused."""

import hashlib
import re
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from lockgate.gateway.certificates.core.build import key_hash
from lockgate.kernel.errors import Refusal, invalid

MIN_RSA_BITS, MAX_RSA_BITS = 2048, 8192  # the upper end bounds what one handshake may cost
CURVES = (ec.SECP256R1, ec.SECP384R1)
MAX_PEM = 16_000
_ONE_PEM = re.compile(r"\s*-----BEGIN ([A-Z ]+)-----[A-Za-z0-9+/=\s]+-----END \1-----\s*")
_FAULTS = (ValueError, TypeError, UnsupportedAlgorithm, InvalidSignature, x509.DuplicateExtension)
_HASHES = ("sha256", "sha384", "sha512")

PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey


class Facts(NamedTuple):
    """What is kept of a certificate."""

    thumbprint: bytes
    key_hash: bytes
    subject: bytes
    subject_text: str
    issuer: str
    serial: str
    algorithm: str
    not_before: int
    not_after: int
    certificate: bytes


def request(pem: str, *, param: str) -> PublicKey:
    """The public key of a certificate request, whose maker proved to hold the private half. Its names are ignored."""
    label = _label(pem, param=param)
    if label not in ("CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"):
        raise invalid(f"{param} must be one certificate request (PKCS #10) in PEM.", param=param)
    try:
        asked = x509.load_pem_x509_csr(pem.encode("ascii"))
        key = asked.public_key()
        proven = asked.is_signature_valid
    except _FAULTS:
        raise invalid(f"{param} cannot be read as a certificate request.", param=param) from None
    checked = public_key(key, param=param)
    if not proven:
        raise invalid(f"{param} is not signed by its own key, so it proves nothing.", param=param)
    return checked


def certificate(pem: str, *, param: str) -> x509.Certificate:
    """One certificate of a strong key, in PEM."""
    if _label(pem, param=param) != "CERTIFICATE":
        raise invalid(f"{param} must be one certificate in PEM, and no private key.", param=param)
    try:
        return checked(x509.load_pem_x509_certificate(pem.encode("ascii")), param=param)
    except _FAULTS:
        raise invalid(f"{param} cannot be read as a certificate.", param=param) from None


def of_der(der: bytes, *, param: str) -> x509.Certificate:
    """The same from DER."""
    try:
        return checked(x509.load_der_x509_certificate(der), param=param)
    except _FAULTS:
        raise invalid(f"{param} cannot be read as a certificate.", param=param) from None


def checked(found: x509.Certificate, *, param: str) -> x509.Certificate:
    """``found``, if its key and signature are strong enough for us."""
    public_key(found.public_key(), param=param)
    algorithm = found.signature_hash_algorithm
    if algorithm is not None and algorithm.name not in _HASHES:
        raise invalid(f"{param} is signed with a weak hash: SHA-256 or stronger is needed.", param=param)
    list(found.extensions)  # raises ValueError where one cannot be read
    return found


def public_key(key: object, *, param: str) -> PublicKey:
    """``key``, if it is of a kind and size that we take."""
    match key:
        case ec.EllipticCurvePublicKey() if isinstance(key.curve, CURVES):
            return key
        case rsa.RSAPublicKey() if MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS and key.public_numbers().e >= 65_537:
            return key
        case ed25519.Ed25519PublicKey():
            return key
        case _:
            raise invalid(
                f"{param} has a key that is not taken: EC P-256 or P-384, Ed25519, or RSA of {MIN_RSA_BITS} to"
                f" {MAX_RSA_BITS} bits.",
                param=param,
            )


def is_authority(found: x509.Certificate) -> bool:
    """Whether it may sign others."""
    try:
        if not found.extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
            return False
    except x509.ExtensionNotFound:
        return False
    try:
        return found.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    except x509.ExtensionNotFound:
        return True


def is_for_clients(found: x509.Certificate) -> bool:
    """Whether it says in so many words that it is a client's: one that says nothing is not taken."""
    try:
        purposes = found.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return False
    return ExtendedKeyUsageOID.CLIENT_AUTH in purposes


def dns_names(found: x509.Certificate) -> set[str]:
    """The host names in it, in small letters."""
    try:
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return set()
    return {name.lower() for name in names.get_values_for_type(x509.DNSName)}


def signed_by(leaf: x509.Certificate, authority: x509.Certificate) -> bool:
    """Whether ``authority`` itself signed ``leaf``."""
    try:
        leaf.verify_directly_issued_by(authority)
    except _FAULTS:
        return False
    return True


def facts(found: x509.Certificate) -> Facts:
    """What is kept of ``found``."""
    der = found.public_bytes(serialization.Encoding.DER)
    key = found.public_key()
    return Facts(
        thumbprint=hashlib.sha256(der).digest(),
        key_hash=key_hash(key),  # type: ignore[arg-type] - checked() lets only keys through that can sign
        subject=name_hash(found.subject),
        subject_text=found.subject.rfc4514_string()[:500],
        issuer=found.issuer.rfc4514_string()[:500],
        serial=f"{found.serial_number:x}",
        algorithm=algorithm(key),
        not_before=int(found.not_valid_before_utc.timestamp()),
        not_after=int(found.not_valid_after_utc.timestamp()),
        certificate=der,
    )


def name_hash(name: x509.Name) -> bytes:
    """What a name is known by. Handshakes compare names without regard to letters' size and spaces, and so do we."""
    return hashlib.sha256(" ".join(name.rfc4514_string().lower().split()).encode()).digest()


def algorithm(key: object) -> str:
    """A key's kind and size in a word."""
    match key:
        case ec.EllipticCurvePublicKey() | ec.EllipticCurvePrivateKey():
            return {"secp256r1": "P-256", "secp384r1": "P-384"}.get(key.curve.name, key.curve.name)
        case rsa.RSAPublicKey() | rsa.RSAPrivateKey():
            return f"RSA-{key.key_size}"
        case ed25519.Ed25519PublicKey() | ed25519.Ed25519PrivateKey():
            return "Ed25519"
        case _:
            return "unknown"


def unfit(message: str, *, param: str) -> Refusal:
    """A certificate that can be read but not taken."""
    return invalid(message, param=param, code="certificate_unfit")


def _label(pem: str, *, param: str) -> str:
    found = _ONE_PEM.fullmatch(pem)
    if found is None:
        raise invalid(f"{param} must be one object in PEM: -----BEGIN ... -----END ...", param=param)
    return found[1]
