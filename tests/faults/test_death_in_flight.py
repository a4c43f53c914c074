"""A program dies while orders of every kind are out: the same key leads to the effect, which happened once."""

import asyncio
from collections.abc import Iterator

import aiohttp
import pytest

from tests.faults.merchant import Merchant, Said, merchant_of
from tests.faults.outside import doubled, payments, settled, simulator_of, verified
from tests.faults.recipes import DISPUTED, RETURN_URL, card, disputed, earned, made
from tests.faults.stories import READ
from tests.faults.truth import ON_ITS_WAY, RAISED, state
from tests.support.running import Running, discard, start_lockgate

pytestmark = pytest.mark.slow
SLOW_MS = 2_500
ORDERS = ["/authorizations", "/authorizations", "/captures", "/voids", "/refunds", "/increments", "/payouts",
          "/disputes/evidence"]  # fmt: skip
ENDS = {
    "confirm": "succeeded", "capture": "succeeded", "cancel": "canceled", "refund": "succeeded",
    "increment": "requires_capture, raised", "charge": "captured", "pay out": ON_ITS_WAY, "evidence": "under_review",
}  # fmt: skip


@pytest.fixture(scope="module")
def mortal() -> Iterator[Running]:
    started = start_lockgate()
    yield started
    discard(started)


async def orders(merchant: Merchant) -> dict[str, tuple[str, dict[str, object]]]:
    """One order of each kind, ready to be sent."""
    confirm, capture = await merchant.intent(1_001), await merchant.authorized(1_002)
    cancel, refund = await merchant.authorized(1_003), await merchant.captured(1_004)
    raisable = {"payment_method_options[card][request_incremental_authorization]": "if_available"}
    increment = await made(
        merchant, "payment_intents", amount=1_005, currency="usd", payment_method="pm_card_visa", confirm="true",
        capture_method="manual", return_url=RETURN_URL, **raisable,
    )
    argued = await made(
        merchant, "payment_intents", amount=1_006, currency="usd", confirm="true", return_url=RETURN_URL,
        **card(DISPUTED),
    )
    dispute = await disputed(merchant, argued["id"])
    await earned(merchant, 10_000)
    return {
        "increment": (
            f"payment_intents/{increment['id']}/increment_authorization", {"amount": 2_005, "description": RAISED}
        ),
        "charge": ("charges", {"amount": 1_007, "currency": "usd", "source": "tok_visa"}),
        "pay out": ("payouts", {"amount": 1_008, "currency": "usd"}),
        "evidence": (f"disputes/{dispute}", {"evidence[uncategorized_text]": "a letter"}),
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
        for path in ORDERS:
            await simulator.order("slow", delay_ms=SLOW_MS, path=path)
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
            where = READ[one.json["object"]]
            assert state(await merchant.get(f"{where}/{one.json['id']}")) == ENDS[verb]
    assert doubled(await payments(mortal)) == []
    await verified(mortal)
