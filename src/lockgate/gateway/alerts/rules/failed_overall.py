"""A hundred failed authentications within a minute from anywhere: an attack that is spread over many addresses."""

from lockgate.gateway.alerts.core import failures
from lockgate.gateway.alerts.core.rule import Record, RecordRule

THRESHOLD = 100


def _subject(record: Record) -> str | None:
    return "all" if failures.failed(record) else None


def _summary(record: Record) -> str:
    return f"Failed authentications pile up everywhere, the last from {failures.address_of(record)}."


RULE = RecordRule(
    name="failed_authentications.overall",
    title="Many failed authentications in all",
    about="Addresses and accounts that each stay below their own thresholds add up.",
    severity="high",
    scope="platform",
    runbook="Compare the addresses in the audit log: one network can be denied as a whole. Watch the sign-ins that "
    "succeed meanwhile.",
    threshold=THRESHOLD,
    window_s=failures.WINDOW_S,
    quiet_s=failures.WINDOW_S,
    actions=failures.ACTIONS,
    subject=_subject,
    summary=_summary,
)
