"""ACME against pebble, which refuses half of all nonces: issue, renew, and a failed renewal that changes nothing."""

import contextlib
import http.client
import json
import os
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import trustme
from cryptography import x509

from lockgate.cli import acme, certificates
from lockgate.cli import home as homes
from lockgate.cli.acme import AcmeFailed, Order
from lockgate.gateway.web.tls import Handshakes, Leaf
from lockgate.kernel import clock
from lockgate.kernel.config import Home
from tests.support.running import discard, start_lockgate

DOMAIN = "pay.example.test"
pytestmark = pytest.mark.skipif(
    shutil.which("pebble") is None or shutil.which("pebble-challtestsrv") is None,
    reason="pebble is missing (apt-get install pebble)",
)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as trial:
        return trial.getsockname()[1]


@pytest.fixture(scope="module")
def order(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Order]:
    """A running pebble, and what to order from it."""
    place = tmp_path_factory.mktemp("pebble")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(place / "ca.pem"))
    authority.issue_cert("localhost", "127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(place / "tls.pem"))
    ports = {name: free_port() for name in ("acme", "management", "http", "tls", "dns", "dns_management")}
    config = {
        "listenAddress": f"127.0.0.1:{ports['acme']}", "managementListenAddress": f"127.0.0.1:{ports['management']}",
        "certificate": str(place / "tls.pem"), "privateKey": str(place / "tls.pem"), "httpPort": ports["http"],
        "tlsPort": ports["tls"], "ocspResponderURL": "", "externalAccountBindingRequired": False,
    }  # fmt: skip
    (place / "config.json").write_text(json.dumps({"pebble": config}))
    dns = [
        "pebble-challtestsrv", "-defaultIPv4", "127.0.0.1", "-defaultIPv6", "", "-dns01", f"127.0.0.1:{ports['dns']}",
        "-http01", "", "-https01", "", "-tlsalpn01", "", "-management", f"127.0.0.1:{ports['dns_management']}",
    ]  # fmt: skip
    pebble = ["pebble", "-config", str(place / "config.json"), "-dnsserver", f"127.0.0.1:{ports['dns']}"]
    environment = {**os.environ, "PEBBLE_WFE_NONCEREJECT": "50", "PEBBLE_VA_NOSLEEP": "1", "PEBBLE_AUTHZREUSE": "0"}
    with (place / "log").open("wb") as log:
        started = [
            subprocess.Popen(words, env=environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
            for words in (dns, pebble)
        ]
    try:
        end = time.monotonic() + 20
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", ports["acme"]), timeout=1):
                break
            assert time.monotonic() < end, (place / "log").read_text()
            time.sleep(0.05)
        url = f"https://localhost:{ports['acme']}/dir"
        yield Order((DOMAIN,), url, "ops@example.test", ("127.0.0.1", ports["http"]), str(place / "ca.pem"))
    finally:
        for process in started:
            process.terminate()
            process.wait(10)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "home")
    homes.create(made, profile="sandbox", passphrase=None)
    certificates.ensure(made)
    return made


def test_issue_and_renew_whatever_the_nonces(home: Home, order: Order, monkeypatch: pytest.MonkeyPatch) -> None:
    assert acme.is_due(home)
    first = acme.obtain(home, order)
    names = first.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == [DOMAIN]
    assert len(x509.load_pem_x509_certificates((home.path / "tls/public.pem").read_bytes())) >= 2, "with its chain"
    assert not acme.is_due(home)
    ends = int(first.not_valid_after_utc.timestamp())
    with monkeypatch.context() as moved:
        moved.setattr(clock, "now", lambda: ends - 29 * 86_400)
        assert acme.is_due(home)
    second = acme.obtain(home, order)
    assert second.serial_number != first.serial_number
    assert second.public_key() != first.public_key()


def test_a_failed_renewal_leaves_the_old_certificate(home: Home, order: Order) -> None:
    acme.obtain(home, order)
    before = [(home.path / "tls" / name).read_bytes() for name in ("public.pem", "public.key")]
    for wrong in (
        replace(order, http=("127.0.0.1", free_port())),  # the challenge is answered where nobody looks
        replace(order, directory="https://localhost:1/dir"),
        replace(order, directory_ca=None),  # a directory that nobody vouches for
    ):
        with pytest.raises(AcmeFailed):
            acme.obtain(home, wrong)
    assert [(home.path / "tls" / name).read_bytes() for name in ("public.pem", "public.key")] == before


def test_plain_http_answers_challenges_and_nothing_else() -> None:
    port = free_port()
    with acme.answering(("127.0.0.1", port)) as answers:
        answers["token"] = "token.thumbprint"
        got = {}
        for method, path in (
            ("GET", "/.well-known/acme-challenge/token"), ("GET", "/.well-known/acme-challenge/other"),
            ("GET", "/.well-known/acme-challenge/"), ("GET", "/v1/balance"), ("POST", "/v1/payment_intents"),
            ("POST", "/.well-known/acme-challenge/token"),
        ):  # fmt: skip
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request(method, path)
            reply = connection.getresponse()
            got[method, path] = (reply.status, reply.read().decode() if reply.status == 200 else "")
            assert reply.getheader("location") is None
            connection.close()
    assert got.pop(("GET", "/.well-known/acme-challenge/token")) == (200, "token.thumbprint")
    assert {status for status, _ in got.values()} <= {404, 501}


def test_the_running_api_shows_it_to_whoever_asks_for_the_name(order: Order) -> None:
    lockgate = start_lockgate()
    try:
        words = ["certs", "acme", "--domain", DOMAIN, "--email", "ops@example.test", "--directory", order.directory]
        lockgate.command(*words, "--directory-ca", str(order.directory_ca), "--http", f"127.0.0.1:{order.http[1]}")
        host, port = lockgate["api"].removeprefix("https://").split(":")

        def issuer(name: str) -> str:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            plain = socket.create_connection((host, int(port)), timeout=10)
            with context.wrap_socket(plain, server_hostname=name) as secured:
                der = secured.getpeercert(True)
            assert der is not None
            return x509.load_der_x509_certificate(der).issuer.rfc4514_string()

        end = time.monotonic() + 5
        while "Pebble" not in issuer(DOMAIN):
            assert time.monotonic() < end, "the new certificate was not read"
            time.sleep(0.1)
        assert "Lockgate servers" in issuer("localhost"), "local names go on as they were"
        assert lockgate.settings()["api"]["acme"]["domains"] == [DOMAIN]
    finally:
        discard(lockgate)


def test_an_empty_place_for_the_public_certificate_is_none(home: Home) -> None:
    tls = home.path / "tls"
    handshakes = Handshakes(Leaf(tls / "api.pem", tls / "api.key"), Leaf(tls / "public.pem", tls / "public.key"))
    assert not handshakes.expired()
