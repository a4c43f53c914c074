"""Somebody, or some key, was given more than before."""

from lockgate.gateway.alerts.core.rule import Record, RecordRule

_ACTIONS = frozenset(
    {
        "account.application.authorized",
        "api_key.create",
        "api_key.update",
        "app.create",
        "invitation.create",
        "person.owner_link",
        "role.create",
        "role.granted",
        "role.update",
    }
)


def _subject(record: Record) -> str | None:
    """Each by itself: a second grant must not hide behind the first one's alert."""
    return record.id if record.outcome == "done" else None


def _summary(record: Record) -> str:
    given = record.detail.get("roles") or record.detail.get("role") or record.detail.get("permissions")
    what = ""
    if isinstance(given, list):
        what = ": " + ", ".join(str(one) for one in given[:10])
    elif isinstance(given, dict):
        what = ": " + ", ".join(f"{name}={access}" for name, access in sorted(given.items())[:10])
    elif given:
        what = f": {given}"
    return f"{record.action} by {record.actor} for {record.object or 'a new one'}{what}."


RULE = RecordRule(
    name="privilege_granted",
    title="Privilege granted",
    about="A person was invited or given a role, a role or a key was given permissions, or an app was let in.",
    severity="low",
    runbook="Compare with what was agreed. If nobody asked for it: take it back, end the sessions of whoever granted "
    "it, and look at what else they did.",
    quiet_s=7 * 24 * 3600,
    actions=_ACTIONS,
    subject=_subject,
    summary=_summary,
)
