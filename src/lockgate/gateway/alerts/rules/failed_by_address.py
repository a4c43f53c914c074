"""Five failed authentications within a minute from one address, whatever accounts they name."""

from lockgate.gateway.alerts.core import failures
from lockgate.gateway.alerts.core.rule import Record, RecordRule
from lockgate.kernel.source import source


def _subject(record: Record) -> str | None:
    return source(record.address) if failures.failed(record) and record.address else None


def _summary(record: Record) -> str:
    return f"Failed authentications pile up from {failures.address_of(record)}."


RULE = RecordRule(
    name="failed_authentications.address",
    title="Many failed authentications from one address",
    about="One IPv4 address, or one IPv6 network of 64 bits, fails again and again, with any credentials.",
    severity="medium",
    scope="platform",
    runbook="The address is already slowed down. If it goes on, deny it by an address rule or at the firewall.",
    threshold=failures.THRESHOLD,
    window_s=failures.WINDOW_S,
    quiet_s=failures.WINDOW_S,
    actions=failures.ACTIONS,
    subject=_subject,
    summary=_summary,
)
