"""What a dispute does to the books: pure builders of its withdrawal, its reinstatement, and the movements they show.

A withdrawal goes back the way that the payment came, and takes the processor's fee for the dispute with it. Each
transfer's id is made from the dispute's, so one dispute can withdraw once and reinstate once.
"""

import json
from typing import Any, NamedTuple

from lockgate.gateway.ledger import accounts
from lockgate.gateway.ledger.transfers import Booked
from lockgate.gateway.storage.rows import BalanceTransactionRow, DisputeRow, TransferRow

_PREFIX = {"dispute": "trd", "dispute_fee": "tre", "dispute_reversal": "trv", "dispute_fee_reversal": "trx"}


class Movement(NamedTuple):
    """The id of the balance transaction that shows a movement, and when it counts.

    ``available_on`` is that of the payment's own money: while that is pending, what a dispute takes of it or returns
    is pending too, so that what is available never pays for what is not.
    """

    id: str
    now: int
    available_on: int


def withdrawn(dispute: DisputeRow, movement: Movement, *, fee: int) -> Booked:
    """The processor took the disputed amount back, and ``fee`` for its work."""
    transaction = _transaction(
        dispute, movement, amount=-dispute.amount, fee=fee,
        description=f"Chargeback withdrawal for {dispute.charge}",
    )
    mine = accounts.merchant(available=transaction.status == "available")
    taker, keeper = accounts.processor(dispute.processor), accounts.fees(dispute.processor)
    rows = [_posted(dispute, "dispute", debit=mine, credit=taker, amount=dispute.amount, now=movement.now)]
    if fee:
        rows.append(_posted(dispute, "dispute_fee", debit=mine, credit=keeper, amount=fee, now=movement.now))
    return Booked(rows, transaction)


def reinstated(dispute: DisputeRow, movement: Movement, *, fee_returned: int) -> Booked:
    """The merchant won: the processor gave the amount back, and ``fee_returned`` of its fee."""
    transaction = _transaction(
        dispute, movement, amount=dispute.amount, fee=-fee_returned,
        description=f"Chargeback reversal for {dispute.charge}",
    )
    mine = accounts.merchant(available=transaction.status == "available")
    giver, keeper, now = accounts.processor(dispute.processor), accounts.fees(dispute.processor), movement.now
    rows = [_posted(dispute, "dispute_reversal", debit=giver, credit=mine, amount=dispute.amount, now=now)]
    if fee_returned:
        rows.append(
            _posted(dispute, "dispute_fee_reversal", debit=keeper, credit=mine, amount=fee_returned, now=now)
        )
    return Booked(rows, transaction)


def _posted(dispute: DisputeRow, kind: str, *, debit: str, credit: str, amount: int, now: int) -> TransferRow:
    return TransferRow(
        account=dispute.account,
        livemode=dispute.livemode,
        id=_PREFIX[kind] + dispute.id[dispute.id.index("_") :],
        created=now,
        debit=debit,
        credit=credit,
        amount=amount,
        currency=dispute.currency,
        kind=kind,
        phase="posted",
        settles=None,
        source=dispute.id,
    )


def _transaction(
    dispute: DisputeRow, movement: Movement, *, amount: int, fee: int, description: str
) -> BalanceTransactionRow:
    detail = {"description": description, "fee_details": _fee_details(dispute, fee)}
    available_on = max(movement.available_on, movement.now)
    return BalanceTransactionRow(
        account=dispute.account,
        livemode=dispute.livemode,
        id=movement.id,
        version=1,
        created=movement.now,
        type="adjustment",
        status="available" if available_on == movement.now else "pending",
        amount=amount,
        fee=fee,
        net=amount - fee,
        currency=dispute.currency,
        source=dispute.id,
        available_on=available_on,
        data=json.dumps(detail, separators=(",", ":")),
    )


def _fee_details(dispute: DisputeRow, fee: int) -> list[dict[str, Any]]:
    if not fee:
        return []
    detail = {"type": "payment_processing_fee", "amount": fee, "currency": dispute.currency, "application": None}
    return [{**detail, "description": "Dispute fee"}]
