"""The local certificate authority: what it signs, when it renews, and that a real TLS client accepts it."""

import asyncio
import ipaddress
import ssl
import stat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from lockgate.cli import certificates
from lockgate.kernel import clock
from lockgate.kernel.config import ConfigError, Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def load(home: Home, name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate((home.path / name).read_bytes())


def later(monkeypatch: pytest.MonkeyPatch, *, days: float) -> None:
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + int(days * 86400))


def test_the_authority_and_the_leaves_are_what_they_should_be(home: Home) -> None:
    made = certificates.ensure(home, ["pay.example.test", "192.0.2.7"])
    assert len(made) == 4
    authority = load(home, "ca/ca.pem")
    assert (authority.not_valid_after_utc - authority.not_valid_before_utc).days == 730
    constraints = authority.extensions.get_extension_for_class(x509.BasicConstraints)
    assert constraints.critical and constraints.value == x509.BasicConstraints(ca=True, path_length=0)
    for listener in certificates.LISTENERS:
        leaf = load(home, f"tls/{listener}.pem")
        leaf.verify_directly_issued_by(authority)
        assert isinstance(leaf.public_key(), ec.EllipticCurvePublicKey)
        assert (leaf.not_valid_after_utc - leaf.not_valid_before_utc).days <= 90
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert set(names.get_values_for_type(x509.DNSName)) == {"localhost", "pay.example.test"}
        assert set(names.get_values_for_type(x509.IPAddress)) == {
            ipaddress.ip_address(address) for address in ("127.0.0.1", "::1", "192.0.2.7")
        }
    assert not load(home, "tls/api.pem").extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_keys_are_their_owners_alone(home: Home) -> None:
    certificates.ensure(home)
    for name in ("ca/ca.key", *(f"tls/{listener}.key" for listener in certificates.LISTENERS)):
        assert stat.S_IMODE((home.path / name).stat().st_mode) == 0o600


def test_nothing_is_made_again_while_all_is_well(home: Home) -> None:
    certificates.ensure(home)
    before = {file: file.read_bytes() for file in home.path.rglob("*.*")}
    assert certificates.ensure(home) == []
    assert {file: file.read_bytes() for file in home.path.rglob("*.*")} == before


@pytest.mark.parametrize(("days", "renewed"), [(59, 0), (61, 3), (400, 3)])
def test_leaves_are_renewed_when_less_than_thirty_days_are_left(
    home: Home, monkeypatch: pytest.MonkeyPatch, days: int, renewed: int
) -> None:
    certificates.ensure(home)
    authority = load(home, "ca/ca.pem")
    later(monkeypatch, days=days)
    assert len(certificates.ensure(home)) == renewed
    assert load(home, "ca/ca.pem") == authority


def test_an_authority_that_a_leaf_would_outlive_is_made_again_with_all_leaves(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificates.ensure(home)
    later(monkeypatch, days=650)
    assert len(certificates.ensure(home)) == 4
    load(home, "tls/api.pem").verify_directly_issued_by(load(home, "ca/ca.pem"))


def test_a_new_listen_host_gets_into_the_certificate(home: Home) -> None:
    certificates.ensure(home)
    assert len(certificates.ensure(home, ["192.0.2.7"])) == 3
    assert certificates.ensure(home) == [], "a name more than needed is no reason"


def test_a_foreign_leaf_is_replaced(home: Home, tmp_path_factory: pytest.TempPathFactory) -> None:
    certificates.ensure(home)
    other = Home(tmp_path_factory.mktemp("other"))
    certificates.ensure(other)
    (home.path / "tls/api.pem").write_bytes((other.path / "tls/api.pem").read_bytes())
    assert certificates.ensure(home) == [f"made the certificate of the api listener: {home.path}/tls/api.pem"]


def test_a_broken_file_is_named_with_the_way_out(home: Home) -> None:
    certificates.ensure(home)
    (home.path / "tls/api.pem").write_text("not a certificate")
    with pytest.raises(ConfigError, match=r"tls/api\.pem is not a certificate: remove it"):
        certificates.ensure(home)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
async def test_a_tls_client_that_trusts_the_authority_connects(home: Home, host: str) -> None:
    certificates.ensure(home)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(home.path / "tls/api.pem", home.path / "tls/api.key")

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0, ssl=serving)
    port = server.sockets[0].getsockname()[1]
    async with server:
        trusting = ssl.create_default_context(cafile=str(home.path / "ca/ca.pem"))
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting, server_hostname=host)
        writer.close()
        with pytest.raises(ssl.SSLCertVerificationError):
            await asyncio.open_connection(
                "127.0.0.1", port, ssl=ssl.create_default_context(), server_hostname=host
            )
