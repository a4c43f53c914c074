"""Payouts on request: what the merchant sees at each step, and where the money is."""

import asyncio
from typing import Any

import pytest

from lockgate.gateway.invariants.check import check
from lockgate.gateway.payments import recover
from lockgate.gateway.settlement import notice
from lockgate.gateway.settlement.core.shapes import PAYOUT
from lockgate.gateway.storage import idempotency
from lockgate.kernel import clock
from lockgate.kernel.errors import Kind, Refusal
from lockgate.kernel.principal import Principal
from tests.gateway.payments.desk import STRANGER
from tests.gateway.settlement.bank import DAY_S, House


async def refused(running: Any) -> Refusal:
    with pytest.raises(Refusal) as caught:
        await running
    return caught.value


async def test_a_payout_is_pending_and_its_money_gone_from_the_balance(house: House) -> None:
    await house.earn(1000)
    shown = await house.pay(600, "&description=Rent&metadata[order]=7&statement_descriptor=SHOP")
    assert set(shown) == set(PAYOUT.fields)
    assert (shown["status"], shown["amount"], shown["currency"]) == ("pending", 600, "usd")
    assert (shown["automatic"], shown["method"], shown["source_type"]) == (False, "standard", "card")
    assert (shown["type"], shown["reconciliation_status"]) == ("bank_account", "not_applicable")
    assert (shown["description"], shown["metadata"], shown["statement_descriptor"]) == ("Rent", {"order": "7"}, "SHOP")
    assert shown["arrival_date"] > clock.now()
    assert shown["arrival_date"] % DAY_S == 0
    assert await house.balance() == 400
    moved = await house.call("balance_transaction.get", id=shown["balance_transaction"])
    assert (moved["type"], moved["amount"], moved["net"], moved["fee"]) == ("payout", -600, -600, 0)
    assert (moved["status"], moved["source"], moved["reporting_category"]) == ("available", shown["id"], "payout")
    assert await house.events(shown["id"]) == ["payout.created"]
    assert await house.get(shown["id"]) == shown
    assert await check(house.ports.pool, now=clock.now()) == []


async def test_no_more_is_paid_out_than_is_available(house: House) -> None:
    await house.earn(1000)
    await house.earn(5000, delay_s=1000)
    short = await refused(house.pay(1001, key="k1"))
    assert (short.kind, short.code) == (Kind.INVALID, "balance_insufficient")
    assert house.bank.orders == []
    assert await house.ports.pool.fetchval("select count(*) from idempotency") == 0
    assert await house.ports.pool.fetchval("select count(*) from attempt") == 0
    assert (await house.pay(1000))["status"] == "pending"
    assert (await refused(house.pay(1))).code == "balance_insufficient"
    assert (await refused(house.call("payout.create", "amount=1&currency=eur"))).code == "balance_insufficient"


async def test_fifty_at_once_never_pay_out_more_than_there_is(house: House) -> None:
    await house.earn(1000)
    results = await asyncio.gather(*(house.pay(90) for _ in range(50)), return_exceptions=True)
    made = [result for result in results if isinstance(result, dict)]
    short = [result for result in results if isinstance(result, Refusal) and result.code == "balance_insufficient"]
    assert (len(made), len(short)) == (11, 39)
    assert await house.balance() == 10
    assert len(house.bank.payouts) == 11
    assert await check(house.ports.pool, now=clock.now()) == []


async def test_an_order_that_was_never_sent_leaves_nothing(house: House) -> None:
    await house.earn(1000)
    house.bank.faults = ["not_sent"]
    gone = await refused(house.pay(600, key="k1"))
    assert (gone.kind, gone.should_retry) == (Kind.UNAVAILABLE, True)
    assert await house.balance() == 1000
    assert (await house.call("payout.list"))["data"] == []
    assert await house.events() == []
    assert await house.ports.pool.fetchval("select count(*) from idempotency") == 0
    assert (await house.pay(1000, key="k1"))["status"] == "pending"
    assert await check(house.ports.pool, now=clock.now()) == []


@pytest.mark.parametrize(("fault", "status"), [("lost_before", "failed"), ("lost_after", "pending")])
async def test_an_unknown_outcome_keeps_the_amount_until_recovery_knows(house: House, fault: str, status: str) -> None:
    await house.earn(1000)
    house.bank.faults = [fault]
    shown = await house.pay(600)
    assert shown["status"] == "pending"
    assert await house.balance() == 400
    assert (await refused(house.call("payout.cancel", payout=shown["id"]))).code == "lock_timeout"
    await recovered(house)
    after = await house.get(shown["id"])
    assert after["status"] == status
    if status == "failed":
        assert (after["failure_code"], await house.balance()) == ("could_not_process", 1000)
        assert await house.events(shown["id"]) == ["payout.created", "payout.failed"]
    else:
        assert await house.balance() == 400
        assert await house.events(shown["id"]) == ["payout.created"]
        assert (await house.call("payout.cancel", payout=shown["id"]))["status"] == "canceled"
    assert await check(house.ports.pool, now=clock.now()) == []


async def recovered(house: House) -> None:
    """Recovery, as if nothing could be under way any more."""
    await house.ports.pool.execute("update attempt set next_check_ms = 1, send_before_ms = 1 where next_check_ms > 0")
    await recover.portion(house.desk.ports)


async def test_a_bank_that_refuses_at_once_makes_a_failed_payout(house: House) -> None:
    await house.earn(1000)
    house.bank.refuses = "account_closed"
    shown = await house.pay(600)
    assert (shown["status"], shown["failure_code"]) == ("failed", "account_closed")
    assert shown["failure_message"]
    back = await house.call("balance_transaction.get", id=shown["failure_balance_transaction"])
    assert (back["type"], back["amount"], back["reporting_category"]) == ("payout_failure", 600, "payout_reversal")
    assert await house.balance() == 1000
    assert await house.events(shown["id"]) == ["payout.created", "payout.failed"]
    assert (await house.event("payout.created"))["object"]["status"] == "pending"
    assert await check(house.ports.pool, now=clock.now()) == []


async def test_a_payout_leaves_and_arrives(house: House) -> None:
    await house.earn(1000)
    made = await house.pay(600)
    await house.ask()
    assert (await house.get(made["id"]))["status"] == "pending"
    house.said_by_bank(status="in_transit")
    await house.ask()
    assert (await house.get(made["id"]))["status"] == "in_transit"
    assert (await house.event("payout.updated"))["previous_attributes"] == {"status": "pending"}
    house.said_by_bank(status="paid")
    await house.ask()
    assert (await house.get(made["id"]))["status"] == "paid"
    assert await house.events(made["id"]) == ["payout.created", "payout.updated", "payout.paid"]
    house.said_by_bank(status="failed", failure_code="no_account")
    assert await notice.payout(house.ports, "acct_a", False, max(house.bank.payouts)) is True
    after = await house.get(made["id"])
    assert (after["status"], after["failure_code"], await house.balance()) == ("failed", "no_account", 1000)
    assert await notice.payout(house.ports, "acct_a", False, max(house.bank.payouts)) is True
    assert await house.balance() == 1000
    assert await check(house.ports.pool, now=clock.now()) == []


@pytest.mark.parametrize(
    ("status", "events"),
    [("paid", ["payout.updated", "payout.paid"]), ("failed", ["payout.updated", "payout.failed"]),
     ("canceled", ["payout.canceled"])],
)
async def test_what_was_missed_is_told_in_order(house: House, status: str, events: list[str]) -> None:
    await house.earn(1000)
    made = await house.pay(600)
    code = "could_not_process" if status == "failed" else None
    house.said_by_bank(status=status, failure_code=code)
    results = await asyncio.gather(*(
        notice.payout(house.ports, "acct_a", False, max(house.bank.payouts)) for _ in range(5)
    ))
    assert all(results)
    assert await house.events(made["id"]) == ["payout.created", *events]
    assert await house.balance() == (400 if status == "paid" else 1000)
    assert await check(house.ports.pool, now=clock.now()) == []


async def test_what_the_bank_does_not_say_is_not_believed(house: House) -> None:
    await house.earn(1000)
    made = await house.pay(600)
    house.bank.silent = True
    assert await notice.payout(house.ports, "acct_a", False, max(house.bank.payouts)) is False
    assert await notice.payout(house.ports, "acct_a", False, "spo_unheard_of") is False
    assert await notice.payout(house.ports, "acct_b", False, max(house.bank.payouts)) is False
    await house.ask()
    assert (await house.get(made["id"]))["status"] == "pending"
    assert await house.ports.pool.fetchval("select ask_at from payout") > clock.now()


async def test_a_pending_payout_can_be_stopped_once(house: House) -> None:
    await house.earn(1000)
    made = await house.pay(600)
    results = await asyncio.gather(
        *(house.call("payout.cancel", payout=made["id"]) for _ in range(10)), return_exceptions=True
    )
    done = [result for result in results if isinstance(result, dict)]
    assert len(done) == 1
    assert (done[0]["status"], await house.balance()) == ("canceled", 1000)
    back = await house.call("balance_transaction.get", id=done[0]["failure_balance_transaction"])
    assert (back["type"], back["amount"]) == ("payout_cancel", 600)
    assert await house.events(made["id"]) == ["payout.created", "payout.canceled"]
    assert "canceled" in (await refused(house.call("payout.cancel", payout=made["id"]))).message
    assert await check(house.ports.pool, now=clock.now()) == []


async def test_a_payout_that_has_left_cannot_be_stopped(house: House) -> None:
    await house.earn(1000)
    made = await house.pay(600)
    house.bank.refuses = "payout_in_transit"
    late = await house.call("payout.cancel", payout=made["id"], key="k1")
    assert "bank has it" in late["error"]["message"]
    house.bank.refuses = None
    house.said_by_bank(status="in_transit")
    await house.ask()
    assert (await refused(house.call("payout.cancel", payout=made["id"]))).kind is Kind.INVALID
    assert await house.balance() == 400


@pytest.mark.parametrize(("fault", "status"), [("lost_before", "pending"), ("lost_after", "canceled")])
async def test_a_cancel_in_doubt_shows_the_payout_as_it_was(house: House, fault: str, status: str) -> None:
    await house.earn(1000)
    made = await house.pay(600)
    house.bank.faults = [fault]
    assert (await house.call("payout.cancel", payout=made["id"]))["status"] == "pending"
    assert (await refused(house.call("payout.cancel", payout=made["id"]))).code == "lock_timeout"
    await recovered(house)
    assert (await house.get(made["id"]))["status"] == status
    assert await house.balance() == (1000 if status == "canceled" else 400)
    assert await check(house.ports.pool, now=clock.now()) == []


async def test_a_paid_payout_is_fetched_back(house: House) -> None:
    await house.earn(1000)
    made = await house.pay(600)
    assert "cancel it instead" in (await refused(house.call("payout.reverse", payout=made["id"]))).message
    house.said_by_bank(status="paid")
    await house.ask()
    back = await house.call("payout.reverse", "metadata[why]=mistake", payout=made["id"])
    assert (back["amount"], back["status"], back["original_payout"]) == (-600, "pending", made["id"])
    assert back["metadata"] == {"why": "mistake"}
    assert (await house.get(made["id"]))["reversed_by"] == back["id"]
    assert (await house.event("payout.updated"))["previous_attributes"] == {"reversed_by": None}
    assert (await house.balance(), await house.balance("pending")) == (400, 600)
    for id_ in (made["id"], back["id"]):
        assert (await refused(house.call("payout.reverse", payout=id_))).kind is Kind.INVALID
    assert await check(house.ports.pool, now=clock.now()) == []
    house.said_by_bank(status="paid")
    await house.wait(10 * DAY_S)
    assert (await house.get(back["id"]))["status"] == "paid"
    assert (await house.balance(), await house.balance("pending")) == (1000, 0)
    assert (await house.events(back["id"]))[-1] == "payout.paid"
    assert await check(house.ports.pool, now=clock.now() + 10 * DAY_S) == []


async def test_a_reversal_that_the_bank_refuses_takes_its_money_away_again(house: House) -> None:
    await house.earn(1000)
    made = await house.pay(600)
    house.said_by_bank(status="paid")
    await house.ask()
    house.bank.refuses = "payout_unknown"
    assert "refused" in (await house.call("payout.reverse", payout=made["id"]))["error"]["message"]
    assert (await house.get(made["id"]))["reversed_by"] is None
    house.bank.refuses = None
    back = await house.call("payout.reverse", payout=made["id"])
    house.said_by_bank(status="failed", failure_code="insufficient_funds")
    await house.ask()
    assert (await house.get(back["id"]))["failure_code"] == "insufficient_funds"
    assert (await house.balance(), await house.balance("pending")) == (400, 0)
    again = await house.call("payout.reverse", payout=made["id"])
    assert (await house.get(made["id"]))["reversed_by"] == again["id"]
    assert await check(house.ports.pool, now=clock.now()) == []


async def test_the_same_key_shows_what_became_of_a_lost_request(house: House) -> None:
    from lockgate.gateway.payments import recover
    await house.earn(1000)
    house.bank.faults = ["lost_after"]
    made = await house.pay(600, key="k1")
    await house.ports.pool.execute("update idempotency set status = null, answer = null")
    found = await idempotency.find(house.ports.pool, account="acct_a", livemode=False, key="k1")
    assert found is not None
    call = house.request("payout.create", "amount=600&currency=usd", key="k1")
    answer = await recover.settle_claim(house.desk.ports, call.principal, found, call)
    assert answer is not None
    assert made["id"].encode() in answer.body


async def test_metadata_is_merged_and_its_change_told(house: House) -> None:
    await house.earn(1000)
    made = await house.pay(600, "&metadata[a]=1&metadata[b]=2")
    changed = await house.call("payout.update", "metadata[a]=&metadata[c]=3", payout=made["id"])
    assert changed["metadata"] == {"b": "2", "c": "3"}
    told = await house.event("payout.updated")
    assert told["previous_attributes"] == {"metadata": {"a": "1", "c": None}}
    assert (await house.call("payout.update", "metadata=", payout=made["id"]))["metadata"] == {}


async def test_payouts_are_listed_filtered_and_paged(house: House) -> None:
    await house.earn(1000)
    ids = [(await house.pay(amount))["id"] for amount in (1, 2, 3)]
    await house.call("payout.cancel", payout=ids[0])
    assert [row["id"] for row in (await house.call("payout.list", "limit=2"))["data"]] == [ids[2], ids[1]]
    assert [row["id"] for row in (await house.call("payout.list", f"ending_before={ids[1]}"))["data"]] == [ids[2]]
    assert [row["id"] for row in (await house.call("payout.list", "status=canceled"))["data"]] == [ids[0]]
    assert (await house.call("payout.list", f"arrival_date[lte]={clock.now()}"))["data"] == []
    assert len((await house.call("payout.list", f"arrival_date[gt]={clock.now()}"))["data"]) == 3
    assert (await house.call("payout.list", f"created[gt]={clock.now() + 5}"))["data"] == []
    assert (await house.call("payout.list", who=STRANGER))["data"] == []
    stranger = await refused(house.call("payout.get", payout=ids[0], who=STRANGER))
    assert stranger.message == f"No such payout: '{ids[0]}'"
    assert (await refused(house.call("payout.list", "starting_after=po_none"))).kind is Kind.INVALID
    assert "manual" in (await refused(house.call("balance_transaction.list", f"payout={ids[0]}"))).message


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ("currency=usd", "parameter_missing", "amount"), ("amount=5", "parameter_missing", "currency"),
        ("amount=0&currency=usd", "parameter_invalid_integer", "amount"),
        ("amount=-5&currency=usd", "parameter_invalid_integer", "amount"),
        ("amount=5&currency=usd&method=instant", "parameter_unsupported", "method"),
        ("amount=5&currency=usd&source_type=fpx", "parameter_unsupported", "source_type"),
        ("amount=5&currency=usd&destination=ba_1", "parameter_unsupported", "destination"),
        ("amount=5&currency=usd&colour=red", "parameter_unknown", "colour"),
        ("amount=5&currency=xxx", None, "currency"),
        ("amount=5&currency=usd&statement_descriptor=" + "x" * 23, None, "statement_descriptor"),
    ],
)
async def test_bad_parameters_are_named(house: House, body: str, code: str | None, param: str) -> None:
    async def run() -> Any:
        return await house.call("payout.create", body)

    bad = await refused(run())
    assert (bad.kind, bad.code, bad.param) == (Kind.INVALID, code, param)


async def test_another_mode_has_another_balance(house: House) -> None:
    await house.earn(1000)
    live = Principal("acct_a", True, "secret", "key_l")
    assert (await refused(house.pay(1, who=live))).code == "balance_insufficient"


async def overtaken(house: House, running: Any, monkeypatch: pytest.MonkeyPatch) -> Refusal:
    """What ``running`` is told when recovery bars its order before it goes out."""
    real = house.bank.forward

    async def slow(*given: Any, **named: Any) -> Any:
        monkeypatch.undo()
        await recovered(house)
        return await real(*given, **named)

    monkeypatch.setattr(house.bank, "forward", slow, raising=False)
    return await refused(running)


async def test_a_cancel_that_recovery_barred_is_told_as_not_sent(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.earn(1000)
    made = await house.pay(600)
    told = await overtaken(house, house.call("payout.cancel", payout=made["id"], key="k1"), monkeypatch)
    assert (told.kind, told.should_retry) == (Kind.UNAVAILABLE, True)
    assert await idempotency.find(house.ports.pool, account="acct_a", livemode=False, key="k1") is None
    assert (await house.call("payout.cancel", payout=made["id"], key="k1"))["status"] == "canceled"


async def test_a_retry_of_a_refused_cancel_is_refused_as_well(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    await house.earn(1000)
    made = await house.pay(600)
    house.bank.refuses = "payout_in_transit"
    real = house.ports.committer.commit

    async def dies(commit: Any) -> None:
        if commit.answers:
            raise ConnectionError
        await real(commit)

    monkeypatch.setattr(house.ports.committer, "commit", dies)
    call = house.request("payout.cancel", payout=made["id"], key="k1")
    with pytest.raises(ConnectionError):
        await house.operation("payout.cancel").handler(call)
    monkeypatch.undo()
    await recovered(house)
    found = await idempotency.find(house.ports.pool, account="acct_a", livemode=False, key="k1")
    assert found is not None and found.status is None
    answer = await recover.settle_claim(house.desk.ports, call.principal, found, call)
    assert answer is not None and answer.status == 400
    assert b"bank has it" in answer.body


@pytest.mark.parametrize(("status", "available"), [("paid", 1000), ("failed", 400)])
async def test_what_a_reversal_fetches_is_not_there_before_it_has_arrived(
    house: House, status: str, available: int
) -> None:
    await house.earn(1000)
    made = await house.pay(600)
    house.said_by_bank(status="paid")
    await house.ask()
    await house.call("payout.reverse", payout=made["id"])
    await house.wait(10 * DAY_S)
    assert (await house.balance(), await house.balance("pending")) == (400, 600)
    house.said_by_bank(status=status, failure_code="could_not_process" if status == "failed" else None)
    await house.ask()
    await house.wait(DAY_S)
    assert (await house.balance(), await house.balance("pending")) == (available, 0)
    assert await check(house.ports.pool, now=clock.now()) == []


async def test_an_update_that_changes_nothing_tells_nothing(house: House) -> None:
    await house.earn(10_000)
    made = await house.pay(1_000)
    before = await house.events(made["id"])
    for form in ("", "metadata="):
        assert (await house.call("payout.update", form, payout=made["id"]))["metadata"] == {}
    assert await house.events(made["id"]) == before
    changed = await house.call("payout.update", "metadata[batch]=7", payout=made["id"])
    assert changed["metadata"] == {"batch": "7"}
    assert await house.events(made["id"]) == [*before, "payout.updated"]
