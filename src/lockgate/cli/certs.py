"""``lockgate certs``: the operator's hands on certificates: inventory, clients' certificates, lists, the root."""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from lockgate.cli import authorities, certs_acme, certs_renew, inventory, issuing, pemfiles
from lockgate.cli import home as homes
from lockgate.cli.keys import AccountOption, at_desk, operator
from lockgate.cli.programs import DEFAULT_HOME, HomeOption
from lockgate.gateway.certificates import authority, find, issue, lists, register, require, revoke
from lockgate.gateway.certificates.core import build, read, words
from lockgate.gateway.certificates.find import CertificateRow
from lockgate.gateway.certificates.ports import Ports
from lockgate.gateway.identity.bootstrap import Desk
from lockgate.gateway.identity.witness import Witness
from lockgate.kernel import clock
from lockgate.kernel.config import ConfigError, Home
from lockgate.kernel.principal import Principal

app = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=True)
root = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=True)
app.add_typer(root, name="root", help="The root's key: take it away, and bring it once a year.")
app.command("renew")(certs_renew.renew)
app.command("acme")(certs_acme.obtain)

ModeOption = Annotated[str, typer.Option("--mode", help="test or live.")]
PassphraseOption = Annotated[
    int | None, typer.Option("--passphrase-fd", help="Open descriptor to read the passphrase from.", metavar="FD")
]


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the inventory."""

    name: str
    kind: str
    purpose: str
    subject: str
    algorithm: str
    place: str
    expires: str | None
    days_left: int | None
    account: str | None = None
    mode: str | None = None
    api_key: str | None = None
    thumbprint: str | None = None


@app.command("list")
def list_command(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for programs.")] = False,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Every certificate and key: what for, of what kind, where, and when it ends."""
    place = Home(home.resolve())
    entries = _entries(place)
    if as_json:
        print(json.dumps([asdict(entry) for entry in entries], indent=2))
        return
    for entry in entries:
        ends = "" if entry.expires is None else f"until {entry.expires[:10]} ({entry.days_left} days)"
        whose = "" if entry.account is None else f"{entry.account} {entry.mode} {entry.api_key or ''}"
        print(f"{entry.name}  {entry.kind}  {entry.purpose}  {entry.algorithm}  {ends}  {whose}".rstrip())


def _entries(home: Home) -> list[Entry]:
    """The files' first, then what the database and the vault keep."""
    now = clock.now()
    found = [
        Entry(
            row.name, row.kind, row.purpose, row.subject, row.algorithm, row.place, _when(row.not_after),
            _days(row.not_after, now), thumbprint=None if row.thumbprint is None else row.thumbprint.hex(),
        )
        for row in inventory.collect(home)
    ]  # fmt: skip

    async def work(desk: Desk) -> list[Entry]:
        issuers = await find.authorities(desk.pool)
        of_database = [
            Entry(
                row.id, "certificate", "issuer of client certificates",
                x509.load_der_x509_certificate(row.certificate).subject.rfc4514_string(), "P-256",
                "database, its key sealed under the vault's", _when(row.not_after), _days(row.not_after, now),
            )
            for row in issuers
        ]  # fmt: skip
        of_database += [_client(row, now) for row in await find.every_certificate(desk.pool)]
        of_database += [
            Entry(row.kid, "key", "signs access tokens", "", row.algorithm, "database, sealed", None, None)
            for row in await find.signing_keys(desk.pool)
        ]
        return of_database

    return found + at_desk(home, work)


def _client(row: CertificateRow, now: int) -> Entry:
    purpose = "authority of clients" if row.kind == "authority" else "client"
    subject = x509.load_der_x509_certificate(row.certificate).subject.rfc4514_string()
    return Entry(
        row.id, "certificate", purpose, subject, row.algorithm, "database", _when(row.not_after),
        _days(row.not_after, now), row.account, "live" if row.livemode else "test", row.api_key, row.thumbprint.hex(),
    )  # fmt: skip


def _when(moment: int | None) -> str | None:
    return None if moment is None else datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _days(moment: int | None, now: int) -> int | None:
    return None if moment is None else (moment - now) // words.DAY_S


@app.command("issue")
def issue_command(
    out: Annotated[Path, typer.Option("--out", help="Where the certificate and its chain go, in PEM.")],
    *,
    csr: Annotated[Path | None, typer.Option("--csr", help="A certificate request in PEM.")] = None,
    key: Annotated[Path | None, typer.Option("--key", help="Instead: make a new key, here.")] = None,
    days: Annotated[int, typer.Option(help="How long it lives: 1 to 90.")] = words.DEFAULT_DAYS,
    api_key: Annotated[str | None, typer.Option("--api-key", help="Only together with this API key (its id).")] = None,
    name: Annotated[str, typer.Option(help="What it is for.")] = "",
    mode: ModeOption = "test",
    account: AccountOption = None,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Issue a client certificate for a merchant's server."""
    if (csr is None) == (key is None):
        raise ConfigError("give either --csr FILE, or --key FILE to have a key made there")
    text = csr.read_text() if csr is not None else certs_renew.new_request(_new_key(key))
    place = Home(home.resolve())

    async def work(desk: Desk) -> issue.Issued:
        who = await _operator(desk, place, account, mode=mode)
        return await issue.issue(_ports(desk, place), who, csr=text, days=days, api_key=api_key, name=name)

    made = at_desk(place, work)
    chain = [x509.load_der_x509_certificate(der) for der in (made.row.certificate, made.chain)]
    pemfiles.write(out, build.pem(*chain), 0o644)
    print(f"{made.row.id} until {_when(made.row.not_after)}: {out}")


@app.command("register")
def register_command(
    file: Annotated[Path, typer.Argument(help="A client certificate or an authority, in PEM.")],
    *,
    api_key: Annotated[str | None, typer.Option("--api-key", help="Only together with this API key (its id).")] = None,
    name: Annotated[str, typer.Option(help="What it is for.")] = "",
    names: Annotated[
        list[str] | None, typer.Option("--host", help="Of an authority: a host that its certificates must name.")
    ] = None,
    mode: ModeOption = "test",
    account: AccountOption = None,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Believe a certificate, or an authority, that is not ours."""
    place = Home(home.resolve())
    found = read.certificate(file.read_text(), param="certificate")

    async def work(desk: Desk) -> CertificateRow:
        who = await _operator(desk, place, account, mode=mode)
        row = register.prepared(who, found, api_key=api_key, name=name, names=tuple(names or ()))
        async with desk.pool.acquire() as connection, connection.transaction():
            await register.keep(connection, who, row, request=None)
        return row

    print(f"{at_desk(place, work).id} is believed from now on")


@app.command("revoke")
def revoke_command(
    certificate: Annotated[str, typer.Argument(help="The certificate's id, from 'certs list'.")],
    *,
    reason: Annotated[str, typer.Option(help=", ".join(words.REASONS))] = "unspecified",
    mode: ModeOption = "test",
    account: AccountOption = None,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """End a client certificate at once, also on open connections."""
    if reason not in words.REASONS:
        raise ConfigError(f"--reason is one of {', '.join(words.REASONS)}")
    place = Home(home.resolve())

    async def work(desk: Desk) -> CertificateRow:
        who = await _operator(desk, place, account, mode=mode)
        return await revoke.by_operator(desk.pool, who, certificate, reason=reason)

    print(f"revoked {at_desk(place, work).id}")


@app.command("require")
def require_command(
    *,
    api_key: Annotated[str | None, typer.Option("--api-key", help="This API key; else all of the account's.")] = None,
    off: Annotated[bool, typer.Option("--off", help="Demand it no longer.")] = False,
    mode: ModeOption = "test",
    account: AccountOption = None,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Refuse an API key, or all secret ones of an account, without a client certificate."""
    place = Home(home.resolve())

    async def work(desk: Desk) -> None:
        who = await _operator(desk, place, account, mode=mode)
        async with desk.pool.acquire() as connection, connection.transaction():
            await require.within(connection, who, api_key, required=not off, request=None)

    at_desk(place, work)
    print(f"{api_key or 'every secret key'}: a client certificate is {'no longer ' if off else ''}needed")


@app.command("crl")
def crl_command(
    out: Annotated[Path, typer.Option("--out", help="Where the list goes, in DER.")],
    *,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Write the revocation list of client certificates, signed anew if it has to be."""
    place = Home(home.resolve())

    async def work(desk: Desk) -> bytes:
        await lists.renew(_ports(desk, place))
        list_ = await find.revocation_list(desk.pool, None)
        if list_ is None:
            raise ConfigError("there is no authority for client certificates yet: start once with 'lockgate up'")
        return list_

    pemfiles.write(out, at_desk(place, work), 0o644)
    print(f"wrote {out}")


@root.command("export")
def export_command(
    to: Annotated[Path, typer.Option("--to", help="A file outside of the home, on a disk that is then taken away.")],
    *,
    passphrase_fd: PassphraseOption = None,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Move the root's key out of the home, sealed by a passphrase; the certificate stays."""
    if passphrase_fd is None:
        raise ConfigError("the root's key leaves only sealed: add '--passphrase-fd 3 3<passphrase-file'")
    authorities.export_root(Home(home.resolve()), to, passphrase=homes.read_passphrase(passphrase_fd))
    print(f"the root's key is in {to} and nowhere else: keep a copy where no network reaches it")


@root.command("sign")
def sign_command(
    key: Annotated[Path, typer.Option("--key", help="Where the root's key was taken to.")],
    *,
    passphrase_fd: PassphraseOption = None,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Make new issuers with a root's key that was brought back for this. Lockgate must run."""
    place = Home(home.resolve())
    given = homes.read_passphrase(passphrase_fd) if passphrase_fd is not None else None
    opened = authorities.open_root(place, passphrase=given, key_file=key)

    async def work(desk: Desk) -> str:
        return (await authority.install(desk.pool, desk.box, opened, by=issuing.BY)).id

    print(f"made the authority for client certificates: {at_desk(place, work)}")
    for line in authorities.sign_issuers(place, opened):
        print(line)


def _new_key(file: Path | None) -> ec.EllipticCurvePrivateKey:
    assert file is not None, "asked for just above"
    key = ec.generate_private_key(ec.SECP256R1())
    pemfiles.write_key(file, key)
    return key


async def _operator(desk: Desk, home: Home, account: str | None, *, mode: str) -> Principal:
    if mode not in ("test", "live"):
        raise ConfigError("--mode is test or live")
    return await operator(desk, home, account, livemode=mode == "live")


def _ports(desk: Desk, home: Home) -> Ports:
    return Ports(desk.pool, desk.box, Witness(desk.pool), home.settings()["api"]["url"])
