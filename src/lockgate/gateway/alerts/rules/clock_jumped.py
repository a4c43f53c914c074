"""The machine's clock jumped, or differs from the database's."""

from lockgate.gateway.alerts.core.rule import HOUR, RecordRule

RULE = RecordRule(
    name="clock_jumped",
    title="Clock jumped",
    about="The worker's clock went ahead or back by seconds, or differs from the database server's.",
    severity="high",
    scope="platform",
    runbook="See that the machine keeps time (chrony, systemd-timesyncd). Sessions, codes and certificates are judged "
    "by this clock.",
    quiet_s=HOUR,
    actions=frozenset({"clock.jumped"}),
    subject=lambda record: str(record.detail.get("what", "clock")),
    summary=lambda record: f"The clock is off by {record.detail.get('by_ms')} ms ({record.detail.get('what')}).",
)
