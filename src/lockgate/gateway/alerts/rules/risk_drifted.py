"""What a model scores has moved far from what it was trained on."""

from lockgate.gateway.alerts.core.rule import DAY, RecordRule

RULE = RecordRule(
    name="risk_drifted",
    title="Risk model out of date",
    about="Yesterday's payments differ so much from those that the risk model was trained on (a population stability "
    "index above 0.25) that its scores may mislead.",
    severity="medium",
    runbook="See what moved with 'lockgate risk drift'. If it is real and lasting, train a new model, let it score in "
    "shadow for a while and promote it: see docs/scoring.md.",
    quiet_s=2 * DAY,
    actions=frozenset({"risk.drift"}),
    subject=lambda record: record.object,
    summary=lambda record: f"What {record.object} is given has moved: {', '.join(record.detail.get('moved', {}))}.",
)
