"""The audit record of a payment that could not be judged as it should."""

from lockgate.gateway.audit.record import record
from lockgate.gateway.risk.core.subject import Subject
from lockgate.gateway.storage.rows import AuditRow
from lockgate.kernel.principal import Principal


def degraded(subject: Subject, fault: str) -> AuditRow:
    """One record, in the commit that holds the payment for review; the alert ``risk_degraded`` tells of it."""
    who = Principal(subject.account, subject.livemode, "internal", "risk")
    return record(
        who, "risk.degraded", object_=subject.intent or subject.attempt, request=subject.request, outcome="failed",
        detail={"fault": fault, "attempt": subject.attempt},
    )  # fmt: skip
