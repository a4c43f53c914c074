"""A certificate that ends within 30, 14 or 7 days."""

from lockgate.gateway.alerts.core.rule import Record, RecordRule

_STEPS = (7, 14, 30)


def _days(record: Record) -> int:
    left = record.detail.get("within_days")
    return left if isinstance(left, int) else 0


def _subject(record: Record) -> str | None:
    """Once for each step: what was told at 30 days is told again at 14 and at 7."""
    step = next((days for days in _STEPS if _days(record) <= days), None)
    return None if step is None else f"{record.object} {step}"


def _summary(record: Record) -> str:
    return f"The certificate {record.object} ({record.detail.get('of', 'unknown')}) ends within {_days(record)} days."


RULE = RecordRule(
    name="certificate_expiring",
    title="Certificate ends soon",
    about="A server's, an authority's or a merchant's client certificate ends within 30, 14 or 7 days.",
    severity="high",
    runbook="Renew it with 'lockgate certs', or have the merchant renew theirs: old and new are both good meanwhile.",
    quiet_s=30 * 24 * 3600,
    actions=frozenset({"certificate.expiring"}),
    subject=_subject,
    summary=_summary,
)
