"""Takes in what others signed: a merchant's own client certificate, or the authority that signs them."""

from cryptography import x509

from lockgate.gateway.audit.record import record
from lockgate.gateway.certificates import find, issue, render, store
from lockgate.gateway.certificates.core import read, words
from lockgate.gateway.certificates.core.read import unfit
from lockgate.gateway.certificates.find import CertificateRow
from lockgate.gateway.certificates.ports import Ports
from lockgate.gateway.identity.core.strength import check_strength, permissions_of_key
from lockgate.gateway.storage.audits import insert_audits
from lockgate.gateway.storage.database import Connection
from lockgate.gateway.storage.write import transact
from lockgate.kernel import clock
from lockgate.kernel.errors import invalid
from lockgate.kernel.ids import new_id
from lockgate.kernel.operations import Answer, Call
from lockgate.kernel.principal import Principal

_PARAM = "certificate"


async def register(ports: Ports, call: Call) -> Answer:
    """The answer to POST /v1/client_certificates/register."""
    params = call.params
    row = prepared(
        call.principal,
        read.certificate(params["certificate"], param=_PARAM),
        api_key=params.get("api_key"),
        name=params.get("name", ""),
        names=tuple(dict.fromkeys(params.get("names", ()))),
    )
    if row.api_key is None:  # it could stand for any of the account's apps that prove themselves by a name
        check_strength(call.principal, permissions_of_key("secret", {}), param=_PARAM)

    async def work(connection: Connection) -> None:
        await keep(connection, call.principal, row, request=call.request_id)

    return await transact(ports.pool, call, rendered=render.certificate(row, now=clock.now()), work=work)


async def for_app(connection: Connection, by: Principal, app: str, der: bytes, *, request: str | None) -> str:
    """Believe a third-party app's own certificate from now on, in the caller's transaction; returns its thumbprint."""
    row = prepared(by, read.of_der(der, param=_PARAM), api_key=None, name="", names=(), app=app)
    await keep(connection, by, row, request=request)
    return render.thumbprint(row.thumbprint)


def prepared(
    who: Principal, found: x509.Certificate,
    *, api_key: str | None, name: str, names: tuple[str, ...], app: str | None = None,
) -> CertificateRow:  # fmt: skip
    """The row of ``found``, if it can be taken at all."""
    authority = read.is_authority(found)
    if not authority and not read.is_for_clients(found):
        raise unfit("This certificate does not say that it is for clients (extended key usage).", param=_PARAM)
    if authority and app is not None:
        raise unfit("An app registers its own certificate, not an authority.", param=_PARAM)
    if names and not authority:
        raise invalid("names belong to an authority.", param="names")
    row = issue.of_certificate(
        who, found, id_=new_id("cert"), kind="authority" if authority else "registered", api_key=api_key, name=name,
        names=names, app=app,
    )  # fmt: skip
    if row.not_after <= row.created:
        raise unfit("This certificate has expired.", param=_PARAM)
    return row


async def keep(connection: Connection, who: Principal, row: CertificateRow, *, request: str | None) -> None:
    """Write ``row`` with its record. Every handshake believes it within a second."""
    await issue.check_key(connection, who, row.api_key)
    await store.lock_trust(connection)
    if await find.alive(connection, who, now=row.created) >= words.MAX_ALIVE:
        raise invalid(f"An account has at most {words.MAX_ALIVE} certificates in each mode: revoke some first.")
    authority = row.kind == "authority"
    ours = [read.facts(x509.load_der_x509_certificate(one.certificate)) for one in await find.authorities(connection)]
    same_name = any(fact.subject == row.subject for fact in ours)
    if same_name or await find.name_is_taken(connection, row.subject, key_hash=row.key_hash, authority=authority):
        # Handshakes choose among authorities by name: two of one name would stand in each other's way.
        raise unfit("An authority of this name but with another key is believed already.", param=_PARAM)
    if not await store.insert(connection, row):
        raise unfit("This certificate is registered already, or was revoked.", param=_PARAM)
    detail = {
        "kind": row.kind, "serial": row.serial, "algorithm": row.algorithm, "not_after": row.not_after,
        "api_key": row.api_key, "app": row.app, "names": row.names,
    }  # fmt: skip
    await insert_audits(
        connection, [record(who, "certificate.register", object_=row.id, request=request, detail=detail)]
    )
