"""A key that somebody found where it should not be."""

from lockgate.gateway.alerts.core.rule import DAY, RecordRule

RULE = RecordRule(
    name="key_leaked",
    title="Key leaked",
    about="A leak report, or a scan, named one of our keys.",
    severity="critical",
    runbook="A leaked key is revoked when it is reported: put a new one onto the servers, and look in the audit log at "
    "what the old one did since it may have been read.",
    quiet_s=DAY,
    actions=frozenset({"key.leaked"}),
    subject=lambda record: record.object or record.actor,
    summary=lambda record: f"The key {record.object or record.actor} was found in the open.",
)
