"""What a processor's word about a dispute or a warning makes of what we know: new rows, moves, or nothing at all."""

from collections.abc import Mapping
from typing import Any

from lockgate.gateway.disputes.core.records import Dispute, dumps
from lockgate.gateway.disputes.core.shapes import FRAUD_TYPES, REASONS
from lockgate.gateway.disputes.core.transitions import INQUIRIES, advances, opening
from lockgate.gateway.processors.contract import DisputeFound, WarningFound
from lockgate.gateway.storage.records import DisputeRow, EarlyFraudWarningRow
from lockgate.gateway.storage.rows import ChargeRow


def opened(
    found: DisputeFound, charge: ChargeRow, card: Mapping[str, Any], *, id_: str, processor: str, now: int
) -> Dispute:
    """The dispute as it must have begun, whatever has become of it since. ``card`` is the charge's, as shown."""
    status = opening(found.status)
    row = DisputeRow(
        account=charge.account,
        livemode=charge.livemode,
        id=id_,
        version=1,
        created=now,
        status=status,
        reason=_reason(found),
        charge=charge.id,
        intent=charge.intent,
        amount=found.amount,
        currency=found.currency,
        due_by=found.due_by or None,
        ask_at=None,
        attempt=None,
        processor=processor,
        processor_reference=found.reference,
        subject=charge.subject,
        data="{}",
        personal=None,
    )
    brand = card.get("brand") or "unknown"
    data = {
        "brand": brand,
        "network": card.get("network") or brand,
        "case_type": _case_type(status),
        "network_reason_code": found.network_reason_code,
        "metadata": {},
        "past_due": False,
        "submission_count": 0,
        "transactions": [],
    }
    return Dispute(row, data).due(now=now)


def learnt(dispute: Dispute, found: DisputeFound, *, now: int) -> Dispute:
    """The same dispute after this news; unchanged when it is none, which every copy and every late message is."""
    row = dispute.row
    if row.status != found.status and not advances(row.status, found.status):
        return dispute
    told = row._replace(due_by=found.due_by or None, reason=_reason(found))
    if row.status in INQUIRIES and found.status not in INQUIRIES:
        told = told._replace(amount=found.amount, currency=found.currency)  # what is withdrawn is what is disputed now
    after = Dispute(told, dispute.data, dispute.staged, dispute.submitting, dispute.unsealed)
    after = after.noting(network_reason_code=found.network_reason_code)
    if row.status != found.status:
        after = after.moved(found.status, now=now).noting(case_type=_case_type(found.status))
    return dispute if after == dispute else after


def warned(
    found: WarningFound, charge: ChargeRow, *, id_: str, processor: str, actionable: bool, now: int
) -> EarlyFraudWarningRow:
    """A warning about a charge."""
    return EarlyFraudWarningRow(
        account=charge.account,
        livemode=charge.livemode,
        id=id_,
        version=1,
        created=now,
        charge=charge.id,
        intent=charge.intent,
        fraud_type=found.fraud_type if found.fraud_type in FRAUD_TYPES else "misc",
        actionable=actionable,
        processor=processor,
        processor_reference=found.reference,
        data=dumps({}),
    )


def refunded(charge: ChargeRow) -> bool:
    """Whether nothing is left of a charge to give back."""
    return charge.amount_refunded > 0 and charge.amount_refunded == charge.amount_captured


def _reason(found: DisputeFound) -> str:
    return found.reason if found.reason in REASONS else "general"


def _case_type(status: str) -> str:
    return "inquiry" if status in INQUIRIES else "chargeback"
