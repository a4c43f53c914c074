"""The books balance by construction: no sequence of payments and refunds creates or loses a minor unit."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockgate.gateway.ledger import accounts, transfers
from lockgate.gateway.storage.rows import ChargeRow, RefundRow, TransferRow

AMOUNTS = st.integers(1, 99_999_999)
NOW = 1_800_000_000


def charge(amount: int, *, currency: str = "usd") -> ChargeRow:
    return ChargeRow(
        account="acct_a", livemode=False, id="ch_0abc", version=1, created=NOW, status="succeeded", intent="pi_0abc",
        amount=amount, amount_captured=0, amount_refunded=0, capture_in_doubt=0, refund_in_doubt=0, currency=currency,
        customer=None, payment_method="pm_0abc", balance_transaction=None, processor="simulator",
        processor_reference="au_1", subject="pi_0abc", data="{}", personal=None,
    )


def refund(amount: int) -> RefundRow:
    return RefundRow(
        account="acct_a", livemode=False, id="re_0abc", version=1, created=NOW, status="succeeded", charge="ch_0abc",
        intent="pi_0abc", amount=amount, currency="usd", balance_transaction=None, data="{}",
    )


def balances(rows: list[TransferRow]) -> Counter[str]:
    """What the commit function makes of transfers."""
    totals: Counter[str] = Counter()
    for row in rows:
        if row.phase == "posted":
            totals[row.debit] -= row.amount
            totals[row.credit] += row.amount
    return totals


@given(
    amount=AMOUNTS, captured=st.data(), fee=st.integers(0, 5_000), at_once=st.booleans(), held=st.booleans(),
    fee_returned=st.integers(0, 5_000),
)
def test_a_payment_and_its_refunds_leave_every_minor_unit_in_its_place(
    amount: int, captured: st.DataObject, fee: int, at_once: bool, held: bool, fee_returned: int
) -> None:
    taken = captured.draw(st.integers(1, amount))
    given_back = captured.draw(st.lists(st.integers(1, taken), max_size=4).filter(lambda parts: sum(parts) <= taken))
    due = transfers.available_on({}, now=NOW, at_once=at_once)
    booked = transfers.captured(charge(amount), taken, fee=fee, now=NOW, available_on=due, held=held)
    movements = [booked]
    movements += [
        transfers.refunded(
            refund(part), processor="simulator", fee_returned=fee_returned, now=NOW, available_on=due
        )
        for part in given_back
    ]
    rows = [row for movement in movements for row in movement.transfers]
    totals = balances(rows)
    assert sum(totals.values()) == 0
    net = sum(movement.transaction.net for movement in movements)
    assert totals[accounts.merchant(available=at_once)] == net
    assert totals[accounts.merchant(available=not at_once)] == 0
    assert totals[accounts.processor("simulator")] == sum(given_back) - taken
    assert totals[accounts.fees("simulator")] == fee - fee_returned * len(given_back)

    if not at_once:
        rows += transfers.matured([movement.transaction for movement in movements], batch="mat_1", now=due)
        totals = balances(rows)
        assert sum(totals.values()) == 0
        assert totals[accounts.MERCHANT_PENDING] == 0
        assert totals[accounts.MERCHANT_AVAILABLE] == net


@given(amount=AMOUNTS, parts=st.data())
def test_an_authorisation_is_settled_exactly_and_moves_nothing(amount: int, parts: st.DataObject) -> None:
    taken = parts.draw(st.integers(1, amount))
    mine = charge(amount)
    held = transfers.authorized(mine, now=NOW)
    assert not +balances(held)
    due = transfers.available_on({"settlement_delay_s": 5}, now=NOW)
    assert due == NOW + 5
    rows = held + transfers.captured(mine, taken, fee=0, now=NOW, available_on=due, held=True).transfers
    rows += transfers.released(mine, amount - taken, now=NOW)
    settled = sum(row.amount for row in rows if row.settles == held[0].id)
    assert settled == held[0].amount == amount
    assert balances(rows)[accounts.MERCHANT_PENDING] == taken


def test_nothing_is_booked_for_nothing() -> None:
    mine = charge(100)
    assert transfers.released(mine, 0, now=NOW) == []
    booked = transfers.captured(mine, 100, fee=100, now=NOW, available_on=NOW + 1, held=False)
    assert booked.transaction.net == 0
    assert transfers.matured([booked.transaction], batch="mat_1", now=NOW + 1) == []


def test_currencies_mature_apart_and_only_once() -> None:
    mine = [
        transfers.captured(charge(amount, currency=currency), amount, fee=0, now=NOW, available_on=NOW + 1, held=False)
        for amount, currency in ((100, "usd"), (7, "jpy"), (5, "usd"))
    ]
    rows = transfers.matured([booked.transaction for booked in mine], batch="mat_1", now=NOW + 1)
    assert {(row.currency, row.amount) for row in rows} == {("usd", 105), ("jpy", 7)}
    with pytest.raises(AssertionError):
        transfers.matured([mine[0].transaction._replace(status="available")], batch="mat_1", now=NOW + 1)
