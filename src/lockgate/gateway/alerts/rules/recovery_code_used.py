"""Somebody signed in with a recovery code."""

from lockgate.gateway.alerts.core.rule import RecordRule

RULE = RecordRule(
    name="recovery_code_used",
    title="Recovery code used",
    about="A one-time recovery code stood in for a second factor.",
    severity="medium",
    runbook="Ask the person. If it was not them: end their sessions, remove their factors, and invite them anew.",
    quiet_s=24 * 3600,
    actions=frozenset({"recovery_code.use"}),
    subject=lambda record: record.actor if record.outcome == "done" else None,
    summary=lambda record: f"{record.actor} used a recovery code from {record.address or 'an unknown address'}.",
)
