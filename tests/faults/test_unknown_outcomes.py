"""Every order meets every fault: what the caller is told, what stands in between, and what it becomes in the end.

All stories are lived at once, because recovery has its own pace: an answer that was lost is asked for after 15 s, and
an order that may never have arrived is final only when nothing can be under way any more. Meanwhile the processor goes
away altogether, and recovery has 60 s from its return.
"""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.faults.merchant import Merchant, Said, merchant_of
from tests.faults.outside import Paid, Simulator, payments, settled, simulator_of, verified
from tests.support.running import Running

pytestmark = pytest.mark.slow
RECOVERY_S = 60
AWAY_S = 8
NOT_SENT, NO_EFFECT, EFFECT, FINE = "certainly not sent", "lost before its effect", "lost after its effect", "answered"

FAULTS = {
    "refuse": NOT_SENT,
    "reset_before": NO_EFFECT,
    "http_500_before": NO_EFFECT,
    "timeout_before": NO_EFFECT,
    "reset_after": EFFECT,
    "timeout_after": EFFECT,
    "http_500_after": EFFECT,
    "garbage": EFFECT,
    "wrong_types": EFFECT,
    "truncated": EFFECT,
    "duplicate": FINE,
    "slow": FINE,
}
LONG_SILENCE = "beyond our own time limit"  # the same faults, with a processor that says nothing for a minute


@dataclass(frozen=True)
class Verb:
    """One order: where it goes at the processor, and how it ends for the caller, as the design's table has it."""

    path: str
    before: str | None
    """The object's status before the order; None where the order makes it."""

    unknown: str
    done: str
    without_effect: str
    told_unknown: set[str] = field(default_factory=set)
    told_done: set[str] = field(default_factory=set)
    told_without_effect: set[str] = field(default_factory=set)


VERBS = {
    "confirm": Verb(
        "/authorizations", "requires_confirmation", "processing", "succeeded", "requires_payment_method",
        {"payment_intent.processing"},
        {"payment_intent.succeeded", "charge.succeeded"},
        {"payment_intent.payment_failed", "charge.failed"},
    ),
    "capture": Verb(
        "/captures", "requires_capture", "processing", "succeeded", "requires_capture",
        {"payment_intent.processing"},
        {"payment_intent.succeeded", "charge.captured"},
        {"payment_intent.amount_capturable_updated"},
    ),
    "cancel": Verb(
        "/voids", "requires_capture", "requires_capture", "canceled", "requires_capture",
        set(), {"payment_intent.canceled"}, set(),
    ),
    "refund": Verb(
        "/refunds", None, "pending", "succeeded", "failed",
        {"refund.created"}, {"refund.created", "charge.refunded"}, {"refund.failed", "refund.updated"},
    ),
    "setup": Verb(
        "/authorizations", "requires_confirmation", "processing", "succeeded", "requires_payment_method",
        set(), {"setup_intent.succeeded"}, {"setup_intent.setup_failed"},
    ),
}  # fmt: skip

SHORT = [(verb, fault) for verb in VERBS for fault in FAULTS]
LONG = [(verb, f"{LONG_SILENCE}: {fault}") for verb in ("confirm", "capture", "refund")
        for fault in ("timeout_before", "timeout_after")]  # fmt: skip
LOST = [name for name in SHORT + LONG if FAULTS[name[1].rsplit(" ", 1)[-1]] in (NO_EFFECT, EFFECT)]
IN_DOUBT = (429, "lock_timeout")


@dataclass
class Story:
    """One order under one fault. ``subject`` is the object whose status tells."""

    verb: str
    fault: str
    amount: int
    parent: str = ""
    subject: str = ""
    said: Said | None = None
    between: str | None = None
    meanwhile: dict[str, tuple[int, str | None]] = field(default_factory=dict)
    final: dict[str, Any] = field(default_factory=dict)
    types_before: list[str] = field(default_factory=list)
    types: list[str] = field(default_factory=list)
    replayed: Said | None = None

    @property
    def kind(self) -> str:
        return FAULTS[self.order]

    @property
    def order(self) -> str:
        """The fault's name at the simulator."""
        return self.fault.rsplit(" ", 1)[-1]

    @property
    def key(self) -> str:
        return f"story-{self.amount}"

    def where(self) -> str:
        return {"refund": "refunds", "setup": "setup_intents"}.get(self.verb, "payment_intents")


async def prepare(merchant: Merchant, story: Story) -> None:
    match story.verb:
        case "confirm":
            story.subject = await merchant.intent(story.amount)
        case "capture" | "cancel":
            story.subject = await merchant.authorized(story.amount)
        case "refund":
            story.parent = await merchant.captured(story.amount)
        case "setup":
            said = await merchant.post("setup_intents", payment_method="pm_card_visa", usage="on_session")
            assert said.outcome == (200, "requires_confirmation"), said.body
            story.subject = said.json["id"]


def request(story: Story) -> tuple[str, dict[str, Any]]:
    if story.verb == "refund":
        return "refunds", {"payment_intent": story.parent, "amount": story.amount}
    return f"{story.where()}/{story.subject}/{story.verb.replace('setup', 'confirm')}", {}


async def live(merchant: Merchant, story: Story) -> None:
    """Send the order, and see what stands at once afterwards."""
    path, params = request(story)
    story.said = await merchant.post(path, key=story.key, **params)
    if story.verb == "refund" and story.said.status == 200:
        story.subject = story.said.json["id"]
    if story.subject:
        story.between = (await merchant.get(f"{story.where()}/{story.subject}"))["status"]
    if story.kind not in (NO_EFFECT, EFFECT):
        return
    if story.verb == "refund":
        again = await merchant.post("refunds", payment_intent=story.parent, amount=1)
        story.meanwhile["one more"] = again.outcome
    elif story.verb == "setup":
        story.meanwhile["confirm"] = (await merchant.post(path)).outcome
    else:
        for verb in ("confirm", "capture", "cancel"):
            said = await merchant.post(f"payment_intents/{story.subject}/{verb}")
            story.meanwhile[verb] = said.outcome


async def order_fault(simulator: Simulator, story: Story, *, delay_ms: int) -> None:
    """The fault for this story's order alone. A void carries no amount, a setup none but zero: they go one by one."""
    match: dict[str, Any] = {"path": VERBS[story.verb].path}
    if story.verb == "setup":
        match["amount"] = 0
    elif story.verb != "cancel":
        match["amount"] = story.amount
    waits = story.order in ("slow", "timeout_before", "timeout_after")
    await simulator.order(story.order, delay_ms=delay_ms if waits else None, **match)


@dataclass
class Told:
    """All stories, and how recovery went."""

    stories: dict[tuple[str, str], Story]
    recovered_after_s: float
    paid: dict[str, Paid]


async def tell(running: Running) -> Told:
    stories = {name: Story(*name, amount=10_000 + number) for number, name in enumerate(SHORT + LONG)}
    async with merchant_of(running) as merchant, simulator_of(running) as simulator:
        await asyncio.gather(*(prepare(merchant, story) for story in stories.values()))
        for story in stories.values():
            story.types_before = [one["type"] for one in await events_of(merchant, story)]
        # First of all the closed door: it resets every connection that stands.
        await simulator.go_away(seconds=1.5)
        await asyncio.gather(*(live(merchant, one) for one in stories.values() if one.fault == "refuse"))
        await asyncio.sleep(1.5)
        long = [one for one in stories.values() if one.fault.startswith(LONG_SILENCE)]
        for story in long:
            await order_fault(simulator, story, delay_ms=60_000)
        silent = [asyncio.create_task(live(merchant, story)) for story in long]
        for story in stories.values():
            if story.fault != "refuse" and story not in long:
                await order_fault(simulator, story, delay_ms=300)
                await live(merchant, story)
        await asyncio.gather(*silent)
        assert await simulator.pending() == [], "every fault met its order"
        await simulator.go_away(seconds=AWAY_S)
        await asyncio.sleep(AWAY_S)
        recovered_after_s = await settled(running, within_s=RECOVERY_S)
        for story in stories.values():
            if story.subject:
                story.final = await merchant.get(f"{story.where()}/{story.subject}")
            story.types = [one["type"] for one in await events_of(merchant, story)]
            path, params = request(story)
            story.replayed = await merchant.post(path, key=story.key, **params)
    return Told(stories, recovered_after_s, {one.id: one for one in await payments(running)})


async def events_of(merchant: Merchant, story: Story) -> list[dict[str, Any]]:
    """The events about this story's payment, oldest first."""
    ids = {story.subject, story.parent} - {""}
    about = []
    for event in await merchant.all("events"):
        thing = event["data"]["object"]
        if ids & {thing["id"], thing.get("payment_intent"), thing.get("setup_intent")}:
            about.append(event)
    return about[::-1]


@pytest.fixture(scope="module")
def told(running: Running) -> Iterator[Told]:
    began = time.monotonic()
    yield asyncio.run(tell(running))
    print(f"all stories took {time.monotonic() - began:.0f} s")


@pytest.mark.parametrize("name", SHORT + LONG, ids="-".join)
def test_the_caller_is_told_what_the_table_says(told: Told, name: tuple[str, str]) -> None:
    story, verb = told.stories[name], VERBS[name[0]]
    assert story.said is not None
    if story.kind == NOT_SENT:
        assert story.said.status == 503, story.said.body
        assert story.said.headers["stripe-should-retry"] == "true"
        assert story.between == verb.before
    else:
        expected = verb.done if story.kind == FINE else verb.unknown
        assert story.said.outcome == (200, expected), story.said.body
        assert story.between == expected


@pytest.mark.parametrize("name", LOST, ids="-".join)
def test_nothing_else_may_happen_while_the_outcome_is_open(told: Told, name: tuple[str, str]) -> None:
    meanwhile = told.stories[name].meanwhile
    if name[0] == "refund":
        assert meanwhile["one more"][0] == 400, "the whole amount is reserved for the refund in doubt"
    elif name[0] == "setup":
        assert meanwhile == {"confirm": (400, "setup_intent_unexpected_state")}
    else:
        assert set(meanwhile.values()) == {IN_DOUBT}, meanwhile


@pytest.mark.parametrize("name", LOST, ids="-".join)
def test_recovery_finds_out(told: Told, name: tuple[str, str]) -> None:
    story, verb = told.stories[name], VERBS[name[0]]
    assert story.final["status"] == (verb.done if story.kind == EFFECT else verb.without_effect)
    news = story.types[len(story.types_before) :]
    wanted = verb.told_unknown | (verb.told_done if story.kind == EFFECT else verb.told_without_effect)
    assert wanted <= set(news), news
    assert len(news) == len(set(news)), f"something was announced twice: {news}"
    assert not (verb.told_done - verb.told_unknown) & set(news) or story.kind == EFFECT


@pytest.mark.parametrize("name", [name for name in SHORT + LONG if name[0] != "setup"], ids="-".join)
def test_the_processor_and_the_books_say_the_same(told: Told, name: tuple[str, str]) -> None:
    story = told.stories[name]
    paid = told.paid[story.parent or story.subject]
    happened = story.kind in (EFFECT, FINE) or story.kind == NOT_SENT  # sent again at the end, under the same key
    standing = paid.standing
    captured = sum(one.captured for one in paid.moved)
    match story.verb:
        case "confirm" | "capture":
            assert (len(standing), captured) == ((1, story.amount) if happened else (int(story.verb == "capture"), 0))
            assert paid.said_received == captured
        case "cancel":
            assert [one.released for one in paid.moved] == [happened]
        case "refund":
            assert sum(one.refunded for one in paid.moved) == (story.amount if happened else 0) == paid.said_refunded


@pytest.mark.parametrize("name", SHORT + LONG, ids="-".join)
def test_the_key_stands_for_what_was_answered(told: Told, name: tuple[str, str]) -> None:
    """Certainly not sent gives the key back; any other answer under it is the first one, byte for byte."""
    story = told.stories[name]
    assert story.said is not None
    assert story.replayed is not None
    if story.kind == NOT_SENT:
        assert story.replayed.outcome == (200, VERBS[story.verb].done)
    else:
        assert story.replayed.body == story.said.body
        assert story.replayed.headers["idempotent-replayed"] == "true"


def test_recovery_keeps_its_time(told: Told) -> None:
    assert told.recovered_after_s < RECOVERY_S


async def test_the_books_are_whole_after_all_faults(running: Running, told: Told) -> None:
    await verified(running)
