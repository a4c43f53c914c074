"""Somebody made the watch itself weaker: a silence, a rule changed or switched off, a route made or changed."""

from lockgate.gateway.alerts.core.rule import RecordRule

RULE = RecordRule(
    name="watch_weakened",
    title="Alerting changed",
    about="A silence was begun, a rule's threshold was changed or the rule switched off, or a route was made, "
    "changed or removed. Limits and policies of approval count too.",
    severity="medium",
    runbook="Compare with what was agreed. Whoever attacks would do this first.",
    quiet_s=7 * 24 * 3600,
    actions=frozenset(
        {
            "address_rule.delete",
            "alert_route.create",
            "alert_route.delete",
            "alert_route.update",
            "alert_rule.update",
            "alert_silence.create",
            "approval_policy.update",
            "limit.delete",
            "limit.set",
        }
    ),
    subject=lambda record: record.id if record.outcome == "done" else None,
    summary=lambda record: f"{record.action} by {record.actor}: {record.object or 'of the account'}.",
)
