"""Alerts, rules, routes, silences and deliveries as the API and the receivers of alerts see them."""

import json
from collections.abc import Mapping
from typing import Any

from lockgate.gateway.alerts.core.rule import Rule
from lockgate.gateway.alerts.core.shapes import ALERT, ALERT_DELIVERY, ALERT_ROUTE, ALERT_RULE, ALERT_SILENCE
from lockgate.gateway.alerts.find_alerts import AlertView, DeliveryRow, SilenceRow
from lockgate.gateway.alerts.registry import RULES
from lockgate.gateway.alerts.store_delivery import RouteRow


def alert(row: AlertView) -> dict[str, Any]:
    """An alert; one of a rule that this release no longer has keeps the rule's name as its title."""
    rule = RULES.get(row.rule)
    return ALERT.render(
        {
            "id": row.id,
            "acknowledged_at": row.acknowledged_at,
            "acknowledged_by": row.acknowledged_by,
            "count": row.count_,
            "created": row.opened_ms // 1000,
            "evidence": json.loads(row.evidence),
            "first_at": row.first_ms // 1000,
            "last_at": row.last_ms // 1000,
            "resolved_at": row.resolved_at,
            "resolved_by": row.resolved_by,
            "rule": row.rule,
            "runbook": rule.runbook if rule else "",
            "severity": row.severity,
            "silence": row.silence,
            "state": row.state,
            "subject": row.subject,
            "summary": row.summary,
            "title": rule.title if rule else row.rule,
        }
    )


def rule(one: Rule, setting: tuple[int | None, bool]) -> dict[str, Any]:
    """A rule as it works for one account: with the account's own threshold where it has one."""
    threshold, enabled = setting
    return ALERT_RULE.render(
        {
            "id": one.name,
            "about": one.about,
            "enabled": enabled,
            "quiet_s": one.quiet_s,
            "runbook": one.runbook,
            "scope": one.scope,
            "severity": one.severity,
            "threshold": threshold or one.threshold,
            "title": one.title,
            "window_s": one.window_s,
        }
    )


def route(row: RouteRow, target: Mapping[str, Any], *, secret: str | None = None) -> dict[str, Any]:
    """A route; ``secret`` is shown once, when it is made."""
    collector = None
    if row.kind == "syslog":
        collector = f"{target['transport']}://{target['host']}:{target['port']}"
    return ALERT_ROUTE.render(
        {
            "id": row.id,
            "created": row.created,
            "email": target.get("email"),
            "enabled": row.enabled,
            "kind": row.kind,
            "min_severity": row.min_severity,
            "secret": secret,
            "syslog": collector,
            "url": target.get("url"),
        }
    )


def silence(row: SilenceRow) -> dict[str, Any]:
    return ALERT_SILENCE.render({name: value for name, value in row._asdict().items() if name != "account"})


def delivery(row: DeliveryRow) -> dict[str, Any]:
    return ALERT_DELIVERY.render(
        {
            "id": row.id,
            "alert": row.alert,
            "created": row.created_ms // 1000,
            "next_attempt_at": None if row.next_try_ms is None else row.next_try_ms // 1000,
            "outcome": row.outcome,
            "route": row.route,
            "status": row.state,
            "tries": row.tries,
        }
    )
