"""The installation's certificate authorities: a root that can be taken away, and the issuers that sign day by day."""

from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from lockgate.cli import pemfiles
from lockgate.gateway.certificates.core import build, read
from lockgate.gateway.certificates.core.build import Issuer
from lockgate.kernel import clock
from lockgate.kernel.config import ConfigError, Home

DAY_S = 86_400
ROOT_DAYS = 3650
ISSUER_DAYS = 365
RENEW_ROOT_BELOW_DAYS = 730  # so that an issuer never has to end early, and two roots overlap for two years
RENEW_ISSUER_BELOW_DAYS = 120  # more than any leaf lives
LEAF_DAYS = 90
SERVERS, INTERNAL = "servers", "internal"
_NAMES = {SERVERS: "Lockgate servers", INTERNAL: "Lockgate internal services"}


class RootAway(ConfigError):
    """The root's key is not in this home, or is sealed and nobody gave the passphrase."""


def ensure(home: Home, *, passphrase: str | None = None) -> list[str]:
    """Make the root and the issuers where they lack or end soon; returns one line for each thing done.

    ``passphrase`` seals the root's key, and opens it again. A root that was taken away is not needed but once a year.
    """
    made = []
    root = pemfiles.load(root_file(home))
    if root is None or (_days_left(root) < RENEW_ROOT_BELOW_DAYS and root_key_file(home).exists()):
        root = _make_root(home, passphrase)
        made.append(f"made a root authority: {root_file(home)}")
    if _write_bundle(home, root):
        made.append(f"what clients trust is in {home.path / 'ca' / 'ca.pem'}")
    for name in (SERVERS, INTERNAL):
        present = pemfiles.load(_issuer_file(home, name))
        good = present is not None and _issuer_key_file(home, name).exists() and read.signed_by(present, root)
        if good and present is not None and _days_left(present) >= RENEW_ISSUER_BELOW_DAYS:
            continue
        try:
            _make_issuer(home, name, open_root(home, passphrase=passphrase))
        except RootAway as away:
            if not good or present is None or _days_left(present) <= 0:
                raise
            made.append(f"the authority for {name} ends in {_days_left(present):.0f} days: {away}")
        else:
            made.append(f"made the authority for {name}: {_issuer_file(home, name)}")
    _drop_old(home)
    return made


def root_file(home: Home) -> Path:
    return home.path / "ca" / "root.pem"


def root_key_file(home: Home) -> Path:
    return home.path / "ca" / "root.key"


def open_root(home: Home, *, passphrase: str | None = None, key_file: Path | None = None) -> Issuer:
    """The root, ready to sign. ``key_file`` is where its key was taken to."""
    certificate = pemfiles.load(root_file(home))
    if certificate is None:
        raise ConfigError(f"{root_file(home)} is missing: start once with 'lockgate up'")
    file = key_file or root_key_file(home)
    if not file.exists():
        raise RootAway("the root's key was taken away: bring it with 'lockgate certs root sign --key FILE'")
    try:
        key = pemfiles.load_key(file, passphrase)
    except TypeError:
        raise RootAway(f"{file} is sealed by a passphrase: add '--passphrase-fd 3 3<passphrase-file'") from None
    if key.public_key() != certificate.public_key():
        raise ConfigError(f"{file} is not the key of {root_file(home)}")
    return Issuer(certificate, key)


def of_servers(home: Home) -> Issuer:
    """What signs the listeners' certificates: in a home older than issuers its own authority, as long as that lasts.

    Clients that read ``ca.pem`` before there was a root go on believing us that way.
    """
    return _old(home) or _issuer(home, SERVERS)


def of_services(home: Home) -> Issuer:
    """What signs the programs' own certificates for calling each other."""
    return _issuer(home, INTERNAL)


def export_root(home: Home, to: Path, *, passphrase: str) -> None:
    """Move the root's key to ``to``, sealed; this home keeps the public part."""
    if to.resolve().is_relative_to(home.path):
        raise ConfigError(f"{to} lies in the home itself: name a place elsewhere, such as a removable disk")
    root = open_root(home, passphrase=passphrase)
    if to.exists():
        raise ConfigError(f"{to} exists already: nothing is overwritten")
    pemfiles.write_key(to, root.key, passphrase=passphrase)
    if pemfiles.load_key(to, passphrase).public_key() != root.certificate.public_key():
        raise ConfigError(f"{to} cannot be read back: the key stays where it is")
    root_key_file(home).unlink()


def sign_issuers(home: Home, root: Issuer) -> list[str]:
    """New issuers under a root whose key was brought back for this."""
    lines = []
    for name in (SERVERS, INTERNAL):
        _make_issuer(home, name, root)
        lines.append(f"made the authority for {name}: {_issuer_file(home, name)}")
    return lines


def files(home: Home) -> list[tuple[str, str, Path]]:
    """Name, purpose and file of every authority and of each private key that is here, for the inventory."""
    found = [("root", "root authority", root_file(home))]
    found += [(f"issuer-{name}", f"issuer for {name}", _issuer_file(home, name)) for name in (SERVERS, INTERNAL)]
    keys = [("root-key", "key of the root authority", root_key_file(home))]
    keys += [(f"issuer-{name}-key", f"key of the issuer for {name}", _issuer_key_file(home, name))
             for name in (SERVERS, INTERNAL)]
    old = home.path / "ca" / "ca.key"
    keys.append(("old-authority-key", "key of the authority of an older release", old))
    return [entry for entry in (*found, *keys) if entry[2].exists()]


def _make_root(home: Home, passphrase: str | None) -> x509.Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    # Part of the key's own hash in the name keeps an old root and its successor apart in a client's store.
    subject = build.name(f"Lockgate root {build.key_hash(key.public_key()).hex()[:8]}")
    lasts = build.period(clock.now(), ROOT_DAYS * DAY_S)
    root = build.root(key, subject, serial=x509.random_serial_number(), lasts=lasts)
    pemfiles.write_key(root_key_file(home), key, passphrase=passphrase)
    pemfiles.write(root_file(home), build.pem(root), 0o644)
    return root


def _make_issuer(home: Home, name: str, root: Issuer) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = build.name(f"{_NAMES[name]} {build.key_hash(key.public_key()).hex()[:8]}")
    ends = int(root.certificate.not_valid_after_utc.timestamp())
    certificate = build.issuer(
        root,
        key.public_key(),
        subject,
        serial=x509.random_serial_number(),
        lasts=build.period(clock.now(), ISSUER_DAYS * DAY_S, within=ends),
        purpose=build.SERVER if name == SERVERS else None,
    )
    pemfiles.write_key(_issuer_key_file(home, name), key)
    pemfiles.write(_issuer_file(home, name), build.pem(certificate), 0o644)


def _issuer(home: Home, name: str) -> Issuer:
    certificate = pemfiles.load(_issuer_file(home, name))
    if certificate is None:
        raise ConfigError(f"{_issuer_file(home, name)} is missing: start once with 'lockgate up'")
    return Issuer(certificate, pemfiles.load_key(_issuer_key_file(home, name)))


def _old(home: Home) -> Issuer | None:
    """The one authority of a home that an older release made, while it can still sign a leaf for its whole life."""
    file = home.path / "ca" / "ca.key"
    if not file.exists():
        return None
    key = pemfiles.load_key(file)
    for certificate in pemfiles.load_all(home.path / "ca" / "ca.pem"):
        if certificate.public_key() == key.public_key() and _days_left(certificate) >= LEAF_DAYS:
            return Issuer(certificate, key)
    return None


def _drop_old(home: Home) -> None:
    """An old authority that signs nothing any more needs no key."""
    file = home.path / "ca" / "ca.key"
    if file.exists() and _old(home) is None:
        file.unlink()


def _write_bundle(home: Home, root: x509.Certificate) -> bool:
    """What clients trust: this root, and whatever else they were told to trust that has not ended."""
    file = home.path / "ca" / "ca.pem"
    earlier = pemfiles.load_all(file)
    kept = [old for old in earlier if old != root and _days_left(old) > 0]
    if [root, *kept] == earlier:
        return False
    pemfiles.write(file, build.pem(root, *kept), 0o644)
    return True


def _days_left(certificate: x509.Certificate) -> float:
    return (certificate.not_valid_after_utc.timestamp() - clock.now()) / DAY_S


def _issuer_file(home: Home, name: str) -> Path:
    return home.path / "ca" / f"{name}.pem"


def _issuer_key_file(home: Home, name: str) -> Path:
    return home.path / "ca" / f"{name}.key"
