"""Makes, changes and deletes rules: each change is a version with its author, and a new revision of all rules."""

import json
from typing import Any

from lockgate.gateway.audit.record import record
from lockgate.gateway.rules import find, render, store
from lockgate.gateway.rules.check_rule import read
from lockgate.gateway.rules.core.faults import RuleFault
from lockgate.gateway.rules.core.nodes import Rule, to_json
from lockgate.gateway.rules.core.text import written
from lockgate.gateway.rules.find import RuleRow
from lockgate.gateway.rules.ports import Ports
from lockgate.gateway.storage.audits import insert_audits
from lockgate.gateway.storage.commit import Moved
from lockgate.gateway.storage.database import Connection
from lockgate.gateway.storage.write import settled, transact
from lockgate.kernel.errors import invalid
from lockgate.kernel.ids import new_id
from lockgate.kernel.operations import Answer, Call
from lockgate.kernel.params import UNSET
from lockgate.kernel.principal import Principal

MOST_RULES = 200


async def create(ports: Ports, call: Call) -> Answer:
    """The answer to POST /v1/risk/rules."""
    who, given = call.principal, call.params
    rule = await _read(ports, call)
    row = made(
        who, rule, state=given.get("state", "enabled"), description=given.get("description"), now=call.now
    )

    async def work(connection: Connection) -> None:
        await create_within(connection, who, row, request=call.request_id)

    answer = await transact(ports.pool, call, rendered=render.rule(row), work=work)
    ports.active.forget(who.account, who.livemode)
    return answer


def made(who: Principal, rule: Rule, *, state: str, description: str | None, now: int) -> RuleRow:
    """A new rule of ``who``'s account and mode."""
    return RuleRow(
        account=who.account,
        livemode=who.livemode,
        id=new_id("rrul"),
        version=1,
        created=now,
        updated=now,
        action=rule.action,
        state=state,
        text=written(rule),
        tree=_tree(rule),
        description=description,
        deleted=False,
    )


async def create_within(connection: Connection, who: Principal, row: RuleRow, *, request: str | None) -> None:
    """Write a new rule down, with its first version and its record."""
    revision = await store.next_revision(connection, row.account, row.livemode)
    if await store.count(connection, row.account, row.livemode) >= MOST_RULES:
        raise invalid(f"There can be at most {MOST_RULES} rules: delete one first.", code="risk_rules_limit")
    await store.insert(connection, row)
    await _kept(connection, who, row, revision=revision, before=None, request=request)


async def replace_within(
    connection: Connection, who: Principal, before: RuleRow, after: RuleRow, *, request: str | None
) -> None:
    """Write ``after`` down as the version behind ``before``; raises Moved when there is one already."""
    revision = await store.next_revision(connection, after.account, after.livemode)
    if not await store.replace(connection, after):
        raise Moved
    await _kept(connection, who, after, revision=revision, before=before, request=request)


async def update(ports: Ports, call: Call) -> Answer:
    """The answer to POST /v1/risk/rules/{risk_rule}: what does not change anything makes no version."""
    return await settled(lambda: _update(ports, call))


async def _update(ports: Ports, call: Call) -> Answer:
    before, given = await find.rule(ports.pool, call.principal, call.path["risk_rule"]), call.params
    description = given.get("description", before.description)
    after = before._replace(
        state=given.get("state", before.state), description=None if description is UNSET else description
    )
    if "rule" in given:  # read anew even when its text is the same: amounts are converted at today's rates
        rule = await _read(ports, call)
        after = after._replace(action=rule.action, text=written(rule), tree=_tree(rule))
    if after._replace(tree="") == before._replace(tree="") and json.loads(after.tree) == json.loads(before.tree):
        return await transact(ports.pool, call, rendered=render.rule(before), work=_nothing)
    return await _replace(ports, call, before, after._replace(version=before.version + 1, updated=call.now))


async def delete(ports: Ports, call: Call) -> Answer:
    """The answer to DELETE /v1/risk/rules/{risk_rule}. Its versions remain, for the decisions that name them."""

    async def decide() -> Answer:
        before = await find.rule(ports.pool, call.principal, call.path["risk_rule"])
        after = before._replace(version=before.version + 1, updated=call.now, deleted=True)
        return await _replace(ports, call, before, after)

    return await settled(decide)


async def _replace(ports: Ports, call: Call, before: RuleRow, after: RuleRow) -> Answer:
    async def work(connection: Connection) -> None:
        await replace_within(connection, call.principal, before, after, request=call.request_id)

    shown = render.gone(after) if after.deleted else render.rule(after)
    answer = await transact(ports.pool, call, rendered=shown, work=work)
    ports.active.forget(after.account, after.livemode)
    return answer


async def _kept(
    connection: Connection,
    who: Principal,
    row: RuleRow,
    *,
    revision: int,
    before: RuleRow | None,
    request: str | None,
) -> None:
    await store.add_version(connection, row, revision=revision, author=f"{who.kind}:{who.id}")
    detail: dict[str, Any] = {"revision": revision, "after": _told(row)}
    if before is not None:
        detail["before"] = _told(before)
    word = _word(row, before)
    await insert_audits(connection, [record(who, word, object_=row.id, request=request, detail=detail)])


def _word(row: RuleRow, before: RuleRow | None) -> str:
    if before is None:
        return "risk_rule.create"
    return "risk_rule.delete" if row.deleted else "risk_rule.update"


def _told(row: RuleRow) -> dict[str, Any]:
    return {"version": row.version, "state": row.state, "rule": row.text}


async def _read(ports: Ports, call: Call) -> Rule:
    """The rule that the parameter says; refused with what is wrong and where."""
    result = await read(ports, call.principal, call.params["rule"])
    if isinstance(result, RuleFault):
        raise render.no_rule(result)
    return result


def _tree(rule: Rule) -> str:
    return json.dumps(to_json(rule), separators=(",", ":"))


async def _nothing(_connection: Connection) -> None:
    """Nothing changes, and the key is answered all the same."""
