"""Client certificates as the API shows them, from their rows."""

from base64 import urlsafe_b64encode
from typing import Any

from cryptography import x509

from lockgate.gateway.certificates.core import build
from lockgate.gateway.certificates.core.shapes import CERTIFICATE_REQUIREMENT, CLIENT_CERTIFICATE
from lockgate.gateway.certificates.core.words import EVERY_KEY
from lockgate.gateway.certificates.find import CertificateRow, RequirementRow


def thumbprint(digest: bytes) -> str:
    """A SHA-256 as tokens bound to a certificate write it (RFC 8705, 3.1)."""
    return urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def certificate(row: CertificateRow, *, now: int, chain: bytes | None = None) -> dict[str, Any]:
    """The certificate in ``row``; ``chain`` is its issuer's certificate, given when it is new."""
    found = x509.load_der_x509_certificate(row.certificate)
    return CLIENT_CERTIFICATE.render(
        {
            "id": row.id,
            "algorithm": row.algorithm,
            "api_key": row.api_key,
            "app": row.app,
            "certificate": build.pem(found).decode("ascii"),
            "chain": None if chain is None else build.pem(x509.load_der_x509_certificate(chain)).decode("ascii"),
            "created": row.created,
            "issuer": row.issuer,
            "kind": row.kind,
            "livemode": row.livemode,
            "name": row.name or None,
            "names": list(row.names),
            "not_after": row.not_after,
            "not_before": row.not_before,
            "replaces": row.replaces,
            "revocation_reason": row.revocation_reason,
            "revoked_at": row.revoked_at,
            "serial": row.serial,
            "status": status(row, now=now),
            "thumbprint": thumbprint(row.thumbprint),
        }
    )


def status(row: CertificateRow, *, now: int) -> str:
    """What it is good for at ``now``."""
    if row.revoked_at is not None:
        return "revoked"
    if now < row.not_before:
        return "not_yet_valid"
    return "expired" if row.not_after <= now else "active"


def requirement(row: RequirementRow, *, livemode: bool, required: bool = True) -> dict[str, Any]:
    """What demands a certificate, or no longer does."""
    return CERTIFICATE_REQUIREMENT.render(
        {
            "api_key": None if row.api_key == EVERY_KEY else row.api_key,
            "created": row.created,
            "livemode": livemode,
            "required": required,
        }
    )
