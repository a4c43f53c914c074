"""Disputes: what we learn of them, what it does to the money, how they are answered, and that no disorder does harm."""

import asyncio
import random
from collections import Counter

import pytest

from lockgate.gateway.disputes import jobs
from lockgate.gateway.processors.contract import Outcome, Result
from lockgate.kernel import clock
from lockgate.kernel.errors import Refusal
from tests.gateway.disputes.court import DAY_S, Court
from tests.gateway.payments.desk import STRANGER
from tests.gateway.payments.till import refusal

SUBMITTED = "evidence[uncategorized_text]=she+has+it&evidence[customer_name]=Jenny"
OPENED = ["charge.dispute.created", "charge.dispute.funds_withdrawn", "charge.updated"]


async def test_a_dispute_withdraws_its_amount_and_the_fee_and_marks_the_charge(court: Court) -> None:
    seen = await court.disputed(1000)
    assert seen["status"] == "needs_response" and seen["amount"] == 1000 and not seen["is_charge_refundable"]
    assert seen["evidence_details"] == {
        "due_by": seen["evidence_details"]["due_by"], "enhanced_eligibility": {}, "has_evidence": False,
        "past_due": False, "submission_count": 0, "submission_method": "not_submitted",
    }
    (moved,) = seen["balance_transactions"]
    assert (moved["type"], moved["amount"], moved["fee"], moved["net"]) == ("adjustment", -1000, 1500, -2500)
    assert moved["reporting_category"] == "dispute" and moved["source"] == seen["id"]
    assert moved["status"] == "pending", "the payment's own money is pending still"
    assert await court.balance("merchant:pending") == 1000 - 59 - 2500
    assert await court.balance("processor:simulator") == 0
    assert await court.balance("fees:simulator") == 59 + 1500
    assert await court.types() == OPENED
    (updated,) = [was for type_, _, was in await court.happened() if type_ == "charge.updated"]
    assert updated == {"disputed": False}
    await court.sound()


async def test_every_evidence_field_is_there_and_null_until_it_is_given(court: Court) -> None:
    seen = await court.disputed()
    texts = {name: value for name, value in seen["evidence"].items() if name != "enhanced_evidence"}
    assert len(texts) == 28 and set(texts.values()) == {None}
    assert seen["evidence"]["enhanced_evidence"] == {}
    assert seen["payment_method_details"]["card"]["case_type"] == "chargeback"


async def test_an_inquiry_moves_no_money_until_it_escalates(court: Court) -> None:
    seen = await court.disputed(status="warning_needs_response")
    assert seen["balance_transactions"] == [] and seen["is_charge_refundable"]
    assert seen["payment_method_details"]["card"]["case_type"] == "inquiry"
    assert await court.types() == ["charge.dispute.created"]
    court.issuer.disputes[seen["reference"]] |= {"status": "needs_response", "fee": 1500}
    assert await court.told(seen["reference"])
    after = await court.get(seen["id"])
    assert [moved["net"] for moved in after["balance_transactions"]] == [-2500]
    assert after["payment_method_details"]["card"]["case_type"] == "chargeback" and not after["is_charge_refundable"]
    assert await court.types() == sorted(["charge.dispute.updated", *OPENED])
    await court.sound()


async def test_evidence_is_handed_in_unless_it_is_only_to_be_staged(court: Court) -> None:
    seen = await court.disputed()
    staged = await court.call("dispute.update", SUBMITTED + "&submit=false", dispute=seen["id"])
    assert staged["status"] == "needs_response" and staged["evidence_details"]["has_evidence"]
    assert staged["evidence_details"]["submission_count"] == 0 and not court.issuer.sent("/disputes/evidence")
    unset = await court.call("dispute.update", "evidence[customer_name]=&submit=false", dispute=seen["id"])
    assert unset["evidence"]["customer_name"] is None and unset["evidence"]["uncategorized_text"] == "she has it"
    sent = await court.call("dispute.update", "submit=true&metadata[order]=7", dispute=seen["id"])
    assert sent["status"] == "under_review" and sent["metadata"] == {"order": "7"}
    assert sent["evidence_details"] | {"due_by": 0} == {
        "due_by": 0, "enhanced_eligibility": {}, "has_evidence": True, "past_due": False, "submission_count": 1,
        "submission_method": "manual",
    }
    (asked,) = court.issuer.sent("/disputes/evidence")
    assert asked["fields"] == ["uncategorized_text"] and asked["text"] == "she has it" and asked["submit"]
    (was,) = [was for type_, shown, was in await court.happened() if was and "status" in was]
    assert was["status"] == "needs_response"
    assert (await court.attempt()).state == "approved"


async def test_metadata_can_be_changed_at_any_time_and_evidence_cannot(court: Court) -> None:
    seen = await court.disputed()
    await court.call("dispute.update", SUBMITTED, dispute=seen["id"])
    for body in (SUBMITTED, SUBMITTED + "&submit=false", "submit=true"):
        said = await refusal(court.call("dispute.update", body, dispute=seen["id"]))
        assert said.kind.value == "invalid" and "under_review" in said.message
    noted = await court.call("dispute.update", "metadata[order]=7", dispute=seen["id"])
    assert noted["metadata"] == {"order": "7"} and noted["status"] == "under_review"
    cleared = await court.call("dispute.update", "metadata=", dispute=seen["id"])
    assert cleared["metadata"] == {} and len(court.issuer.sent("/disputes/evidence")) == 1


async def test_what_cannot_be_submitted_changes_nothing(court: Court) -> None:
    seen = await court.disputed()
    letters = "a" * 20_000
    many = "&".join(f"evidence[{name}]={letters}" for name in seen["evidence"] if name in (
        "access_activity_log", "billing_address", "cancellation_rebuttal", "customer_name", "product_description",
        "refund_policy_disclosure", "service_date", "shipping_carrier",
    ))
    for body, param in (
        ("evidence[receipt]=file_123", "evidence[receipt]"),
        ("evidence[enhanced_evidence][visa_compliance][fee_acknowledged]=true", "evidence[enhanced_evidence]"),
        ("evidence[uncategorized_text]=a" + letters, "evidence[uncategorized_text]"),
        (many, "evidence"),
        ("evidence[stolen]=1", "evidence[stolen]"),
        ("intended_submission_method=manual", "intended_submission_method"),
        ("submit=true", "evidence"),
    ):
        said = await refusal(court.call("dispute.update", body, dispute=seen["id"]))
        assert said.param == param, body[:60]
    assert await court.get(seen["id"]) == {name: value for name, value in seen.items() if name != "reference"}
    assert not court.issuer.sent("/disputes/evidence")


async def test_won_gives_the_amount_back_and_keeps_the_fee(court: Court) -> None:
    seen = await court.disputed()
    await court.call("dispute.update", SUBMITTED, dispute=seen["id"])
    court.issuer.disputes[seen["reference"]]["status"] = "won"
    assert await court.told(seen["reference"])
    after = await court.get(seen["id"])
    assert after["status"] == "won"
    assert [moved["net"] for moved in after["balance_transactions"]] == [-2500, 1000]
    assert await court.balance("merchant:pending") == 1000 - 59 - 1500
    assert await court.types() == sorted(
        [*OPENED, "charge.dispute.updated", "charge.dispute.funds_reinstated", "charge.dispute.closed"]
    )
    await court.sound()


async def test_a_processor_may_return_its_fee_with_a_win(court: Court) -> None:
    court.desk.ports.settings["simulator"]["returns_dispute_fee_on_win"] = True  # type: ignore[index]
    seen = await court.disputed()
    court.issuer.disputes[seen["reference"]]["status"] = "won"
    await court.told(seen["reference"])
    assert await court.balance("merchant:pending") == 1000 - 59
    assert (await court.get(seen["id"]))["balance_transactions"][1]["fee"] == -1500
    await court.sound()


async def test_closing_gives_a_dispute_up_and_an_inquiry_away(court: Court) -> None:
    for status, ends in (("needs_response", "lost"), ("warning_needs_response", "warning_closed")):
        seen = await court.disputed(status=status)
        closed = await court.call("dispute.close", dispute=seen["id"])
        assert closed["status"] == ends
        said = await refusal(court.call("dispute.close", dispute=seen["id"]))
        assert "already closed" in said.message
    assert (await court.types()).count("charge.dispute.closed") == 2
    await court.sound()


async def test_a_dispute_under_review_cannot_be_closed(court: Court) -> None:
    seen = await court.disputed()
    await court.call("dispute.update", SUBMITTED, dispute=seen["id"])
    assert "under_review" in (await refusal(court.call("dispute.close", dispute=seen["id"]))).message


async def test_a_dispute_first_heard_of_when_it_is_over_is_told_from_its_beginning(court: Court) -> None:
    won = await court.disputed(1000, status="won")
    assert [moved["net"] for moved in won["balance_transactions"]] == [-2500, 1000]
    assert await court.types() == sorted([*OPENED, "charge.dispute.funds_reinstated", "charge.dispute.closed"])
    (first,) = [shown for type_, shown, _ in await court.happened() if type_ == "charge.dispute.created"]
    assert first["status"] == "needs_response"
    lost = await court.disputed(1000, status="lost")
    assert [moved["net"] for moved in lost["balance_transactions"]] == [-2500]
    await court.sound()


async def test_a_hundred_copies_in_any_order_make_one_dispute_and_move_money_once(court: Court) -> None:
    charges = [await court.paid(1000 + n) for n in range(4)]
    references = [await court.raised(charge) for charge in charges]
    told = references * 25
    random.Random(7).shuffle(told)
    for start in range(0, 50, 10):
        assert all(await asyncio.gather(*(court.told(reference) for reference in told[start : start + 10])))
    for reference in references[:2]:
        court.issuer.disputes[reference]["status"] = "won"
    for start in range(50, 100, 10):
        assert all(await asyncio.gather(*(court.told(reference) for reference in told[start : start + 10])))
    page = await court.call("dispute.list")
    assert Counter(seen["status"] for seen in page["data"]) == {"won": 2, "needs_response": 2}
    counted = Counter(await court.types())
    assert counted["charge.dispute.created"] == counted["charge.dispute.funds_withdrawn"] == 4
    assert counted["charge.dispute.closed"] == counted["charge.dispute.funds_reinstated"] == 2
    await court.sound()


async def test_old_news_changes_nothing(court: Court) -> None:
    seen = await court.disputed()
    await court.call("dispute.update", SUBMITTED, dispute=seen["id"])
    before = await court.get(seen["id"])
    court.issuer.disputes[seen["reference"]]["status"] = "needs_response"
    assert await court.told(seen["reference"])
    court.issuer.disputes[seen["reference"]]["status"] = "warning_closed"
    assert await court.told(seen["reference"])
    assert await court.get(seen["id"]) == before
    court.issuer.disputes[seen["reference"]]["status"] = "lost"
    await court.told(seen["reference"])
    court.issuer.disputes[seen["reference"]]["status"] = "won"
    await court.told(seen["reference"])
    assert (await court.get(seen["id"]))["status"] == "lost"
    await court.sound()


async def test_what_the_processor_does_not_confirm_is_not_believed(court: Court) -> None:
    charge = await court.paid()
    assert not await court.told("sdp_forged")
    stray = await court.raised(charge, step="pa_nobody")
    assert not await court.told(stray)
    waiting = await court.raised(charge)
    court.line.faults = ["lost_after", "not_sent"]
    assert not await court.told(waiting) and not await court.told(waiting)
    assert (await court.call("dispute.list"))["data"] == [] and await court.types() == []


@pytest.mark.parametrize(
    ("fault", "inquiry", "ends", "submissions"),
    [
        ("lost_after", Outcome.APPROVED, "under_review", 1),
        ("lost_before", Outcome.FAILED, "needs_response", 0),
    ],
)
async def test_an_answer_that_was_lost_leaves_the_dispute_in_doubt_until_it_is_found(
    court: Court, fault: str, inquiry: Outcome, ends: str, submissions: int
) -> None:
    seen = await court.disputed()
    court.line.faults = [fault]
    doubtful = await court.call("dispute.update", SUBMITTED, dispute=seen["id"], key="k1")
    assert doubtful["status"] == "needs_response" and doubtful["evidence_details"]["has_evidence"]
    assert doubtful["evidence_details"]["submission_count"] == 0
    attempt = await court.attempt()
    assert attempt.state == "unknown" and attempt.next_check_ms is not None
    for name, body in (("dispute.update", SUBMITTED), ("dispute.close", "")):
        busy = await refusal(court.call(name, body, dispute=seen["id"]))
        assert busy.code == "lock_timeout" and busy.should_retry
    await court.orders.settle(attempt, Result(inquiry))
    await court.orders.settle(attempt, Result(inquiry))
    after = await court.get(seen["id"])
    assert after["status"] == ends and after["evidence_details"]["submission_count"] == submissions
    assert after["evidence_details"]["has_evidence"] is (submissions == 1)
    assert len(court.issuer.sent("/disputes/evidence")) == (1 if fault == "lost_after" else 0)
    assert (await court.types()).count("charge.dispute.updated") == submissions
    await court.sound()


async def test_an_order_that_was_never_sent_leaves_no_trace(court: Court) -> None:
    seen = await court.disputed()
    court.line.faults = ["not_sent"]
    said = await refusal(court.call("dispute.update", SUBMITTED + "&metadata[a]=b", dispute=seen["id"], key="k1"))
    assert said.kind.value == "unavailable" and said.should_retry
    assert await court.get(seen["id"]) == {name: value for name, value in seen.items() if name != "reference"}
    again = await court.call("dispute.update", SUBMITTED, dispute=seen["id"], key="k1")
    assert again["status"] == "under_review", "its key was given back"


async def test_evidence_that_comes_too_late_is_refused_and_the_truth_is_learnt(court: Court) -> None:
    seen = await court.disputed()
    court.issuer.disputes[seen["reference"]]["status"] = "lost"
    answer = await court.call("dispute.update", SUBMITTED, dispute=seen["id"], key="k1")
    assert "did not take this evidence" in answer["error"]["message"]
    after = await court.get(seen["id"])
    assert after["status"] == "lost" and not after["evidence_details"]["has_evidence"]
    assert (await court.attempt()).state == "declined"


async def test_a_verdict_that_overtakes_the_answer_is_not_undone(court: Court) -> None:
    seen = await court.disputed()
    court.line.faults = ["lost_after"]
    await court.call("dispute.update", SUBMITTED, dispute=seen["id"])
    court.issuer.disputes[seen["reference"]]["status"] = "won"
    await court.told(seen["reference"])
    await court.orders.settle(await court.attempt(), Result(Outcome.APPROVED))
    after = await court.get(seen["id"])
    assert after["status"] == "won" and after["evidence_details"]["submission_count"] == 1
    assert [moved["net"] for moved in after["balance_transactions"]] == [-2500, 1000]
    await court.sound()


async def test_what_our_own_order_did_is_left_to_it(court: Court) -> None:
    seen = await court.disputed()
    court.line.faults = ["lost_after"]
    await court.call("dispute.update", SUBMITTED, dispute=seen["id"])
    assert court.issuer.disputes[seen["reference"]]["status"] == "under_review"
    assert not await court.told(seen["reference"]), "not yet"
    await court.orders.settle(await court.attempt(), Result(Outcome.APPROVED))
    assert await court.told(seen["reference"])
    assert (await court.types()).count("charge.dispute.updated") == 1


async def test_a_deadline_that_has_passed_on_the_accounts_clock_is_asked_about(court: Court) -> None:
    seen = await court.disputed()
    now = clock.now()
    assert await jobs.due(court.ports, now=now) == 0
    await court.desk.pool.execute(
        "insert into test_clock values ('acct_a', false, 'acct_a', 1, $1, $2)", now, 10 * DAY_S
    )
    court.issuer.disputes[seen["reference"]]["status"] = "lost"
    assert await jobs.due(court.ports, now=now) == 1
    (_, asked) = [(path, body) for path, body in court.issuer.asked if path == "/disputes/inquiries"][-1]
    assert asked["now"] >= now + 10 * DAY_S, "the processor is told the account's time"
    assert (await court.get(seen["id"]))["status"] == "lost"
    assert await jobs.due(court.ports, now=now + 100 * DAY_S) == 0, "what is over is not asked about"


async def test_a_processor_that_is_silent_is_asked_again_and_an_open_dispute_daily(court: Court) -> None:
    await court.disputed()
    now = clock.now() + DAY_S + 5
    court.line.faults = ["lost_before"]
    assert await jobs.due(court.ports, now=now) == 1
    assert await jobs.due(court.ports, now=now + 60) == 0
    assert await jobs.due(court.ports, now=now + jobs.WAIT_S) == 1
    asked = len(court.issuer.asked)
    assert await jobs.due(court.ports, now=now + 3 * DAY_S) == 1 and len(court.issuer.asked) == asked + 1


async def test_disputes_are_listed_by_charge_intent_and_time_and_belong_to_one_account(court: Court) -> None:
    seen = [await court.disputed(1000 + n) for n in range(3)]
    page = await court.call("dispute.list", "limit=2")
    assert [one["id"] for one in page["data"]] == [seen[2]["id"], seen[1]["id"]] and page["has_more"]
    rest = await court.call("dispute.list", f"starting_after={seen[1]['id']}")
    assert [one["id"] for one in rest["data"]] == [seen[0]["id"]] and not rest["has_more"]
    newer = await court.call("dispute.list", f"ending_before={seen[1]['id']}")
    assert [one["id"] for one in newer["data"]] == [seen[2]["id"]]
    for name in ("charge", "payment_intent"):
        found = await court.call("dispute.list", f"{name}={seen[1][name]}")
        assert [one["id"] for one in found["data"]] == [seen[1]["id"]]
    assert (await court.call("dispute.list", "created[gt]=200000000000"))["data"] == []
    assert (await court.call("dispute.list", who=STRANGER))["data"] == []
    for name in ("dispute.get", "dispute.close", "dispute.update"):
        with pytest.raises(Refusal, match="No such dispute: 'dp_none'"):
            await court.call(name, dispute="dp_none")
        with pytest.raises(Refusal, match="No such dispute"):
            await court.call(name, dispute=seen[0]["id"], who=STRANGER)
