"""Ends a client certificate, or an authority with all that it signed: felt within a second, on open connections too."""

from lockgate.gateway.audit.record import record
from lockgate.gateway.certificates import find, render, store
from lockgate.gateway.certificates.find import CertificateRow
from lockgate.gateway.certificates.ports import Ports
from lockgate.gateway.storage.audits import insert_audits
from lockgate.gateway.storage.database import Connection, Pool
from lockgate.gateway.storage.write import transact
from lockgate.kernel import clock
from lockgate.kernel.errors import missing
from lockgate.kernel.operations import Answer, Call
from lockgate.kernel.principal import Principal


async def revoke(ports: Ports, call: Call) -> Answer:
    """The answer to POST /v1/client_certificates/{client_certificate}/revoke; again it changes nothing."""
    row = await find.certificate(ports.pool, call.principal, call.path["client_certificate"])
    now, reason = clock.now(), call.params.get("reason", "unspecified")
    ended = row if row.revoked_at is not None else row._replace(revoked_at=now, revocation_reason=reason)

    async def work(connection: Connection) -> None:
        await within(connection, call.principal, row.id, reason=reason, request=call.request_id)

    return await transact(ports.pool, call, rendered=render.certificate(ended, now=now), work=work)


async def by_operator(pool: Pool, who: Principal, id_: str, *, reason: str) -> CertificateRow:
    """The same from the operator's own hands."""
    async with pool.acquire() as connection, connection.transaction():
        return await within(connection, who, id_, reason=reason, request=None)


async def within(
    connection: Connection, who: Principal, id_: str, *, reason: str, request: str | None
) -> CertificateRow:
    """The same inside a transaction that does more than this."""
    row = await store.lock(connection, account=who.account, livemode=who.livemode, id_=id_)
    if row is None:
        raise missing("client_certificate", id_, param="client_certificate")
    if row.revoked_at is not None:
        return row
    ended = row._replace(revoked_at=clock.now(), revocation_reason=reason)
    await store.revoke(connection, ended)
    await store.lock_trust(connection)
    detail = {"kind": row.kind, "serial": row.serial, "reason": reason, "api_key": row.api_key, "app": row.app}
    await insert_audits(
        connection, [record(who, "certificate.revoke", object_=row.id, request=request, detail=detail)]
    )
    return ended
