"""What each event of a payout does to the books: pure builders, as those of payments are.

What a payout takes from the merchant's available money stands ``in transit`` until it arrives, and then at her bank;
one that was stopped or came back returns what it took. A negative payout, which fetches money back from the bank, does
all of it the other way round: its money is pending until it has arrived.

The transfers' ids are made from the payout and what happens to it, so none can be booked twice.
"""

import json
from typing import Literal

from lockgate.gateway.ledger import accounts
from lockgate.gateway.ledger.transfers import Booked
from lockgate.gateway.storage.records import PayoutRow
from lockgate.gateway.storage.rows import BalanceTransactionRow, TransferRow

_PREFIX = {"payout": "tpo", "payout_arrival": "tpa", "payout_cancel": "tpr", "payout_failure": "tpr"}


def ordered(payout: PayoutRow, *, now: int) -> Booked:
    """The processor was told to pay out; from now on the money is on its way."""
    outward = payout.amount > 0
    transaction = BalanceTransactionRow(
        account=payout.account,
        livemode=payout.livemode,
        id="txn" + _body(payout.id),
        version=1,
        created=now,
        type="payout",
        status="available" if outward else "pending",
        amount=-payout.amount,
        fee=0,
        net=-payout.amount,
        currency=payout.currency,
        source=payout.id,
        available_on=now if outward else payout.arrival_date,
        data=_detail(payout),
    )
    mine = accounts.merchant(available=outward)
    moved = _moved(payout, mine, accounts.in_transit(payout.processor), kind="payout", now=now)
    return Booked([moved], transaction)


def arrived(payout: PayoutRow, *, now: int) -> list[TransferRow]:
    """The money is where it was sent."""
    source, destination = accounts.in_transit(payout.processor), accounts.bank(payout.processor)
    return [_moved(payout, source, destination, kind="payout_arrival", now=now)]


def returned(
    payout: PayoutRow,
    taken: BalanceTransactionRow,
    *,
    kind: Literal["payout_cancel", "payout_failure"],
    transaction_id: str,
    from_bank: bool,
    now: int,
) -> Booked:
    """The payout was stopped, or came back: its money is again where ``taken``, its first movement, took it from.

    ``from_bank`` says that it had arrived before.
    """
    waits = taken.status == "pending"
    transaction = taken._replace(
        id=transaction_id,
        version=1,
        created=now,
        type=kind,
        amount=-taken.amount,
        net=-taken.net,
        available_on=taken.available_on if waits else now,
        data=_detail(payout),
    )
    source = accounts.bank(payout.processor) if from_bank else accounts.in_transit(payout.processor)
    moved = _moved(payout, source, accounts.merchant(available=not waits), kind=kind, now=now)
    return Booked([moved], transaction)


def _moved(payout: PayoutRow, source: str, destination: str, *, kind: str, now: int) -> TransferRow:
    outward = payout.amount > 0
    return TransferRow(
        account=payout.account,
        livemode=payout.livemode,
        id=_PREFIX[kind] + _body(payout.id),
        created=now,
        debit=source if outward else destination,
        credit=destination if outward else source,
        amount=abs(payout.amount),
        currency=payout.currency,
        kind=kind,
        phase="posted",
        settles=None,
        source=payout.id,
    )


def _body(id_: str) -> str:
    return id_[id_.index("_") :]


def _detail(payout: PayoutRow) -> str:
    detail = {"description": json.loads(payout.data)["description"], "fee_details": []}
    return json.dumps(detail, separators=(",", ":"))
