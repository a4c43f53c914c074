"""The races themselves, apart from what is required of them: the self-tests run them against broken copies too."""

import asyncio
from collections import Counter

from lockgate.kernel.ids import new_id
from tests.faults.merchant import Merchant, Said

CREATES = 30
PARALLEL = 50


async def same_key_creates(merchant: Merchant, amount: int) -> list[Said]:
    """Many creates at once under one key, each asked again while another is at work."""
    key = new_id("k")
    return await asyncio.gather(
        *(
            merchant.until_free(
                "payment_intents", key=key, amount=amount, currency="usd", payment_method="pm_card_visa", confirm="true"
            )
            for _ in range(CREATES)
        )
    )


async def refunds(merchant: Merchant, intent: str, amount: int) -> Counter[tuple[int, str | None]]:
    """Many refunds of one payment at once, each under a key of its own."""
    said = await asyncio.gather(
        *(merchant.until_free("refunds", payment_intent=intent, amount=amount) for _ in range(PARALLEL))
    )
    return Counter(one.outcome for one in said)


async def payouts(merchant: Merchant, amount: int) -> Counter[tuple[int, str | None]]:
    """Many payouts at once, each under a key of its own."""
    said = await asyncio.gather(
        *(merchant.until_free("payouts", amount=amount, currency="usd") for _ in range(PARALLEL))
    )
    return Counter(one.outcome for one in said)


async def many(merchant: Merchant, path: str, **params: str) -> Counter[tuple[int, str | None]]:
    """The same request many times at once, each under a key of its own."""
    said = await asyncio.gather(*(merchant.until_free(path, **params) for _ in range(PARALLEL)))
    return Counter(one.outcome for one in said)
