"""The audit log cannot be written, is not sealed in time, or is not what was sealed."""

from lockgate.gateway.alerts.core.rule import HOUR, RecordRule

RULE = RecordRule(
    name="audit_failing",
    title="Audit log failing",
    about="Records could not be written, sealing has fallen behind, or the chain does not hold.",
    severity="critical",
    scope="platform",
    runbook="Run 'lockgate audit verify'. A chain that does not hold means that somebody changed the database: keep a "
    "copy of it, and compare with the checkpoints that were exported.",
    quiet_s=HOUR,
    actions=frozenset({"audit.seal_behind", "audit.broken", "audit.export_failed", "audit.unwritten"}),
    subject=lambda record: record.action,
    summary=lambda record: f"The audit log says {record.action}: {record.detail.get('reason', 'no reason given')}.",
)
