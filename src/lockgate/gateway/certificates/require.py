"""Says which API keys are refused without a client certificate."""

from lockgate.gateway.audit.record import record
from lockgate.gateway.certificates import find, issue, render, store
from lockgate.gateway.certificates.core.words import EVERY_KEY
from lockgate.gateway.certificates.find import RequirementRow
from lockgate.gateway.certificates.ports import Ports
from lockgate.gateway.storage.audits import insert_audits
from lockgate.gateway.storage.database import Connection
from lockgate.gateway.storage.write import transact
from lockgate.kernel import clock
from lockgate.kernel.errors import invalid
from lockgate.kernel.operations import Answer, Call
from lockgate.kernel.principal import Principal


async def require(ports: Ports, call: Call) -> Answer:
    """The answer to POST /v1/certificate_requirements."""
    who, api_key, wanted = call.principal, call.params.get("api_key"), call.params["required"]
    now = clock.now()

    async def work(connection: Connection) -> None:
        await within(connection, who, api_key, required=wanted, request=call.request_id)

    row = RequirementRow(api_key or EVERY_KEY, now)
    rendered = render.requirement(row, livemode=who.livemode, required=wanted)
    return await transact(ports.pool, call, rendered=rendered, work=work)


async def within(
    connection: Connection, who: Principal, api_key: str | None, *, required: bool, request: str | None
) -> None:
    """Write it down, in the caller's transaction. What no certificate could satisfy would lock everybody out."""
    now, key = clock.now(), api_key or EVERY_KEY
    if required:
        await issue.check_key(connection, who, api_key)
        if not await find.covers(connection, who, api_key=api_key, now=now):
            raise invalid("There is no good certificate yet that could be shown: create or register one first.")
        await store.require(connection, account=who.account, livemode=who.livemode, api_key=key, now=now)
    else:
        await store.free(connection, account=who.account, livemode=who.livemode, api_key=key)
    detail = {"api_key": api_key, "required": required}
    await insert_audits(
        connection, [record(who, "certificate.require", object_=api_key, request=request, detail=detail)]
    )
