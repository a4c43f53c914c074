"""Five failed authentications within a minute that all name one account."""

from lockgate.gateway.alerts.core import failures
from lockgate.gateway.alerts.core.rule import PLATFORM, Record, RecordRule


def _subject(record: Record) -> str | None:
    return record.account if failures.failed(record) and record.account != PLATFORM else None


def _summary(record: Record) -> str:
    return f"Failed authentications pile up for this account, the last from {failures.address_of(record)}."


RULE = RecordRule(
    name="failed_authentications.account",
    title="Many failed authentications for one account",
    about="Keys, tokens, passwords or second factors that name one account fail again and again.",
    severity="high",
    runbook="Look at the addresses in the evidence. If they are not yours, deny them by an address rule and roll the "
    "key whose hint they show; if they are yours, a server still holds an old key.",
    threshold=failures.THRESHOLD,
    window_s=failures.WINDOW_S,
    quiet_s=failures.WINDOW_S,
    actions=failures.ACTIONS,
    subject=_subject,
    summary=_summary,
)
