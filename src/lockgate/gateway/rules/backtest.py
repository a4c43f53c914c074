"""Asks a rule of the decisions that are stored: what it would have stopped, caught and missed."""

import json

from lockgate.gateway.audit.record import record
from lockgate.gateway.rules import find, find_past, render
from lockgate.gateway.rules.check_rule import read
from lockgate.gateway.rules.core.faults import RuleFault
from lockgate.gateway.rules.core.nodes import Rule, from_json
from lockgate.gateway.rules.core.tally import Tally, tallied
from lockgate.gateway.rules.ports import Ports
from lockgate.gateway.storage.audits import insert_audits
from lockgate.gateway.storage.database import Connection
from lockgate.gateway.storage.write import transact
from lockgate.kernel.errors import Kind, Refusal, invalid
from lockgate.kernel.operations import Answer, Call
from lockgate.kernel.principal import Principal

USUAL_S = 30 * 24 * 3600

async def run(ports: Ports, call: Call) -> Answer:
    """The answer to POST /v1/risk/backtests."""
    who, given = call.principal, call.params
    rule = await _asked(ports, call)
    last = given.get("to", call.now + 1)  # this very second with it
    first = given.get("from", last - USUAL_S)
    if first >= last:
        raise invalid("from must be before to.", param="from")
    lists = given.get("lists", "then")
    tally = await measured(ports, who, rule, first=first, last=last, lists_now=lists == "now")
    shown = render.backtest(rule, tally, first=first, last=last, lists=lists, livemode=who.livemode)

    async def work(connection: Connection) -> None:
        detail = {"from": first, "to": last, "decisions": tally.decisions.count, "matched": tally.matched.count}
        told = record(who, "risk_backtest.run", object_=given.get("risk_rule"), request=call.request_id, detail=detail)
        await insert_audits(connection, [told])

    return await transact(ports.pool, call, rendered=shown, work=work)


async def measured(
    ports: Ports, who: Principal, rule: Rule, *, first: int, last: int, lists_now: bool
) -> Tally:
    """The figures of ``rule`` over the payments of ``first`` until before ``last``, in seconds."""
    try:
        async with ports.turns:
            groups = await find_past.groups(
                ports.pool, who, rule, from_ms=first * 1000, to_ms=last * 1000, lists_now=lists_now
            )
    except find_past.TooLong:
        raise Refusal(
            Kind.INVALID,
            f"This took longer than {find_past.LONGEST_S} seconds: ask for a shorter time.",
            code="risk_backtest_too_long",
            param="from",
        ) from None
    return tallied(rule.action, groups)


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
