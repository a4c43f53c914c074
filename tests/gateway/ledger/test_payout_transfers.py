"""Payouts move every minor unit once, and back once, whatever becomes of them."""

from collections import Counter
from typing import Literal

from hypothesis import given
from hypothesis import strategies as st

from lockgate.gateway.ledger import accounts, payout_transfers, transfers
from lockgate.gateway.storage.records import PayoutRow
from tests.gateway.ledger.test_transfers import balances

NOW = 1_800_000_000
LATER = NOW + 86_400
RETURNS: tuple[tuple[Literal["payout_cancel", "payout_failure"], str], ...] = (
    ("payout_failure", "txn_1"), ("payout_failure", "txn_2"), ("payout_cancel", "txn_3"),
)
AMOUNTS = st.integers(-99_999_999, 99_999_999).filter(bool)


def payout(amount: int) -> PayoutRow:
    return PayoutRow(
        account="acct_a", livemode=False, id="po_0abc", version=1, created=NOW, status="pending", amount=amount,
        currency="usd", arrival_date=LATER, automatic=False, ask_at=None, attempt=None, balance_transaction=None,
        processor="simulator", processor_reference="spo_1", data='{"description":"Rent"}',
    )


def mine(totals: Counter[str]) -> int:
    return totals[accounts.MERCHANT_AVAILABLE] + totals[accounts.MERCHANT_PENDING]


@given(amount=AMOUNTS, arrives=st.booleans(), matures=st.booleans())
def test_what_comes_back_was_taken_once(amount: int, arrives: bool, matures: bool) -> None:
    row = payout(amount)
    ordered = payout_transfers.ordered(row, now=NOW)
    rows, taken = list(ordered.transfers), ordered.transaction
    assert (taken.net, taken.type, taken.source) == (-amount, "payout", row.id)
    assert (taken.status, taken.available_on) == (("available", NOW) if amount > 0 else ("pending", LATER))
    assert mine(balances(rows)) == -amount
    assert balances(rows)[accounts.in_transit("simulator")] == amount
    if matures and taken.status == "pending":
        rows += transfers.matured([taken], batch="mat_1", now=LATER)
        taken = taken._replace(status="available")
    if arrives:
        rows += payout_transfers.arrived(row, now=LATER)
        assert balances(rows)[accounts.bank("simulator")] == amount
        assert balances(rows)[accounts.in_transit("simulator")] == 0
    back = payout_transfers.returned(
        row, taken, kind="payout_failure", transaction_id="txn_back", from_bank=arrives, now=LATER
    )
    rows += back.transfers
    totals = balances(rows)
    assert not any(totals.values())
    assert (back.transaction.net, back.transaction.status) == (amount, taken.status)
    assert len({moved.id for moved in rows}) == len(rows)


def test_no_payout_can_return_twice() -> None:
    row = payout(100)
    taken = payout_transfers.ordered(row, now=NOW).transaction
    ids = {
        payout_transfers.returned(row, taken, kind=one, transaction_id=id_, from_bank=False, now=NOW).transfers[0].id
        for one, id_ in RETURNS
    }
    assert len(ids) == 1
