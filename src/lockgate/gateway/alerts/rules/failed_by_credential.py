"""Five failed authentications within a minute as one person, or with one key or token, known to be ours or not."""

from lockgate.gateway.alerts.core import failures
from lockgate.gateway.alerts.core.rule import Record, RecordRule

_NOBODY = frozenset({"internal:unknown", "internal:-", "internal:"})


def _subject(record: Record) -> str | None:
    """Whom it was tried as: the actor, where the record knows one, or else the object that it names."""
    if not failures.failed(record):
        return None
    return record.actor if record.actor not in _NOBODY else record.object


def _summary(record: Record) -> str:
    return f"Failed authentications pile up for {_subject(record)}, the last from {failures.address_of(record)}."


RULE = RecordRule(
    name="failed_authentications.credential",
    title="Many failed authentications of one key or person",
    about="One person's password or second factor, or one revoked, expired, misplaced or unknown key, fails again and "
    "again.",
    severity="high",
    runbook="Ask the person, or whoever runs the server that holds the key. If it was not them, end the person's "
    "sessions and have the password changed, or find who else holds the key.",
    threshold=failures.THRESHOLD,
    window_s=failures.WINDOW_S,
    quiet_s=failures.WINDOW_S,
    actions=failures.ACTIONS,
    subject=_subject,
    summary=_summary,
)
