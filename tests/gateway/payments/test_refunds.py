"""Refunds through real storage: what is captured can come back once, whatever the processor and the network do."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from lockgate.gateway.ledger import find as books
from lockgate.gateway.payments import find, refund
from lockgate.gateway.payments.core import refunds
from lockgate.gateway.payments.core.refunds import REFUND
from lockgate.gateway.processors.contract import Outcome, Result
from lockgate.gateway.storage.commit import KeyInUse
from lockgate.gateway.storage.packing import unpack
from lockgate.gateway.storage.rows import AttemptRow, ChargeRow
from lockgate.kernel.errors import Refusal
from lockgate.kernel.operations import Answer, Call
from lockgate.kernel.orders import Answered, Lost, NotSent, Order, Reply
from tests.gateway.payments.desk import MERCHANT, STRANGER, Concludes, Desk, answers, open_desk
from tests.support.cluster import Database


@pytest_asyncio.fixture
async def desk(database: Database) -> AsyncIterator[Desk]:
    opened = await open_desk(database)
    yield opened
    await opened.pool.close()


async def charge_of(desk: Desk, id_: str) -> ChargeRow:
    return await find.charge(desk.pool, MERCHANT, id_)


async def attempts(desk: Desk) -> list[AttemptRow]:
    return [AttemptRow(*row) for row in await desk.pool.fetch("select * from attempt order by id")]


async def refused(desk: Desk, body: str, **more: Any) -> Refusal:
    with pytest.raises(Refusal) as caught:
        await desk.call("refund.create", body, **more)
    return caught.value


async def test_a_full_refund_moves_the_money_and_tells_everyone(desk: Desk) -> None:
    desk.vault.script = answers()
    charge = await desk.captured(1000)
    made = await desk.call("refund.create", f"charge={charge.id}&reason=duplicate&metadata[a]=b", key="k1")
    assert set(made) == set(REFUND.fields)
    assert (made["status"], made["amount"], made["currency"]) == ("succeeded", 1000, "usd")
    assert (made["reason"], made["metadata"], made["payment_intent"]) == ("duplicate", {"a": "b"}, charge.intent)
    after = await charge_of(desk, charge.id)
    assert (after.amount_refunded, after.refund_in_doubt) == (1000, 0)
    balances = await books.balances(desk.pool, account="acct_a", livemode=False)
    assert balances == {
        ("merchant:pending", "usd"): -59, ("fees:simulator", "usd"): 59, ("processor:simulator", "usd"): 0,
    }
    movement = await desk.pool.fetchrow("select * from balance_transaction where source = $1", made["id"])
    assert movement is not None
    assert (movement["amount"], movement["fee"], movement["status"]) == (-1000, 0, "pending")
    assert made["balance_transaction"] == movement["id"]
    assert sorted(await desk.events()) == ["charge.refunded", "refund.created"]
    assert (await desk.event("charge.refunded"))["refunded"] is True
    stored = await desk.pool.fetchrow("select status, answer from idempotency where key = 'k1'")
    assert stored is not None
    assert json.loads(stored["answer"])["id"] == made["id"]
    assert await desk.call("refund.get", id=made["id"]) == made
    again = await refused(desk, f"charge={charge.id}")
    assert again.code == "charge_already_refunded"
    assert "already been refunded" in again.message


async def test_a_refund_can_be_answered_with_its_movement(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    readable = []

    async def answer(self: Any, call: Call, rendered: Any, *, fresh: Any) -> Answer:
        sources = [row["source"] for row in await desk.pool.fetch("select source from balance_transaction")]
        readable.append(rendered["id"] in sources)
        return Answer(200, json.dumps(rendered).encode())

    monkeypatch.setattr(Concludes, "object", answer)
    desk.vault.script = answers()
    charge = await desk.captured()
    expand = ("balance_transaction", "charge")
    made = await desk.call("refund.create", f"charge={charge.id}", key="k1", expand=expand)
    assert (made["status"], readable) == ("succeeded", [True])
    stored = await desk.pool.fetchval("select answer from idempotency where key = 'k1'")
    assert json.loads(stored) == made


async def test_events_say_what_was_before(desk: Desk) -> None:
    async def previous(type_: str) -> Any:
        packed = await desk.pool.fetchval("select data from event where type = $1 order by id desc limit 1", type_)
        return unpack(packed)["previous_attributes"]

    charge = await desk.captured(1000)
    desk.vault.script = answers()
    await desk.call("refund.create", f"charge={charge.id}&amount=400")
    assert await previous("charge.refunded") == {"amount_refunded": 0}
    desk.vault.script = lambda order: Lost("timeout")
    await desk.call("refund.create", f"charge={charge.id}")
    (_, attempt) = await attempts(desk)
    await refund.settle(desk.ports, attempt, Result(Outcome.APPROVED, processor_reference="re_1"))
    assert await previous("charge.refunded") == {"amount_refunded": 400, "refunded": False}
    before = await previous("refund.updated")
    assert (before["status"], before["balance_transaction"]) == ("pending", None)


async def test_partial_refunds_add_up_and_never_exceed(desk: Desk) -> None:
    desk.vault.script = answers()
    charge = await desk.captured(1000, taken=900)
    for amount in (100, 300):
        assert (await desk.call("refund.create", f"charge={charge.id}&amount={amount}"))["amount"] == amount
    too_much = await refused(desk, f"charge={charge.id}&amount=501")
    assert (too_much.param, too_much.kind.value) == ("amount", "invalid")
    rest = await desk.call("refund.create", f"charge={charge.id}")
    assert rest["amount"] == 500
    assert (await charge_of(desk, charge.id)).amount_refunded == 900


async def test_fifty_parallel_refunds_never_exceed_what_was_captured(desk: Desk) -> None:
    desk.vault.script = answers()
    charge = await desk.captured(1000)
    results = await asyncio.gather(
        *(desk.call("refund.create", f"charge={charge.id}&amount=300") for _ in range(50)), return_exceptions=True
    )
    made = [result for result in results if isinstance(result, dict)]
    assert 1 <= len(made) <= 3
    assert all(isinstance(result, (dict, Refusal)) for result in results)
    after = await charge_of(desk, charge.id)
    assert (after.amount_refunded, after.refund_in_doubt) == (300 * len(made), 0)
    assert len(desk.vault.orders) == len(made)


async def test_a_declined_refund_fails_and_frees_the_money(desk: Desk) -> None:
    desk.vault.script = answers(status="declined", decline_code="insufficient_funds")
    charge = await desk.captured()
    made = await desk.call("refund.create", f"charge={charge.id}")
    assert (made["status"], made["failure_reason"]) == ("failed", "insufficient_funds")
    after = await charge_of(desk, charge.id)
    assert (after.amount_refunded, after.refund_in_doubt) == (0, 0)
    assert sorted(await desk.events()) == ["refund.created", "refund.failed"]
    assert await desk.pool.fetchval("select count(*) from transfer where kind = 'refund'") == 0


@pytest.mark.parametrize("reply", [Lost("reset"), Answered(500, (), b"oops"), Answered(200, (), b"{")])
async def test_in_doubt_it_is_pending_and_the_money_stays_reserved(desk: Desk, reply: Reply) -> None:
    desk.vault.script = lambda order: reply
    charge = await desk.captured(1000)
    made = await desk.call("refund.create", f"charge={charge.id}&amount=600")
    assert (made["status"], made["pending_reason"]) == ("pending", "processing")
    assert (await charge_of(desk, charge.id)).refund_in_doubt == 600
    assert (await refused(desk, f"charge={charge.id}&amount=500")).param == "amount"
    (attempt,) = await attempts(desk)
    assert attempt.state == "unknown"
    assert attempt.next_check_ms is not None
    await refund.settle(desk.ports, attempt, Result(Outcome.UNKNOWN))
    assert (await charge_of(desk, charge.id)).refund_in_doubt == 600
    await refund.settle(desk.ports, attempt, Result(Outcome.APPROVED, processor_reference="rf_1"))
    await refund.settle(desk.ports, attempt, Result(Outcome.APPROVED, processor_reference="rf_1"))
    after = await charge_of(desk, charge.id)
    assert (after.amount_refunded, after.refund_in_doubt) == (600, 0)
    assert (await desk.call("refund.get", id=made["id"]))["status"] == "succeeded"
    assert sorted(await desk.events()) == [
        "charge.refund.updated", "charge.refunded", "refund.created", "refund.updated",
    ]


async def test_a_late_no_fails_a_pending_refund(desk: Desk) -> None:
    desk.vault.script = lambda order: Lost("reset")
    charge = await desk.captured(1000)
    made = await desk.call("refund.create", f"charge={charge.id}")
    (attempt,) = await attempts(desk)
    await refund.settle(desk.ports, attempt, Result(Outcome.FAILED, reason="tombstoned"))
    shown = await desk.call("refund.get", id=made["id"])
    assert (shown["status"], shown["failure_reason"]) == ("failed", "unknown")
    assert (await charge_of(desk, charge.id)).refund_in_doubt == 0


async def test_what_was_certainly_not_sent_leaves_no_refund_and_frees_the_key(desk: Desk) -> None:
    desk.vault.script = lambda order: NotSent("unreachable")
    charge = await desk.captured()
    refusal = await refused(desk, f"charge={charge.id}", key="k1")
    assert (refusal.kind.value, refusal.should_retry) == ("unavailable", True)
    assert (await charge_of(desk, charge.id)).refund_in_doubt == 0
    assert (await desk.call("refund.list"))["data"] == []
    assert await desk.events() == []
    desk.vault.script = answers()
    assert (await desk.call("refund.create", f"charge={charge.id}", key="k1"))["status"] == "succeeded"
    with pytest.raises(KeyInUse):
        other = await desk.captured()
        await desk.call("refund.create", f"charge={other.id}", key="k1")


async def test_a_process_that_dies_while_sending_is_concluded_by_recovery(desk: Desk) -> None:
    def die(order: Order) -> Reply:
        raise asyncio.CancelledError

    desk.vault.script = die
    charge = await desk.captured()
    with pytest.raises(asyncio.CancelledError):
        await desk.call("refund.create", f"charge={charge.id}&metadata[a]=b", key="k1")
    (attempt,) = await attempts(desk)
    assert attempt.state == "open"
    await refund.settle(desk.ports, attempt, Result(Outcome.APPROVED))
    (shown,) = (await desk.call("refund.list", f"charge={charge.id}"))["data"]
    assert (shown["status"], shown["metadata"], shown["id"]) == ("succeeded", {"a": "b"}, attempt.refund)
    assert "refund.created" in await desk.events()


async def test_a_dead_process_that_sent_nothing_frees_the_key_and_the_money(desk: Desk) -> None:
    def die(order: Order) -> Reply:
        raise asyncio.CancelledError

    desk.vault.script = die
    charge = await desk.captured()
    with pytest.raises(asyncio.CancelledError):
        await desk.call("refund.create", f"charge={charge.id}", key="k1")
    (attempt,) = await attempts(desk)
    await refund.settle(desk.ports, attempt, Result(Outcome.FAILED))
    assert (await charge_of(desk, charge.id)).refund_in_doubt == 0
    assert await desk.pool.fetchval("select count(*) from idempotency") == 0


async def test_available_money_is_refunded_from_the_available_balance(desk: Desk) -> None:
    desk.vault.script = answers()
    charge = await desk.captured(1000, fee=0, delay_s=0)
    await desk.call("refund.create", f"charge={charge.id}&amount=400")
    balances = await books.balances(desk.pool, account="acct_a", livemode=False)
    assert balances[("merchant:available", "usd")] == 600


async def test_bad_requests_are_refused_by_name(desk: Desk) -> None:
    charge = await desk.captured()
    uncaptured = await desk.captured(taken=0)
    cases = {
        "": ("parameter_missing", "payment_intent"),
        f"charge={charge.id}&payment_intent=pi_1": ("parameters_exclusive", "charge"),
        "charge=ch_none": ("resource_missing", "charge"),
        "payment_intent=pi_none": ("resource_missing", "payment_intent"),
        f"charge={uncaptured.id}": ("charge_not_refundable", "charge"),
        f"charge={charge.id}&amount=0": ("parameter_invalid_integer", "amount"),
        f"charge={charge.id}&reverse_transfer=true": ("parameter_unsupported", "reverse_transfer"),
        f"charge={charge.id}&nonsense=1": ("parameter_unknown", "nonsense"),
    }
    for body, expected in cases.items():
        refusal = await refused(desk, body)
        assert (refusal.code, refusal.param) == expected, body
    assert (await refused(desk, f"charge={charge.id}", who=STRANGER)).code == "resource_missing"
    assert desk.vault.orders == []


async def test_metadata_changes_and_lists_filter(desk: Desk) -> None:
    desk.vault.script = answers()
    charge, other = await desk.captured(), await desk.captured()
    first = await desk.call("refund.create", f"charge={charge.id}&amount=1&metadata[a]=1&metadata[b]=2")
    second = await desk.call("refund.create", f"charge={charge.id}&amount=2")
    await desk.call("refund.create", f"charge={other.id}&amount=3")
    changed = await desk.call("refund.update", "metadata[a]=&metadata[c]=3", id=first["id"])
    assert changed["metadata"] == {"b": "2", "c": "3"}
    assert (await desk.call("refund.update", "metadata=", id=first["id"]))["metadata"] == {}
    listed = await desk.call("refund.list", f"payment_intent={charge.intent}&limit=1")
    assert ([row["id"] for row in listed["data"]], listed["has_more"]) == ([second["id"]], True)
    older = await desk.call("refund.list", f"charge={charge.id}&starting_after={second['id']}")
    assert [row["id"] for row in older["data"]] == [first["id"]]
    newer = await desk.call("refund.list", f"charge={charge.id}&ending_before={first['id']}")
    assert [row["id"] for row in newer["data"]] == [second["id"]]
    assert (await desk.call("refund.list", who=STRANGER))["data"] == []


@given(fee=st.integers(0, 10_000), captured=st.integers(1, 10_000), cuts=st.lists(st.integers(1, 5_000), max_size=8))
def test_a_returned_fee_never_exceeds_the_fee(fee: int, captured: int, cuts: list[int]) -> None:
    left, returned = captured, 0
    for cut in cuts:
        part = min(cut, left)
        left -= part
        returned += refunds.fee_share(fee, captured=captured, amount=part, returned=returned)
    assert 0 <= returned <= fee
