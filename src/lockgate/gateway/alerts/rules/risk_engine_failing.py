"""An outside fraud engine does not answer as it should, and payments go on without its word."""

from lockgate.gateway.alerts.core.rule import HOUR, RecordRule

RULE = RecordRule(
    name="risk_engine_failing",
    title="Outside risk engine failing",
    about="A third party's engine failed five times in a row: it is not asked for half a minute, and what its settings "
    "say of failure holds of every payment meanwhile.",
    severity="medium",
    runbook="Ask whoever runs the engine. If it stays away, disable it: POST /v1/risk/engines/{engine} enabled=false.",
    quiet_s=HOUR,
    actions=frozenset({"risk_engine.failing"}),
    subject=lambda record: str(record.object),
    summary=lambda record: (
        f"The outside engine {record.detail.get('name', '')} fails ({record.detail.get('fault', 'unknown')}): payments"
        f" that it does not judge get {record.detail.get('on_failure', 'review')}."
    ),
)
