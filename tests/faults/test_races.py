"""Many ask at once for what may happen only once: the processor's journal says that it happened once."""

import asyncio

from tests.faults import races
from tests.faults.merchant import Merchant
from tests.faults.outside import Moved, Paid, payments, verified
from tests.support.running import Running

UNEXPECTED = (400, "payment_intent_unexpected_state")


async def paid(running: Running, *intents: str) -> list[Paid]:
    return [one for one in await payments(running) if one.id in intents]


async def test_one_key_makes_one_payment(running: Running, merchant: Merchant) -> None:
    before = {one.id for one in await payments(running)}
    said = await races.same_key_creates(merchant, 4_242)
    assert {one.outcome for one in said} == {(200, "succeeded")}
    assert len({one.body for one in said}) == 1, "every answer under one key is the same, byte for byte"
    replayed = [one for one in said if one.headers.get("idempotent-replayed") == "true"]
    assert len(replayed) == races.CREATES - 1
    made = [one for one in await payments(running) if one.id not in before]
    assert [one.id for one in made] == [said[0].json["id"]]
    assert made[0].moved == [Moved(approved=True, captured=4_242)]


async def test_refunds_never_exceed_what_was_captured(running: Running, merchant: Merchant) -> None:
    intent = await merchant.captured(1_000)
    outcomes = await races.refunds(merchant, intent, 30)
    assert outcomes[200, "succeeded"] == 33, outcomes
    refused = {outcome for outcome in outcomes if outcome[0] != 200}
    assert all(status == 400 for status, _ in refused), outcomes
    [one] = await paid(running, intent)
    assert [moved.refunded for moved in one.moved] == [990]
    assert one.said_refunded == 990


async def test_one_capture_wins(running: Running, merchant: Merchant) -> None:
    intent = await merchant.authorized(5_000)
    outcomes = await races.many(merchant, f"payment_intents/{intent}/capture", amount_to_capture="100")
    assert outcomes == {(200, "succeeded"): 1, UNEXPECTED: races.PARALLEL - 1}
    [one] = await paid(running, intent)
    assert [moved.captured for moved in one.moved] == [100]


async def test_one_confirmation_wins(running: Running, merchant: Merchant) -> None:
    intent = await merchant.intent(6_000)
    outcomes = await races.many(merchant, f"payment_intents/{intent}/confirm")
    assert outcomes == {(200, "succeeded"): 1, UNEXPECTED: races.PARALLEL - 1}
    [one] = await paid(running, intent)
    assert one.moved == [Moved(approved=True, captured=6_000)]


async def test_capture_and_cancel_have_one_winner(running: Running, merchant: Merchant) -> None:
    intents = await asyncio.gather(*(merchant.authorized(7_000 + number) for number in range(20)))

    async def race(intent: str) -> tuple[str, str]:
        paths = [f"payment_intents/{intent}/{verb}" for verb in ("capture", "cancel")]
        said = await asyncio.gather(*(merchant.until_free(path) for path in paths))
        won = [one.json["status"] for one in said if one.status == 200]
        assert len(won) == 1, [one.outcome for one in said]
        assert [one.outcome for one in said if one.status != 200] == [UNEXPECTED]
        return intent, won[0]

    for intent, status in await asyncio.gather(*(race(intent) for intent in intents)):
        assert (await merchant.get(f"payment_intents/{intent}"))["status"] == status
        [one] = await paid(running, intent)
        [moved] = one.moved
        assert (moved.captured > 0, moved.released) == (status == "succeeded", status == "canceled")


async def test_the_books_are_whole_after_all_races(running: Running) -> None:
    await verified(running)
