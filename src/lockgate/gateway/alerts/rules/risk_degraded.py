"""Payments are held for people to look at because the risk engine failed or was too late."""

from lockgate.gateway.alerts.core.rule import HOUR, RecordRule

RULE = RecordRule(
    name="risk_degraded",
    title="Risk engine degraded",
    about="The engine that judges payments failed or passed its deadline: what it could not judge is held for review.",
    severity="high",
    scope="platform",
    runbook="The alert says what failed. Look at the database, the vault and the load of the gateway; the payments "
    "stand in the reviews meanwhile, each with its fault on the decision: see docs/risk.md.",
    quiet_s=HOUR,
    actions=frozenset({"risk.degraded"}),
    subject=lambda record: str(record.detail.get("fault", "unknown")),
    summary=lambda record: (
        f"Payments are held for review: the risk engine says {record.detail.get('fault', 'nothing')}."
    ),
)
