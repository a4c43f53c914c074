"""A public authority's certificate for the public name (RFC 8555, http-01): a new one, or the old one stays."""

import contextlib
import ssl
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import requests
from acme import challenges, client, errors, messages
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from josepy.errors import Error as JoseError
from josepy.jwa import ES256
from josepy.jwk import JWKEC
from requests.adapters import HTTPAdapter

from lockgate.cli import pemfiles
from lockgate.kernel import clock
from lockgate.kernel.config import ConfigError, Home

RENEW_BELOW_DAYS = 30
_DAY_S = 86_400
_TRIES = 20  # of one request whose nonce the server did not like
_WAIT_S = 120
_TIMEOUT_S = 30
_PATH = "/.well-known/acme-challenge/"


@dataclass(frozen=True, slots=True)
class Order:
    """What to ask for, and of whom. ``http`` is where the challenge is answered: the name's port 80 must lead there."""

    domains: tuple[str, ...]
    directory: str
    email: str | None
    http: tuple[str, int]
    directory_ca: str | None = None

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> "Order":
        return cls(
            tuple(settings["domains"]), settings["directory"], settings["email"],
            (settings["http"]["host"], settings["http"]["port"]), settings.get("directory_ca"),
        )  # fmt: skip

    def settings(self) -> dict[str, Any]:
        """As settings.json keeps it, for renewals."""
        return {
            "domains": list(self.domains), "directory": self.directory, "email": self.email,
            "http": {"host": self.http[0], "port": self.http[1]}, "directory_ca": self.directory_ca,
        }  # fmt: skip


class AcmeFailed(ConfigError):
    """The authority gave no certificate; whatever was there before is untouched."""


class _Modern(HTTPAdapter):
    """TLS 1.3 and nothing older."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        context = ssl.create_default_context()
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        super().init_poolmanager(*args, **kwargs, ssl_context=context)


class _Patient(client.ClientNetwork):
    """Takes a fresh nonce as often as the server asks for one; the library does so once."""

    def post(self, *args: Any, **kwargs: Any) -> requests.Response:
        for _ in range(_TRIES):
            try:
                return self._post_once(*args, **kwargs)
            except messages.Error as error:
                if error.code != "badNonce":
                    raise
        raise AcmeFailed("the authority refused every nonce that it gave")


def is_due(home: Home) -> bool:
    """Whether there is no certificate yet, or one that ends soon."""
    file = certificate_file(home)
    if not file.exists() or file.stat().st_size == 0:
        return True
    present = pemfiles.load(file)
    return present is None or (present.not_valid_after_utc.timestamp() - clock.now()) / _DAY_S < RENEW_BELOW_DAYS


def certificate_file(home: Home) -> Path:
    return home.path / "tls" / "public.pem"


def obtain(home: Home, order: Order) -> x509.Certificate:
    """A new certificate with a new key, put in place. AcmeFailed leaves everything as it was."""
    key = ec.generate_private_key(ec.SECP256R1())
    try:
        chain = _ask(home, order, _request(key, order.domains))
    except (errors.Error, messages.Error, requests.RequestException, JoseError) as fault:
        raise AcmeFailed(f"{order.directory} gave no certificate: {_reason(fault)}") from fault
    certificates = x509.load_pem_x509_certificates(chain.encode())
    if certificates[0].public_key() != key.public_key():
        raise AcmeFailed("the authority's certificate is for another key")
    file = certificate_file(home)
    pemfiles.rewrite(file.with_suffix(".key"), pemfiles.key_text(key), 0o600)
    pemfiles.rewrite(file, chain.encode(), 0o644)
    return certificates[0]


def _ask(home: Home, order: Order, request: bytes) -> str:
    account_key = JWKEC(key=_account_key(home))
    network = _Patient(account_key, alg=ES256, user_agent="lockgate", timeout=_TIMEOUT_S)
    network.session.mount("https://", _Modern())
    network.verify_ssl = order.directory_ca or True  # type: ignore[assignment] - requests takes a file here
    directory = messages.Directory.from_json(network.get(order.directory).json())
    acme = client.ClientV2(directory, network)
    _sign_in(acme, order)
    placed = acme.new_order(request)
    with answering(order.http) as answers:
        for authorization in _listed(placed.authorizations):
            if authorization.body.status == messages.STATUS_VALID:
                continue
            challenge = _http_challenge(authorization)
            response, validation = challenge.response_and_validation(account_key)
            answers[challenge.chall.encode("token")] = validation
            acme.answer_challenge(challenge, response)
        deadline = datetime.fromtimestamp(clock.now(), UTC).replace(tzinfo=None) + timedelta(seconds=_WAIT_S)
        return acme.poll_and_finalize(placed, deadline).fullchain_pem


def _sign_in(acme: client.ClientV2, order: Order) -> None:
    """The account of our key, made at the first time."""
    mail = () if order.email is None else (f"mailto:{order.email}",)
    registration = messages.NewRegistration(contact=mail, terms_of_service_agreed=True)
    try:
        acme.new_account(registration)
    except errors.ConflictError as known:
        acme.net.account = messages.RegistrationResource(uri=known.location, body=messages.Registration())


def _http_challenge(authorization: messages.AuthorizationResource) -> messages.ChallengeBody:
    for body in _listed(authorization.body.challenges):
        if isinstance(body.chall, challenges.HTTP01):
            return body
    raise AcmeFailed("the authority offers no http-01 challenge")


def _account_key(home: Home) -> ec.EllipticCurvePrivateKey:
    """What the authority knows this installation by."""
    file = home.path / "ca" / "acme.key"
    if not file.exists():
        pemfiles.write_key(file, ec.generate_private_key(ec.SECP256R1()))
    return pemfiles.load_key(file)


def _request(key: ec.EllipticCurvePrivateKey, domains: Sequence[str]) -> bytes:
    names = x509.SubjectAlternativeName([x509.DNSName(domain) for domain in domains])
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, domains[0])])
    built = x509.CertificateSigningRequestBuilder().subject_name(subject).add_extension(names, critical=False)
    return built.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def _listed(parts: Any) -> Sequence[Any]:
    """A list of the library's messages, whose types say less than they hold."""
    return parts


def _reason(fault: Exception) -> str:
    """Why, in one line."""
    if isinstance(fault, messages.Error):
        return f"{fault.code}: {fault.detail}"[:300]
    if isinstance(fault, errors.ValidationError):
        failed = [challenge.error for one in fault.failed_authzrs for challenge in _listed(one.body.challenges)]
        return "; ".join(f"{error.code}: {error.detail}" for error in failed if error)[:300]
    return f"{type(fault).__name__}: {fault}"[:300]


@contextlib.contextmanager
def answering(place: tuple[str, int]) -> Iterator[dict[str, str]]:
    """Answers challenges over plain HTTP, and nothing else: no redirect, no page, no body is read."""
    answers: dict[str, str] = {}

    class Answerer(BaseHTTPRequestHandler):
        timeout = 10
        server_version, sys_version = "lockgate", ""

        def do_GET(self) -> None:
            token = self.path.removeprefix(_PATH) if self.path.startswith(_PATH) else ""
            answer = answers.get(token, "").encode()
            self.send_response(200 if answer else 404)
            self.send_header("Content-Type", "application/octet-stream")
            self.send_header("Content-Length", str(len(answer)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: Any) -> None:
            """Says nothing: what strangers send is nobody's news."""

    try:
        server = ThreadingHTTPServer(place, Answerer)
    except OSError as error:
        raise AcmeFailed(f"cannot answer the challenge on {place[0]}:{place[1]}: {error.strerror}") from error
    server.daemon_threads = True
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    try:
        yield answers
    finally:
        server.shutdown()
        server.server_close()
        serving.join()
