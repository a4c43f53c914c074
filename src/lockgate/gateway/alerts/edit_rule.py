"""Gives a rule a threshold of the account's own, or switches it off; both are told of by an alert of their own."""

from lockgate.gateway.alerts import find_alerts, render, store_edit
from lockgate.gateway.alerts.core.rule import PLATFORM, Rule, whose
from lockgate.gateway.alerts.ports import Ports
from lockgate.gateway.alerts.registry import RULES
from lockgate.gateway.audit.record import record
from lockgate.gateway.storage.audits import insert_audits
from lockgate.gateway.storage.database import Connection
from lockgate.gateway.storage.write import transact
from lockgate.kernel.errors import invalid, missing
from lockgate.kernel.operations import Answer, Call
from lockgate.kernel.principal import Principal

FIXED = frozenset({"watch_weakened", "alert_route_failing"})
"""What tells of a weakened watch cannot be weakened itself."""


async def update_rule(ports: Ports, call: Call) -> Answer:
    """The answer to POST /v1/alert_rules/{rule}."""
    who, given = call.principal, call.params
    rule = found(who.account, call.path["rule"])
    threshold, enabled = (await find_alerts.settings(ports.pool, who.account)).get(rule.name, (None, True))
    if "threshold" in given:
        threshold = given["threshold"] or None
    enabled = given.get("enabled", enabled)

    async def work(connection: Connection) -> None:
        await put_within(
            connection, who, rule, threshold=threshold, enabled=enabled, now=call.now, request=call.request_id
        )

    return await transact(ports.pool, call, rendered=render.rule(rule, (threshold, enabled)), work=work)


async def put_within(
    connection: Connection,
    who: Principal,
    rule: Rule,
    *,
    threshold: int | None,
    enabled: bool,
    now: int,
    request: str | None,
) -> None:
    """Write the setting down, with its record."""
    if rule.name in FIXED:
        raise invalid("This rule watches over the others: it cannot be changed.", code="alert_rule_fixed")
    if threshold is not None and not rule.counts:
        raise invalid("This rule has no threshold: it tells of each by itself.", param="threshold")
    before = (await find_alerts.settings(connection, who.account)).get(rule.name, (None, True))
    await store_edit.put_rule(
        connection, who.account, rule.name, threshold=threshold, enabled=enabled, by=f"{who.kind}:{who.id}", now=now
    )
    detail = {
        "before": {"threshold": before[0], "enabled": before[1]},
        "after": {"threshold": threshold, "enabled": enabled},
    }
    await insert_audits(
        connection, [record(who, "alert_rule.update", object_=rule.name, request=request, detail=detail)]
    )


def found(account: str, name: str) -> Rule:
    """A rule whose alerts this account sees."""
    rule = RULES.get(name)
    if rule is None or whose(rule, account) != account:
        raise missing("alert rule", name, param="rule")
    return rule


def visible(account: str) -> list[Rule]:
    """The rules whose alerts an account sees; the operator's own has them all."""
    return [rule for rule in RULES.values() if account == PLATFORM or whose(rule, account) == account]
