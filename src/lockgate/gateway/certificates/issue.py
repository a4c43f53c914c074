"""Issues a client certificate for a merchant's own key: the request proves the key, we say what it is for."""

from cryptography import x509

from lockgate.gateway.audit.record import record
from lockgate.gateway.certificates import authority, find, render, store
from lockgate.gateway.certificates.core import build, read, words
from lockgate.gateway.certificates.core.read import PublicKey
from lockgate.gateway.certificates.find import CertificateRow
from lockgate.gateway.certificates.ports import Ports
from lockgate.gateway.storage.audits import insert_audits
from lockgate.gateway.storage.database import Connection
from lockgate.gateway.storage.write import transact
from lockgate.kernel import clock
from lockgate.kernel.errors import invalid
from lockgate.kernel.ids import new_id
from lockgate.kernel.operations import Answer, Call
from lockgate.kernel.principal import Principal

CERTIFICATE_REVOCATIONS = "/crl/{authority}"


class Issued:
    """A certificate that is signed but not kept yet, with its issuer's."""

    def __init__(self, row: CertificateRow, chain: bytes) -> None:
        self.row = row
        self.chain = chain


async def create(ports: Ports, call: Call) -> Answer:
    """The answer to POST /v1/client_certificates."""
    params = call.params
    issued = await sign(
        ports,
        call.principal,
        key=read.request(params["csr"], param="csr"),
        days=params.get("days", words.DEFAULT_DAYS),
        api_key=params.get("api_key"),
        name=params.get("name", ""),
    )

    async def work(connection: Connection) -> None:
        await keep(connection, call.principal, issued.row, request=call.request_id)

    rendered = render.certificate(issued.row, now=clock.now(), chain=issued.chain)
    return await transact(ports.pool, call, rendered=rendered, work=work)


async def issue(
    ports: Ports, who: Principal, *, csr: str, days: int, api_key: str | None, name: str
) -> Issued:
    """The same from the operator's own hands."""
    if not 1 <= days <= words.MAX_DAYS:
        raise invalid(f"A client certificate lives 1 to {words.MAX_DAYS} days.", param="days")
    key = read.request(csr, param="csr")
    issued = await sign(ports, who, key=key, days=days, api_key=api_key, name=name)
    async with ports.pool.acquire() as connection, connection.transaction():
        await keep(connection, who, issued.row, request=None)
    return issued


async def sign(
    ports: Ports,
    who: Principal,
    *,
    key: PublicKey,
    days: int,
    api_key: str | None,
    name: str,
    replaces: str | None = None,
) -> Issued:
    """A certificate for ``key``. Every name in it is ours: account, mode and its own id."""
    now, id_ = clock.now(), new_id("cert")
    signing = await authority.to_sign(ports.pool, ports.box)
    ends = int(signing.issuer.certificate.not_valid_after_utc.timestamp())
    mode = "live" if who.livemode else "test"
    certificate = build.leaf(
        signing.issuer,
        key,
        build.name(id_, organisation=who.account, unit=mode),
        serial=x509.random_serial_number(),
        lasts=build.period(now, days * words.DAY_S, within=ends),
        purposes=[build.CLIENT],
        names=[x509.UniformResourceIdentifier(f"urn:lockgate:{who.account}:{mode}:{id_}")],
        revocations=ports.url + CERTIFICATE_REVOCATIONS.format(authority=f"{signing.id}.crl"),
    )
    row = of_certificate(
        who, certificate, id_=id_, kind="issued", api_key=api_key, name=name, issued_by=signing.id, replaces=replaces
    )
    return Issued(row, signing.issuer.certificate.public_bytes(build.DER))


def of_certificate(
    who: Principal,
    certificate: x509.Certificate,
    *,
    id_: str,
    kind: str,
    api_key: str | None,
    name: str,
    names: tuple[str, ...] = (),
    app: str | None = None,
    issued_by: str | None = None,
    replaces: str | None = None,
) -> CertificateRow:
    """The row of a certificate that is ``who``'s from now on."""
    facts = read.facts(certificate)
    return CertificateRow(
        account=who.account,
        livemode=who.livemode,
        id=id_,
        created=clock.now(),
        kind=kind,
        name=name,
        api_key=api_key,
        app=app,
        names=list(names),
        thumbprint=facts.thumbprint,
        key_hash=facts.key_hash,
        subject=facts.subject,
        issuer=facts.issuer,
        serial=facts.serial,
        algorithm=facts.algorithm,
        not_before=facts.not_before,
        not_after=facts.not_after,
        certificate=facts.certificate,
        issued_by=issued_by,
        replaces=replaces,
        revoked_at=None,
        revocation_reason=None,
        warned_days=None,
    )


async def keep(
    connection: Connection, who: Principal, row: CertificateRow, *, request: str | None,
    action: str = "certificate.create",
) -> None:  # fmt: skip
    """Write ``row`` with its record; refused where the key is no key of the account's, or has had a certificate."""
    await check_key(connection, who, row.api_key)
    if await find.alive(connection, who, now=row.created) >= words.MAX_ALIVE:
        raise invalid(f"An account has at most {words.MAX_ALIVE} certificates in each mode: revoke some first.")
    if await find.key_is_known(connection, row.key_hash) or not await store.insert(connection, row):
        raise invalid("The request's key has had a certificate before: make a new key.", param="csr")
    detail = {
        "kind": row.kind, "serial": row.serial, "algorithm": row.algorithm, "not_after": row.not_after,
        "api_key": row.api_key, "replaces": row.replaces,
    }  # fmt: skip
    await insert_audits(connection, [record(who, action, object_=row.id, request=request, detail=detail)])


async def check_key(connection: Connection, who: Principal, api_key: str | None) -> None:
    """Whether a certificate can be bound to ``api_key``: it is the account's, good, and kept on a server."""
    if api_key is None:
        return
    kind = await find.key_kind(connection, who, api_key, now=clock.now())
    if kind not in ("secret", "restricted"):
        raise invalid("api_key must be a secret or restricted key of this account and mode.", param="api_key")
