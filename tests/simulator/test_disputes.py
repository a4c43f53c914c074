"""Disputes, inquiries and warnings: raised by card or by order, answered, decided by the account's own clock."""

import asyncio
import time
from typing import Any

import pytest

from tests.simulator.running import ACCOUNT, ADMIN, OTHER_KEY, RunningSimulator, authorization

DAY_S = 86_400
DISPUTED, NOT_RECEIVED, INQUIRED, WARNED = (
    "4000000000000259", "4000000000002685", "4000000000001976", "4000000000005423",
)  # fmt: skip


async def entries(simulator: RunningSimulator, kind: str) -> list[dict[str, Any]]:
    return [entry for entry in await simulator.journal() if entry["kind"] == kind]


async def found(simulator: RunningSimulator, dispute: str, **told: int) -> dict[str, Any]:
    return await simulator.ask("/disputes/inquiries", dispute=dispute, **told)


async def raised(simulator: RunningSimulator, kind: str = "dispute") -> str:
    """The id of the dispute or warning that comes by itself."""
    async with asyncio.timeout(5):
        while not (seen := await entries(simulator, kind)):
            await asyncio.sleep(0.05)
    return seen[0]["id"]


async def disputed(simulator: RunningSimulator, number: str = DISPUTED, step: str = "pa_1") -> tuple[str, str]:
    """A captured payment's id, and its dispute's."""
    paid = await simulator.ask("/authorizations", **authorization(step, number, capture=True))
    return paid["id"], await raised(simulator)


async def answered(simulator: RunningSimulator, dispute: str, text: str, **more: Any) -> dict[str, Any]:
    asked = {"reference": "ev_1", "dispute": dispute, "fields": ["uncategorized_text"], "text": text, **more}
    return await simulator.ask("/disputes/evidence", **asked)


async def until(simulator: RunningSimulator, dispute: str, status: str) -> dict[str, Any]:
    async with asyncio.timeout(5):
        while (said := await found(simulator, dispute))["status"] != status:
            await asyncio.sleep(0.05)
    return said


@pytest.mark.parametrize(
    ("number", "reason", "code"), [(DISPUTED, "fraudulent", "10.4"), (NOT_RECEIVED, "product_not_received", "13.1")]
)
async def test_a_card_disputes_what_was_captured(simulator: RunningSimulator, number: str, reason: str, code: str):
    _, dispute = await disputed(simulator, number)
    said = await found(simulator, dispute)
    assert said == {
        "found": True, "id": dispute, "step": "pa_1", "status": "needs_response", "reason": reason, "amount": 1099,
        "currency": "usd", "due_by": said["due_by"], "created": said["created"], "network_reason_code": code,
        "fee": 1500,
    }  # fmt: skip
    assert abs(said["created"] - time.time()) < 10
    assert (said["due_by"] + 1) % DAY_S == 0 and 9 <= (said["due_by"] - said["created"]) / DAY_S <= 10


async def test_only_the_capture_is_disputed_once_and_never_an_authorization(simulator: RunningSimulator):
    held = await simulator.ask("/authorizations", **authorization("pa_1", DISPUTED, amount=1000))
    await asyncio.sleep(1.3)
    assert await entries(simulator, "dispute") == []
    captures = {"authorization": held["id"], "final": False}
    await simulator.ask("/captures", reference="ca_1", amount=300, **captures)
    await simulator.ask("/captures", reference="ca_2", amount=200, **captures)
    await raised(simulator)
    await asyncio.sleep(0.3)
    [entry] = await entries(simulator, "dispute")
    assert entry["amount"] == 500


async def test_the_step_is_the_completion_that_was_approved(simulator: RunningSimulator):
    held = await simulator.ask(
        "/authorizations", **authorization("pa_1", "4000002760003184", capture=True)
    )
    async with simulator.session.post(held["redirect_url"], data={"result": "pass"}, allow_redirects=False):
        pass
    await simulator.ask("/authorizations/complete", reference="pa_2", authorization=held["id"])
    asked = {"account": ACCOUNT, "reference": "pa_2", "reason": "duplicate"}
    status, said = await simulator.post("/admin/disputes", asked, key=ADMIN)
    assert status == 200
    assert (await found(simulator, said["id"]))["step"] == "pa_2"
    assert (await simulator.post("/admin/disputes", asked, key=ADMIN))[0] == 409


@pytest.mark.parametrize(("text", "end"), [(" winning_evidence\n", "won"), ("losing_evidence", "lost")])
async def test_magic_evidence_decides_a_moment_later(simulator: RunningSimulator, text: str, end: str):
    _, dispute = await disputed(simulator)
    said = await answered(simulator, dispute, text)
    assert (said["status"], said["decline_code"], said["dispute"]) == ("approved", None, dispute)
    assert (await found(simulator, dispute))["status"] == "under_review"
    await until(simulator, dispute, end)


async def test_other_evidence_is_lost_after_sixty_days_and_not_before(simulator: RunningSimulator):
    _, dispute = await disputed(simulator)
    await answered(simulator, dispute, "escalate_inquiry_evidence", fields=["receipt", "uncategorized_text"])
    now = int(time.time())
    assert (await found(simulator, dispute, now=now + 60 * DAY_S - 60))["status"] == "under_review"
    simulator.restart()
    assert (await found(simulator, dispute))["status"] == "under_review"
    assert (await found(simulator, dispute, now=now + 60 * DAY_S + 60))["status"] == "lost"


async def test_silence_loses_after_the_deadline_by_the_accounts_own_clock(simulator: RunningSimulator):
    _, dispute = await disputed(simulator)
    due_by = (await found(simulator, dispute))["due_by"]
    assert (await found(simulator, dispute, now=due_by - 10))["status"] == "needs_response"
    status, other = await simulator.post("/disputes/inquiries", {"dispute": dispute}, key=OTHER_KEY)
    assert (status, other) == (200, {"found": False, "id": dispute})
    assert (await found(simulator, dispute, now=due_by + 1))["status"] == "lost"
    simulator.restart()
    assert (await found(simulator, dispute))["status"] == "lost"
    assert (await answered(simulator, dispute, "winning_evidence"))["decline_code"] == "dispute_lost"


async def test_evidence_that_is_not_submitted_changes_nothing(simulator: RunningSimulator):
    _, dispute = await disputed(simulator)
    assert (await answered(simulator, dispute, "winning_evidence", submit=False))["status"] == "approved"
    await asyncio.sleep(1.2)
    assert (await found(simulator, dispute))["status"] == "needs_response"


async def test_the_same_evidence_twice_has_one_effect_also_after_a_kill(simulator: RunningSimulator):
    _, dispute = await disputed(simulator)
    first = await answered(simulator, dispute, "a letter")
    simulator.restart()
    assert await answered(simulator, dispute, "a letter") == first
    assert len(await entries(simulator, "evidence")) == 1
    inquired = await simulator.ask("/inquiries", reference="ev_1")
    assert inquired == {"found": True, "kind": "evidence", **first}


async def test_acceptance_loses_and_is_final(simulator: RunningSimulator):
    _, dispute = await disputed(simulator)
    said = await simulator.ask("/disputes/accept", reference="ac_1", dispute=dispute)
    assert said["status"] == "approved"
    assert (await found(simulator, dispute))["status"] == "lost"
    again = await simulator.ask("/disputes/accept", reference="ac_2", dispute=dispute)
    assert (again["status"], again["decline_code"]) == ("declined", "dispute_lost")
    unknown = await simulator.ask("/disputes/accept", reference="ac_3", dispute="sdp_none")
    assert (unknown["status"], unknown["decline_code"]) == ("declined", "dispute_unknown")


async def test_disputed_money_cannot_be_refunded_until_it_is_won(simulator: RunningSimulator):
    payment, dispute = await disputed(simulator)
    money = {"authorization": payment, "amount": 100}
    assert (await simulator.ask("/refunds", reference="re_1", **money))["decline_code"] == "charge_disputed"
    await answered(simulator, dispute, "winning_evidence")
    await until(simulator, dispute, "won")
    assert (await simulator.ask("/refunds", reference="re_2", **money))["status"] == "approved"


async def test_an_inquiry_moves_no_money_and_closes(simulator: RunningSimulator):
    payment, dispute = await disputed(simulator, INQUIRED)
    said = await found(simulator, dispute)
    assert (said["status"], said["fee"]) == ("warning_needs_response", 0)
    refund = await simulator.ask("/refunds", reference="re_1", authorization=payment, amount=100)
    assert refund["status"] == "approved"
    await answered(simulator, dispute, "anything")
    assert (await found(simulator, dispute))["status"] == "warning_under_review"
    told = int(time.time()) + 61 * DAY_S
    assert (await found(simulator, dispute, now=told))["status"] == "warning_closed"


async def test_an_inquiry_escalates_into_a_dispute_with_its_own_deadline(simulator: RunningSimulator):
    payment, dispute = await disputed(simulator, INQUIRED)
    before = await found(simulator, dispute, now=int(time.time()) + 3 * DAY_S)
    await answered(simulator, dispute, "escalate_inquiry_evidence")
    after = await until(simulator, dispute, "needs_response")
    assert (after["fee"], after["created"]) == (1500, before["created"])
    assert after["due_by"] == before["due_by"] + 3 * DAY_S
    refund = await simulator.ask("/refunds", reference="re_1", authorization=payment, amount=100)
    assert refund["decline_code"] == "charge_disputed"
    assert (await found(simulator, dispute, now=before["due_by"] + 60))["status"] == "needs_response"
    assert (await found(simulator, dispute, now=after["due_by"] + 60))["status"] == "lost"


async def test_an_accepted_or_unanswered_inquiry_is_closed(simulator: RunningSimulator):
    _, dispute = await disputed(simulator, INQUIRED)
    await simulator.ask("/disputes/accept", reference="ac_1", dispute=dispute)
    assert (await found(simulator, dispute))["status"] == "warning_closed"
    await simulator.ask("/authorizations", **authorization("pa_2", INQUIRED, capture=True))
    async with asyncio.timeout(5):
        while len(seen := await entries(simulator, "dispute")) < 2:
            await asyncio.sleep(0.05)
    told = int(time.time()) + 11 * DAY_S
    assert (await found(simulator, seen[-1]["id"], now=told))["status"] == "warning_closed"


async def test_a_warning_is_actionable_until_the_money_went_back(simulator: RunningSimulator):
    paid = await simulator.ask("/authorizations", **authorization("pa_1", WARNED, capture=True))
    warning = await raised(simulator, "early_fraud_warning")
    said = await simulator.ask("/warnings/inquiries", warning=warning)
    assert said == {
        "found": True, "id": warning, "step": "pa_1", "fraud_type": "made_with_stolen_card", "created": said["created"],
        "actionable": True,
    }  # fmt: skip
    await simulator.ask("/refunds", reference="re_1", authorization=paid["id"], amount=1099)
    assert (await simulator.ask("/warnings/inquiries", warning=warning))["actionable"] is False
    unknown = await simulator.ask("/warnings/inquiries", warning="sfw_none")
    assert unknown == {"found": False, "id": "sfw_none"}


async def test_money_that_went_back_at_once_is_not_disputed(simulator: RunningSimulator):
    paid = await simulator.ask("/authorizations", **authorization("pa_1", DISPUTED, capture=True))
    await simulator.ask("/refunds", reference="re_1", authorization=paid["id"], amount=1099)
    await asyncio.sleep(1.3)
    assert await entries(simulator, "dispute") == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"account": ACCOUNT}, {"account": "acct_a", "reference": "pa_1"}, {"account": ACCOUNT, "reference": "pa 1"},
        {"account": ACCOUNT, "reference": "pa_1", "reason": "boredom"}, {"account": ACCOUNT, "reference": 1},
        {"account": ACCOUNT, "reference": "pa_1", "inquiry": "yes"}, {"account": ACCOUNT, "reference": "pa_1", "x": 1},
        [],
    ],
)  # fmt: skip
async def test_orders_of_disputes_are_read_strictly(simulator: RunningSimulator, wrong: Any):
    await simulator.ask("/authorizations", **authorization("pa_1", capture=True))
    status, said = await simulator.post("/admin/disputes", wrong, key=ADMIN)
    assert (status, said["error"]["code"]) == (400, "invalid")
    assert (await simulator.post("/admin/disputes", {"account": ACCOUNT, "reference": "pa_1"}))[0] == 401


async def test_what_was_not_captured_cannot_be_disputed_or_warned_of(simulator: RunningSimulator):
    await simulator.ask("/authorizations", **authorization("pa_1"))
    for path in ("/admin/disputes", "/admin/warnings"):
        for reference in ("pa_1", "pa_none"):
            asked = {"account": ACCOUNT, "reference": reference}
            assert (await simulator.post(path, asked, key=ADMIN))[0] == 404


@pytest.mark.parametrize(
    "wrong", [{"fields": "all"}, {"fields": ["A b"]}, {"fields": ["a"] * 41}, {"text": 1}, {"text": "x" * 20_001}]
)
async def test_evidence_is_read_strictly(simulator: RunningSimulator, wrong: dict[str, Any]):
    body = {"reference": "ev_1", "dispute": "sdp_1", "fields": [], "text": "", **wrong}
    status, said = await simulator.post("/disputes/evidence", body)
    assert (status, said["error"]["field"]) == (400, next(iter(wrong)))


async def test_the_longest_evidence_is_taken_and_stands_in_no_journal(simulator: RunningSimulator):
    _, dispute = await disputed(simulator)
    said = await answered(simulator, dispute, "\N{BLACK HEART SUIT}\N{PILE OF POO}" * 10_000)
    assert said["status"] == "approved"
    assert simulator.journal_file.stat().st_size < 10_000
