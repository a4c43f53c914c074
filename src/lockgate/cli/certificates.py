"""The certificates of our own listeners and programs, signed by our own authorities and renewed before they end."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ObjectIdentifier

from lockgate.cli import authorities, pemfiles
from lockgate.gateway.certificates.core import build, read
from lockgate.gateway.certificates.core.build import Issuer
from lockgate.kernel import clock
from lockgate.kernel.config import Home

LISTENERS = ("api", "cards", "simulator")
SERVICES = ("gateway", "worker", "vault")  # who calls over the network, and who is called
LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")
DAY_S = 86_400
LEAF_DAYS = 90
RENEW_BELOW_DAYS = 30
SERVICE_DAYS = 1
RENEW_SERVICE_BELOW_DAYS = 0.6


def ensure(
    home: Home, extra_hosts: Iterable[str] = (), *, passphrase: str | None = None, services: bool = False
) -> list[str]:
    """Make what is missing, expiring, or wrong for these hosts; returns one line for each thing made.

    ``services`` also makes what programs on several hosts show each other, which lives for a day.
    """
    made = authorities.ensure(home, passphrase=passphrase)
    hosts = list(dict.fromkeys((*LOCAL_NAMES, *extra_hosts)))
    by = authorities.of_servers(home)
    for listener in LISTENERS:
        file = home.path / "tls" / f"{listener}.pem"
        if _still_good(file, by, hosts, below_days=RENEW_BELOW_DAYS):
            continue
        subject = build.name(f"Lockgate {listener}")
        _make(file, by, subject=subject, days=LEAF_DAYS, hosts=hosts, purposes=[build.SERVER])
        made.append(f"made the certificate of the {listener} listener: {file}")
    for place, mode in ((home.path / "tls" / "public.pem", 0o644), (home.path / "tls" / "public.key", 0o600)):
        if not place.exists():  # filled by ACME; there from the start, for Landlock holds the file that it knows
            pemfiles.write(place, b"", mode)
    if services:
        made += ensure_services(home, hosts)
    return made


def ensure_services(home: Home, hosts: Sequence[str]) -> list[str]:
    """The programs' own certificates: each names its program, which the other side compares with who speaks."""
    made = []
    by = authorities.of_services(home)
    for service in SERVICES:
        file = service_file(home, service)
        names = [*hosts, service_name(service)]
        if _still_good(file, by, names, below_days=RENEW_SERVICE_BELOW_DAYS):
            continue
        purposes = [build.SERVER, build.CLIENT] if service == "vault" else [build.CLIENT]
        _make(file, by, subject=build.name(service), days=SERVICE_DAYS, hosts=names, purposes=purposes)
        made.append(f"made the service certificate of {service}: {file}")
    trusted = home.path / "tls" / "service-ca.pem"
    bundle = build.pem(by.certificate)
    if not trusted.exists() or trusted.read_bytes() != bundle:
        pemfiles.rewrite(trusted, bundle, 0o644)
    return made


def service_file(home: Home, service: str) -> Path:
    return home.path / "tls" / f"service-{service}.pem"


def service_name(service: str) -> str:
    """What a program is called in its service certificate."""
    return f"{service}.lockgate.internal"


def files(home: Home) -> list[tuple[str, str, Path]]:
    """Name, purpose and file of each listener's and program's certificate that is here, for the inventory."""
    found = [(f"listener-{name}", "server", home.path / "tls" / f"{name}.pem") for name in (*LISTENERS, "public")]
    found += [(f"service-{name}", "service", service_file(home, name)) for name in SERVICES]
    return [entry for entry in found if entry[2].exists()]


def _still_good(file: Path, by: Issuer, hosts: Sequence[str], *, below_days: float) -> bool:
    leaf = pemfiles.load(file)
    if leaf is None or not file.with_suffix(".key").exists():
        return False
    left = (leaf.not_valid_after_utc.timestamp() - clock.now()) / DAY_S
    if left < below_days or not read.signed_by(leaf, by.certificate):
        return False
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return set(build.general_names(hosts)) <= set(names)


def _make(
    file: Path, by: Issuer, *, subject: x509.Name, days: int, hosts: Sequence[str],
    purposes: Sequence[ObjectIdentifier],
) -> None:  # fmt: skip
    """A fresh key and its certificate; whoever reads them between the two writes finds that they do not fit."""
    key = ec.generate_private_key(ec.SECP256R1())
    ends = int(by.certificate.not_valid_after_utc.timestamp())
    leaf = build.leaf(
        by,
        key.public_key(),
        subject,
        serial=x509.random_serial_number(),
        lasts=build.period(clock.now(), days * DAY_S, within=ends),
        purposes=purposes,
        names=build.general_names(hosts),
    )
    chain = [leaf] if by.certificate.issuer == by.certificate.subject else [leaf, by.certificate]
    pemfiles.rewrite(file.with_suffix(".key"), pemfiles.key_text(key), 0o600)
    pemfiles.rewrite(file, build.pem(*chain), 0o644)
