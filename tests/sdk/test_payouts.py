"""Payouts through the official client: from earned money to the bank and back, by a clock that is moved."""

import time
from collections.abc import Callable
from typing import Any

import pytest
import stripe

from tests.support.running import Running

DAY_S = 86_400
REFUSED, FAILS_ON_ARRIVAL, FAILS_LATER = 4_111, 4_222, 4_333


def earn(client: stripe.StripeClient, amount: int) -> str:
    """Money that is available at once; returns the charge."""
    card = {"number": "4000000000000077", "exp_month": 12, "exp_year": 2040, "cvc": "123"}
    params: Any = {
        "amount": amount,
        "currency": "usd",
        "confirm": True,
        "payment_method_data": {"type": "card", "card": card},
        "return_url": "https://shop.test/done",
    }
    intent = client.v1.payment_intents.create(params)
    assert intent.status == "succeeded"
    return str(intent.latest_charge)


def available(client: stripe.StripeClient) -> int:
    return next(funds.amount for funds in client.v1.balance.retrieve().available if funds.currency == "usd")


def pending(client: stripe.StripeClient) -> int:
    return sum(funds.amount for funds in client.v1.balance.retrieve().pending)


def forward(client: stripe.StripeClient, days: int) -> None:
    client.raw_request("post", "/v1/test_helpers/clock/advance", seconds=days * DAY_S)


def until(what: Callable[[], bool], *, within_s: float = 20) -> None:
    end = time.monotonic() + within_s
    while not what():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.1)


def pay(client: stripe.StripeClient, amount: int, **more: Any) -> stripe.Payout:
    params: Any = {"amount": amount, "currency": "usd", **more}
    return client.v1.payouts.create(params)


def told(client: stripe.StripeClient, payout: str) -> list[str]:
    """The types of the events about ``payout``, oldest first."""
    events = client.v1.events.list({"limit": 100, "types": [f"payout.{word}" for word in (
        "created", "updated", "paid", "failed", "canceled",
    )]})
    return [event.type for event in reversed(events.data) if event.data.object["id"] == payout]


def test_a_payout_from_order_to_arrival(client: stripe.StripeClient) -> None:
    forward(client, 7)
    until(lambda: pending(client) == 0)  # what other tests earned
    earn(client, 50_000)
    before = available(client)
    payout = pay(client, 1_000, metadata={"week": "7"}, description="Week 7")
    assert (payout.status, payout.automatic, payout.metadata and payout.metadata["week"]) == ("pending", False, "7")
    assert available(client) == before - 1_000
    movement = client.v1.balance_transactions.retrieve(str(payout.balance_transaction), {"expand": ["source"]})
    assert (movement.amount, movement.type) == (-1_000, "payout")
    assert isinstance(movement.source, stripe.Payout)
    forward(client, 7)
    until(lambda: client.v1.payouts.retrieve(payout.id).status == "paid")
    assert told(client, payout.id) == ["payout.created", "payout.updated", "payout.paid"]
    back = client.v1.payouts.reverse(payout.id)
    assert (back.amount, back.original_payout) == (-1_000, payout.id)
    forward(client, 7)
    until(lambda: client.v1.payouts.retrieve(back.id).status == "paid" and available(client) == before)


def test_a_pending_payout_is_canceled(client: stripe.StripeClient) -> None:
    earn(client, 50_000)
    before = available(client)
    payout = client.v1.payouts.cancel(pay(client, 2_000).id)
    assert (payout.status, available(client)) == ("canceled", before)
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.payouts.cancel(payout.id)


def test_too_much_is_refused(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        pay(client, available(client) + 1)
    assert refused.value.code == "balance_insufficient"


def test_banks_refuse_fail_and_change_their_mind(client: stripe.StripeClient) -> None:
    earn(client, 50_000)
    before = available(client)
    refused = pay(client, REFUSED)
    assert (refused.status, refused.failure_code) == ("failed", "account_closed")
    failing, turning = pay(client, FAILS_ON_ARRIVAL), pay(client, FAILS_LATER)
    assert available(client) == before - FAILS_ON_ARRIVAL - FAILS_LATER
    days = max(1, (turning.arrival_date - turning.created) // DAY_S + 1)
    forward(client, days)
    until(lambda: client.v1.payouts.retrieve(failing.id).status == "failed")
    until(lambda: client.v1.payouts.retrieve(turning.id).status == "paid")
    forward(client, 3)
    until(lambda: client.v1.payouts.retrieve(turning.id).status == "failed")
    assert client.v1.payouts.retrieve(turning.id).failure_code == "could_not_process"
    assert told(client, turning.id) == ["payout.created", "payout.updated", "payout.paid", "payout.failed"]
    assert available(client) == before


def test_a_schedule_pays_out_by_itself_and_says_what(client: stripe.StripeClient, lockgate: Running) -> None:
    assert "manual" in lockgate.command("payouts", "schedule").stdout
    charge = earn(client, 30_000)
    before = available(client)
    assert "daily" in lockgate.command("payouts", "schedule", "daily", "--delay-days", "0").stdout
    account = client.v1.accounts.retrieve_current()
    assert account.settings is not None and account.settings.payouts is not None
    assert account.settings.payouts.schedule.interval == "daily"
    try:
        forward(client, 1)
        until(lambda: client.v1.payouts.list().data[0].automatic)
        payout = client.v1.payouts.list().data[0]
        assert payout.amount == before
        movements = client.v1.balance_transactions.list({"payout": payout.id, "expand": ["data.source"], "limit": 100})
        sources = {movement.source.id for movement in movements.auto_paging_iter() if movement.source}  # type: ignore[union-attr]
        assert {charge, payout.id} <= sources
        assert available(client) == 0
    finally:
        lockgate.command("payouts", "schedule", "manual")


def test_the_books_agree_with_the_bank(lockgate: Running) -> None:
    verified = lockgate.command("verify", check=False)
    assert verified.returncode == 0, verified.stdout
