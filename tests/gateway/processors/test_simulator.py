"""The simulator's adapter against the real simulator: an inquiry tells what any lost answer would have said."""

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
    REVERSED,
    Answered,
    Lost,
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
from tests.gateway.processors.driving import METHODS
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

    async def do(self, method: str, **fields: Any) -> Result:
        if method == "authorize":
            usual = {"amount": 1099, "currency": "usd", "card": "tok_v", "return_url": "https://shop.example/b"}
            fields = usual | fields
        common = {"send_before_ms": 1_900_000_000_000, "timeout_ms": 1_000, "settings": self.settings}
        steps = getattr(ADAPTER, method)(METHODS[method](**common, **fields))
        order = next(steps)
        while True:
            try:
                order = steps.send(await self._send(order))
            except StopIteration as end:
                return end.value

    async def inquire(self, reference: str) -> Result:
        self._inquiries += 1
        return await self.do("inquire", step=f"in_{self._inquiries}", reference=reference)

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
        asked.redirect_url, data={"result": result}, allow_redirects=False
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
