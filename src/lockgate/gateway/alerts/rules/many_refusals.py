"""One address that was refused so often that its refusals are only counted."""

from lockgate.gateway.alerts.core.rule import HOUR, Record, RecordRule
from lockgate.kernel.source import source


def _summary(record: Record) -> str:
    actions = record.detail.get("actions")
    named = ", ".join(map(str, actions[:5])) if isinstance(actions, list) else "requests"
    return f"{record.address} was refused {record.detail.get('count')} times more within a minute ({named})."


RULE = RecordRule(
    name="many_refusals",
    title="Many refusals from one address",
    about="One address was refused more than 20 times within a minute, for whatever reasons: beyond that the audit log "
    "counts instead of listing, so that failures may hide among other refusals.",
    severity="medium",
    scope="platform",
    runbook="See in the audit log what it was refused for. A client that went wrong can be mended; a scanner can be "
    "denied by an address rule or at the firewall.",
    quiet_s=HOUR,
    actions=frozenset({"refusals.counted"}),
    subject=lambda record: source(record.address) if record.address else None,
    summary=_summary,
)
