"""The local certificate authority: what it signs, when it renews, and that a real TLS client accepts it."""

import asyncio
import ipaddress
import ssl
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from lockgate.cli import authorities, certificates, pemfiles
from lockgate.gateway.certificates.core import build
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
    assert len(made) == 7
    root, issuer = load(home, "ca/ca.pem"), load(home, "ca/servers.pem")
    assert (root.not_valid_after_utc - root.not_valid_before_utc).days == 3650
    assert (issuer.not_valid_after_utc - issuer.not_valid_before_utc).days == 365
    for authority, below in ((root, 1), (issuer, 0)):
        constraints = authority.extensions.get_extension_for_class(x509.BasicConstraints)
        assert constraints.critical and constraints.value == x509.BasicConstraints(ca=True, path_length=below)
    issuer.verify_directly_issued_by(root)
    for listener in certificates.LISTENERS:
        leaf = load(home, f"tls/{listener}.pem")
        leaf.verify_directly_issued_by(issuer)
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
    listeners = (f"tls/{listener}.key" for listener in certificates.LISTENERS)
    for name in ("ca/root.key", "ca/servers.key", "ca/internal.key", *listeners):
        assert stat.S_IMODE((home.path / name).stat().st_mode) == 0o600


def test_nothing_is_made_again_while_all_is_well(home: Home) -> None:
    certificates.ensure(home)
    before = {file: file.read_bytes() for file in home.path.rglob("*.*")}
    assert certificates.ensure(home) == []
    assert {file: file.read_bytes() for file in home.path.rglob("*.*")} == before


@pytest.mark.parametrize(("days", "renewed"), [(59, 0), (61, 3), (244, 3)])
def test_leaves_are_renewed_when_less_than_thirty_days_are_left(
    home: Home, monkeypatch: pytest.MonkeyPatch, days: int, renewed: int
) -> None:
    certificates.ensure(home)
    issuer = load(home, "ca/servers.pem")
    later(monkeypatch, days=days)
    assert len(certificates.ensure(home)) == renewed
    assert load(home, "ca/servers.pem") == issuer


def test_an_issuer_is_made_again_before_a_leaf_could_outlive_it_and_the_root_stays(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificates.ensure(home)
    root = load(home, "ca/ca.pem")
    later(monkeypatch, days=246)
    assert len(certificates.ensure(home)) == 5
    load(home, "tls/api.pem").verify_directly_issued_by(load(home, "ca/servers.pem"))
    assert load(home, "ca/ca.pem") == root


def test_a_new_root_is_trusted_beside_the_old_one(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    certificates.ensure(home)
    first = load(home, "ca/root.pem")
    later(monkeypatch, days=3650 - 700)
    certificates.ensure(home)
    second = load(home, "ca/root.pem")
    assert second != first
    assert pemfiles.load_all(home.path / "ca/ca.pem") == [second, first]
    load(home, "ca/servers.pem").verify_directly_issued_by(second)
    later(monkeypatch, days=800)
    certificates.ensure(home)
    assert pemfiles.load_all(home.path / "ca/ca.pem") == [second], "what has ended is trusted no more"


def old_home(home: Home, *, age_days: int) -> x509.Certificate:
    """What an older release left behind: one authority of two years in ca.pem, with its key beside it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Lockgate local CA 1234")]), clock.now()
    begun = datetime.fromtimestamp(now - age_days * 86400, UTC)
    old = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(begun).not_valid_after(begun + timedelta(days=730))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    pemfiles.write(home.path / "ca/ca.pem", build.pem(old), 0o644)
    pemfiles.write_key(home.path / "ca/ca.key", key)
    return old


def test_clients_of_an_older_home_go_on_trusting_it(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    old = old_home(home, age_days=100)
    certificates.ensure(home)
    root = load(home, "ca/root.pem")
    assert pemfiles.load_all(home.path / "ca/ca.pem") == [root, old]
    load(home, "tls/api.pem").verify_directly_issued_by(old)
    assert certificates.ensure(home) == []
    later(monkeypatch, days=560)
    certificates.ensure(home)
    load(home, "tls/api.pem").verify_directly_issued_by(load(home, "ca/servers.pem"))
    assert not (home.path / "ca/ca.key").exists(), "an authority that signs nothing more needs no key"


def test_a_root_that_was_taken_away_is_needed_once_a_year(
    home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    certificates.ensure(home)
    away = tmp_path_factory.mktemp("disk") / "root.key"
    with pytest.raises(ConfigError, match="in the home itself"):
        authorities.export_root(home, home.path / "x.key", passphrase="a good one")
    authorities.export_root(home, away, passphrase="a good one")
    assert not (home.path / "ca/root.key").exists()
    assert b"ENCRYPTED" in away.read_bytes() and stat.S_IMODE(away.stat().st_mode) == 0o600
    assert certificates.ensure(home) == []
    later(monkeypatch, days=100)
    assert len(certificates.ensure(home)) == 3, "leaves are signed by the issuer"
    later(monkeypatch, days=200)
    assert any("certs root sign" in line for line in certificates.ensure(home)), "the operator is told in time"
    with pytest.raises(ConfigError, match="cannot be opened"):
        authorities.open_root(home, passphrase="a wrong one", key_file=away)
    authorities.sign_issuers(home, authorities.open_root(home, passphrase="a good one", key_file=away))
    certificates.ensure(home)
    load(home, "tls/api.pem").verify_directly_issued_by(load(home, "ca/servers.pem"))
    load(home, "ca/servers.pem").verify_directly_issued_by(load(home, "ca/root.pem"))


def test_a_passphrase_seals_the_root(home: Home) -> None:
    certificates.ensure(home, passphrase="of the vault")
    assert b"ENCRYPTED" in (home.path / "ca/root.key").read_bytes()
    assert certificates.ensure(home) == [], "day by day nobody needs it"
    with pytest.raises(ConfigError, match="sealed by a passphrase"):
        authorities.open_root(home)
    authorities.open_root(home, passphrase="of the vault")


def test_service_certificates_live_for_a_day_and_name_their_program(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificates.ensure(home, services=True)
    for service in certificates.SERVICES:
        leaf = load(home, f"tls/service-{service}.pem")
        leaf.verify_directly_issued_by(load(home, "tls/service-ca.pem"))
        assert (leaf.not_valid_after_utc - leaf.not_valid_before_utc).total_seconds() <= 86_400
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert f"{service}.lockgate.internal" in names.get_values_for_type(x509.DNSName)
    assert certificates.ensure(home, services=True) == []
    inode = (home.path / "tls/service-worker.pem").stat().st_ino
    later(monkeypatch, days=0.5)
    assert len(certificates.ensure(home, services=True)) == 3
    assert (home.path / "tls/service-worker.pem").stat().st_ino == inode, "Landlock holds the file that was there"


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
