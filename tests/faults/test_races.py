"""Many ask at once for what may happen only once: the processor's journal says that it happened once."""

import asyncio

from tests.faults import races
from tests.faults.merchant import Merchant, merchant_of
from tests.faults.outside import Moved, Paid, another_merchant, payments, verified
from tests.faults.recipes import DISPUTED, RETURN_URL, available, card, disputed, earned, made
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
    assert made[0].moved == [Moved(approved=True, amount=4_242, captured=4_242)]


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
    assert one.moved == [Moved(approved=True, amount=6_000, captured=6_000)]


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


async def test_payouts_never_exceed_what_is_available(running: Running) -> None:
    """A merchant of her own: nobody else's money is hers."""
    async with merchant_of(running, secret_key=await another_merchant(running)) as merchant:
        there = await earned(merchant, 1_000)
        outcomes = await races.payouts(merchant, 30)
        assert outcomes == {
            (200, "pending"): there // 30, (400, "balance_insufficient"): races.PARALLEL - there // 30
        }
        assert (await available(merchant)) == there % 30
        assert len(await merchant.all("payouts")) == there // 30


async def test_an_increment_and_a_capture_have_an_order(running: Running, merchant: Merchant) -> None:
    """Either the capture takes the raised amount, or it comes first and nothing can be raised any more."""
    option = {"payment_method_options[card][request_incremental_authorization]": "if_available"}
    intents = [
        (await made(merchant, "payment_intents", amount=5_000, currency="usd", payment_method="pm_card_visa",
                    confirm="true", capture_method="manual", return_url=RETURN_URL, **option))["id"]
        for _ in range(10)
    ]  # fmt: skip

    async def race(intent: str) -> None:
        raised, taken = await asyncio.gather(
            merchant.until_free(f"payment_intents/{intent}/increment_authorization", amount=6_000),
            merchant.until_free(f"payment_intents/{intent}/capture"),
        )
        assert taken.outcome == (200, "succeeded")
        [one] = await paid(running, intent)
        assert [moved.captured for moved in one.moved] == [6_000 if raised.status == 200 else 5_000]
        assert raised.outcome in {(200, "requires_capture"), UNEXPECTED}

    await asyncio.gather(*(race(intent) for intent in intents))


async def test_a_dispute_is_answered_once(merchant: Merchant) -> None:
    paid_with = await made(
        merchant, "payment_intents", amount=4_000, currency="usd", confirm="true", return_url=RETURN_URL,
        **card(DISPUTED),
    )
    dispute = await disputed(merchant, paid_with["id"])
    outcomes = await races.many(merchant, f"disputes/{dispute}", **{"evidence[uncategorized_text]": "a letter"})
    assert outcomes == {(200, "under_review"): 1, (400, None): races.PARALLEL - 1}
    found = await merchant.get(f"disputes/{dispute}")
    assert (found["status"], found["evidence_details"]["submission_count"]) == ("under_review", 1)


async def test_the_books_are_whole_after_all_races(running: Running) -> None:
    await verified(running)
