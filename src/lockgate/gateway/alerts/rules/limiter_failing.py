"""The rate limiter has lost its store and goes on more strictly, or refuses."""

from lockgate.gateway.alerts.core.rule import HOUR, RecordRule

RULE = RecordRule(
    name="limiter_failing",
    title="Rate limiter degraded",
    about="The store that the gateway's processes share their limits in does not answer.",
    severity="high",
    scope="platform",
    runbook="Bring Redis back. Until then each process keeps stricter limits of its own, and sign-ins are refused: see "
    "docs/web.md.",
    quiet_s=HOUR,
    actions=frozenset({"limits.degraded", "limits.failed"}),
    subject=lambda record: record.action,
    summary=lambda record: f"The rate limiter says {record.action}: {record.detail.get('reason', 'no reason given')}.",
)
