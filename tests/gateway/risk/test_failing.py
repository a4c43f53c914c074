"""When the engine fails or is late: the payment is held for a person, never let through, and somebody is told."""

import asyncio
import json
import time
from dataclasses import replace
from types import SimpleNamespace

import pytest

from lockgate.gateway.risk import assess
from tests.gateway.risk.judging import CARD, open_bench


@pytest.fixture
async def bench(database):
    async with open_bench(database) as opened:
        yield opened


class Broken:
    """Stands in for any source, and fails whatever it is asked."""

    def __getattr__(self, name):
        raise RuntimeError("a secret: 4242")


class Slow:
    """Answers too late."""

    async def now(self):
        await asyncio.sleep(30)


def broken(bench, **sources):
    return bench.with_(sources=replace(bench.engine.sources, **sources))


@pytest.mark.parametrize("source", ["settings", "active", "tables", "places", "lists", "box", "pool"])
@pytest.mark.parametrize("livemode", [True, False])
async def test_whatever_fails_the_payment_is_reviewed_and_the_fault_on_record(bench, source, livemode):
    made = await broken(bench, **{source: Broken()}).judge(address="203.0.113.7", livemode=livemode)
    assert (made.verdict, made.rule) == ("review", "builtin.degraded")
    [audit] = made.audits
    assert (audit.action, audit.outcome, audit.account) == ("risk.degraded", "failed", made.event.account)
    [fault] = json.loads(made.decision.data)["faults"]
    assert fault.endswith(":RuntimeError")
    assert "4242" not in made.decision.data + audit.detail
    await bench.write(made)  # and all of it can be written
    assert await bench.pool.fetchval("select count(*) from audit where action = 'risk.degraded'") == 1


@pytest.mark.parametrize("source", ["settings", "active", "tables", "places", "lists", "pool"])
async def test_a_payment_that_could_not_be_judged_counts_all_the_same(bench, source):
    """It is held, and may be taken: the next one must not find the limit untouched."""
    held = await broken(bench, **{source: Broken()}).judge(amount=400_000, currency="usd", address="203.0.113.7")
    await bench.write(held)
    event = held.event
    assert all((event.card, event.ip, event.bin)) and event.amount == (0 if source == "tables" else 400_000)
    following = await bench.pay(amount=150_000)
    assert following.verdict == ("allow" if source == "tables" else "review")


async def test_a_score_that_fails_is_no_verdict(bench):
    async def fails(account, livemode, attributes):
        raise ValueError("no model")

    made = await bench.with_(scores=fails).judge()
    assert (made.verdict, json.loads(made.decision.data)["faults"]) == ("review", ["score:ValueError"])


async def test_late_is_as_bad_as_failing(bench):
    made = await broken(bench.with_(deadline_s=0.05), tables=Slow()).judge()
    assert (made.verdict, json.loads(made.decision.data)["faults"]) == ("review", ["late:tables"])


async def test_a_score_that_does_not_come_is_not_waited_for(bench):
    async def sleeps(account, livemode, attributes):
        await asyncio.sleep(30)

    made = await asyncio.wait_for(bench.with_(scores=sleeps, deadline_s=0.3).judge(), 10)
    assert (made.verdict, json.loads(made.decision.data)["faults"]) == ("review", ["late:score"])


async def test_what_was_known_before_it_failed_still_blocks(bench):
    """A card on a blocked list stays blocked when only the score fails."""

    async def fails(account, livemode, attributes):
        raise ValueError("no model")

    for _ in range(4):
        await bench.pay(outcome="declined")
    assert (await bench.with_(scores=fails).judge()).verdict == "block"


async def test_an_answer_that_is_here_already_is_not_late_because_the_process_was_busy():
    """The loop stood still for longer than the deadline; the answer was there when it went on."""
    answered = asyncio.get_running_loop().create_future()

    async def work():
        await answered

    def stand_still():
        time.sleep(0.05)
        answered.set_result(None)

    asyncio.get_running_loop().call_later(0.001, stand_still)
    await assess._within(work(), 0.01)


async def test_work_that_never_ends_is_ended():
    ended = asyncio.Event()

    async def work():
        try:
            await asyncio.sleep(30)
        finally:
            ended.set()

    with pytest.raises(TimeoutError):
        await assess._within(work(), 0.01)
    await asyncio.wait_for(ended.wait(), 5)


async def test_a_currency_without_a_rate_is_reviewed(bench):
    known = await bench.engine.sources.tables.now()
    rates = SimpleNamespace(to_usd_cents=lambda amount, currency: None)

    async def now():
        return replace(known, rates=rates)

    made = await broken(bench, tables=SimpleNamespace(now=now)).judge()
    assert (made.verdict, made.rule) == ("review", "builtin.amount_unknown")


async def test_one_that_was_overtaken_too_often_is_reviewed_without_guards(bench):
    made = await bench.judge(stricter="review", card=CARD)
    assert (made.verdict, made.rule, list(made.guards)) == ("review", "builtin.overtaken", [])
