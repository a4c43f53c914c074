"""The table of addresses and countries is old."""

from lockgate.gateway.alerts.core.rule import DAY, RecordRule

RULE = RecordRule(
    name="geography_stale",
    title="Table of countries is old",
    about="The file that says where addresses are was built more than 60 days ago, or cannot be read.",
    severity="low",
    scope="platform",
    runbook="Put a newer file where settings.json (geography) says, then start the worker again.",
    quiet_s=7 * DAY,
    actions=frozenset({"geography.stale", "geography.unreadable"}),
    subject=lambda record: record.action,
    summary=lambda record: (
        f"The table of countries says {record.action}: built {record.detail.get('built', 'unknown')}."
    ),
)
