"""The simulator's adapter against the real simulator: an inquiry tells what any lost answer would have said."""

import asyncio
import dataclasses
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from lockgate.gateway.processors import registry
from lockgate.gateway.processors.contract import (
    AUTHENTICATION_FAILED,
    REFUND_FAILED,
    REVERSED,
    Answered,
    Changes,
    Lost,
    Notice,
    NotSent,
    Order,
    Outcome,
    Reply,
    Result,
    Slot,
)
from lockgate.kernel import clock
from lockgate.vault.fill import fill
from lockgate.vault.place import check_places, read_manifest
from tests.gateway.processors.driving import METHODS, QUESTIONS
from tests.simulator.running import KEY, SIGNING_KEYS, RunningSimulator

ADAPTER = registry.get("simulator")


class Gateway:
    """Runs steps the way payments and the vault do together, with one card at a time."""

    def __init__(self, simulator: RunningSimulator) -> None:
        self.simulator = simulator
        self.settings = {"origin": simulator.url, "fee_percent_hundredths": 290, "fee_fixed_minor": 30}
        self.card = {
            "card.number": "4242424242424242",
            "card.exp_month": "12",
            "card.exp_year": "2099",
            "card.cvc": "737",
        }
        self._inquiries = 0

    async def do(self, method: str, **fields: Any) -> Any:
        if method == "authorize":
            usual = {"amount": 1099, "currency": "usd", "card": "tok_v", "return_url": "https://shop.example/b"}
            fields = usual | fields
        common = {"send_before_ms": 1_900_000_000_000, "timeout_ms": 1_000, "settings": self.settings}
        steps = getattr(ADAPTER, method)((METHODS | QUESTIONS)[method](**common, **fields))
        order = next(steps)
        while True:
            try:
                order = steps.send(await self._send(order))
            except StopIteration as end:
                return end.value

    async def inquire(self, reference: str) -> Result:
        return await self.ask("inquire", reference)

    async def ask(self, method: str, reference: str, **fields: Any) -> Any:
        self._inquiries += 1
        return await self.do(method, step=f"in_{self._inquiries}", reference=reference, **fields)

    async def _send(self, order: Order) -> Reply:
        markers = iter(f"marker{number}" for number in range(100))
        check_places(order, read_manifest(ADAPTER.manifest(self.settings)), marker=lambda: next(markers))
        secrets = {"secret.simulator_key": KEY, "secret.simulator_signing_key": SIGNING_KEYS[KEY]}
        filled = fill(order, self.card | secrets, now=clock.now())
        try:
            async with self.simulator.session.post(
                order.url,
                data=filled.body,
                headers=filled.headers,
                timeout=aiohttp.ClientTimeout(total=order.timeout_ms / 1000),
            ) as answer:
                return Answered(answer.status, tuple(answer.headers.items()), await answer.read())
        except aiohttp.ClientConnectorError:
            return NotSent("unreachable")
        except (aiohttp.ClientError, TimeoutError):
            return Lost("no_answer")


@pytest_asyncio.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    simulator = RunningSimulator(tmp_path / "home")
    simulator.start()
    yield Gateway(simulator)
    await simulator.close()


async def challenge(gateway: Gateway, result: str, step: str = "pa_1", **fields: Any) -> Result:
    """An authorisation whose challenge was answered with ``result``."""
    asked = await gateway.do("authorize", step=step, **fields)
    assert asked.outcome is Outcome.ACTION_REQUIRED and asked.redirect_url
    async with gateway.simulator.session.post(
        str(asked.redirect_url), data={"result": result}, allow_redirects=False
    ) as back:
        assert back.headers["Location"] == "https://shop.example/b"
    return asked


async def test_the_life_of_a_payment(gateway: Gateway):
    held = await gateway.do("authorize", step="pa_1", capture=False, has_cvc=True, has_postal_code=True)
    assert held.outcome is Outcome.APPROVED
    assert held.checks == {"cvc_check": "pass", "address_line1_check": None, "address_postal_code_check": "pass"}
    assert held.processor_reference and held.expires_at and held.captured_amount == 0
    named = {"processor_reference": held.processor_reference}
    money = {**named, "currency": "usd"}
    part = await gateway.do("capture", step="pa_2", amount=400, final=False, **money)
    assert (part.outcome, part.amount) == (Outcome.APPROVED, 400)
    assert (await gateway.do("capture", step="pa_3", amount=700, **money)).outcome is Outcome.DECLINED
    assert (await gateway.do("refund", step="re_1", amount=400, **money)).outcome is Outcome.APPROVED
    assert (await gateway.do("refund", step="re_2", amount=1, **money)).decline_code == "amount_too_large"
    other = await gateway.do("authorize", step="pa_4", capture=False)
    void = await gateway.do("void", step="pa_5", processor_reference=other.processor_reference)
    assert void.outcome is Outcome.APPROVED


@pytest.mark.parametrize(
    "fault", ["reset_after", "timeout_after", "http_500_after", "garbage", "wrong_types", "truncated"]
)
async def test_what_a_lost_answer_said_can_be_asked(gateway: Gateway, fault: str):
    """For every kind of step: the inquiry's Result equals that of a twin whose answer arrived."""
    volatile = {"processor_reference": None, "network_transaction_id": None, "redirect_url": None, "expires_at": None}

    def named(told: Result, lost: Result) -> dict[str, Any]:
        return {
            "told": {"processor_reference": told.processor_reference},
            "lost": {"processor_reference": lost.processor_reference},
        }

    async def lose(method: str, step: str, **fields: Any) -> Result:
        await gateway.simulator.fault(fault, delay_ms=1_500)
        assert (await gateway.do(method, step=step, **fields)).outcome is Outcome.UNKNOWN
        return await gateway.inquire(step)

    async def compare(method: str, **fields: Any) -> tuple[Result, Result]:
        number = len(await gateway.simulator.journal())
        told = await gateway.do(method, step=f"told_{number}", **fields.get("told", {}), **fields["both"])
        lost = await lose(method, f"lost_{number}", **fields.get("lost", {}), **fields["both"])
        assert dataclasses.replace(lost, **volatile) == dataclasses.replace(told, **volatile)
        for name in volatile:
            assert (getattr(lost, name) is None) == (getattr(told, name) is None)
        return told, lost

    told, lost = await compare("authorize", both={"capture": False, "has_cvc": True})
    names = named(told, lost)
    await compare("capture", **names, both={"amount": 1000, "currency": "usd", "final": False})
    await compare("capture", **names, both={"amount": 1000, "currency": "usd"})
    await compare("refund", **names, both={"amount": 1000, "currency": "usd"})
    await compare("void", **names, both={})
    gateway.card["card.number"] = "4000000000009995"
    await compare("authorize", both={})
    gateway.card["card.number"] = "4000002760003184"
    told, lost = await compare("authorize", both={})
    assert lost.outcome is Outcome.ACTION_REQUIRED
    for asked in (told, lost):
        await gateway.simulator.session.post(asked.redirect_url, data={"result": "pass"}, allow_redirects=False)
    names = named(told, lost)
    await compare("complete", **names, both={})


@pytest.mark.parametrize("fault", ["reset_before", "timeout_before", "http_500_before"])
async def test_what_never_arrived_is_not_found_and_can_be_barred(gateway: Gateway, fault: str):
    await gateway.simulator.fault(fault, delay_ms=1_500)
    assert (await gateway.do("authorize", step="pa_1")).outcome is Outcome.UNKNOWN
    assert (await gateway.inquire("pa_1")).outcome is Outcome.NOT_FOUND
    assert (await gateway.do("reverse", step="rv_1", reference="pa_1")).outcome is Outcome.NOT_FOUND
    late = await gateway.do("authorize", step="pa_1")
    assert (late.outcome, late.decline_code) == (Outcome.DECLINED, REVERSED)


async def test_a_refused_connection_is_certainly_not_sent_and_an_inquiry_then_knows_nothing(gateway: Gateway):
    gateway.simulator.stop()
    assert (await gateway.do("authorize", step="pa_1")).outcome is Outcome.FAILED
    assert (await gateway.inquire("pa_1")).outcome is Outcome.UNKNOWN


async def test_a_reversal_takes_a_captured_payment_back(gateway: Gateway):
    await gateway.do("authorize", step="pa_1")
    undone = await gateway.do("reverse", step="rv_1", reference="pa_1")
    assert (undone.outcome, undone.amount) == (Outcome.APPROVED, 1099)
    after = await gateway.inquire("pa_1")
    assert (after.outcome, after.decline_code) == (Outcome.DECLINED, REVERSED)
    assert (await gateway.do("reverse", step="rv_2", reference="pa_1")).outcome is Outcome.APPROVED


async def test_a_passed_challenge_pays_and_a_failed_one_says_so(gateway: Gateway):
    gateway.card["card.number"] = "4000002760003184"
    asked = await challenge(gateway, "pass")
    paid = await gateway.do("complete", step="pa_2", processor_reference=asked.processor_reference)
    assert (paid.outcome, paid.captured_amount) == (Outcome.APPROVED, 1099)
    assert paid.three_d_secure and paid.three_d_secure["result"] == "authenticated"
    asked = await challenge(gateway, "fail", "pa_3")
    failed = await gateway.do("complete", step="pa_4", processor_reference=asked.processor_reference)
    assert (failed.outcome, failed.decline_code) == (Outcome.DECLINED, AUTHENTICATION_FAILED)


async def test_a_saved_card_pays_in_its_owner_s_absence(gateway: Gateway):
    gateway.card["card.number"] = "4000002500003155"
    asked = await challenge(gateway, "pass", amount=0, setup=True)
    saved = await gateway.do("complete", step="pa_2", processor_reference=asked.processor_reference)
    absent = {"off_session": True, "return_url": None}
    refused = await gateway.do("authorize", step="pa_3", **absent)
    assert refused.decline_code == "authentication_required"
    consent = saved.network_transaction_id
    paid = await gateway.do("authorize", step="pa_4", network_transaction_id=consent, **absent)
    assert paid.outcome is Outcome.APPROVED


async def test_a_message_that_the_simulator_refuses_has_failed(gateway: Gateway):
    assert (await gateway.do("authorize", step="pa_1", currency="nonsense")).outcome is Outcome.FAILED
    assert await gateway.simulator.journal() == []


@pytest.mark.parametrize(
    ("amount", "fee"),
    [(0, 30), (1, 30), (17, 30), (18, 31), (51, 31), (52, 32), (1000, 59), (1099, 62), (10**12, 29_000_000_030)],
)
def test_the_fee_is_rounded_half_up(amount: int, fee: int):
    settings = {"origin": "https://x.example", "fee_percent_hundredths": 290, "fee_fixed_minor": 30}
    assert ADAPTER.fee(settings, amount, "usd") == fee
    assert ADAPTER.fee({**settings, "fee_percent_hundredths": 5_000, "fee_fixed_minor": 0}, 1, "usd") == 1


def test_a_body_with_slots_is_json_once_filled():
    request = METHODS["authorize"](
        step="pa_1", send_before_ms=1, timeout_ms=1, settings={"origin": "https://x.example"}, amount=1, currency="usd",
        card="tok_v", return_url='https://shop.example/"}{{',
    )
    order = next(ADAPTER.authorize(request))
    filled = b"".join(b"1" if isinstance(part, Slot) else part for part in order.body)
    assert json.loads(filled)["card"] == {"number": "1", "exp_month": "1", "exp_year": "1"}


async def appeared(gateway: Gateway, kind: str) -> str:
    """The id that the journal's first entry of ``kind`` names."""
    async with asyncio.timeout(5):
        while not (seen := [entry for entry in await gateway.simulator.journal() if entry["kind"] == kind]):
            await asyncio.sleep(0.05)
    return seen[0]["id"]


async def test_an_increment_and_several_captures(gateway: Gateway):
    held = await gateway.do("authorize", step="pa_1", capture=False)
    money = {"processor_reference": held.processor_reference, "currency": "usd"}
    raised = await gateway.do("increment", step="in_a", amount=2000, **money)
    assert (raised.outcome, raised.amount) == (Outcome.APPROVED, 2000)
    assert (await gateway.inquire("in_a")) == raised
    for step, amount, final in (("ca_1", 1500, False), ("ca_2", 400, False), ("ca_3", 50, True)):
        taken = await gateway.do("capture", step=step, amount=amount, final=final, **money)
        assert (taken.outcome, taken.amount) == (Outcome.APPROVED, amount)
    assert (await gateway.do("capture", step="ca_4", amount=1, **money)).decline_code == "already_captured"
    assert (await gateway.do("increment", step="in_b", amount=3000, **money)).outcome is Outcome.DECLINED


@pytest.mark.parametrize(
    ("number", "first", "last"),
    [("4000000000007726", Outcome.PENDING, Outcome.APPROVED), ("4000000000005126", Outcome.APPROVED, Outcome.DECLINED)],
)
async def test_a_refund_that_ends_later(gateway: Gateway, number: str, first: Outcome, last: Outcome):
    gateway.card["card.number"] = number
    paid = await gateway.do("authorize", step="pa_1")
    refund = await gateway.do(
        "refund", step="re_1", processor_reference=paid.processor_reference, amount=500, currency="usd"
    )
    assert refund.outcome is first
    result = await gateway.ask("inquire", "re_1", now=clock.now() + 60)
    assert result.outcome is last
    if last is Outcome.DECLINED:
        assert (result.decline_code, result.reason) == (REFUND_FAILED, "expired_or_canceled_card")


async def test_a_dispute_from_its_card_to_its_end(gateway: Gateway):
    gateway.card["card.number"] = "4000000000000259"
    await gateway.do("authorize", step="pa_1")
    dispute = await appeared(gateway, "dispute")
    found = await gateway.ask("inquire_dispute", dispute, now=clock.now())
    assert (found.reference, found.step, found.status, found.amount) == (dispute, "pa_1", "needs_response", 1099)
    answer = {"dispute": dispute, "fields": ("receipt",), "text": "winning_evidence"}
    given = await gateway.do("submit_evidence", step="ev_1", **answer)
    assert given.outcome is Outcome.APPROVED
    assert (await gateway.inquire("ev_1")) == given
    assert (await gateway.ask("inquire_dispute", dispute, now=clock.now() + 60)).status == "won"
    late = await gateway.do("accept_dispute", step="ac_1", dispute=dispute)
    assert (late.outcome, late.decline_code) == (Outcome.DECLINED, "dispute_won")
    assert await gateway.ask("inquire_dispute", "sdp_none", now=clock.now()) is None


async def test_a_warning(gateway: Gateway):
    gateway.card["card.number"] = "4000000000005423"
    await gateway.do("authorize", step="pa_1")
    warning = await appeared(gateway, "early_fraud_warning")
    found = await gateway.ask("inquire_warning", warning, now=clock.now())
    assert (found.step, found.fraud_type, found.actionable) == ("pa_1", "made_with_stolen_card", True)


async def test_a_payout_from_its_order_to_its_reversal(gateway: Gateway):
    now = clock.now()
    money: dict[str, Any] = {"amount": 700, "currency": "usd"}
    paid = await gateway.do("payout", step="po_1", arrival_date=now + 3 * 86_400, **money)
    assert (paid.outcome, paid.amount) == (Outcome.APPROVED, 700)
    assert (await gateway.inquire("po_1")) == paid
    other = await gateway.do("payout", step="po_2", arrival_date=now + 3 * 86_400, **money)
    stopped = await gateway.do("cancel_payout", step="pc_1", processor_reference=other.processor_reference)
    assert stopped.outcome is Outcome.APPROVED
    found = await gateway.ask("inquire_payout", other.processor_reference, now=now)
    assert (found.status, found.failure_code) == ("canceled", None)
    found = await gateway.ask("inquire_payout", paid.processor_reference, now=now + 4 * 86_400)
    assert found.status == "paid"
    back = await gateway.do("reverse_payout", step="pr_1", processor_reference=paid.processor_reference, **money)
    assert (back.outcome, back.amount) == (Outcome.APPROVED, 700)
    assert (await gateway.inquire("pr_1")) == back
    refused = await gateway.do("payout", step="po_3", **{**money, "amount": 4_111}, arrival_date=now)
    assert (refused.outcome, refused.decline_code) == (Outcome.DECLINED, "account_closed")


async def test_the_acquirers_view_of_risk(gateway: Gateway):
    gateway.card["card.number"] = "4000000000009235"
    assert (await gateway.do("authorize", step="pa_1")).risk_level == "elevated"


@pytest.mark.parametrize(
    ("path", "method", "fields"),
    [
        ("/increments", "increment", {"processor_reference": "{held}", "amount": 2000, "currency": "usd"}),
        ("/payouts", "payout", {"amount": 700, "currency": "usd", "arrival_date": 1_900_000_000}),
        ("/disputes/evidence", "submit_evidence", {"dispute": "sdp_1", "fields": (), "text": "x"}),
    ],
)
async def test_any_lost_answer_is_found_by_inquiry(gateway: Gateway, path: str, method: str, fields: dict[str, Any]):
    held = await gateway.do("authorize", step="pa_1", capture=False)
    fields = {name: held.processor_reference if value == "{held}" else value for name, value in fields.items()}
    await gateway.simulator.fault("reset_after", match={"path": path})
    lost = await gateway.do(method, step="x_1", **fields)
    assert lost.outcome is Outcome.UNKNOWN
    found = await gateway.inquire("x_1")
    assert found.outcome in (Outcome.APPROVED, Outcome.DECLINED) and found.processor_reference
    await gateway.simulator.fault("reset_before", match={"path": path})
    assert (await gateway.do(method, step="x_2", **fields)).outcome is Outcome.UNKNOWN
    assert (await gateway.inquire("x_2")).outcome is Outcome.NOT_FOUND


def test_a_notification_points_at_what_has_changed():
    body = b'{"id":"ntf_1","kind":"dispute","reference":"sdp_1","created":1900000000}'
    assert ADAPTER.notification({}, body) == Notice(id="ntf_1", kind="dispute", reference="sdp_1")
    for wrong in (b'"dispute"', b'"kind":"dispute"', b'"sdp_1"', b'"ntf_1"'):
        for value in (b"null", b'""', b"[]", b'"' + b"x" * 129 + b'"', b'"\\u0000"'):
            spoilt = body.replace(wrong, (b'"kind":' if b":" in wrong else b"") + value)
            assert ADAPTER.notification({}, spoilt) is None, spoilt


async def test_what_there_is_to_tell_can_be_asked_page_by_page(gateway: Gateway):
    assert await gateway.do("list_changes", step="lc_1", cursor="", limit=1) == Changes(
        notices=(), cursor="", more=False
    )
    gateway.card["card.number"] = "4000000000000259"
    for step in ("pa_1", "pa_2"):
        await gateway.do("authorize", step=step)
    first = await gateway.do("list_changes", step="lc_2", cursor="", limit=1, now=clock.now() + 60)
    assert first.more and [notice.kind for notice in first.notices] == ["dispute"]
    second = await gateway.do("list_changes", step="lc_3", cursor=first.cursor, limit=1)
    assert not second.more and second.notices != first.notices
    steps = [
        (await gateway.ask("inquire_dispute", page.notices[0].reference)).step for page in (first, second)
    ]
    assert steps == ["pa_1", "pa_2"]
    assert await gateway.do("list_changes", step="lc_4", cursor=second.cursor, limit=1) == Changes(
        notices=(), cursor=second.cursor, more=False
    )


@pytest.mark.parametrize("fault", ["reset_after", "timeout_after", "http_500", "garbage", "wrong_types", "truncated"])
async def test_an_answer_that_did_not_arrive_whole_has_told_nothing(gateway: Gateway, fault: str):
    await gateway.simulator.fault(fault, match={"path": "/changes"}, delay_ms=1_500)
    assert await gateway.do("list_changes", step="lc_1", cursor="", limit=5) is None
    gateway.simulator.stop()
    assert await gateway.do("list_changes", step="lc_2", cursor="", limit=5) is None
