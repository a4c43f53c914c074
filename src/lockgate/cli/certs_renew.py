"""``lockgate certs renew``: what a merchant's server runs by its clock: a new key, a new certificate, both kept."""

import http.client
import json
import ssl
from pathlib import Path
from typing import Annotated
from urllib.parse import urlencode, urlsplit

import typer
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from lockgate.cli import pemfiles
from lockgate.kernel import clock
from lockgate.kernel.config import ConfigError

_WAIT_S = 30
_DAY_S = 86_400


def renew(
    certificate: Annotated[Path, typer.Option(help="The certificate with its chain, in PEM; it is replaced.")],
    key: Annotated[Path, typer.Option(help="Its private key; it is replaced.")],
    api: Annotated[str, typer.Option(help="Where the API is, such as https://pay.example.com:8443.")],
    *,
    ca: Annotated[Path | None, typer.Option(help="What to trust; else what this machine trusts.")] = None,
    days: Annotated[int, typer.Option(help="How long the new one lives: 1 to 90.")] = 30,
    below: Annotated[int, typer.Option(help="Do nothing while more than this many days are left.")] = 1_000,
) -> None:
    """Ask for a successor with the certificate itself, and put it in place. The old one stays good until its end."""
    old = pemfiles.load(certificate)
    if old is None:
        raise ConfigError(f"{certificate} is missing")
    if (old.not_valid_after_utc.timestamp() - clock.now()) / _DAY_S > below:
        print(f"{certificate} is good for more than {below} days")
        return
    fresh = ec.generate_private_key(ec.SECP256R1())
    answer = _ask(api, certificate, key, ca=ca, id_=_own_id(old), fields={"csr": new_request(fresh), "days": days})
    pemfiles.write_key(key, fresh)
    pemfiles.write(certificate, (answer["certificate"] + answer["chain"]).encode(), 0o644)
    print(f"{answer['id']} replaces {answer['replaces']}: {certificate}")


def new_request(key: ec.EllipticCurvePrivateKey) -> str:
    """A certificate request that proves ``key``; its subject is not looked at."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "client")])
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    return request.public_bytes(serialization.Encoding.PEM).decode("ascii")


def _own_id(certificate: x509.Certificate) -> str:
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    id_ = str(names[0].value) if names else ""
    if not id_.startswith("cert_"):
        raise ConfigError("this certificate was not issued by Lockgate: renew it where it came from, and register it")
    return id_


def _ask(
    api: str, certificate: Path, key: Path, *, ca: Path | None, id_: str, fields: dict[str, str | int]
) -> dict[str, str]:
    trusting = ssl.create_default_context(cafile=None if ca is None else str(ca))
    trusting.minimum_version = ssl.TLSVersion.TLSv1_3
    trusting.load_cert_chain(certificate, key)
    parts = urlsplit(api)
    if parts.scheme != "https" or not parts.hostname:
        raise ConfigError("--api takes an https URL")
    connection = http.client.HTTPSConnection(parts.hostname, parts.port, context=trusting, timeout=_WAIT_S)
    try:
        connection.request(
            "POST", f"/v1/client_certificates/{id_}/renew", urlencode(fields),
            {"Content-Type": "application/x-www-form-urlencoded"},
        )  # fmt: skip
        reply = connection.getresponse()
        answer = json.loads(reply.read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise ConfigError(f"{api} does not answer: {type(error).__name__}") from error
    finally:
        connection.close()
    if reply.status != 200:
        raise ConfigError(f"{api} refused: {answer.get('error', {}).get('message', reply.status)}")
    return answer
