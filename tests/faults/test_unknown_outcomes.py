"""Every order meets every fault: what the caller is told, what stands in between, and what it becomes in the end.

Generated from the table of truth. All stories are lived at once, because recovery has its own pace: an answer that was
lost is asked for after 15 s, and an order that may never have arrived is final only when nothing can be under way any
more. Meanwhile the processor goes away altogether, and recovery has 60 s from its return.
"""

import asyncio
import time
from collections.abc import Iterator

import pytest

from tests.faults.merchant import merchant_of
from tests.faults.outside import another_merchant, verified
from tests.faults.stories import LONG_SILENCE, Story
from tests.faults.telling import RECOVERY_S, Merchants, Told, tell
from tests.faults.truth import EFFECT, FAULTS, FINE, LOST, NOT_SENT
from tests.faults.truth_table import TABLE
from tests.support.running import Running

pytestmark = [pytest.mark.slow, pytest.mark.timeout(420)]

STORIES = [(name, fault) for name in TABLE for fault in FAULTS] + [
    (name, f"{LONG_SILENCE}: {fault}")
    for name in ("confirm", "capture", "refund", "pay out")
    for fault in ("timeout_before", "timeout_after")
]
IN_DOUBT = [name for name in STORIES if FAULTS[name[1].rsplit(" ", 1)[-1]] in LOST]
ASKED = [name for name in STORIES if TABLE[name[0]].operation]


async def lived(running: Running) -> Told:
    keys = await asyncio.gather(another_merchant(running), another_merchant(running))
    async with (
        merchant_of(running) as shop,
        merchant_of(running, secret_key=keys[0]) as late,
        merchant_of(running, secret_key=keys[1]) as bank,
    ):
        merchants = Merchants(shop, late, bank)
        stories = {
            name: Story(*name, amount=11_000 + number, merchant=merchants.of(name[0]))
            for number, name in enumerate(STORIES)
        }
        return await tell(running, merchants, stories)


@pytest.fixture(scope="module")
def told(running: Running) -> Iterator[Told]:
    began = time.monotonic()
    yield asyncio.run(lived(running))
    print(f"all stories took {time.monotonic() - began:.0f} s")


@pytest.mark.parametrize("name", STORIES, ids="-".join)
def test_the_caller_is_told_what_the_table_says(told: Told, name: tuple[str, str]) -> None:
    story, row = told.stories[name], TABLE[name[0]]
    assert story.between == row.between(story.kind)
    if story.by_clock:
        return
    assert story.told == row.answer(story.kind), story.said
    if story.kind == NOT_SENT and story.said is not None:
        assert story.said.headers["stripe-should-retry"] == "true"


@pytest.mark.parametrize("name", IN_DOUBT, ids="-".join)
def test_nothing_else_may_happen_while_the_outcome_is_open(told: Told, name: tuple[str, str]) -> None:
    assert told.stories[name].meanwhile == TABLE[name[0]].meanwhile


@pytest.mark.parametrize("name", STORIES, ids="-".join)
def test_recovery_finds_out(told: Told, name: tuple[str, str]) -> None:
    story, row = told.stories[name], TABLE[name[0]]
    tried_again = story.by_clock and story.kind == NOT_SENT  # when the clock was moved for the others
    assert story.final == (row.done if tried_again else row.final(story.kind))
    assert story.later == (row.done if story.by_clock else None)


@pytest.mark.parametrize("name", STORIES, ids="-".join)
def test_events_tell_it_once_and_in_order(told: Told, name: tuple[str, str]) -> None:
    story, row = told.stories[name], TABLE[name[0]]
    assert told.events[name] == row.events(story.kind)


@pytest.mark.parametrize("name", STORIES, ids="-".join)
def test_the_processor_and_the_books_say_the_same(told: Told, name: tuple[str, str]) -> None:
    story, row = told.stories[name], TABLE[name[0]]
    assert told.books[name] == row.books(story.kind)
    if row.action is not None:
        # What was not sent is sent again at the end.
        assert told.effects[name] == int(story.kind in (EFFECT, FINE, NOT_SENT) or story.by_clock)


@pytest.mark.parametrize("name", ASKED, ids="-".join)
def test_the_key_stands_for_what_was_answered(told: Told, name: tuple[str, str]) -> None:
    """Certainly not sent gives the key back; any other answer under it is the first one, byte for byte."""
    story, row = told.stories[name], TABLE[name[0]]
    assert story.said is not None
    assert story.replayed is not None
    if story.kind == NOT_SENT or (row.action is None and story.kind != FINE):
        assert story.again() == row.answer(FINE)
    else:
        assert story.replayed.body == story.said.body
        assert story.replayed.headers["idempotent-replayed"] == "true"


def test_recovery_keeps_its_time(told: Told) -> None:
    assert told.recovered_after_s < RECOVERY_S


async def test_the_books_are_whole_after_all_faults(running: Running, told: Told) -> None:
    await verified(running)
