"""A route that alerts are told by, and that does not take them."""

from lockgate.gateway.alerts.core.rule import DAY, RecordRule

RULE = RecordRule(
    name="alert_route_failing",
    title="Alert route failing",
    about="A webhook or syslog receiver has not taken an alert after several tries; the other routes tell of it.",
    severity="high",
    runbook="Send a test to the route. Until it answers, look at the list of alerts itself.",
    quiet_s=DAY,
    actions=frozenset({"alert_route.failing"}),
    subject=lambda record: record.object,
    summary=lambda record: f"The route {record.object} does not take alerts: {record.detail.get('reason')}.",
)
