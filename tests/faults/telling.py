"""Lives every story of the table at once, lets recovery do its work, and collects what became of each."""

import asyncio
import json
import random
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tests.faults.merchant import Merchant
from tests.faults.outside import Simulator, journal, settled, simulator_of, superuser
from tests.faults.recipes import RECIPES, earned
from tests.faults.stories import Story
from tests.support.running import Running

RECOVERY_S = 60
AWAY_S = 8
DAY_S = 86_400
AT_ONCE = 12
DELAY_MS = 300
SILENCE_MS = 60_000


@dataclass
class Told:
    """``events`` are all since the stories began, per story and object in order; ``effects`` the journal's."""

    stories: dict[tuple[str, str], Story]
    recovered_after_s: float
    events: dict[tuple[str, str], dict[str, tuple[str, ...]]]
    books: dict[tuple[str, str], tuple[str, ...]]
    effects: dict[tuple[str, str], int]


@dataclass
class Merchants:
    """Three merchants: the one whose clock stands still, and two whose clocks are moved for all their stories."""

    shop: Merchant
    late: Merchant
    bank: Merchant

    def of(self, name: str) -> Merchant:
        return {"expire": self.late, "reverse a payout": self.bank}.get(name, self.shop)

    def all(self) -> tuple[Merchant, ...]:
        return self.shop, self.late, self.bank


async def tell(running: Running, merchants: Merchants, stories: dict[tuple[str, str], Story]) -> Told:
    """Live them all."""
    every = list(stories.values())
    async with simulator_of(running) as simulator:
        await prepare(merchants, every)
        await learn_references(running, every)
        baseline = {id(one): (await one.get("events", limit=1))["data"][0]["id"] for one in merchants.all()}
        before = {row["id"] for row in await movements(running)}
        # What is told here is told by nobody else: recovery alone finds out.
        await simulator.order("drop_notification", times=1_000_000)
        # First of all the closed door: it resets every connection that stands.
        refused = [one for one in every if one.fault == "refuse"]
        await simulator.go_away(seconds=5)
        await asyncio.gather(expire(merchants.late, [one for one in refused if one.by_clock]), *(
            one.live() for one in refused if not one.by_clock
        ))  # fmt: skip
        await asyncio.sleep(5)
        rest = [one for one in every if one.fault != "refuse"]
        await prepare_expiry(running, rest)
        baseline[id(merchants.late)] = (await merchants.late.get("events", limit=1))["data"][0]["id"]
        await live(simulator, merchants, rest)
        await simulator.go_away(seconds=AWAY_S)
        await asyncio.sleep(AWAY_S)
        recovered_after_s = await settled(running, within_s=RECOVERY_S)
        await asyncio.gather(*(finish(story) for story in every))
        await expire(merchants.late, [one for one in every if one.by_clock], seconds=2 * 3600)
        told = defaultdict(list)
        for merchant in merchants.all():
            newer = [event for event in await merchant.all("events") if event["id"] > baseline[id(merchant)]]
            for event in reversed(newer):
                told[id(merchant)].append(event)
        moved = [row for row in await movements(running) if row["id"] not in before]
        happened = await effects(running, every)
        await simulator.clear()
    return Told(
        stories,
        recovered_after_s,
        {(one.name, one.fault): events_of(one, told[id(one.merchant)]) for one in every},
        {(one.name, one.fault): books_of(one, moved) for one in every},
        {(one.name, one.fault): happened[one.key] for one in every},
    )


async def prepare(merchants: Merchants, stories: Iterable[Story]) -> None:
    """Bring every story to the moment of its order, but those that wait for the clock to have been moved."""
    await asyncio.gather(earned(merchants.shop, 9_000_000), earned(merchants.bank, 9_000_000))
    ready = [one for one in stories if not one.by_clock or one.fault == "refuse"]
    await each(ready, lambda story: RECIPES[story.name](story))
    parents = [one.parent for one in ready if one.merchant is merchants.bank]
    await merchants.bank.until_free("test_helpers/clock/advance", seconds=7 * DAY_S)
    async with asyncio.timeout(60):
        for parent in parents:
            while (await merchants.bank.get(f"payouts/{parent}"))["status"] != "paid":
                await asyncio.sleep(0.5)


async def prepare_expiry(running: Running, stories: Iterable[Story]) -> None:
    late = [one for one in stories if one.by_clock]
    await each(late, lambda story: RECIPES[story.name](story))
    await learn_references(running, late)


async def live(simulator: Simulator, merchants: Merchants, stories: list[Story]) -> None:
    """Order every fault, then let every order meet its own."""
    long = [one for one in stories if one.fault != one.order]
    late = [one for one in stories if one.by_clock]
    lanes = [one for one in stories if one.lane]
    free = [one for one in stories if one not in long and one not in late and one not in lanes]
    faults = [one.fault_order(SILENCE_MS if one in long else DELAY_MS) for one in (*long, *late, *free)]
    await simulator.order_all(faults)
    silent = [asyncio.create_task(one.live()) for one in long]
    random.Random(3).shuffle(free)
    await asyncio.gather(
        in_turn(simulator, lanes), each(free, lambda story: story.live()), expire(merchants.late, late)
    )
    await asyncio.gather(*silent)
    left = [one for one in await simulator.pending() if one["fault"] != "drop_notification"]
    assert left == [], "every fault met its order"


async def in_turn(simulator: Simulator, stories: Iterable[Story]) -> None:
    for story in stories:
        await simulator.order_all([story.fault_order(DELAY_MS)])
        await story.live()


async def each(stories: Iterable[Story], what: Any) -> None:
    """Some at a time."""
    room = asyncio.Semaphore(AT_ONCE)

    async def one(story: Story) -> None:
        async with room:
            await what(story)

    await asyncio.gather(*(one(story) for story in stories))


async def expire(late: Merchant, stories: list[Story], *, seconds: int = 7 * DAY_S + 60) -> None:
    """Move the clock past what was held, and see what that made of it."""
    said = await late.until_free("test_helpers/clock/advance", seconds=seconds)
    assert said.status == 200, said.body
    for story in stories:
        if story.final is None:
            await story.look()
        else:
            story.later = await story.state()


async def finish(story: Story) -> None:
    """What it has become, and the answer to the same request under the same key."""
    story.final = await story.state()
    await story.ask_again()


async def learn_references(running: Running, stories: Iterable[Story]) -> None:
    """What the processor calls the things that orders will be about."""
    connection = await superuser(running)
    try:
        rows = await connection.fetch(
            "select intent as id, processor_reference as name from attempt"
            " where action in ('authorize', 'verify') and processor_reference is not null"
            " union all select id, processor_reference from payout"
            " union all select id, processor_reference from dispute"
        )
    finally:
        await connection.close()
    names = {row["id"]: row["name"] for row in rows}
    for story in stories:
        story.about = names.get(story.subject) or names.get(story.parent) or ""


async def movements(running: Running) -> list[Any]:
    connection = await superuser(running)
    try:
        return await connection.fetch("select id, type, source, net from balance_transaction order by id")
    finally:
        await connection.close()


async def effects(running: Running, stories: Iterable[Story]) -> dict[str, int]:
    """How often the processor did what each story ordered."""
    connection = await superuser(running)
    try:
        rows = await connection.fetch("select id, action, intent, data::text as data from attempt")
    finally:
        await connection.close()
    done = defaultdict(set)
    for entry in journal(running):
        if entry["status"] in ("approved", "reversed") or entry["kind"] in ("evidence", "acceptance"):
            done[entry.get("completion") or entry["reference"]].add((entry["kind"], entry["seq"]))
    found: dict[str, int] = {}
    for story in stories:
        own = [
            row["id"] for row in rows
            if row["action"] == story.row.action and (
                (json.loads(row["data"]).get("claim") or [None])[0] == story.key
                or ((story.visit or story.by_clock) and row["intent"] == story.subject)
            )
        ]  # fmt: skip
        found[story.key] = sum(kind == story.row.effect for id_ in own for kind, _ in done[id_])
    return found


def books_of(story: Story, moved: Iterable[Any]) -> tuple[str, ...]:
    ids = {story.subject, *([story.charge] if story.charge else [])}
    return tuple(row["type"] for row in moved if row["source"] in ids)


def events_of(story: Story, events: Iterable[dict[str, Any]]) -> dict[str, tuple[str, ...]]:
    """The events about this story's objects, per object."""
    ids = {story.subject, story.parent, story.method} - {""}
    told = defaultdict(list)
    for event in events:
        thing = event["data"]["object"]
        if event["type"] == "payout.updated" and "status" in event["data"].get("previous_attributes", {}):
            continue  # it has left: the bank's affair, and no order's
        about = {thing.get("id"), thing.get("payment_intent"), thing.get("customer")}
        if thing["object"] == "charge":
            about |= {thing["id"]}
        if ids & about:
            kind = "original" if thing["object"] == "payout" and thing["id"] == story.parent else thing["object"]
            told[kind].append(event["type"])
    return {kind: tuple(types) for kind, types in told.items()}
