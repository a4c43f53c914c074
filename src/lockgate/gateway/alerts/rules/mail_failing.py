"""Mail that could not be sent for days."""

from lockgate.gateway.alerts.core.rule import DAY, RecordRule

RULE = RecordRule(
    name="mail_failing",
    title="Mail is not sent",
    about="The mail server refused a mail for good, or could not be reached for three days.",
    severity="high",
    scope="platform",
    runbook="See the worker's log for the reason, and settings.json (mail) for the server. Invitations and alerts by "
    "e-mail do not arrive meanwhile.",
    quiet_s=DAY,
    actions=frozenset({"mail.failed"}),
    subject=lambda record: str(record.detail.get("reason", "mail")),
    summary=lambda record: f"A mail ({record.detail.get('kind')}) was given up: {record.detail.get('reason')}.",
)
