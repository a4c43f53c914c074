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

MOST_RULES = 200


async def create(ports: Ports, call: Call) -> Answer:
    """The answer to POST /v1/risk/rules."""
    who, given = call.principal, call.params
    rule = await _read(ports, call)
    row = RuleRow(
        account=who.account,
        livemode=who.livemode,
        id=new_id("rrul"),
        version=1,
        created=call.now,
        updated=call.now,
        action=rule.action,
        state=given.get("state", "enabled"),
        text=written(rule),
        tree=_tree(rule),
        description=given.get("description"),
        deleted=False,
    )

    async def work(connection: Connection) -> None:
        revision = await store.next_revision(connection, who.account, who.livemode)
        if await store.count(connection, who.account, who.livemode) >= MOST_RULES:
            raise invalid(f"There can be at most {MOST_RULES} rules: delete one first.", code="risk_rules_limit")
        await store.insert(connection, row)
        await _kept(connection, call, row, revision=revision, before=None)

    answer = await transact(ports.pool, call, rendered=render.rule(row), work=work)
    ports.active.forget(who.account, who.livemode)
    return answer


async def update(ports: Ports, call: Call) -> Answer:
    """The answer to POST /v1/risk/rules/{rule}: what does not change anything makes no version."""
    return await settled(lambda: _update(ports, call))


async def _update(ports: Ports, call: Call) -> Answer:
    before, given = await find.rule(ports.pool, call.principal, call.path["rule"]), call.params
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
    """The answer to DELETE /v1/risk/rules/{rule}. Its versions remain, for the decisions that name them."""

    async def decide() -> Answer:
        before = await find.rule(ports.pool, call.principal, call.path["rule"])
        after = before._replace(version=before.version + 1, updated=call.now, deleted=True)
        return await _replace(ports, call, before, after)

    return await settled(decide)


async def _replace(ports: Ports, call: Call, before: RuleRow, after: RuleRow) -> Answer:
    async def work(connection: Connection) -> None:
        revision = await store.next_revision(connection, after.account, after.livemode)
        if not await store.replace(connection, after):
            raise Moved
        await _kept(connection, call, after, revision=revision, before=before)

    shown = render.gone(after) if after.deleted else render.rule(after)
    answer = await transact(ports.pool, call, rendered=shown, work=work)
    ports.active.forget(after.account, after.livemode)
    return answer


async def _kept(connection: Connection, call: Call, row: RuleRow, *, revision: int, before: RuleRow | None) -> None:
    who = call.principal
    await store.add_version(connection, row, revision=revision, author=f"{who.kind}:{who.id}")
    detail: dict[str, Any] = {"revision": revision, "after": _told(row)}
    if before is not None:
        detail["before"] = _told(before)
    await insert_audits(
        connection,
        [record(who, _word(row, before), object_=row.id, request=call.request_id, detail=detail)],
    )


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
