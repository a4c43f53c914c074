"""What each event of a payment does to the books: pure builders of transfers, and of the movement the merchant sees.

Every row takes from one account what it gives to another, so the books balance by construction. An authorisation is a
pending transfer, which moves no balance; a capture posts and a release voids a part of it by a row that names it.
``Booked`` keeps a balance transaction and its transfers together: neither can be written without the other.

Every id is made from what caused the row and what it does, so the same money cannot be booked twice: the database
would hold two rows of one key.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from lockgate.gateway.ledger import accounts
from lockgate.gateway.storage.rows import BalanceTransactionRow, ChargeRow, RefundRow, TransferRow

DEFAULT_DELAY_S = 2 * 24 * 3600
_PREFIX = {
    "authorization": "trh", "release": "trl", "capture": "trc", "fee": "trf",
    "refund": "trr", "fee_refund": "trg", "maturity": "trm", "increment": "tri",
    "refund_failure": "trx", "fee_refund_failure": "try",
}  # fmt: skip


class Booked(NamedTuple):
    """One movement of money: its transfers, and the balance transaction that shows it to the merchant."""

    transfers: list[TransferRow]
    transaction: BalanceTransactionRow


def available_on(settings: Mapping[str, Any], *, now: int, at_once: bool = False) -> int:
    """When money captured ``now`` becomes available, by the processor's ``settlement_delay_s`` setting."""
    return now if at_once else now + int(settings.get("settlement_delay_s", DEFAULT_DELAY_S))


def authorization_id(charge: str) -> str:
    """The id of the pending transfer that holds the authorisation of ``charge``."""
    return _id("authorization", charge)


def authorized(charge: ChargeRow, *, now: int) -> list[TransferRow]:
    """Money held on a card for a later capture. Not needed for a charge that is captured at once."""
    return [_hold(charge, charge.amount, now=now, phase="pending", kind="authorization", cause=charge.id)]


def incremented(charge: ChargeRow, amount: int, *, step: str, now: int) -> list[TransferRow]:
    """``amount`` more is held by the same authorisation, whose first transfer it names; ``step`` asked for it."""
    return [_hold(charge, amount, now=now, phase="pending", kind="increment", cause=step)]


def released(charge: ChargeRow, amount: int, *, now: int) -> list[TransferRow]:
    """``amount`` of the authorisation will never be captured: voided, expired, or left over by a final capture."""
    return [_hold(charge, amount, now=now, phase="void", kind="release", cause=charge.id)] if amount else []


def captured(
    charge: ChargeRow,
    amount: int,
    *,
    fee: int,
    now: int,
    available_on: int,
    held: bool,
    step: str | None = None,
    description: str | None = None,
) -> Booked:
    """``amount`` was taken, of which the processor keeps ``fee``.

    ``held`` says that ``authorized`` was booked before; ``step`` then is the one of several captures that took it.
    Money whose ``available_on`` has come is available at once.
    """
    cause = step or charge.id
    transaction = _transaction(
        charge, "charge", charge.id, cause=cause, amount=amount, fee=fee, now=now, available_on=available_on,
        detail={"description": description, "fee_details": _fee_details(charge.processor, fee, charge.currency)},
    )
    mine = accounts.merchant(available=transaction.status == "available")
    transfers = [
        _posted(
            charge, accounts.processor(charge.processor), mine,
            amount=amount, kind="capture", source=charge.id, now=now, cause=cause,
            settles=authorization_id(charge.id) if held else None,
        )
    ]
    if fee:
        kept = accounts.fees(charge.processor)
        transfers.append(
            _posted(charge, mine, kept, amount=fee, kind="fee", source=charge.id, now=now, cause=cause)
        )
    return Booked(transfers, transaction)


def refunded(
    refund: RefundRow, *, processor: str, fee_returned: int, now: int, available_on: int, description: str | None = None
) -> Booked:
    """The processor gave ``refund`` back to the cardholder, and ``fee_returned`` of its fee to the merchant.

    It leaves the same balance that the charge's money is in: with the charge's ``available_on``, a refund of money that
    is still pending is pending too, so what is available never pays for what is not.
    """
    transaction = _transaction(
        refund, "refund", refund.id, cause=refund.id,
        amount=-refund.amount, fee=-fee_returned, now=now, available_on=available_on,
        detail={"description": description, "fee_details": _fee_details(processor, -fee_returned, refund.currency)},
    )
    mine = accounts.merchant(available=transaction.status == "available")
    transfers = [
        _posted(
            refund, mine, accounts.processor(processor),
            amount=refund.amount, kind="refund", source=refund.id, now=now, cause=refund.id,
        )
    ]
    if fee_returned:
        transfers.append(
            _posted(
                refund, accounts.fees(processor), mine,
                amount=fee_returned, kind="fee_refund", source=refund.id, now=now, cause=refund.id,
            )
        )
    return Booked(transfers, transaction)


def refund_failed(
    refund: RefundRow, *, step: str, processor: str, fee_returned: int, now: int, available_on: int
) -> Booked:
    """``refund`` came back from the cardholder's bank: all that ``refunded`` booked for it, the other way round.

    ``step`` is the order that gave the money back: it names what this books, as the refund names what it booked.
    """
    transaction = _transaction(
        refund, "refund_failure", refund.id, cause=step,
        amount=refund.amount, fee=fee_returned, now=now, available_on=available_on,
        detail={"description": None, "fee_details": _fee_details(processor, fee_returned, refund.currency)},
    )
    mine = accounts.merchant(available=transaction.status == "available")
    transfers = [
        _posted(
            refund, accounts.processor(processor), mine,
            amount=refund.amount, kind="refund_failure", source=refund.id, now=now, cause=step,
        )
    ]
    if fee_returned:
        transfers.append(
            _posted(
                refund, mine, accounts.fees(processor),
                amount=fee_returned, kind="fee_refund_failure", source=refund.id, now=now, cause=step,
            )
        )
    return Booked(transfers, transaction)


def matured(transactions: Sequence[BalanceTransactionRow], *, batch: str, now: int) -> list[TransferRow]:
    """These pending movements of one account and mode are now available: their net passes over, one row a currency."""
    nets: dict[str, int] = {}
    for transaction in transactions:
        assert transaction.status == "pending", "a movement becomes available once"
        nets[transaction.currency] = nets.get(transaction.currency, 0) + transaction.net
    transfers = []
    for currency, net in nets.items():
        debit, credit = accounts.MERCHANT_PENDING, accounts.MERCHANT_AVAILABLE
        if net < 0:
            debit, credit = credit, debit
        if net:
            row = _posted(
                transactions[0], debit, credit, amount=abs(net), kind="maturity", source=batch, now=now, cause=batch
            )
            transfers.append(row._replace(id=row.id + currency, currency=currency))
    return transfers


def _id(kind: str, source: str) -> str:
    return _PREFIX[kind] + source[source.index("_") :]


def _hold(charge: ChargeRow, amount: int, *, now: int, phase: str, kind: str, cause: str) -> TransferRow:
    hold = authorization_id(charge.id)
    return TransferRow(
        account=charge.account,
        livemode=charge.livemode,
        id=_id(kind, cause),
        created=now,
        debit=accounts.processor(charge.processor),
        credit=accounts.MERCHANT_PENDING,
        amount=amount,
        currency=charge.currency,
        kind=kind,
        phase=phase,
        settles=None if kind == "authorization" else hold,
        source=charge.id,
    )


def _posted(
    row: ChargeRow | RefundRow | BalanceTransactionRow,
    debit: str,
    credit: str,
    *,
    amount: int,
    kind: str,
    source: str,
    now: int,
    cause: str,
    settles: str | None = None,
) -> TransferRow:
    return TransferRow(
        account=row.account,
        livemode=row.livemode,
        id=_id(kind, cause),
        created=now,
        debit=debit,
        credit=credit,
        amount=amount,
        currency=row.currency,
        kind=kind,
        phase="posted",
        settles=settles,
        source=source,
    )


def _transaction(
    row: ChargeRow | RefundRow,
    type_: str,
    source: str,
    *,
    cause: str,
    amount: int,
    fee: int,
    now: int,
    available_on: int,
    detail: Mapping[str, Any],
) -> BalanceTransactionRow:
    return BalanceTransactionRow(
        account=row.account,
        livemode=row.livemode,
        id="txn" + cause[cause.index("_") :],
        version=1,
        created=now,
        type=type_,
        status="available" if available_on <= now else "pending",
        amount=amount,
        fee=fee,
        net=amount - fee,
        currency=row.currency,
        source=source,
        available_on=available_on,
        data=json.dumps(detail, separators=(",", ":")),
    )


def _fee_details(processor: str, fee: int, currency: str) -> list[dict[str, Any]]:
    if not fee:
        return []
    detail = {"type": "payment_processing_fee", "amount": fee, "currency": currency, "application": None}
    return [{**detail, "description": f"{processor} processing fees"}]
