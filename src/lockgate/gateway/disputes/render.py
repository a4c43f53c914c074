"""Disputes and early fraud warnings as the API shows them."""

from collections.abc import Mapping, Sequence
from typing import Any

from lockgate.gateway.disputes import find, keep
from lockgate.gateway.disputes.core import evidence, news
from lockgate.gateway.disputes.core.records import Dispute
from lockgate.gateway.disputes.core.shapes import DISPUTE, EARLY_FRAUD_WARNING
from lockgate.gateway.disputes.core.transitions import INQUIRIES
from lockgate.gateway.disputes.ports import Ports
from lockgate.gateway.payments import find as payments_find
from lockgate.gateway.storage.records import DisputeRow, EarlyFraudWarningRow
from lockgate.kernel.principal import Principal


def shown(dispute: Dispute, transactions: Sequence[Mapping[str, Any]], *, refunded: bool) -> dict[str, Any]:
    """The whole object. ``refunded`` says that nothing is left of its charge to give back."""
    row, data = dispute.row, dispute.data
    return DISPUTE.render(
        {
            "id": row.id,
            "amount": row.amount,
            "balance_transactions": list(transactions),
            "charge": row.charge,
            "created": row.created,
            "currency": row.currency,
            "evidence": evidence.shown(dispute.evidence),
            "evidence_details": {
                "due_by": row.due_by,
                "enhanced_eligibility": {},
                "has_evidence": bool(dispute.evidence),
                "past_due": data["past_due"],
                "submission_count": data["submission_count"],
                "submission_method": "manual" if data["submission_count"] else "not_submitted",
            },
            "is_charge_refundable": row.status in INQUIRIES and not refunded,
            "livemode": row.livemode,
            "metadata": data["metadata"],
            "network_reason_code": data["network_reason_code"],
            "payment_intent": row.intent,
            "payment_method_details": {
                "card": {
                    "brand": data["brand"],
                    "case_type": data["case_type"],
                    "network": data["network"],
                    "network_reason_code": data["network_reason_code"],
                },
                "type": "card",
            },
            "reason": row.reason,
            "status": row.status,
        }
    )


async def disputes(ports: Ports, principal: Principal, rows: Sequence[DisputeRow]) -> list[dict[str, Any]]:
    """The whole objects, with two reads whatever their number."""
    return await opened(ports, principal, [await keep.open_dispute(row, ports.box) for row in rows])


async def opened(ports: Ports, principal: Principal, held: Sequence[Dispute]) -> list[dict[str, Any]]:
    """The same for disputes that are in the hand already."""
    ids = [id_ for dispute in held for id_ in dispute.data["transactions"]]
    found = await find.transactions(ports.pool, principal, ids) if ids else []
    movements = {row.id: ports.show_transaction(row) for row in found}
    asked = [dispute.row.charge for dispute in held if dispute.row.status in INQUIRIES]
    charges = await payments_find.charges(ports.pool, principal, asked) if asked else []
    gone = {charge.id for charge in charges if news.refunded(charge)}
    return [
        shown(
            dispute,
            [movements[id_] for id_ in dispute.data["transactions"] if id_ in movements],
            refunded=dispute.row.charge in gone,
        )
        for dispute in held
    ]


def warning(row: EarlyFraudWarningRow) -> dict[str, Any]:
    """An early fraud warning."""
    return EARLY_FRAUD_WARNING.render(
        {
            "id": row.id,
            "actionable": row.actionable,
            "charge": row.charge,
            "created": row.created,
            "fraud_type": row.fraud_type,
            "livemode": row.livemode,
            "payment_intent": row.intent,
        }
    )
