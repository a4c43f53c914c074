"""Asks a rule of the decisions that are stored: what it would have stopped, caught and missed."""

import asyncio
import json

from lockgate.gateway.audit.record import record
from lockgate.gateway.rules import find, find_past, render
from lockgate.gateway.rules.check_rule import read
from lockgate.gateway.rules.core.faults import RuleFault
from lockgate.gateway.rules.core.nodes import Rule, from_json
from lockgate.gateway.rules.core.tally import tallied
from lockgate.gateway.rules.ports import Ports
from lockgate.gateway.storage.audits import insert_audits
from lockgate.gateway.storage.database import Connection
from lockgate.gateway.storage.write import transact
from lockgate.kernel.errors import Kind, Refusal, invalid
from lockgate.kernel.operations import Answer, Call

USUAL_S = 30 * 24 * 3600
AT_ONCE = 2
"""Back-tests that one process runs at a time: each reads as much as a thousand payments do."""

_turns = asyncio.Semaphore(AT_ONCE)


async def run(ports: Ports, call: Call) -> Answer:
    """The answer to POST /v1/risk/backtests."""
    who, given = call.principal, call.params
    rule = await _asked(ports, call)
    last = given.get("to", call.now)
    first = given.get("from", last - USUAL_S)
    if first >= last:
        raise invalid("from must be before to.", param="from")
    lists = given.get("lists", "then")
    try:
        async with _turns:
            groups = await find_past.groups(
                ports.pool, who, rule, from_ms=first * 1000, to_ms=last * 1000, lists_now=lists == "now"
            )  # fmt: skip
    except find_past.TooLong:
        raise Refusal(
            Kind.INVALID,
            f"This took longer than {find_past.LONGEST_S} seconds: ask for a shorter time.",
            code="risk_backtest_too_long",
            param="from",
        ) from None
    tally = tallied(rule.action, groups)
    shown = render.backtest(rule, tally, first=first, last=last, lists=lists, livemode=who.livemode)

    async def work(connection: Connection) -> None:
        detail = {"from": first, "to": last, "decisions": tally.decisions.count, "matched": tally.matched.count}
        told = record(who, "risk_backtest.run", object_=given.get("risk_rule"), request=call.request_id, detail=detail)
        await insert_audits(connection, [told])

    return await transact(ports.pool, call, rendered=shown, work=work)


async def _asked(ports: Ports, call: Call) -> Rule:
    given = call.params
    if ("rule" in given) == ("risk_rule" in given):
        raise invalid("Send either the text of a rule or the id of one.", param="rule", code="parameters_exclusive")
    if "risk_rule" in given:
        row = await find.rule(ports.pool, call.principal, given["risk_rule"], param="risk_rule")
        return from_json(json.loads(row.tree))
    result = await read(ports, call.principal, given["rule"])
    if isinstance(result, RuleFault):
        raise render.no_rule(result)
    return result
