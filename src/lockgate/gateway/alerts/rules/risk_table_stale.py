"""A table that the operator imported for the risk engine is old."""

from lockgate.gateway.alerts.core.rule import DAY, RecordRule

RULE = RecordRule(
    name="risk_table_stale",
    title="Imported table is old",
    about="An imported table of card ranges, exchange rates or throw-away domains is of a day more than 60 days ago.",
    severity="low",
    scope="platform",
    runbook="Import a newer one: lockgate risk tables import (see docs/geography.md).",
    quiet_s=7 * DAY,
    actions=frozenset({"risk_table.stale"}),
    subject=lambda record: str(record.object),
    summary=lambda record: f"The table {record.object} in force is of {record.detail.get('date', 'an unknown day')}.",
)
