"""Begins and ends silences: alerts go on being opened and counted, and are not told."""

from lockgate.gateway.alerts import find_alerts, render, store_edit
from lockgate.gateway.alerts.edit_rule import FIXED, found
from lockgate.gateway.alerts.find_alerts import SilenceRow
from lockgate.gateway.alerts.ports import Ports
from lockgate.gateway.audit.record import record
from lockgate.gateway.storage.audits import insert_audits
from lockgate.gateway.storage.database import Connection
from lockgate.gateway.storage.write import transact
from lockgate.kernel.errors import invalid, missing
from lockgate.kernel.ids import new_id
from lockgate.kernel.operations import Answer, Call
from lockgate.kernel.principal import Principal

LONGEST_S = 30 * 24 * 3600


async def create_silence(ports: Ports, call: Call) -> Answer:
    """The answer to POST /v1/alert_silences."""
    given = call.params
    row = made(
        call.principal,
        rule=given.get("rule"),
        subject=given.get("subject"),
        until=given["until"],
        reason=given["reason"],
        now=call.now,
    )

    async def work(connection: Connection) -> None:
        await create_within(connection, call.principal, row, request=call.request_id)

    return await transact(ports.pool, call, rendered=render.silence(row), work=work)


async def end_silence(ports: Ports, call: Call) -> Answer:
    """The answer to DELETE /v1/alert_silences/{silence}: it ends now, and stays on record."""
    who, id_ = call.principal, call.path["silence"]
    row = await find_alerts.silence(ports.pool, who.account, id_)
    if row is None:
        raise missing("alert silence", id_, param="silence")
    ended = {"id": row.id, "object": "alert_silence", "deleted": True}

    async def work(connection: Connection) -> None:
        await end_within(connection, who, row.id, now=call.now, request=call.request_id)

    return await transact(ports.pool, call, rendered=ended, work=work)


def made(who: Principal, *, rule: str | None, subject: str | None, until: int, reason: str, now: int) -> SilenceRow:
    """A new silence. It names a rule, and ends within 30 days: nobody can switch the whole watch off."""
    if rule is None:
        raise invalid("A silence names the rule that it is for.", param="rule", code="parameter_missing")
    if found(who.account, rule).name in FIXED:
        raise invalid(
            "This rule watches over the others: it cannot be silenced.", param="rule", code="alert_rule_fixed"
        )
    if not now < until <= now + LONGEST_S:
        raise invalid("A silence ends in the future, within 30 days.", param="until")
    return SilenceRow(who.account, new_id("alrs"), now, f"{who.kind}:{who.id}", rule, subject, until, None, reason)


async def create_within(connection: Connection, who: Principal, row: SilenceRow, *, request: str | None) -> None:
    await store_edit.insert_silence(connection, row)
    detail = {"rule": row.rule, "subject": row.subject, "until": row.until, "reason": row.reason}
    await insert_audits(
        connection, [record(who, "alert_silence.create", object_=row.id, request=request, detail=detail)]
    )


async def end_within(connection: Connection, who: Principal, id_: str, *, now: int, request: str | None) -> bool:
    """Whether it went on until now."""
    if not await store_edit.end_silence(connection, who.account, id_, now=now):
        return False
    await insert_audits(connection, [record(who, "alert_silence.end", object_=id_, request=request)])
    return True
