"""A program dies while orders of every kind are out: the same key leads to the effect, which happened once."""

import asyncio
from collections.abc import Iterator

import aiohttp
import pytest

from tests.faults.merchant import Merchant, Said, merchant_of
from tests.faults.outside import doubled, payments, settled, simulator_of, verified
from tests.support.running import Running, discard, start_lockgate

pytestmark = pytest.mark.slow
SLOW_MS = 2_500
ENDS = {"confirm": "succeeded", "capture": "succeeded", "cancel": "canceled", "refund": "succeeded"}


@pytest.fixture(scope="module")
def mortal() -> Iterator[Running]:
    started = start_lockgate()
    yield started
    discard(started)


async def orders(merchant: Merchant) -> dict[str, tuple[str, dict[str, object]]]:
    """One order of each kind, ready to be sent."""
    confirm, capture = await merchant.intent(1_001), await merchant.authorized(1_002)
    cancel, refund = await merchant.authorized(1_003), await merchant.captured(1_004)
    return {
        "confirm": (f"payment_intents/{confirm}/confirm", {}),
        "capture": (f"payment_intents/{capture}/capture", {}),
        "cancel": (f"payment_intents/{cancel}/cancel", {}),
        "refund": ("refunds", {"payment_intent": refund, "amount": 4}),
    }


async def insist(merchant: Merchant, path: str, *, key: str, **params: object) -> Said:
    """Ask under one key until there is a lasting answer."""
    async with asyncio.timeout(60):
        while True:
            try:
                said = await merchant.until_free(path, key=key, **params)
                if said.status < 500:
                    return said
            except (aiohttp.ClientError, TimeoutError):
                pass
            await asyncio.sleep(0.3)


@pytest.mark.parametrize("victim", ["gateway", "vault"])
async def test_the_order_was_out_when_it_died(mortal: Running, victim: str) -> None:
    async with merchant_of(mortal) as merchant, simulator_of(mortal) as simulator:
        asked = await orders(merchant)
        await simulator.order("slow", times=len(asked), delay_ms=SLOW_MS)
        waiting = {
            verb: asyncio.create_task(insist(merchant, path, key=f"{victim}-{verb}", **params))
            for verb, (path, params) in asked.items()
        }
        async with asyncio.timeout(SLOW_MS / 1000):
            while await simulator.pending():  # until the processor has all of them
                await asyncio.sleep(0.05)
        old = mortal.kill(victim)
        await asyncio.to_thread(mortal.wait_restarted, victim, old)
        said = {verb: await task for verb, task in waiting.items()}
        assert {verb: one.status for verb, one in said.items()} == dict.fromkeys(asked, 200)
        await settled(mortal, within_s=60)
        for verb, one in said.items():
            where = "refunds" if verb == "refund" else "payment_intents"
            assert (await merchant.get(f"{where}/{one.json['id']}"))["status"] == ENDS[verb]
    assert doubled(await payments(mortal)) == []
    await verified(mortal)
