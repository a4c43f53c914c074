"""Ends what a person let an app do, from inside of the account."""

from lockgate.gateway.oauth import find_grants, render
from lockgate.gateway.oauth.ports import Ports
from lockgate.gateway.oauth.revoke import revoke_grants
from lockgate.gateway.storage.database import Connection
from lockgate.gateway.storage.write import transact
from lockgate.kernel import clock
from lockgate.kernel.errors import missing
from lockgate.kernel.operations import Answer, Call
from lockgate.kernel.principal import Principal


async def end_grant(ports: Ports, call: Call) -> Answer:
    """The answer to POST /v1/authorizations/{authorization}/revoke; one that has ended stays as it is."""
    who, now = call.principal, clock.now()
    grant = await find_grants.grant(ports.pool, who, call.path["authorization"])
    over = grant.row.revoked_at or now
    shown = grant._replace(row=grant.row._replace(revoked_at=over))

    async def work(connection: Connection) -> None:
        await revoke_grants(connection, who, id_=grant.row.id, request=call.request_id, now=now)

    return await transact(ports.pool, call, rendered=render.authorization(shown), work=work)


async def end_own(ports: Ports, who: Principal, id_: str, *, request: str, now: int) -> None:
    """End a grant that ``who`` gave, a person on its account and in its mode; of others nothing is said."""
    grant = await find_grants.grant(ports.pool, who, id_)
    if grant.row.person != who.id:
        raise missing("authorization", id_)
    async with ports.pool.acquire() as connection, connection.transaction():
        await revoke_grants(connection, who, id_=id_, request=request, now=now)
