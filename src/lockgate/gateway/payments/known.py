"""What becomes known of frauds in this room: labels, for velocity and for whoever trains a score."""

import json

from lockgate.gateway.payments.core.settle import Settled
from lockgate.gateway.scoring.labels import label
from lockgate.gateway.storage.records import RiskLabelRow
from lockgate.gateway.storage.rows import ChargeRow, RefundRow

FRAUD = "fraudulent"


def of_release(settled: Settled, *, now: int) -> list[RiskLabelRow]:
    """What letting an authorisation go says of it: refused by a person, or canceled because it was fraud."""
    charge, attempt = settled.charge, settled.attempt
    if charge is None or attempt.action != "void" or settled.intent.row.status != "canceled":
        return []
    detail = json.loads(attempt.data)
    if detail.get("cancellation_reason") != FRAUD:
        return []
    return [_of(charge.row, fraud=True, source="review" if detail.get("refused") else "report", now=now)]


def of_refund(refund: RefundRow, charge: ChargeRow, *, now: int) -> list[RiskLabelRow]:
    """What a refund that succeeded says of its charge."""
    is_fraud = refund.status == "succeeded" and json.loads(refund.data).get("reason") == FRAUD
    return [_of(charge, fraud=True, source="refund", now=now)] if is_fraud else []


def of_report(charge: ChargeRow, report: str | None, *, now: int) -> list[RiskLabelRow]:
    """What the merchant reports on a charge; taking a report back says nothing."""
    return [_of(charge, fraud=report == FRAUD, source="report", now=now)] if report else []


def _of(charge: ChargeRow, *, fraud: bool, source: str, now: int) -> RiskLabelRow:
    return label(
        charge.account, charge.livemode,
        fraud=fraud, source=source, now=now, known_ms=now * 1000, charge=charge.id,
    )  # fmt: skip
