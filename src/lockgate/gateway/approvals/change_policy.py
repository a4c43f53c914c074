"""Changes what an account asks of its privileged operations."""

from lockgate.gateway.approvals import find, render, store
from lockgate.gateway.approvals.core.params import plain
from lockgate.gateway.approvals.core.rules import rules_of
from lockgate.gateway.approvals.ports import Ports
from lockgate.gateway.audit.record import record
from lockgate.gateway.storage.audits import insert_audits
from lockgate.gateway.storage.database import Connection, Pool
from lockgate.gateway.storage.write import transact
from lockgate.kernel import clock
from lockgate.kernel.operations import Answer, Call
from lockgate.kernel.principal import Principal


async def change_policy(ports: Ports, call: Call) -> Answer:
    """The answer to POST /v1/approval_policy."""
    account, changes = call.principal.account, plain(call.params)
    before = await find.stored_rules(ports.pool, account)
    after = merged(before, changes)

    async def work(connection: Connection) -> None:
        await put(connection, call.principal, changes, request=call.request_id)

    return await transact(ports.pool, call, rendered=render.policy(rules_of(after)), work=work)


async def put(connection: Connection, who: Principal, changes: dict[str, dict], *, request: str | None) -> None:
    """Write the changes over what holds at this moment, with before and after in the record."""
    await store.lock_rules(connection, who.account)
    before = await find.stored_rules(connection, who.account)
    after = merged(before, changes)
    await store.put_rules(connection, who.account, after, now=clock.now())
    detail = {
        name: {"before": rules_of(before)[name], "after": rules_of(after)[name]} for name in changes
    }
    await insert_audits(
        connection, [record(who, "approval_policy.update", object_=who.account, request=request, detail=detail)]
    )


async def put_alone(pool: Pool, who: Principal, changes: dict[str, dict], *, request: str | None) -> None:
    """The same in a transaction of its own, for the operator at the machine."""
    async with pool.acquire() as connection, connection.transaction():
        await put(connection, who, changes, request=request)


def merged(before: dict[str, dict], changes: dict[str, dict]) -> dict[str, dict]:
    """The rules after ``changes``, rule by rule and word by word."""
    return {**before, **{name: {**before.get(name, {}), **rule} for name, rule in changes.items()}}
